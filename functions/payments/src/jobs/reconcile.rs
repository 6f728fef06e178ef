//! Every hour: the provider's own lists, our payments and orders, and the ledger are laid side by
//! side. What differs is written down with its cause and with what to do.
//!
//! Where asking the provider again mends it, that is asked for as a webhook would have asked for
//! it: this job itself moves no money and no order. The next hour sees whether it is mended. What
//! is looked at is what the provider has made in the last day, and whatever differed before; the
//! last minutes are left out, because their webhooks are on their way. Disputes are laid beside the
//! provider's in the same way: one that nobody heard of has a day on which it is lost.
//!
//! It is looked from both sides: an order of that day whose money is in none of the provider's
//! lists is asked for by name, for the shop may have been given another account's key.

use std::collections::{BTreeMap, BTreeSet};

use domain::dispute::Told;
use domain::fault::{Fault, Retry};
use domain::id::OrderId;
use domain::payment::{Intent, Payment};
use domain::reconciliation::{Books, Cause, Finding, compare, has_money, knows_money, unknown};
use gateway::Gateway;
use jiff::{SignedDuration, Timestamp};
use queue::Name;
use runtime::Tick;

use crate::App;
use crate::notice::Notice;

/// How far back the lists go: an hour that was missed is looked at by the next.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(26);
/// Younger ones are the webhook's business.
const GRACE: SignedDuration = SignedDuration::from_mins(10);
/// Findings of a page.
const PAGE: i32 = 100;

/// What a run knows.
struct Round<'a> {
    app: &'a App,
    gateway: &'a Gateway,
    now: Timestamp,
    /// PaymentIntents whose money went back lately.
    refunded: BTreeSet<String>,
    /// What differed before and was not mended, by PaymentIntent.
    open: BTreeMap<String, Vec<Finding>>,
}

