//! `DELETE /v1/admin/media/{id}`: a picture that no product shows goes, and its files go with the
//! last upload that is the same picture.
//!
//! It is marked first, so that no product can show it any more; what breaks off after that is done
//! by asking again.

use api::form::MediaPath;
use api::input::no_match;
use api::{IfMatch, NoContent, Path, Problem, Reply, Staff};
use domain::media::{Picture, State};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::which::{load, note};

/// Deletes an upload.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, (Path<MediaPath>, IfMatch)>,
) -> Reply<NoContent> {
    let (Path(MediaPath { id }), seen) = &call.input;
    let media = load(app, *id).await?;
    seen.check(media.version)?;
    media.may_be_deleted(call.now)?;
    let picture = match &media.state {
        State::Ready(picture) | State::Deleting(picture) => Some(picture.clone()),
        State::Awaiting | State::Refused(_) => None,
    };
    let after = match &picture {
        Some(picture) => State::Deleting(picture.clone()),
        None => media.state.clone(),
    };
    let events = [note(app, &call, "media.delete", (Some(&media), None))?];
    let digest = picture.as_ref().map(|picture| picture.digest.as_str());
    match app.store.retire_media(&media, &after, digest, &events).await? {
        Saved::Yes => {}
        Saved::Raced => return Err(no_match()),
    }
    let mut gone = None;
    if let Some(picture) = &picture
        && app.store.close_content(&picture.digest).await?
    {
        take_down(app, picture).await?;
        gone = digest;
    }
    app.store.forget_media(media.id, gone).await?;
    Ok(NoContent)
}

async fn take_down(app: &App, picture: &Picture) -> Reply<()> {
    let bucket = app.bucket.as_ref().ok_or_else(Problem::internal)?;
    for (_, _, key) in picture.files() {
        bucket.delete(&key).await?;
    }
    Ok(())
}
