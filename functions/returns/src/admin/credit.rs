//! `POST /v1/admin/orders/{id}/returns/{return_id}/credit`: the buyer gets store credit for what
//! came back, instead of money. What was paid with gift cards goes back to them; the rest stays
//! with the shop and can not be refunded any more. All of it is one transaction.

use api::reply::Remembered;
use api::view::returns::ReturnView;
use api::{Body, IfMatch, KeyRequired, Path, Problem, Reply, Staff, Versioned};
use domain::gift_card::{self, Entry, StoreCredit};
use domain::id::{GiftEntryId, Ulid};
use domain::money::Money;
use domain::permission::grant;
use domain::refund::{Credit, Refund};
use domain::returns::{Resolution, Return};
use runtime::Call;
use store::returns::Credited;

use crate::App;
use crate::desk::{ATTEMPTS_MAX, WhichReturn, find, load};
use crate::settling::{self, Given, Settling, fresh};

/// Tells the entry of the credit from those of the refund's tenders, which are numbered from zero.
const CREDIT_MARK: u128 = 1 << 32;

type Input = (Path<WhichReturn>, (IfMatch, (KeyRequired, Body<Given>)));
type Who = Staff<grant::GiftCardsIssue>;

/// Gives store credit for what came back.
pub async fn handle(app: &App, call: Call<Who, Input>) -> Reply<Remembered<Versioned<ReturnView>>> {
    let (Path(which), (seen, (KeyRequired, Body(given)))) = &call.input;
    let fresh = fresh(app, &call, given.reason.clone());
    for _ in 0..ATTEMPTS_MAX {
        let file = load(app, which.order).await?;
        let before = find(&file, which.returned)?;
        seen.check(before.version)?;
        let wanted = before.refund(given.lines.as_deref(), given.shipping)?;
        let (payment, known) = (file.payment(), file.refunds.len());
        let changed = file.order.request_credit(payment, known, &wanted, fresh.clone())?;
        changed.spares(&file.order, &file.refunds)?;
        let (refund, amount) = (changed.refund.id, changed.refund.amount());
        let posting = posting(app, &call, &before, &changed.refund).await?;
        let credited = posting.as_ref().map(|(was, after, entry)| {
            let before = *was;
            Credited { before, after, entry }
        });
        let resolution = Resolution::StoreCredit { refund, amount };
        let settling = Settling { file: &file, before: &before, changed, resolution, credited };
        if let Some(done) = settling::write(app, &call, settling, "return.credit").await? {
            return Ok(done);
        }
    }
    Err(Problem::unavailable())
}

/// The account as it was and as it shall be, with its entry; none where gift cards get all of it.
async fn posting<I: Sync>(
    app: &App,
    call: &Call<Who, I>,
    returned: &Return,
    refund: &Refund,
) -> Reply<Option<(Option<Money>, StoreCredit, Entry)>> {
    let Some(Credit { customer, amount }) = refund.credit else { return Ok(None) };
    let found = app.store.store_credit(customer, amount.currency()).await?;
    let before = found.as_ref().map(|credit| credit.balance);
    let credit = found.unwrap_or_else(|| StoreCredit::empty(customer, amount.currency()));
    let ulid = refund.id.ulid();
    let ulid = Ulid::from_parts(ulid.timestamp_ms(), ulid.random() ^ CREDIT_MARK);
    let fresh = gift_card::Fresh {
        entry: GiftEntryId::from_ulid(ulid),
        by: Some(call.who.responsible()),
        now: call.now,
    };
    let (after, entry) = credit.adjust(amount, returned.id.to_string(), fresh)?;
    Ok(Some((before, after, entry)))
}
