//! `DELETE /v1/admin/suppressions/{id}`: an address is written to again. A number whose holder
//! answered STOP is not: only their own START takes that back.
//! What was not sent
//! meanwhile is not sent by this: each letter can be sent again by hand.

use api::form::Parsed;
use api::{Fields, Form, NoContent, Path, Problem, Reply, Staff};
use domain::message::Cause;
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;

/// Characters of a name: a keyed hash of 256 bits in base64.
const NAME_CHARS: usize = 43;

/// Which entry.
#[derive(Debug)]
pub struct Which {
    id: String,
}

impl Form for Which {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let rule = Parsed::by(name, "the id of an entry of the list", NAME_CHARS)
            .pattern("^[A-Za-z0-9_-]{43}$");
        let id = fields.required("id", rule);
        Some(Self { id: id? })
    }
}

fn name(text: &str) -> Option<String> {
    let is_name = text.len() == NAME_CHARS
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    is_name.then(|| text.to_owned())
}

/// Takes the address off the list.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::NotificationsWrite>, Path<Which>>,
) -> Reply<NoContent> {
    let Path(Which { id }) = &call.input;
    let found = app.store.suppression(std::slice::from_ref(id)).await?;
    if found.is_some_and(|one| one.cause == Cause::Stop) {
        let detail = "The holder of this number answered STOP. Only their own START takes it back.";
        return Err(Problem::conflict("stopped_by_reader", detail));
    }
    let note = app.note(&call, "suppression.remove", id.clone());
    match app.store.unsuppress(id, &[note]).await? {
        Saved::Yes => Ok(NoContent),
        Saved::Raced => Err(Problem::not_found()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_a_hash_looks_like() {
        assert!(name(&"a".repeat(43)).is_some());
        for wrong in ["", "jane@example.org", &"a".repeat(42), &"a".repeat(44), &"é".repeat(21)] {
            assert!(name(wrong).is_none(), "{wrong}");
        }
    }
}
