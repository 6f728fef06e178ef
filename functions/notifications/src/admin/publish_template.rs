//! `POST /v1/admin/templates/{letter}/{locale}/versions/{version}/publish`: this version is sent
//! from now on; by everybody within a minute.

use api::input::no_match;
use api::view::letter_template::TemplateStatusView;
use api::{IfMatch, Path, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::which::{WhichVersion, fit};

/// Publishes a version. It is tried once more: it may be older than what letters know today.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::TemplatesWrite>, (Path<WhichVersion>, IfMatch)>,
) -> Reply<Versioned<TemplateStatusView>> {
    let (Path(WhichVersion { which, version }), seen) = &call.input;
    which.editable(app)?;
    let before = which.pointer(app, call.now).await?;
    seen.check(before.version)?;
    let after = before.publish(*version, call.now)?;
    fit(&notify::try_out(&which.version(app, *version).await?, &which.letter))?;
    let note = app.note(&call, "template.publish", which.object());
    match app.store.point_template(&before, &after, &[note]).await? {
        Saved::Yes => {
            let version = after.version;
            Ok(Versioned(after.into(), version))
        }
        Saved::Raced => Err(no_match()),
    }
}
