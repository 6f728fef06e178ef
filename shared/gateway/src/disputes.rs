//! Disputes at Stripe: read, answered, given in to.

use domain::currency::Currency;
use domain::dispute::{Evidence, Status, Told};
use domain::fault::{Fault, Retry};
use jiff::Timestamp;
use stripe::{StripeError, StripeRequest as _};
use stripe_core::dispute::{
    CloseDispute, ListDispute, RetrieveDispute, UpdateDispute, UpdateDisputeEvidence,
};
use stripe_shared::{Dispute, DisputeStatus};

use crate::{Gateway, PAGE, between, idempotent, money};

/// What became of an answer to a dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// The provider has it.
    Yes(Told),
    /// The provider does not take it, for this reason: saying the same again is of no use.
    Refused(String),
}

impl Gateway {
    /// A dispute as it stands.
    pub async fn dispute(&self, id: &str) -> Result<Told, Fault> {
        let found = RetrieveDispute::new(id).send(&self.client).await;
        told(&found.map_err(|error| self.fault("retrieve a dispute", &error))?)
    }

    /// The disputes that were opened between two moments, newest first.
    pub async fn disputes_between(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Told>, Fault> {
        let (mut all, mut after) = (Vec::new(), None::<String>);
        loop {
            let mut list = ListDispute::new().created(between(from, until)).limit(PAGE);
            if let Some(after) = after.take() {
                list = list.starting_after(after);
            }
            let sent = list.send(&self.client).await;
            let page = sent.map_err(|error| self.fault("list disputes", &error))?;
            after = page.data.last().map(|dispute| dispute.id.to_string());
            for dispute in &page.data {
                all.push(told(dispute)?);
            }
            if !page.has_more {
                return Ok(all);
            }
        }
    }

    /// Sends evidence to the bank, and the receipt that was handed in, under a key of immutable
    /// ids. Stripe passes it on once.
    pub async fn submit_evidence(
        &self,
        id: &str,
        evidence: &Evidence,
        receipt: Option<String>,
        key: String,
    ) -> Result<Answered, Fault> {
        let mut fields = fields(evidence);
        fields.receipt = receipt;
        let sent = UpdateDispute::new(id)
            .evidence(fields)
            .submit(true)
            .customize()
            .request_strategy(idempotent(key)?)
            .send(&self.client)
            .await;
        self.answered(sent, "submit evidence")
    }

    /// Gives in, under a key of immutable ids.
    pub async fn accept_dispute(&self, id: &str, key: String) -> Result<Answered, Fault> {
        let closed = CloseDispute::new(id)
            .customize()
            .request_strategy(idempotent(key)?)
            .send(&self.client)
            .await;
        self.answered(closed, "close a dispute")
    }

    fn answered(
        &self,
        answer: Result<Dispute, StripeError>,
        tried: &str,
    ) -> Result<Answered, Fault> {
        match answer {
            Ok(dispute) => told(&dispute).map(Answered::Yes),
            // 400 is about the dispute itself; all else is about the call.
            Err(StripeError::Stripe(error, 400)) => {
                let code = error.code.as_ref().map_or("refused", |code| code.as_str());
                Ok(Answered::Refused(code.to_owned()))
            }
            Err(error) => Err(self.fault(tried, &error)),
        }
    }
}

/// Our texts in Stripe's fields.
fn fields(evidence: &Evidence) -> UpdateDisputeEvidence {
    let said = evidence.clone();
    let mut sent = UpdateDisputeEvidence::new();
    sent.access_activity_log = said.access_activity_log;
    sent.billing_address = said.billing_address;
    sent.cancellation_policy_disclosure = said.cancellation_policy_disclosure;
    sent.cancellation_rebuttal = said.cancellation_rebuttal;
    sent.customer_email_address = said.customer_email_address;
    sent.customer_name = said.customer_name;
    sent.customer_purchase_ip = said.customer_purchase_ip;
    sent.duplicate_charge_explanation = said.duplicate_charge_explanation;
    sent.product_description = said.product_description;
    sent.refund_policy_disclosure = said.refund_policy_disclosure;
    sent.refund_refusal_explanation = said.refund_refusal_explanation;
    sent.service_date = said.service_date;
    sent.shipping_address = said.shipping_address;
    sent.shipping_carrier = said.shipping_carrier;
    sent.shipping_date = said.shipping_date;
    sent.shipping_tracking_number = said.shipping_tracking_number;
    sent.uncategorized_text = said.uncategorized_text;
    sent
}

/// Stripe's dispute in our words.
fn told(dispute: &Dispute) -> Result<Told, Fault> {
    let code = dispute.currency.to_string().to_uppercase();
    let currency = Currency::parse(&code)
        .ok_or_else(|| Fault::noticed(format!("read a dispute in {code}"), Retry::Useless))?;
    let (status, is_inquiry) = match dispute.status {
        DisputeStatus::NeedsResponse => (Status::NeedsResponse, false),
        DisputeStatus::UnderReview => (Status::UnderReview, false),
        DisputeStatus::Won => (Status::Won, false),
        DisputeStatus::Lost => (Status::Lost, false),
        DisputeStatus::WarningNeedsResponse => (Status::NeedsResponse, true),
        DisputeStatus::WarningUnderReview => (Status::UnderReview, true),
        // Nothing was taken, or nothing came of it.
        DisputeStatus::WarningClosed | DisputeStatus::Prevented => (Status::Won, true),
        // A state that Stripe invents tomorrow is not guessed at.
        _ => return Err(Fault::noticed("read a dispute in a new state", Retry::Useless)),
    };
    // Nought stands for a bank that takes no answer.
    let due_by = dispute.evidence_details.due_by.filter(|at| *at != 0);
    let at = |seconds| Timestamp::from_second(seconds).ok();
    Ok(Told {
        provider_ref: dispute.id.to_string(),
        intent: dispute.payment_intent.as_ref().map(|intent| intent.id().to_string()),
        status,
        is_inquiry,
        reason: dispute.reason.clone(),
        amount: money(dispute.amount, currency)?,
        due_by: due_by.and_then(at),
        opened_at: at(dispute.created)
            .ok_or_else(|| Fault::noticed("read when a dispute was opened", Retry::Useless))?,
    })
}
