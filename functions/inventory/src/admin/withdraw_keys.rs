//! `POST /v1/admin/inventory/key_pools/{sku}/withdrawals`: free keys leave the pool, all or none.
//! What a buyer has is not withdrawn, and neither is what an order that holds some would lack.

use std::collections::BTreeSet;

use api::form::{ListOf, Text};
use api::problem::Flaw;
use api::reply::Created;
use api::view::key_pool::WithdrawnView;
use api::{Body, Fields, Form, KeyRequired, Path, Problem, Reply, Staff};
use domain::id::{MovementId, PoolKeyId};
use domain::key_pool::{Refusal, WITHDRAWN_MAX, withdraw};
use domain::movement::{Kind, Movement, REASON_CHARS_MAX};
use domain::permission::grant;
use domain::stock::KEY_POOL;
use runtime::Call;
use serde_json::{Value, json};
use store::key_pool::Withdrawn;

use crate::which::{ATTEMPTS_MAX, WhichSku, note, raced};
use crate::{App, key_pool};

/// Which keys, and why.
#[derive(Debug)]
pub struct Withdrawal {
    ids: Vec<PoolKeyId>,
    reason: String,
}

impl Form for Withdrawal {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let each = key_pool::pool_key_id();
        let some = ListOf::some_up_to(WITHDRAWN_MAX, each, "No key is named.");
        let ids = fields.required("key_ids", some);
        let reason = fields.required("reason", Text::between(1, REASON_CHARS_MAX));
        Some(Self { ids: ids?, reason: reason? })
    }
}

type Given = (Path<WhichSku>, (KeyRequired, Body<Withdrawal>));

/// Withdraws keys.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryAdjust>, Given>,
) -> Reply<Created<WithdrawnView>> {
    let (Path(WhichSku { sku }), (KeyRequired, Body(form))) = &call.input;
    key_pool::load(app, sku).await?;
    let wanted: BTreeSet<PoolKeyId> = form.ids.iter().copied().collect();
    for _ in 0..ATTEMPTS_MAX {
        let known = app.store.registered(sku, &wanted).await?;
        let free = withdraw(&wanted, &known).map_err(|all| refused(&form.ids, all))?;
        let view = WithdrawnView { sku: sku.clone(), withdrawn: free.len() };
        if free.is_empty() {
            return Ok(Created(view));
        }
        let quantity = i64::try_from(free.len()).unwrap_or(i64::MAX);
        let movement = Movement {
            id: MovementId::from_ulid(app.ids.ulid(call.now)),
            sku: sku.clone(),
            location: KEY_POOL,
            kind: Kind::WrittenOff,
            quantity: -quantity,
            reason: Some(form.reason.clone()),
            reference: None,
            actor: call.who.actor(),
            at: call.now,
        };
        let told = json!({"quantity": quantity, "reason": form.reason});
        let events = [note(app, &call, "keys.withdraw", sku, (&Value::Null, &told))?];
        match app.store.withdraw_keys(sku, &free, &movement, &events).await? {
            Withdrawn::Yes => return Ok(Created(view)),
            Withdrawn::Promised => return Err(Refusal::Promised.into()),
            Withdrawn::Raced => {}
        }
    }
    Err(raced())
}

/// Every refusal, each where its key stands in the request.
fn refused(ids: &[PoolKeyId], all: Vec<Refusal>) -> Problem {
    let at = |wanted: &PoolKeyId| ids.iter().position(|id| id == wanted).unwrap_or(0);
    let flaw = |refusal: &Refusal| {
        let (id, detail) = match refusal {
            Refusal::Unknown { id } => (Some(id), "The pool has no such key."),
            Refusal::Given { id } => (Some(id), "A buyer has it; it stays theirs."),
            Refusal::NoKeys | Refusal::Promised => (None, "It can not be withdrawn."),
        };
        let at = id.map_or(0, at);
        Flaw::new(format!("/key_ids/{at}"), refusal.code(), detail)
    };
    let errors: Vec<Flaw> = all.iter().map(flaw).collect();
    let first = all.into_iter().next().map(Problem::from);
    let first = first.unwrap_or_else(Problem::internal);
    Problem { errors, ..first }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use domain::id::Ulid;
    use serde_json::json;

    use super::*;

    #[test]
    fn somebody_says_which_and_why() {
        let id = PoolKeyId::from_ulid(Ulid(1)).to_string();
        assert_eq!(flaws_of::<Withdrawal>(&json!({"key_ids": [id], "reason": "Leaked"})), []);
        let flaws = flaws_of::<Withdrawal>(&json!({"key_ids": ["ABCD-EFGH"]}));
        let wanted = [("/key_ids/0", "malformed_id"), ("/reason", "required")];
        assert_eq!(flaws, wanted.map(|(at, code)| (at.to_owned(), code)));
        let none = json!({"key_ids": [], "reason": "Leaked"});
        assert_eq!(flaws_of::<Withdrawal>(&none), [("/key_ids".to_owned(), "required")]);
    }

    #[test]
    fn every_key_that_stays_is_named_where_it_stands() {
        let [one, two] = [1, 2].map(|number| PoolKeyId::from_ulid(Ulid(number)));
        let all = vec![Refusal::Given { id: two }, Refusal::Unknown { id: one }];
        let problem = refused(&[one, two], all);
        assert_eq!(problem.code, "key_given");
        let named: Vec<_> = problem.errors.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
        assert_eq!(named, [("/key_ids/1", "key_given"), ("/key_ids/0", "unknown_key")]);
    }
}
