//! `POST /v1/admin/templates/{letter}/{locale}/rollback`: what was sent before is sent again; in
//! the end the shop's own words.

use api::input::no_match;
use api::view::letter_template::TemplateStatusView;
use api::{IfMatch, Path, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::which::Which;

/// Goes one step back.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::TemplatesWrite>, (Path<Which>, IfMatch)>,
) -> Reply<Versioned<TemplateStatusView>> {
    let (Path(which), seen) = &call.input;
    which.editable(app)?;
    let before = which.pointer(app, call.now).await?;
    seen.check(before.version)?;
    let after = before.roll_back(call.now)?;
    let note = app.note(&call, "template.roll_back", which.object());
    match app.store.point_template(&before, &after, &[note]).await? {
        Saved::Yes => {
            let version = after.version;
            Ok(Versioned(after.into(), version))
        }
        Saved::Raced => Err(no_match()),
    }
}