/// Reconciles.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let gateway = app.till()?.gateway(tick.now).await?;
    let from = tick.now.checked_sub(LOOKED_BACK).unwrap_or(tick.now);
    let until = tick.now.checked_sub(GRACE).unwrap_or(tick.now);
    let refunded = gateway.refunded_between(from, until).await?;
    let (now, open) = (tick.now, open(app).await?);
    let round = Round { app, gateway: &gateway, now, refunded, open };
    let (mut seen, mut paid) = (BTreeSet::new(), BTreeSet::new());
    let (mut differed, mut after) = (0_usize, None);
    loop {
        let page = gateway.intents_between(from, until, after.as_deref()).await?;
        for intent in &page.intents {
            seen.insert(intent.id.clone());
            paid.extend(intent.order.filter(|_| has_money(intent)));
            differed += round.settle(intent).await?;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // Money of older purchases that went back, and what differed before.
    let older: BTreeSet<&String> = round.refunded.iter().chain(round.open.keys()).collect();
    for id in older.into_iter().filter(|id| seen.insert((*id).clone())) {
        differed += round.settle_again(id).await?;
    }
    for order in app.store.made_between(from, until).await? {
        if !paid.contains(&order) {
            differed += round.ask_for(order, &seen).await?;
        }
    }
    disputes(&round, from, until).await?;
    let looked = seen.len();
    tracing::info!(op = "payments.jobs.reconcile", looked, differed, "payments were reconciled");
    Ok(())
}

/// Lays disputes beside the provider's.
async fn disputes(round: &Round<'_>, from: Timestamp, until: Timestamp) -> Result<(), Fault> {
    let Round { app, gateway, .. } = round;
    let mut unheard = 0_usize;
    for told in gateway.disputes_between(from, until).await? {
        unheard += usize::from(round.hear(&told).await?);
    }
    // Older ones that wait for an answer may have been decided without us.
    let mut position: Option<String> = None;
    loop {
        let page = app.store.disputes_due(PAGE, position.as_deref()).await?;
        for waiting in page.entries {
            unheard +=
                usize::from(round.hear(&gateway.dispute(&waiting.provider_ref).await?).await?);
        }
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    if unheard > 0 {
        tracing::error!(alarm = "dispute_unheard", unheard, "nobody had told us of disputes");
    }
    Ok(())
}

/// What differed before and was not mended.
async fn open(app: &App) -> Result<BTreeMap<String, Vec<Finding>>, Fault> {
    let mut open: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    let mut position: Option<String> = None;
    loop {
        let page = app.store.mismatches(PAGE, position.as_deref()).await?;
        for noted in page.entries.into_iter().filter(|noted| !noted.is_healed) {
            open.entry(noted.finding.intent.clone()).or_default().push(noted.finding);
        }
        position = page.next;
        if position.is_none() {
            return Ok(open);
        }
    }
}

impl Round<'_> {
    /// Looks at a PaymentIntent and writes down what differs, and what does not any more; how much
    /// differs.
    async fn settle(&self, intent: &Intent) -> Result<usize, Fault> {
        let found = self.look(intent).await?;
        for finding in &found {
            self.note(finding, false).await?;
            if let Some(kind) = word_of(finding.cause) {
                self.ask_again(intent, kind).await?;
            }
        }
        let before = self.open.get(&intent.id).map(Vec::as_slice).unwrap_or_default();
        for gone in before.iter().filter(|it| !found.iter().any(|one| one.cause == it.cause)) {
            self.note(gone, true).await?;
        }
        Ok(found.len())
    }

    /// The same, of one that is in no list of that day. What the provider did not have before, and
    /// still has not, stands.
    async fn settle_again(&self, id: &str) -> Result<usize, Fault> {
        if let Some(intent) = self.gateway.find(id).await? {
            return self.settle(&intent).await;
        }
        let before = self.open.get(id).map(Vec::as_slice).unwrap_or_default();
        for finding in before {
            self.note(finding, false).await?;
        }
        Ok(before.len())
    }

    /// The same, from the other side: whether the provider has the money that an order knows of.
    async fn ask_for(&self, order: OrderId, seen: &BTreeSet<String>) -> Result<usize, Fault> {
        let Some(file) = self.app.store.order(order).await? else { return Ok(0) };
        let mut differed = 0;
        for payment in file.payments.iter().filter(|payment| knows_money(payment)) {
            let Some(id) = payment.intent.as_ref().filter(|id| !seen.contains(*id)) else {
                continue;
            };
            differed += if let Some(intent) = self.gateway.find(id).await? {
                self.settle(&intent).await?
            } else {
                self.note(&unknown(payment, id), false).await?;
                1
            };
        }
        Ok(differed)
    }

    /// What differs, of a PaymentIntent.
    async fn look(&self, intent: &Intent) -> Result<Vec<Finding>, Fault> {
        let file = match intent.order {
            Some(order) => self.app.store.order(order).await?,
            None => None,
        };
        let payment = file
            .as_ref()
            .and_then(|file| file.payments.iter().find(|payment| is_of(payment, intent)));
        let (Some(file), Some(payment)) = (file.as_ref(), payment) else {
            return Ok(compare(intent, None, None));
        };
        // A purchase that came to nothing has no entries to be read.
        if !has_money(intent) && !knows_money(payment) {
            return Ok(Vec::new());
        }
        let entries = self.app.store.payment_entries(payment.id).await?;
        let told = if self.refunded.contains(&intent.id) || payment.refunded.amount() != 0 {
            Some(self.gateway.refunds(&intent.id).await?)
        } else {
            None
        };
        let books = Books { order: &file.order, payment, entries: &entries };
        Ok(compare(intent, told.as_deref(), Some(books)))
    }

    /// Says again what a webhook should have said of a dispute; whether it had not.
    async fn hear(&self, told: &Told) -> Result<bool, Fault> {
        let Some(intent) = &told.intent else { return Ok(false) };
        let intent = self.gateway.retrieve(intent).await?;
        let Some(order) = intent.order else { return Ok(false) };
        let Some(file) = self.app.store.order(order).await? else { return Ok(false) };
        let mut known = file.disputes.iter().filter(|it| it.provider_ref == told.provider_ref);
        if known.any(|known| known.status == told.status) {
            return Ok(false);
        }
        let notice = Notice {
            event_id: "reconciliation".to_owned(),
            kind: "charge.dispute.updated".to_owned(),
            intent: Some(intent.id),
            order: Some(order),
            object: Some(told.provider_ref.clone()),
        };
        self.say(&notice).await?;
        Ok(true)
    }

    /// Says again what a webhook should have said.
    async fn ask_again(&self, intent: &Intent, kind: &str) -> Result<(), Fault> {
        let notice = Notice {
            event_id: "reconciliation".to_owned(),
            kind: kind.to_owned(),
            intent: Some(intent.id.clone()),
            order: intent.order,
            object: None,
        };
        self.say(&notice).await
    }

    async fn say(&self, notice: &Notice) -> Result<(), Fault> {
        let queues =
            self.app.queues.as_ref().ok_or_else(|| {
                Fault::noticed("say a webhook again without a queue", Retry::Useless)
            })?;
        let body = serde_json::to_string(notice)
            .map_err(|error| Fault::new("write a notice", error, Retry::Useless))?;
        queues.send(Name::StripeEvents, &body).await
    }

    /// Writes a finding down, and says it aloud where it is not mended.
    async fn note(&self, finding: &Finding, is_healed: bool) -> Result<(), Fault> {
        let (cause, intent) = (finding.cause.code(), finding.intent.as_str());
        let order = finding.order.map(|order| order.to_string());
        if is_healed {
            tracing::info!(cause, intent, order_id = order, "the books agree again");
        } else {
            let alarm = "books_differ";
            tracing::error!(alarm, cause, intent, order_id = order, "the books differ");
        }
        self.app.store.note_mismatch(finding, is_healed, self.now).await
    }
}

/// Whether a PaymentIntent is a payment's. That of the provider's page is known to the payment only
/// when somebody has told of it, and names the payment itself.
fn is_of(payment: &Payment, intent: &Intent) -> bool {
    match &payment.intent {
        Some(known) => *known == intent.id,
        None => payment.redirect.is_some() && intent.payment == Some(payment.id),
    }
}

/// What is to be said again to mend a difference; none where saying it again mends nothing.
const fn word_of(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::WebhookLost | Cause::OrderNotPlaced => Some("payment_intent.succeeded"),
        Cause::RefundedDiffers => Some("refund.updated"),
        Cause::OrderUnknown
        | Cause::Quarantined
        | Cause::CapturedDiffers
        | Cause::LedgerDiffers
        | Cause::ProviderUnknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_provider_can_mend_is_said_again_and_nothing_else() {
        for cause in Cause::ALL {
            assert_eq!(word_of(cause).is_some(), cause.heals(), "{cause:?}");
        }
    }
}
