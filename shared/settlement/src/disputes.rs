//! What card holders dispute. Whatever event tells of a dispute, it is fetched from the provider
//! and taken over as it stands there, after its order was loaded and before that is written: what
//! is older than what we know can not win. What the shop answers was decided and written down
//! before; here the provider is told.

use domain::catalog::Kind;
use domain::dispute::evidence::Known;
use domain::dispute::{Answer, AnswerKind, Changed, Dispute, Evidence, Told};
use domain::event::Event;
use domain::fault::{Fault, Retry};
use domain::id::{DisputeId, OrderId};
use domain::invoice::{Due, Invoice};
use domain::order::{Order, OrderLine};
use domain::payment::{self, Payment};
use files::{Bucket, paper_key};
use gateway::{Answered, PAPER_BYTES_MAX, Uploaded};
use store::dispute::Step;
use store::order::OrderFile;
use store::{Saved, Store};

use crate::{Desk, event, finalize, load};

/// How often a lost race is run again. Each round re-reads everything.
const RACES_MAX: usize = 8;
/// Letters that are told of: the first ones, and far more than there are.
const LETTERS_MAX: i32 = 100;

/// What was made of the provider's word on a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disputed {
    /// It is new, or stands elsewhere.
    Moved(OrderId),
    /// Nothing new.
    Known(OrderId),
    /// It belongs to no payment of ours, or to money that is in quarantine.
    NotOurs,
}

/// What became of telling the provider of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// The provider has it.
    Over,
    /// The provider does not take it.
    Refused,
    /// There is nothing to be told.
    Nothing,
}

/// Takes over what the provider says of a dispute.
pub async fn hear_dispute(desk: &Desk<'_>, provider_ref: &str) -> Result<Disputed, Fault> {
    let first = desk.gateway.dispute(provider_ref).await?;
    let Some(intent) = first.intent.as_deref() else { return Ok(Disputed::NotOurs) };
    let named = desk.gateway.retrieve(intent).await?;
    let Some(id) = named.order else { return Ok(Disputed::NotOurs) };
    // The word of a dispute may come before that of its payment.
    if load(desk, id).await?.payment().is_some_and(|paid| !is_captured(paid)) {
        Box::pin(finalize(desk, id, Some(intent))).await?;
    }
    for _ in 0..RACES_MAX {
        let file = load(desk, id).await?;
        let of_intent = |payment: &&Payment| payment.intent.as_deref() == Some(intent);
        let paid = file.payments.iter().find(of_intent).filter(|payment| is_captured(payment));
        let Some(payment) = paid else {
            tracing::error!(
                alarm = "dispute_of_unknown_money",
                order_id = %id,
                dispute = provider_ref,
                "a dispute is about money that was not accepted: answer it at the provider"
            );
            return Ok(Disputed::NotOurs);
        };
        let told = desk.gateway.dispute(provider_ref).await?;
        let changed = file.order.hear_dispute(payment, &file.disputes, &told, desk.now);
        let Some(changed) = changed else { return Ok(Disputed::Known(id)) };
        let news = changed.dispute.clone();
        let has_moved = changed.has_moved;
        if save(desk, &file.order, changed).await? == Saved::Yes {
            if has_moved && news.waits() {
                alarm(&news);
            }
            return Ok(Disputed::Moved(id));
        }
    }
    Err(Fault::noticed(format!("hear of a dispute of {id}: others were faster"), Retry::Helps))
}

fn is_captured(payment: &Payment) -> bool {
    payment.status == payment::Status::Succeeded
}

/// What a person has to know at once, beside the letter.
fn alarm(dispute: &Dispute) {
    tracing::error!(
        alarm = "dispute_open",
        order_id = %dispute.order,
        dispute_id = %dispute.id,
        "a payment is disputed: somebody has to answer"
    );
}

async fn save(desk: &Desk<'_>, before: &Order, mut changed: Changed) -> Result<Saved, Fault> {
    let mut events: Vec<Event> = Vec::new();
    if changed.has_moved {
        let fact = changed.order.say_dispute_moved(&changed.dispute);
        events.push(event(&changed.order, fact, desk.now));
    }
    if changed.order.status != before.status {
        let fact = changed.order.say_moved();
        events.push(event(&changed.order, fact, desk.now));
    }
    let step = Step {
        before,
        order: &changed.order,
        dispute: &changed.dispute,
        entry: changed.entry.as_ref(),
        events: &events,
        remembered: None,
    };
    desk.store.move_dispute(&step).await
}

