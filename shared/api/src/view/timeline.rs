//! What happened to an order, and what staff wrote about it.

use domain::id::NoteId;
use domain::money::Money;
use domain::timeline::{Moment, Note};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A note about an order.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderNote")]
pub struct NoteView {
    /// Its id.
    pub id: NoteId,
    /// What it says.
    pub text: String,
    /// Who wrote it: the id of a member of the staff or of an API key.
    pub written_by: String,
    /// When.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

impl View for NoteView {}
impl View for List<NoteView> {}

impl From<&Note> for NoteView {
    fn from(note: &Note) -> Self {
        let (text, written_by) = (note.text.clone(), note.by.to_string());
        Self { id: note.id, text, written_by, created_at: note.at }
    }
}

/// Something that happened to an order.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderMoment")]
pub struct MomentView {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What: `order.placed`, `fulfillment.shipped`, `refund.requested` …
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of the thing that it happened to.
    pub subject_id: String,
    /// How much money it was about.
    pub amount: Option<Money>,
    /// Who did it, where that is known.
    pub actor: Option<String>,
    /// What was said of it: the reason of a refund or a hold, the text of a note.
    pub text: Option<String>,
}

impl From<Moment> for MomentView {
    fn from(moment: Moment) -> Self {
        Self {
            at: moment.at,
            kind: moment.what.to_owned(),
            subject_id: moment.subject,
            amount: moment.amount,
            actor: moment.by.map(|by| by.to_string()),
            text: moment.text,
        }
    }
}

/// What happened to an order.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderTimeline")]
pub struct TimelineView {
    /// What happened, oldest first. Of notes the newest hundred are among it.
    pub data: Vec<MomentView>,
}

impl View for TimelineView {}
