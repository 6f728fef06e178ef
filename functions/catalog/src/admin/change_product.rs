//! `PATCH /v1/admin/products/{id}`: what is given is changed, what is left out stays. A name that
//! the product had in the store goes on leading to it.

use api::form::{ListOf, Nested, YesOrNo, slug};
use api::view::catalog::AdminProductView;
use api::{Body, Fields, Form, IfMatch, Path, Reply, Staff, Versioned};
use domain::catalog::Slug;
use domain::catalog::tree::CATEGORIES_OF_ONE_MAX;
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
    publish_at: Option<Timestamp>,
    is_unscheduled: bool,
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
        let publish_at = moment(fields, "publish_at");
        let is_unscheduled = fields.optional("is_unscheduled", YesOrNo);
        Some(Self {
            slug: slug_of?,
            title: title?,
            description: description?,
            tax_category: tax_category?,
            categories: categories?,
            attributes: attributes?,
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
}