/// Tells the provider what the shop answers to a dispute, and takes over what it says then.
/// `papers` is the bucket in which invoices lie.
pub async fn answer_dispute(
    desk: &Desk<'_>,
    papers: &Bucket,
    order: OrderId,
    id: DisputeId,
) -> Result<Carried, Fault> {
    for _ in 0..RACES_MAX {
        let file = load(desk, order).await?;
        let found = file.disputes.iter().find(|dispute| dispute.id == id);
        let missing = || Fault::noticed(format!("find {id} of {order}"), Retry::Useless);
        let dispute = found.ok_or_else(missing)?;
        let Some(answer) = dispute.pending() else { return Ok(Carried::Nothing) };
        // Whoever died behind the call finds the answer there: a bank takes one.
        let now = desk.gateway.dispute(&dispute.provider_ref).await?;
        let said = if now.status == dispute.status {
            tell(desk, papers, &file, dispute, answer).await?
        } else {
            Answered::Yes(now)
        };
        let (changed, done) = match said {
            Answered::Yes(told) => (taken(&file, dispute, &told, desk), Carried::Over),
            Answered::Refused(why) => {
                tracing::error!(
                    alarm = "dispute_answer_refused",
                    order_id = %order,
                    dispute_id = %id,
                    why,
                    "the payment provider does not take this answer: somebody has to look"
                );
                let refused = dispute.refused(why, desk.now);
                (refused.map(|dispute| unmoved(&file.order, dispute)), Carried::Refused)
            }
        };
        let Some(changed) = changed else { return Ok(Carried::Nothing) };
        if save(desk, &file.order, changed).await? == Saved::Yes {
            return Ok(done);
        }
    }
    Err(Fault::noticed(format!("answer {id}: others were faster every time"), Retry::Helps))
}

async fn tell(
    desk: &Desk<'_>,
    papers: &Bucket,
    file: &OrderFile,
    dispute: &Dispute,
    answer: &Answer,
) -> Result<Answered, Fault> {
    let key = dispute.key(answer);
    match answer.kind {
        AnswerKind::Evidence => {
            let evidence = evidence(desk.store, file, dispute).await?;
            let receipt = hand_in_receipt(desk, papers, file.order.id, &key).await?;
            desk.gateway.submit_evidence(&dispute.provider_ref, &evidence, receipt, key).await
        }
        AnswerKind::Acceptance => desk.gateway.accept_dispute(&dispute.provider_ref, key).await,
    }
}

/// The invoice of an order, once its paper is written: what a bank is shown as the receipt.
pub async fn receipt(store: &Store, order: OrderId) -> Result<Option<Invoice>, Fault> {
    let invoice = store.invoice(Due::invoice(order)).await?;
    Ok(invoice.filter(|invoice| invoice.stored_at.is_some()))
}

/// Hands the receipt in at the provider, and gives its id there. A bank is answered once and in
/// time: a paper that can not be had is told of and left out.
async fn hand_in_receipt(
    desk: &Desk<'_>,
    papers: &Bucket,
    order: OrderId,
    answer: &str,
) -> Result<Option<String>, Fault> {
    let Some(invoice) = receipt(desk.store, order).await? else { return Ok(None) };
    let why = match papers.get(&paper_key(&invoice)).await? {
        None => "missing".to_owned(),
        Some(found) if found.bytes.len() > PAPER_BYTES_MAX => "too_large".to_owned(),
        Some(found) => {
            let key = format!("{answer}:receipt");
            match desk.gateway.upload(&found.bytes, &key).await? {
                Uploaded::Yes(id) => return Ok(Some(id)),
                Uploaded::Refused(why) => why,
            }
        }
    };
    tracing::error!(
        alarm = "dispute_paper_left_out",
        order_id = %order,
        invoice = invoice.number,
        why,
        "a dispute is answered without its receipt: somebody has to look"
    );
    Ok(None)
}

/// The dispute whose answer the provider has, and what it says of it now.
fn taken(file: &OrderFile, dispute: &Dispute, told: &Told, desk: &Desk<'_>) -> Option<Changed> {
    let taken = dispute.taken(desk.now)?;
    let payment = file.payments.iter().find(|payment| payment.id == taken.payment)?;
    let mut disputes = file.disputes.clone();
    disputes.iter_mut().filter(|one| one.id == taken.id).for_each(|one| *one = taken.clone());
    let heard = file.order.hear_dispute(payment, &disputes, told, desk.now);
    Some(heard.unwrap_or_else(|| unmoved(&file.order, taken)))
}

/// Nothing of the order moves.
fn unmoved(order: &Order, dispute: Dispute) -> Changed {
    Changed { order: order.clone(), dispute, entry: None, has_moved: false }
}

/// What the bank is told of a dispute: what the order says for itself, and what staff wrote in its
/// place.
pub async fn evidence(
    store: &Store,
    file: &OrderFile,
    dispute: &Dispute,
) -> Result<Evidence, Fault> {
    let letters = store.messages_about(file.order.id, LETTERS_MAX, None).await?.entries;
    let shop = store.shop().await?.value;
    let used = |line: &OrderLine| {
        let uses = file.downloads.iter().find(|uses| uses.line == line.id);
        uses.map_or(0, |uses| uses.used)
    };
    let digital = file.order.lines.iter().filter(|line| line.kind == Kind::Digital);
    let downloads: Vec<(&OrderLine, u32)> = digital.map(|line| (line, used(line))).collect();
    let known = Known {
        order: &file.order,
        parcels: &file.parcels,
        refunds: &file.refunds,
        downloads: &downloads,
        letters: &letters,
        return_policy: &shop.return_policy.text,
    };
    let own = dispute.answer.as_ref().map(|answer| answer.own.clone()).unwrap_or_default();
    Ok(own.or(Evidence::of(known)))
}
