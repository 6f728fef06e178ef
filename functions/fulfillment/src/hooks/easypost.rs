//! `POST /v1/hooks/easypost`: what a carrier reports of a parcel, verified over the raw bytes and
//! written down at once.
//!
//! A report says where a parcel is, not what has changed since the one before: it may come twice,
//! late and out of order, and what is no news changes nothing. So nothing is kept but what it says,
//! and no queue stands in between: where it can not be written, EasyPost is told so and sends it
//! again. What is about nobody's parcel is acknowledged, or it would come for days.

use api::reply::View;
use api::who::CarrierSigned;
use api::{Problem, Raw, Reply};
use carrier::webhook::{self, Signed};
use domain::carrier::Report;
use domain::fulfillment::Tracked;
use http::StatusCode;
use jiff::Timestamp;
use runtime::Call;
use serde::Serialize;
use store::fulfillment::{Followed, Move, Moved};

use crate::App;
use crate::parcel::{ATTEMPTS_MAX, said};

/// Keys of this kind buy labels that cost money, and hear of parcels that exist.
const LIVE: &str = "EZAK";

/// The acknowledgement.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct ReportReceived {
    /// Always true.
    received: bool,
}

impl View for ReportReceived {}

/// Takes a report.
pub async fn handle(app: &App, call: Call<CarrierSigned, Raw>) -> Reply<ReportReceived> {
    let post = app.post.as_ref().ok_or_else(Problem::internal)?;
    let keys = post.keys(call.now).await?;
    let header = |name| call.request.header(name);
    let signed = Signed {
        v1: header("x-hmac-signature"),
        v2: header("x-hmac-signature-v2"),
        timestamp: header("x-timestamp"),
        path: header("x-path"),
        method: call.request.method.as_str(),
        body: &call.request.body,
    };
    if let Err(refusal) = webhook::verify(&signed, &keys.webhook_secrets, call.now) {
        tracing::warn!(op = "fulfillment.hooks.easypost", why = ?refusal, "a report was refused");
        return Err(refused("invalid_signature", "The signature does not fit."));
    }
    if let Some(report) = webhook::parse(&call.request.body) {
        let is_live = keys.api_key.is_some_and(|key| key.starts_with(LIVE));
        if report.is_live != is_live {
            return Err(refused("livemode_mismatch", "The report is of the other mode."));
        }
        hear(app, &report, call.now).await?;
    }
    Ok(ReportReceived { received: true })
}

fn refused(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, detail)
}

/// Writes down what a report says, if it is news of a parcel of ours.
async fn hear(app: &App, report: &Report, now: Timestamp) -> Reply<()> {
    let Some(followed) = app.store.followed(&report.tracking_code).await? else {
        tracing::info!(op = "fulfillment.hooks.easypost", "a report is about nobody's parcel");
        return Ok(());
    };
    for _ in 0..ATTEMPTS_MAX {
        if hear_once(app, report, followed, now).await? {
            return Ok(());
        }
    }
    Err(Problem::unavailable())
}

/// Whether nothing is left to be done; not where somebody changed the order meanwhile.
async fn hear_once(app: &App, report: &Report, of: Followed, now: Timestamp) -> Reply<bool> {
    let Some(file) = app.store.order(of.order).await? else { return Ok(true) };
    let Some(parcel) = file.parcels.into_iter().find(|one| one.id == of.parcel) else {
        return Ok(true);
    };
    // A label that was given back says nothing any more of the parcel that it was bought for.
    if parcel.label().is_none_or(|label| label.tracking_code != report.tracking_code) {
        return Ok(true);
    }
    // What no scan says is older than every scan; no scan is of tomorrow.
    let at = report.seen_at.map_or(parcel.created_at, |seen| seen.min(now));
    let heard = Tracked { status: report.status, at };
    let (id, stood) = (parcel.id, parcel.status);
    let Some(mut step) = parcel.hear(&file.order, heard, now) else { return Ok(true) };
    let mut events = Vec::new();
    if step.parcel.status != stood {
        events.push(said(&app.ids, &mut step, now));
    }
    let moved = Move {
        order: &step.order,
        parcel: &step.parcel,
        leaving: &[],
        movements: &[],
        followed_by: None,
        events: &events,
        remembered: None,
    };
    let is_written = matches!(app.store.move_parcel(&moved).await?, Moved::Yes);
    if is_written {
        tracing::info!(
            op = "fulfillment.hooks.easypost",
            fulfillment_id = %id,
            tracking_status = ?report.status,
            status = step.parcel.status.code(),
            "a carrier has reported"
        );
    }
    Ok(is_written)
}
