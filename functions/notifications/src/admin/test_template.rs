//! `POST /v1/admin/templates/{letter}/{locale}/test`: a version, written from sample facts, is sent
//! to whoever asks, at their own address and nowhere else.

use api::form::Integer;
use api::reply::Accepted;
use api::view::letter_template::TemplateTestView;
use api::{Body, Fields, Form, Path, Problem, Reply, Staff};
use domain::audit::Actor;
use domain::event::{Event, Fact, Letter, Message};
use domain::id::{EventId, MessageId};
use domain::letter_template::VERSIONS_MAX;
use domain::message::masked;
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::which::Which;

/// Which version.
#[derive(Debug)]
pub struct Number {
    version: u32,
}

impl Form for Number {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let version = fields.required("version", Integer::between(1, i64::from(VERSIONS_MAX)));
        Some(Self { version: u32::try_from(version?).ok()? })
    }
}

/// Asks for the letter.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::NotificationsWrite>, (Path<Which>, Body<Number>)>,
) -> Reply<Accepted<TemplateTestView>> {
    let (Path(which), Body(Number { version })) = &call.input;
    which.built_in(app)?;
    let member = match call.who.actor() {
        Actor::Staff(id) => app.store.member(id).await?,
        Actor::Nobody | Actor::Customer(_) | Actor::Key(_) | Actor::System => None,
    };
    let member = member.ok_or_else(|| {
        Problem::conflict("no_address_of_your_own", "An API key has no mailbox. Sign in yourself.")
    })?;
    which.version(app, *version).await?;
    let ulid = app.ids.ulid(call.now);
    let (of, locale) = (which.letter.clone(), which.locale.clone());
    let letter = Letter::TemplateTest { of, locale, version: *version };
    let message = Message { id: MessageId::from_ulid(ulid), to: member.email, letter };
    let view = TemplateTestView { message_id: message.id, to: masked(&message.to) };
    let fact = Fact::MessageRequested { message };
    let request = Event { id: EventId::from_ulid(ulid), at: call.now, sequence: 1, fact };
    let note = app.note(&call, "template.test", which.object());
    app.store.say_alone(&[request, note]).await?;
    Ok(Accepted(view))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_is_named() {
        assert_eq!(flaws_of::<Number>(&json!({"version": 1})), []);
        assert_eq!(flaws_of::<Number>(&json!({"version": 0})).len(), 1);
        assert_eq!(flaws_of::<Number>(&json!({})).len(), 1);
    }
}
