//! Media: pictures that merchants upload, looked at and made anew before anybody sees them.

use ::store::{Store, Table};
use files::{Bucket, Files};
use runtime::{Doors, Endpoint, Ids, Setup, Trigger, http, on_upload};

pub mod picture;
mod which;
pub mod admin {
    //! Endpoints for staff.
    pub mod delete;
    pub mod describe;
    pub mod list;
    pub mod upload;
    pub mod view;
}
pub mod jobs {
    //! What looks at the quarantine.
    pub mod on_uploaded;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Option<Doors>,
    files: Option<Files>,
    bucket: Option<Bucket>,
    ids: Ids,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let is_job = setup.handler.starts_with("media.jobs.");
        let tables: &[Table] = match setup.handler {
            "media.unknown" => &[],
            _ if is_job => &[Table::Catalog],
            _ => &[Table::Catalog, Table::Identity, Table::Ephemeral, Table::Orders],
        };
        let (mut files, mut bucket) = (None, None);
        match setup.handler {
            "media.admin.upload" => files = setup.files(),
            "media.admin.delete" | "media.jobs.on_uploaded" => {
                let name = setup.text("FILES_BUCKET");
                bucket = Some(Bucket::new(setup.aws(), name));
            }
            _ => {}
        }
        Self {
            store: setup.store(tables),
            doors: (!is_job).then(|| setup.doors()),
            files,
            bucket,
            ids: setup.ids(),
        }
    }
    fn doors(&self) -> Option<&Doors> {
        self.doors.as_ref()
    }
    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }
}

/// The functions of this domain.
pub static ENDPOINTS: &[Endpoint<App>] = &[
    http!(
        "media.admin.upload",
        POST "/v1/admin/media/uploads",
        "Asks for an upload: a signed form by which the browser sends the file straight to \
         storage, within ten minutes. The picture is made ready within seconds after that.",
        admin::upload
    ),
    http!(
        "media.admin.list",
        GET "/v1/admin/media",
        "Lists the uploads, newest first, with what became of each.",
        admin::list
    ),
    http!(
        "media.admin.view",
        GET "/v1/admin/media/{id}",
        "Shows an upload and what became of it.",
        admin::view
    ),
    http!(
        "media.admin.describe",
        PATCH "/v1/admin/media/{id}",
        "Says otherwise what a picture shows. Products that show it keep the words that they were \
         given it with.",
        admin::describe
    ),
    http!(
        "media.admin.delete",
        DELETE "/v1/admin/media/{id}",
        "Deletes a picture that no product shows, with its files.",
        admin::delete
    ),
    on_upload!("media.jobs.on_uploaded", files::UPLOADS, jobs::on_uploaded),
    Endpoint { handler: "media.unknown", trigger: Trigger::Unknown },
];
