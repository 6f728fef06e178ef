//! `PATCH /v1/admin/products/{id}`: what is given is changed, what is left out stays. A name that
//! the product had in the store goes on leading to it.

use api::form::{ListOf, Nested, Parsed, Text, YesOrNo, slug};
use api::view::catalog::AdminProductView;
use api::{Body, Fields, Form, IfMatch, Path, Reply, Staff, Versioned};
use domain::catalog::tree::CATEGORIES_OF_ONE_MAX;
use domain::catalog::{Image, Slug};
use domain::permission::grant;
use domain::tax::TaxCategory;
use jiff::Timestamp;
use runtime::Call;

use crate::App;
use crate::change::change;
use crate::form::{
    ATTRIBUTES_MAX, AttributeForm, WhichProduct, description, known_categories, moment,
    tax_category, title, values_of,
};

/// What is to be changed.
#[derive(Debug)]
pub struct Change {
    slug: Option<Slug>,
    title: Option<String>,
    description: Option<String>,
    tax_category: Option<TaxCategory>,
    categories: Option<Vec<Slug>>,
    attributes: Option<Vec<AttributeForm>>,
    images: Option<Vec<Image>>,
    publish_at: Option<Timestamp>,
    is_unscheduled: bool,
}

/// Pictures of one product.
const IMAGES_MAX: usize = 20;

/// A picture.
#[derive(Debug)]
pub struct ImageForm(Image);

impl Form for ImageForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let url = fields.required("url", Parsed::by(address, "an https address", 500));
        let alt = fields.required("alt", Text::between(0, 300));
        Some(Self(Image { url: url?, alt: alt? }))
    }
}

/// A path of our own, or an address that a browser loads over TLS.
fn address(text: &str) -> Option<String> {
    let is_plain = text.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>\\`".contains(&b));
    let is_own = text.starts_with('/') && !text.starts_with("//");
    (is_plain && (is_own || text.starts_with("https://"))).then(|| text.to_owned())
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let slug_of = fields.optional("slug", slug());
        let title = fields.optional("title", title());
        let description = fields.optional("description", description());
        let tax_category = fields.optional("tax_category", tax_category());
        let categories =
            fields.optional("categories", ListOf::up_to(CATEGORIES_OF_ONE_MAX, slug()));
        let attribute = Nested::<AttributeForm>::form();
        let attributes = fields.optional("attributes", ListOf::up_to(ATTRIBUTES_MAX, attribute));
        let images =
            fields.optional("images", ListOf::up_to(IMAGES_MAX, Nested::<ImageForm>::form()));
        let publish_at = moment(fields, "publish_at");
        let is_unscheduled = fields.optional("is_unscheduled", YesOrNo);
        let images = images?.map(|all| all.into_iter().map(|ImageForm(one)| one).collect());
        Some(Self {
            slug: slug_of?,
            title: title?,
            description: description?,
            tax_category: tax_category?,
            categories: categories?,
            attributes: attributes?,
            images,
            publish_at: publish_at?,
            is_unscheduled: is_unscheduled?.unwrap_or(false),
        })
    }
}

/// Which product, as it was seen, and the change.
type Given = (Path<WhichProduct>, (IfMatch, Body<Change>));

/// Changes a product.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Given>,
) -> Reply<Versioned<AdminProductView>> {
    let (Path(WhichProduct { id }), (seen, Body(form))) = &call.input;
    change(app, &call, (*id, *seen), "product.change", |mut product, shelves| {
        if let Some(categories) = &form.categories {
            product.categories = known_categories(categories, shelves)?;
        }
        if let Some(attributes) = &form.attributes {
            product.attributes = values_of(attributes, shelves)?;
        }
        if let Some(at) = form.publish_at {
            product = product.schedule(Some(at))?;
        } else if form.is_unscheduled {
            product = product.schedule(None)?;
        }
        product.slug = form.slug.clone().unwrap_or(product.slug);
        product.title = form.title.clone().unwrap_or(product.title);
        product.description = form.description.clone().unwrap_or(product.description);
        product.tax_category = form.tax_category.clone().unwrap_or(product.tax_category);
        product.images = form.images.clone().unwrap_or(product.images);
        Ok(product)
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_stays() {
        assert_eq!(flaws_of::<Change>(&json!({})), []);
        assert_eq!(flaws_of::<Change>(&json!({"slug": "Red"})).len(), 1);
    }

    #[test]
    fn a_picture_runs_no_script() {
        for url in ["javascript:alert(1)", "//evil.example/a.png", "http://a.example/a.png", "a\"b"]
        {
            let body = json!({"images": [{"url": url, "alt": ""}]});
            assert_eq!(flaws_of::<Change>(&body).len(), 1, "{url}");
        }
        let body = json!({"images": [{"url": "/media/mug.webp", "alt": "A mug"}]});
        assert_eq!(flaws_of::<Change>(&body), []);
    }
}
