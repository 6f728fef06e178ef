//! The letters' templates: one text and one HTML form each, with automatic escaping in HTML.

use domain::event::Letter;
use domain::fault::{Fault, Retry};
use domain::order::Order;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use serde::Serialize;

/// A letter, written.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Its subject.
    pub subject: String,
    /// For those who read HTML.
    pub html: String,
    /// For all others.
    pub text: String,
}

/// Its content is personal.
impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rendered(…)")
    }
}

/// What a letter is written from.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What it says.
    pub letter: &'a Letter,
    /// Where the shop's pages are, without a slash at the end.
    pub shop_url: &'a str,
    /// The order it is about.
    pub order: Option<&'a Order>,
    /// Links to the order's digital goods: name and address.
    pub downloads: Vec<Link>,
}

/// A link in a letter.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    /// What is behind it.
    pub title: String,
    /// Where it leads.
    pub url: String,
}

/// The templates, compiled once.
#[derive(Debug, Default)]
pub struct Templates(Environment<'static>);

#[derive(Serialize)]
struct OrderFacts {
    number: String,
    lines: Vec<LineFacts>,
    subtotal: String,
    shipping: Option<String>,
    tax: String,
    total: String,
    refunded: String,
    is_tax_included: bool,
    address: Option<Vec<String>>,
    shipping_name: Option<String>,
}

#[derive(Serialize)]
struct LineFacts {
    title: String,
    variant: String,
    quantity: u32,
    total: String,
}

macro_rules! templates {
    ($($name:literal),*) => {
        [$(
            (concat!($name, ".subject"), include_str!(concat!("../templates/", $name, ".subject"))),
            (concat!($name, ".html"), include_str!(concat!("../templates/", $name, ".html"))),
            (concat!($name, ".txt"), include_str!(concat!("../templates/", $name, ".txt"))),
        )*]
    };
}

impl Templates {
    /// The built-in templates. One that does not compile is a bug that a test finds.
    pub fn built_in() -> Result<Self, Fault> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| match name.rsplit_once('.') {
            Some((_, "html")) => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        environment
            .add_template("frame.html", include_str!("../templates/frame.html"))
            .map_err(broken)?;
        for (name, source) in templates![
            "verify_email",
            "already_registered",
            "order_confirmation",
            "late_payment_refunded"
        ] {
            environment.add_template(name, source).map_err(broken)?;
        }
        Ok(Self(environment))
    }

    /// Writes a letter.
    pub fn render(&self, facts: &Facts<'_>) -> Result<Rendered, Fault> {
        let token = match facts.letter {
            Letter::VerifyEmail { token } => Some(token),
            Letter::AlreadyRegistered
            | Letter::OrderConfirmation { .. }
            | Letter::LatePaymentRefunded { .. } => None,
        };
        let context = context! {
            shop_url => facts.shop_url,
            token => token,
            order => Value::from(Serde(facts.order.map(OrderFacts::of))),
            downloads => Value::from(Serde(&facts.downloads)),
        };
        let name = facts.letter.template();
        let write = |form: &str| {
            let template = self.0.get_template(&format!("{name}.{form}")).map_err(broken)?;
            template.render(&context).map_err(broken)
        };
        let subject = write("subject")?.trim().to_owned();
        Ok(Rendered { subject, html: write("html")?, text: write("txt")? })
    }
}

impl OrderFacts {
    fn of(order: &Order) -> Self {
        let lines = order
            .lines
            .iter()
            .map(|line| LineFacts {
                title: line.title.clone(),
                variant: line.variant_title.clone(),
                quantity: line.quantity,
                total: line.total.to_string(),
            })
            .collect();
        let address = order.shipping_address.as_ref().map(|to| {
            let mut lines = vec![to.name.as_str().to_owned(), to.line1.clone()];
            lines.extend(to.line2.clone());
            lines.push(format!("{} {}", to.postal_code, to.city).trim().to_owned());
            lines.extend(to.region.clone());
            lines.push(to.country.code().to_owned());
            lines
        });
        Self {
            number: order.number.clone(),
            lines,
            subtotal: order.totals.subtotal.to_string(),
            shipping: order.shipping.as_ref().map(|_| order.totals.shipping.to_string()),
            tax: order.totals.tax.to_string(),
            total: order.totals.total.to_string(),
            refunded: order.captured.to_string(),
            is_tax_included: order.price_mode == domain::tax::PriceMode::Inclusive,
            address,
            shipping_name: order.shipping.as_ref().map(|option| option.name.clone()),
        }
    }
}

/// The engine's message names template and line; values do not stand in it.
#[allow(clippy::needless_pass_by_value, reason = "it stands where map_err hands over")]
fn broken(error: minijinja::Error) -> Fault {
    Fault::noticed(
        format!(
            "write a letter: {:?} in {} line {}",
            error.kind(),
            error.name().unwrap_or("?"),
            error.line().unwrap_or(0)
        ),
        Retry::Useless,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_templates_compile() {
        Templates::built_in().unwrap();
    }

    #[test]
    fn a_link_is_escaped_and_carries_its_token() {
        let letter = Letter::VerifyEmail { token: "a\"b<c>".into() };
        let facts = Facts {
            letter: &letter,
            shop_url: "https://shop.example",
            order: None,
            downloads: vec![],
        };
        let rendered = Templates::built_in().unwrap().render(&facts).unwrap();
        assert!(!rendered.html.contains("a\"b<c>"));
        assert!(rendered.text.contains("https://shop.example/verify#token=a\"b<c>"));
    }
}
