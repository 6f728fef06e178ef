//! `PATCH /v1/admin/promotions/{id}`: other terms. Each part that is sent replaces the whole part.

use api::form::PromotionPath;
use api::view::promotion::{PromotionView, TermsChange};
use api::{Body, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::promotion::{load, write};

/// Which promotion, as it was seen, and the change.
type Given = (Path<PromotionPath>, (IfMatch, Body<TermsChange>));

/// Changes a promotion.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsWrite>, Given>,
) -> Reply<Versioned<PromotionView>> {
    let (Path(PromotionPath { id }), (seen, Body(change))) = &call.input;
    let before = load(app, *id).await?;
    seen.check(before.version)?;
    let terms = change.of(&before.terms).map_err(Problem::invalid)?;
    let after = before.change(terms, call.now)?;
    write(app, &call, &before, after, "promotion.change").await
}
