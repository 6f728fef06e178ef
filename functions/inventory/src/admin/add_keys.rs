//! `POST /v1/admin/inventory/key_pools/{sku}/keys`: new keys, in parts of what one transaction
//! takes.
//!
//! Who dies between two parts leaves a pool with some of them, and the same request under the same
//! key adds the rest: it knows those that it added before, and does not call them duplicates.

use std::collections::BTreeSet;

use api::form::{ListOf, Text};
use api::reply::Created;
use api::view::key_pool::{AddedView, SkippedView};
use api::{Body, Fields, Form, KeyRequired, Path, Problem, Reply, Staff};
use domain::catalog::Sku;
use domain::event::{Event, Fact};
use domain::id::{EventId, MovementId, PoolKeyId};
use domain::key_pool::{ADDED_MAX, FreeKey, KEYS_MAX, KeyText, Pool, Sorted, sort};
use domain::movement::{Kind, Movement, REASON_CHARS_MAX};
use domain::permission::grant;
use domain::stock::KEY_POOL;
use runtime::Call;
use serde_json::{Value, json};
use store::Saved;
use store::key_pool::Adding;

use crate::which::{ATTEMPTS_MAX, WhichSku, note, raced};
use crate::{App, key_pool};

/// Keys, and with which delivery note they came.
#[derive(Debug)]
pub struct NewKeys {
    keys: Vec<KeyText>,
    reference: Option<String>,
}

impl Form for NewKeys {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let keys = fields.required(
            "keys",
            ListOf::some_up_to(KEYS_MAX, key_pool::key_text(), "There is no key."),
        );
        let reference = fields.optional("reference", Text::between(1, REASON_CHARS_MAX));
        Some(Self { keys: keys?, reference: reference? })
    }
}

type Who = Staff<grant::InventoryAdjust>;
type Given = (Path<WhichSku>, (KeyRequired, Body<NewKeys>));

/// Adds keys.
pub async fn handle(app: &App, call: Call<Who, Given>) -> Reply<Created<AddedView>> {
    let (Path(WhichSku { sku }), (KeyRequired, Body(form))) = &call.input;
    key_pool::check(app, sku).await?;
    let pool = open(app, &call, sku).await?;
    let keys: Vec<FreeKey> = form
        .keys
        .iter()
        .map(|text| FreeKey { id: text.id(&pool.salt), text: text.clone() })
        .collect();
    let claim = call.claim.as_ref().ok_or_else(Problem::internal)?;
    let ids: BTreeSet<PoolKeyId> = keys.iter().map(|key| key.id).collect();
    let mut races = 0;
    // What stands in the request twice is noticed in the whole of it; so it is sorted as a whole.
    loop {
        let known = app.store.registered(sku, &ids).await?;
        let sorted = sort(&keys, &known, claim.name());
        let Some(part) = sorted.new.chunks(ADDED_MAX).next() else {
            return Ok(Created(view(sku, sorted)));
        };
        match add(app, &call, sku, part, claim.name()).await? {
            Saved::Yes => {}
            Saved::Raced if races < ATTEMPTS_MAX => races += 1,
            Saved::Raced => return Err(raced()),
        }
    }
}

/// The pool; the first keys open it.
async fn open(app: &App, call: &Call<Who, Given>, sku: &Sku) -> Reply<Pool> {
    if let Some(pool) = app.store.key_pool(sku).await? {
        return Ok(pool);
    }
    let (sku, salt) = (sku.clone(), app.ids.token());
    let pool = Pool { sku, salt, added: 0, withdrawn: 0, created_at: call.now };
    match app.store.open_key_pool(&pool).await? {
        Saved::Yes => Ok(pool),
        Saved::Raced => key_pool::load(app, &pool.sku).await,
    }
}

/// Adds one part.
async fn add(
    app: &App,
    call: &Call<Who, Given>,
    sku: &Sku,
    keys: &[FreeKey],
    batch: &str,
) -> Reply<Saved> {
    let (_, (_, Body(form))) = &call.input;
    let quantity = i64::try_from(keys.len()).unwrap_or(i64::MAX);
    let movement = Movement {
        id: MovementId::from_ulid(app.ids.ulid(call.now)),
        sku: sku.clone(),
        location: KEY_POOL,
        kind: Kind::Received,
        quantity,
        reason: None,
        reference: form.reference.clone(),
        actor: call.who.actor(),
        at: call.now,
    };
    let told = json!({"quantity": quantity, "reference": form.reference});
    let noted = note(app, call, "keys.add", sku, (&Value::Null, &told))?;
    let id = EventId::from_ulid(app.ids.ulid(call.now));
    let fact = Fact::KeysAdded { sku: sku.clone() };
    let events = [noted, Event { id, at: call.now, sequence: 1, fact }];
    let actor = call.who.actor();
    let adding = Adding { keys, batch, actor, movement: &movement, events: &events };
    Ok(app.store.add_keys(sku, &adding).await?)
}

fn view(sku: &Sku, sorted: Sorted) -> AddedView {
    let skipped = sorted.skipped.into_iter().map(SkippedView::from).collect();
    AddedView { sku: sku.clone(), added: sorted.added_before, skipped }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_printable_and_of_some_length_and_no_flaw_repeats_it() {
        let longest = "k".repeat(200);
        let body = json!({"keys": ["ABCD-EFGH", "two words", longest], "reference": "DN-7"});
        assert_eq!(flaws_of::<NewKeys>(&body), []);
        let too_long = "k".repeat(201);
        let body =
            json!({"keys": ["short", " ABCDEF", "ABCDEF ", "ÄBCDEF", "ABC\nDEF", too_long, 7]});
        let codes: Vec<_> = flaws_of::<NewKeys>(&body).into_iter().map(|(_, code)| code).collect();
        assert_eq!(codes[..6], ["malformed"; 6]);
        assert_eq!(codes[6..], ["wrong_type"]);
        assert_eq!(flaws_of::<NewKeys>(&json!({"keys": []})), [("/keys".to_owned(), "required")]);
        let many: Vec<String> = (0..501).map(|number| format!("KEY-{number:04}")).collect();
        let flaws = flaws_of::<NewKeys>(&json!({"keys": many}));
        assert_eq!(flaws, [("/keys".to_owned(), "too_many")]);
    }
}
