//! `PATCH /v1/admin/media/{id}`: other words for those who do not see the picture.

use api::form::{MediaPath, Text};
use api::input::no_match;
use api::view::media::MediaView;
use api::{Body, Fields, Form, IfMatch, Path, Reply, Staff, Versioned};
use domain::media::{ALT_CHARS_MAX, Media};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::which::{load, note};

/// The words.
#[derive(Debug)]
pub struct Description {
    alt: Option<String>,
}

impl Form for Description {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let alt = fields.optional("alt", Text::between(0, ALT_CHARS_MAX));
        Some(Self { alt: alt? })
    }
}

/// Which upload, as it was seen, and the words.
type Given = (Path<MediaPath>, (IfMatch, Body<Description>));

/// Changes the words.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Given>,
) -> Reply<Versioned<MediaView>> {
    let (Path(MediaPath { id }), (seen, Body(Description { alt }))) = &call.input;
    let before = load(app, *id).await?;
    seen.check(before.version)?;
    let alt = alt.clone().unwrap_or_else(|| before.alt.clone());
    let after = Media { alt, version: before.version + 1, ..before.clone() };
    let events = [note(app, &call, "media.describe", (Some(&before), Some(&after)))?];
    match app.store.describe_media(&before, &after.alt, &events).await? {
        Saved::Yes => Ok(Versioned(after.clone().into(), after.version)),
        Saved::Raced => Err(no_match()),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_stays_and_what_is_too_long_is_named() {
        assert_eq!(flaws_of::<Description>(&json!({})), []);
        let long = "a".repeat(ALT_CHARS_MAX + 1);
        assert_eq!(flaws_of::<Description>(&json!({"alt": long})).len(), 1);
    }
}
