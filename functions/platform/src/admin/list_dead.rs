//! `GET /v1/admin/queues/{name}/dead`: messages that a queue gave up, with the reason. They stay
//! where they are, and what they say stays with them: a letter's message holds an address.

use api::cursor::List;
use api::view::queue::DeadMessageView;
use api::{Path, Reply, Staff};
use domain::permission::grant;
use queue::Dead;
use runtime::Call;
use serde_json::Value;

use crate::App;
use crate::queues::WhichQueue;

/// Dead letters that are looked at.
const LOOKED_AT: usize = 50;

/// Lists dead letters.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::QueuesManage>, Path<WhichQueue>>,
) -> Reply<List<DeadMessageView>> {
    let Path(WhichQueue { name }) = call.input;
    let dead = app.queues.dead(name, LOOKED_AT).await?;
    Ok(List { data: dead.into_iter().map(shown).collect(), next_cursor: None })
}

/// A dead letter without its words.
fn shown(letter: Dead) -> DeadMessageView {
    let body: Value = serde_json::from_str(&letter.body).unwrap_or(Value::Null);
    // Names and ids of ours only: whatever else stands there may be somebody's.
    let is_name = |text: &&str| {
        text.len() <= 50 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._".contains(&b))
    };
    let word =
        |name: &str| body.get(name).and_then(Value::as_str).filter(is_name).map(str::to_owned);
    DeadMessageView {
        kind: word("type"),
        event_id: word("id").or_else(|| word("event")),
        id: letter.id,
        at: letter.at,
        reason: letter.reason,
        handler: letter.handler,
        bytes: letter.body.len(),
    }
}
