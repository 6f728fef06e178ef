//! `GET /v1/admin/media/{id}`: one upload, with the ETag that its changes want.

use api::form::MediaPath;
use api::view::media::MediaView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::which::load;

/// Shows an upload.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsRead>, Path<MediaPath>>,
) -> Reply<Versioned<MediaView>> {
    let media = load(app, call.input.0.id).await?;
    let version = media.version;
    Ok(Versioned(media.into(), version))
}
