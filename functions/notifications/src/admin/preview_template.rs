//! `POST /v1/admin/templates/{letter}/{locale}/preview`: a letter as it would be sent — in words
//! that nobody has kept yet, in those of a version, or in those of the shop — about an order, or
//! of sample facts. It is sent to nobody.

use api::form::{Integer, Nested, order_id};
use api::view::letter_template::PreviewView;
use api::{Body, Fields, Flaw, Form, Path, Problem, Reply, Staff, download};
use domain::id::OrderId;
use domain::letter_template::VERSIONS_MAX;
use domain::permission::{Permission, grant};
use notify::{Custom, Facts, Link, Parcel, Returned, samples};
use runtime::Call;

use super::write_template::Words;
use crate::App;
use crate::which::{Which, fit};

/// In which words, about which order.
#[derive(Debug)]
pub struct Wanted {
    draft: Option<Words>,
    version: Option<u32>,
    order_id: Option<OrderId>,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let draft = fields.optional("draft", Nested::<Words>::form());
        let version = fields.optional("version", Integer::between(1, i64::from(VERSIONS_MAX)));
        let order_id = fields.optional("order_id", order_id());
        let version = version?.map(u32::try_from).transpose().ok()?;
        let draft = draft?;
        if draft.is_some() && version.is_some() {
            fields.flaw("version", "not_allowed", "A draft is no version: send one of both.");
        }
        Some(Self { draft, version, order_id: order_id? })
    }
}

/// Writes the letter.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::NotificationsWrite>, (Path<Which>, Body<Wanted>)>,
) -> Reply<PreviewView> {
    let (Path(which), Body(Wanted { draft, version, order_id })) = &call.input;
    let built_in = which.built_in(app)?;
    let source = match (draft, version) {
        (Some(Words(draft)), _) => draft.clone(),
        (None, Some(version)) => which.version(app, *version).await?,
        (None, None) => built_in,
    };
    fit(&notify::try_out(&source, &which.letter))?;
    let custom =
        Custom::compile(&source).or_else(|flaws| fit(&flaws).and(Err(Problem::internal())))?;
    let sample = samples::order().map_err(|_| Problem::internal())?;
    let file = match order_id {
        Some(id) => {
            call.who.must_hold(Permission::OrdersRead)?;
            Some(app.store.order(*id).await?.ok_or_else(Problem::not_found)?)
        }
        None => None,
    };
    let order = file.as_ref().map_or(&sample, |file| &file.order);
    let letters = samples::letters(order.id);
    let found = letters.iter().find(|(_, letter)| letter.template() == which.letter);
    let (_, letter) = found.ok_or_else(Problem::not_found)?;
    if order_id.is_some() && letter.order().is_none() {
        let detail = "This letter is not about an order.";
        return Err(Problem::invalid(vec![Flaw::new("/order_id", "not_about_an_order", detail)]));
    }
    let facts = samples::facts_in(letter, order, &which.locale);
    let mut facts = Facts { shop_url: &app.shop_url, ..facts };
    if let Some(file) = &file {
        // Links that open nothing: a preview is not the buyer's letter.
        let links = download::links(order, &call.guard.sealer, &app.shop_url, call.now, |_| 0);
        let shown = |name| Link { title: name, url: format!("{}/downloads", app.shop_url) };
        facts.downloads = links.into_iter().map(|link| shown(link.file_name)).collect();
        if facts.parcel.is_some() {
            let parcel = file.parcels.first().ok_or_else(|| {
                Problem::conflict("order_has_no_parcel", "No parcel of this order was opened yet.")
            })?;
            facts.parcel = Some(Parcel::of(order, parcel));
        }
        if facts.returned.is_some() {
            let returned = file.returns.last().ok_or_else(|| {
                Problem::conflict("order_has_no_return", "Nobody wants to return this order.")
            })?;
            facts.returned = Some(Returned::of(order, returned, &which.locale));
        }
    }
    match custom.render(&facts) {
        Ok(written) => {
            let notify::Rendered { subject, html, text } = written;
            Ok(PreviewView { subject, html, text })
        }
        Err(flaw) => fit(&[flaw]).and(Err(Problem::internal())),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_draft_or_a_version_or_neither() {
        let draft = json!({"subject": "s", "html": "h", "text": "t"});
        assert_eq!(flaws_of::<Wanted>(&json!({})), []);
        assert_eq!(flaws_of::<Wanted>(&json!({"draft": draft})), []);
        let flaws = flaws_of::<Wanted>(&json!({"draft": draft, "version": 1}));
        assert_eq!(flaws, [("/version".to_owned(), "not_allowed")]);
        let flaws = flaws_of::<Wanted>(&json!({"draft": {"subject": "s"}, "order_id": "x"}));
        assert_eq!(flaws.len(), 3);
    }
}
