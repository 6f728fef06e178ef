//! A file lies in the quarantine: it is looked at, and what can be shown is made of it.
//!
//! Invariants: nothing that was sent reaches the public prefix, only what was made of its pixels;
//! the file leaves the quarantine whatever it is, after what became of it is written; the same
//! event may come twice, and an upload that is settled stays as it is.

use bytes::Bytes;
use domain::fault::{Fault, Retry};
use domain::id::MediaId;
use domain::media::{BYTES_MAX, Defect, Media, Picture, State};
use files::{Bucket, Condition, NewObject};
use runtime::Upload;
use store::Saved;

use crate::{App, picture};

/// A name never comes to mean another picture: whoever has it may keep it.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Looks at the file.
pub async fn handle(app: &App, upload: Upload) -> Result<(), Fault> {
    let bucket = app
        .bucket
        .as_ref()
        .ok_or_else(|| Fault::noticed("look at an upload without a bucket", Retry::Useless))?;
    let id = upload.key.strip_prefix(files::UPLOADS).and_then(|id| MediaId::parse(id).ok());
    let media = match id {
        Some(id) => app.store.media(id).await?,
        None => None,
    };
    // Nobody asked for it, or it came again when all was done.
    let Some(media) = media.filter(|media| media.state == State::Awaiting) else {
        return bucket.delete(&upload.key).await;
    };
    let Some(state) = settle(app, bucket, &media, &upload).await? else { return Ok(()) };
    match app.store.settle_media(&media, &state).await? {
        Saved::Yes => {}
        // Its words were changed meanwhile: it comes again.
        Saved::Raced => return Err(Fault::noticed("settle an upload", Retry::Helps)),
    }
    bucket.delete(&upload.key).await
}

/// What becomes of it; none where there is no file any more.
async fn settle(
    app: &App,
    bucket: &Bucket,
    media: &Media,
    upload: &Upload,
) -> Result<Option<State>, Fault> {
    // What is too large is not even fetched.
    if upload.size > BYTES_MAX {
        return Ok(Some(State::Refused(Defect::TooLarge)));
    }
    let Some(file) = bucket.get(&upload.key).await? else { return Ok(None) };
    let (picture, pixels) = match picture::unpack(media.format, &file.bytes) {
        Ok(unpacked) => unpacked,
        Err(defect) => return Ok(Some(State::Refused(defect))),
    };
    drop(file);
    match app.store.claim_content(&picture.digest, media.id).await? {
        Saved::Yes => {}
        Saved::Raced => return Err(Fault::noticed("wait for files to be deleted", Retry::Helps)),
    }
    let made = picture::make(&picture, &pixels)
        .map_err(|what| Fault::noticed(format!("make a picture: {what}"), Retry::Useless))?;
    drop(pixels);
    publish(bucket, &picture, made).await?;
    Ok(Some(State::Ready(picture)))
}

/// Puts the files where everybody may see them; those that are there already are the same.
async fn publish(
    bucket: &Bucket,
    picture: &Picture,
    made: Vec<picture::Made>,
) -> Result<(), Fault> {
    for file in made {
        let key = picture.key(file.width, file.format);
        let object = NewObject {
            bytes: Bytes::from(file.bytes),
            content_type: file.format.media_type(),
            cache_control: Some(FOR_EVER),
        };
        bucket.put_if(&key, object, Condition::Absent).await?;
    }
    Ok(())
}
