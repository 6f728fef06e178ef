//! `PUT /v1/admin/products/{id}/images`: which pictures a product shows, in which order, what is
//! said of each, and which variants it shows. The first one stands for the product in lists.
//!
//! What is written is all of it: a picture that is left out is not shown any more, and its upload
//! may be deleted. An upload that is shown is kept, in the same transaction.

use std::collections::BTreeMap;

use api::form::{ListOf, Nested, Text, locale, media_id, variant_id};
use api::view::catalog::AdminProductView;
use api::{Body, Fields, Flaw, Form, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::catalog::content::LOCALES_MAX;
use domain::catalog::{Locale, VARIANTS_MAX};
use domain::id::MediaId;
use domain::media::{self, ALT_CHARS_MAX, IMAGES_MAX, Wanted};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::change::change;
use crate::form::WhichProduct;

/// The pictures, in their order.
#[derive(Debug)]
pub struct Pictures {
    images: Vec<PictureForm>,
}

/// One of them.
#[derive(Debug)]
struct PictureForm(Wanted);

/// What it shows, in another language.
#[derive(Debug)]
struct AltForm {
    locale: Locale,
    alt: String,
}

impl Form for Pictures {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let picture = Nested::<PictureForm>::form();
        let images = fields.required("images", ListOf::up_to(IMAGES_MAX, picture));
        Some(Self { images: images? })
    }
}

impl Form for PictureForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("media_id", media_id());
        let alt = fields.optional("alt", Text::between(0, ALT_CHARS_MAX));
        let said = Nested::<AltForm>::form();
        let said = fields.optional("translations", ListOf::up_to(LOCALES_MAX, said));
        let variants = fields.optional("variant_ids", ListOf::up_to(VARIANTS_MAX, variant_id()));
        let said = said?.unwrap_or_default();
        let count = said.len();
        let alts: BTreeMap<Locale, String> =
            said.into_iter().map(|AltForm { locale, alt }| (locale, alt)).collect();
        if alts.len() < count {
            let detail = "There may be one text for each language.";
            fields.flaw("translations", "duplicate", detail);
        }
        Some(Self(Wanted { id: id?, alt: alt?, alts, variants: variants?.unwrap_or_default() }))
    }
}

impl Form for AltForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let locale = fields.required("locale", locale());
        let alt = fields.required("alt", Text::between(0, ALT_CHARS_MAX));
        Some(Self { locale: locale?, alt: alt? })
    }
}

/// Which product, as it was seen, and the pictures.
type Given = (Path<WhichProduct>, (IfMatch, Body<Pictures>));

/// Sets a product's pictures.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Given>,
) -> Reply<Versioned<AdminProductView>> {
    let (Path(WhichProduct { id }), (seen, Body(form))) = &call.input;
    let wanted: Vec<Wanted> = form.images.iter().map(|PictureForm(one)| one.clone()).collect();
    let ids: Vec<MediaId> = wanted.iter().map(|one| one.id).collect();
    let found = app.store.media_of(&ids).await?;
    change(app, &call, (*id, *seen), "product.set_images", |product, _| {
        product.with_pictures(&wanted, &found).map_err(|flaws| refused(&flaws))
    })
    .await
}

/// Every flaw, where it is.
fn refused(flaws: &[(usize, media::Flaw)]) -> Problem {
    let said = flaws.iter().map(|(at, flaw)| {
        let of_media = format!("/images/{at}/media_id");
        let of_variant = |place: &usize| format!("/images/{at}/variant_ids/{place}");
        let (pointer, detail) = match flaw {
            media::Flaw::Unknown => (of_media, "There is no such upload."),
            media::Flaw::NotReady => (of_media, "Its file did not come yet, or is looked at now."),
            media::Flaw::Refused(_) => (of_media, "Its file was none that can be shown."),
            media::Flaw::Twice => (of_media, "A product shows a picture once."),
            media::Flaw::UnknownVariant { at } => {
                (of_variant(at), "The product has no such variant.")
            }
            media::Flaw::VariantTwice { at } => (of_variant(at), "This variant is named already."),
        };
        Flaw::new(pointer, flaw.code(), detail)
    });
    Problem::invalid(said.collect())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    const MEDIA: &str = "med_01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[test]
    fn a_picture_is_an_upload_with_words_and_variants() {
        let german = json!({"locale": "de", "alt": "Ein Becher"});
        let variant = "var_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let whole = json!({
            "media_id": MEDIA, "alt": "A mug", "translations": [german], "variant_ids": [variant],
        });
        let body = json!({"images": [whole, {"media_id": MEDIA}]});
        assert_eq!(flaws_of::<Pictures>(&body), []);
        assert_eq!(flaws_of::<Pictures>(&json!({"images": []})), []);
    }

    #[test]
    fn every_flaw_of_a_form_is_named() {
        assert_eq!(flaws_of::<Pictures>(&json!({})), [("/images".to_owned(), "required")]);
        let long = "a".repeat(ALT_CHARS_MAX + 1);
        let german = json!({"locale": "de", "alt": ""});
        let body = json!({"images": [
            {"media_id": "prod_1", "alt": long, "url": "/x.svg"},
            {"media_id": MEDIA, "translations": [german, german], "variant_ids": [1]},
        ]});
        let mut flaws = flaws_of::<Pictures>(&body);
        flaws.sort();
        assert_eq!(
            flaws,
            [
                ("/images/0/alt".to_owned(), "too_long"),
                ("/images/0/media_id".to_owned(), "malformed_id"),
                ("/images/0/url".to_owned(), "unknown_field"),
                ("/images/1/translations".to_owned(), "duplicate"),
                ("/images/1/variant_ids/0".to_owned(), "wrong_type"),
            ]
        );
        let many = vec![json!({"media_id": MEDIA}); IMAGES_MAX + 1];
        let flaws = flaws_of::<Pictures>(&json!({"images": many}));
        assert_eq!(flaws, [("/images".to_owned(), "too_many")]);
    }

    #[test]
    fn what_is_wrong_is_named_where_it_is() {
        let flaws = [
            (0, media::Flaw::Unknown),
            (2, media::Flaw::Refused(media::Defect::Damaged)),
            (3, media::Flaw::UnknownVariant { at: 1 }),
        ];
        let problem = refused(&flaws);
        let named: Vec<_> =
            problem.errors.iter().map(|flaw| (flaw.pointer.as_str(), flaw.code)).collect();
        assert_eq!(
            named,
            [
                ("/images/0/media_id", "unknown_media"),
                ("/images/2/media_id", "media_refused"),
                ("/images/3/variant_ids/1", "unknown_variant"),
            ]
        );
    }
}
