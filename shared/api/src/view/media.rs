//! Pictures that merchants upload, as staff sees them.

use std::collections::BTreeMap;

use domain::id::{MediaId, ProductId};
use domain::media::{Defect, Format, Media, State};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;
use crate::view::product::ImageView;

/// Where an upload stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "MediaStatus")]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The file did not come yet, or was not looked at yet: a matter of seconds after it came.
    Awaiting,
    /// It can be shown.
    Ready,
    /// It was thrown away; `reason` says why.
    Refused,
    /// It is being deleted.
    Deleting,
}

/// An upload and what became of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Media")]
pub struct MediaView {
    /// Its id.
    pub id: MediaId,
    /// Where it stands.
    pub status: Status,
    /// Why it was refused.
    pub reason: Option<Defect>,
    /// What the merchant's file was called.
    pub file_name: String,
    /// What it was said to be.
    pub content_type: Format,
    /// How large it was said to be, in bytes.
    pub size: u64,
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// As a product shows it, once it is ready: address, size, and the same picture in other sizes
    /// and formats.
    pub image: Option<ImageView>,
    /// The products that show it.
    pub product_ids: Vec<ProductId>,
    /// When the upload was asked for.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

impl View for MediaView {}
impl View for List<MediaView> {}

impl From<Media> for MediaView {
    fn from(media: Media) -> Self {
        let image = media.image().ok().map(|image| ImageView::of(image, None));
        let (status, reason) = match media.state {
            State::Awaiting => (Status::Awaiting, None),
            State::Ready(_) => (Status::Ready, None),
            State::Refused(defect) => (Status::Refused, Some(defect)),
            State::Deleting(_) => (Status::Deleting, None),
        };
        Self {
            id: media.id,
            status,
            reason,
            file_name: media.file_name,
            content_type: media.format,
            size: media.size,
            alt: media.alt,
            image,
            product_ids: media.used_by.into_iter().collect(),
            created_at: media.created_at,
        }
    }
}

/// How the browser sends the file: as `multipart/form-data` to `url`, these fields first and
/// unchanged, then the file in a field named `file`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UploadForm {
    /// Where it is sent, by POST.
    pub url: String,
    /// The fields of the form.
    pub fields: BTreeMap<String, String>,
    /// From when on storage refuses it.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

/// An upload that was asked for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MediaUpload")]
pub struct UploadView {
    /// What will become of it.
    pub media: MediaView,
    /// How the file is sent.
    pub upload: UploadForm,
}

impl View for UploadView {}
