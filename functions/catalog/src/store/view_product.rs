//! `GET /v1/store/products/{id_or_slug}`: one query, with an ETag. A name that it
//! had before leads to the one that it has.

use api::form::{Text, currency, locale};
use api::reply::{Cache, OrMoved};
use api::view::product::ProductView;
use api::{Anyone, Cached, Fields, Form, Path, Problem, Query, Reply};
use domain::catalog::{Locale, Product, Slug, Status};
use domain::currency::Currency;
use domain::id::ProductId;
use runtime::Call;
use store::catalog::BySlug;

use crate::App;

/// Which product.
#[derive(Debug)]
pub struct Which {
    id_or_slug: String,
}

impl Form for Which {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id_or_slug = fields.required("id_or_slug", Text::between(1, 100));
        Some(Self { id_or_slug: id_or_slug? })
    }
}

/// In which currency.
#[derive(Debug)]
pub struct How {
    currency: Option<Currency>,
    locale: Option<Locale>,
}

impl Form for How {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let currency = fields.optional("currency", currency());
        let locale = fields.optional("locale", locale());
        Some(Self { currency: currency?, locale: locale? })
    }
}

/// Shows one product, or where it went.
pub async fn handle(
    app: &App,
    call: Call<Anyone, (Path<Which>, Query<How>)>,
) -> Reply<OrMoved<Cached<ProductView>>> {
    let (Path(which), Query(how)) = call.input;
    let found = if let Ok(id) = ProductId::parse(&which.id_or_slug) {
        app.store.product(id).await?
    } else if let Some(slug) = Slug::parse(&which.id_or_slug) {
        match app.store.product_by_slug(&slug).await? {
            Some(BySlug::Is(product)) => Some(*product),
            Some(BySlug::Was(id)) => {
                let product = sold(app.store.product(id).await?)?;
                let slug = product.slug;
                return Ok(OrMoved::Moved(format!("/v1/store/products/{slug}")));
            }
            None => None,
        }
    } else {
        None
    };
    let product = sold(found)?;
    let currency = how.currency.unwrap_or(app.currency);
    let view = ProductView::of(product, currency, how.locale.as_ref(), call.now);
    Ok(OrMoved::Is(Cached(view.ok_or_else(Problem::not_found)?, Cache::Public)))
}

/// What is not in the store is not there.
fn sold(product: Option<Product>) -> Reply<Product> {
    product.filter(|one| one.status == Status::Active).ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    use api::form::read_value;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_product_is_named_by_id_or_slug_and_priced_in_a_known_currency() {
        let flaws = |body: serde_json::Value| {
            let mut flaws = Vec::new();
            let _form: Option<How> = read_value(&body, "/query", &mut flaws);
            flaws.len()
        };
        assert_eq!(flaws(json!({})), 0);
        assert_eq!(flaws(json!({"currency": "JPY"})), 0);
        assert_eq!(flaws(json!({"currency": "yen", "colour": "red"})), 2);
        let mut none = Vec::new();
        assert!(read_value::<Which>(&json!({"id_or_slug": ""}), "/path", &mut none).is_none());
    }
}
