//! `POST /v1/admin/media/uploads`: a signed form by which one file may be sent, of this type and of
//! this size, to a place of its own in the quarantine. It proves nothing of the file: that is
//! looked at when it is there.

use api::form::{Integer, OneOf, Text};
use api::reply::Created;
use api::view::media::{UploadForm, UploadView};
use api::{Body, Fields, Form, Problem, Reply, Staff};
use domain::id::MediaId;
use domain::media::{ALT_CHARS_MAX, BYTES_MAX, FILE_NAME_CHARS_MAX, FORM_LIFETIME, Format, Media};
use domain::permission::grant;
use files::Upload;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::which::note;

const FORMATS: &[(&str, Format)] = &[
    (Format::Jpeg.media_type(), Format::Jpeg),
    (Format::Png.media_type(), Format::Png),
    (Format::Webp.media_type(), Format::Webp),
    (Format::Gif.media_type(), Format::Gif),
];

/// What will be sent.
#[derive(Debug)]
pub struct Wanted {
    file_name: String,
    format: Format,
    size: u64,
    alt: String,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let bytes_max = i64::try_from(BYTES_MAX).unwrap_or(i64::MAX);
        let file_name = fields.required("file_name", Text::between(1, FILE_NAME_CHARS_MAX));
        let format = fields.required("content_type", OneOf(FORMATS));
        let size = fields.required("size", Integer::between(1, bytes_max));
        let alt = fields.required("alt", Text::between(0, ALT_CHARS_MAX));
        let size = u64::try_from(size?).ok()?;
        Some(Self { file_name: file_name?, format: format?, size, alt: alt? })
    }
}

/// Signs the form.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Body<Wanted>>,
) -> Reply<Created<UploadView>> {
    let Body(Wanted { file_name, format, size, alt }) = &call.input;
    let id = MediaId::from_ulid(app.ids.ulid(call.now));
    let media = Media::awaited(id, (file_name.clone(), *format, *size), alt.clone(), call.now);
    let files = app.files.as_ref().ok_or_else(Problem::internal)?;
    let upload = Upload {
        key: &media.quarantine(),
        content_type: format.media_type(),
        bytes_min: *size,
        bytes_max: *size,
        lifetime: FORM_LIFETIME,
    };
    let form = files.presigned_post(&upload, call.now).await?;
    let events = [note(app, &call, "media.upload", (None, Some(&media)))?];
    match app.store.create_media(&media, &events).await? {
        Saved::Yes => {}
        // Two ids were drawn alike.
        Saved::Raced => return Err(Problem::unavailable()),
    }
    let upload = UploadForm { url: form.url, fields: form.fields, expires_at: form.expires_at };
    Ok(Created(UploadView { media: media.into(), upload }))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_flaw_is_named() {
        let body = json!({"file_name": "", "content_type": "image/svg+xml", "size": 0});
        assert_eq!(
            flaws_of::<Wanted>(&body),
            [
                ("/file_name".to_owned(), "too_short"),
                ("/content_type".to_owned(), "not_allowed"),
                ("/size".to_owned(), "out_of_range"),
                ("/alt".to_owned(), "required"),
            ]
        );
        let large = BYTES_MAX + 1;
        let body =
            json!({"file_name": "a.png", "content_type": "image/png", "size": large, "alt": ""});
        assert_eq!(flaws_of::<Wanted>(&body), [("/size".to_owned(), "out_of_range")]);
    }

    #[test]
    fn every_format_can_be_asked_for() {
        for format in Format::ALL {
            assert!(FORMATS.contains(&(format.media_type(), format)));
        }
    }
}
