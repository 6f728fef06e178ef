//! `POST /v1/admin/customers/{id}/store_credit`: gives a customer store credit or takes some back,
//! with a reason. The answer is remembered in the transaction of the correction: said again under
//! its key, it gives nothing twice.

use api::form::CustomerPath;
use api::reply::{Answer, Created, Remembered};
use api::view::gift_card::{CorrectedCreditView, GiftEntryView};
use api::{Body, KeyRequired, Path, Problem, Reply, Staff};
use domain::gift_card::StoreCredit;
use domain::permission::grant;
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::Value;
use store::Saved;
use store::gift_card::Correction;

use crate::App;
use crate::gift_card::{Adjust, RACES_MAX, fresh, note, shown};

type Given = (Path<CustomerPath>, (KeyRequired, Body<Adjust>));

/// Gives store credit.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::GiftCardsIssue>, Given>,
) -> Reply<Remembered<Created<CorrectedCreditView>>> {
    let (Path(CustomerPath { id }), (_, Body(Adjust { amount, reason }))) = &call.input;
    app.store.account(*id).await?.ok_or_else(Problem::not_found)?;
    for _ in 0..RACES_MAX {
        let found = app.store.store_credit(*id, amount.currency()).await?;
        let before = found.as_ref().map(|credit| credit.balance);
        let credit = found.unwrap_or_else(|| StoreCredit::empty(*id, amount.currency()));
        let (after, entry) = credit.adjust(*amount, reason.clone(), fresh(app, &call))?;
        let states = (Value::Null, shown(*amount));
        let events = [note(app, &call, "store_credit.adjust", id, &states)];
        let (customer_id, balance) = (*id, after.balance);
        let view =
            CorrectedCreditView { customer_id, balance, entry: GiftEntryView::from(entry.clone()) };
        let remembered = stored(&Answer::json(StatusCode::CREATED, &view));
        let remembered = call.claim.as_ref().map(|claim| (claim, &remembered));
        let correction = Correction { entry: &entry, events: &events, remembered };
        match app.store.correct_store_credit(before, &after, &correction).await? {
            Saved::Yes => return Ok(Remembered(Created(view))),
            // It was spent meanwhile.
            Saved::Raced => {}
        }
    }
    Err(Problem::unavailable())
}
