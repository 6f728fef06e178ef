//! What moves a transfer: it is loaded, decided, and written with its movements, its entry in the
//! audit log and the answer.

use api::reply::{Answer, Created, Remembered};
use api::view::inventory::TransferView;
use api::{Problem, Reply, Staff};
use domain::catalog::Sku;
use domain::id::{LocationId, MovementId};
use domain::movement::{Kind, Movement};
use domain::permission::grant;
use domain::transfer::{Refusal, Transfer};
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::{Value, json};
use store::transfer::Moved;

use crate::App;
use crate::which::{ATTEMPTS_MAX, note, raced};

/// Units that move when a transfer does: of what, where, how many, and why.
pub(crate) struct Step {
    pub(crate) transfer: Transfer,
    pub(crate) location: LocationId,
    pub(crate) kind: Kind,
    /// Positive for units that come.
    pub(crate) units: Vec<(Sku, i64)>,
}

/// Who moves transfers.
pub(crate) type Mover = Staff<grant::InventoryAdjust>;

/// Moves a transfer: `decide` says what becomes of it as it was loaded.
pub(crate) async fn step<I>(
    app: &App,
    call: &Call<Mover, I>,
    id: domain::id::TransferId,
    action: &str,
    decide: impl Fn(Transfer) -> Result<Step, Refusal> + Send + Sync,
) -> Reply<Remembered<Created<TransferView>>> {
    for _ in 0..ATTEMPTS_MAX {
        let before = app.store.transfer(id).await?.ok_or_else(Problem::not_found)?;
        let step = decide(before.clone())?;
        if let Some(answer) = write(app, call, Some(&before), step, action).await? {
            return Ok(answer);
        }
    }
    Err(raced())
}

/// Writes a transfer and its movements; none where somebody else was faster.
pub(crate) async fn write<I>(
    app: &App,
    call: &Call<Mover, I>,
    before: Option<&Transfer>,
    step: Step,
    action: &str,
) -> Reply<Option<Remembered<Created<TransferView>>>> {
    let Step { transfer, location, kind, units } = step;
    let moving: Vec<&(Sku, i64)> = units.iter().filter(|(_, quantity)| *quantity != 0).collect();
    let movements: Vec<Movement> = moving
        .iter()
        .map(|(sku, quantity)| Movement {
            id: MovementId::from_ulid(app.ids.ulid(call.now)),
            sku: sku.clone(),
            location,
            kind,
            quantity: *quantity,
            reason: None,
            reference: Some(transfer.id.to_string()),
            actor: call.who.actor(),
            at: call.now,
        })
        .collect();
    let told = |transfer: &Transfer| json!({"status": transfer.status});
    let was = before.map_or(Value::Null, told);
    let events = [note(app, call, action, transfer.id, (&was, &told(&transfer)))?];
    let view = TransferView::from(transfer.clone());
    let answer = stored(&Answer::json(StatusCode::CREATED, &view));
    let remembered = call.claim.as_ref().map(|claim| (claim, &answer));
    match app.store.move_transfer(&transfer, &movements, &events, remembered).await? {
        Moved::Yes => Ok(Some(Remembered(Created(view)))),
        Moved::Raced => Ok(None),
        Moved::Short(at) => {
            let short: Vec<&Sku> =
                at.iter().filter_map(|at| Some(&movements.get(*at)?.sku)).collect();
            let detail = "Fewer units are for sale there than the transfer carries.";
            Err(Problem::conflict("insufficient_stock", detail).member("skus", short))
        }
    }
}
