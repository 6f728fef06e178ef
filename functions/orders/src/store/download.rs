//! `GET /v1/store/downloads/{token}`: the link of a letter or an order's page. It proves itself; it
//! ends; each use is counted before the file is given.

use api::form::Text;
use api::reply::Found;
use api::{Anyone, Fields, Form, Path, Problem, Reply, download};
use domain::order::Refusal;
use runtime::Call;

use crate::App;

/// The link.
#[derive(Debug)]
pub struct Link {
    token: String,
}

impl Form for Link {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let token = fields.required("token", Text::between(1, 400));
        Some(Self { token: token? })
    }
}

/// Leads to the file.
pub async fn handle(app: &App, call: Call<Anyone, Path<Link>>) -> Reply<Found> {
    let opened = download::open(&call.guard.sealer, &call.input.0.token, call.now)
        .ok_or_else(Problem::not_found)?;
    let file = app.store.order(opened.order).await?.ok_or_else(Problem::not_found)?;
    let order = file.order;
    if !order.gives_access() {
        return Err(Problem::not_found());
    }
    let line = order.lines.iter().find(|line| line.id == opened.line);
    let file = line.and_then(|line| line.download.as_ref()).ok_or_else(Problem::not_found)?;
    let files = app.files.as_ref().ok_or_else(Problem::internal)?;
    let location = files.address(&file.key, &file.file_name, call.now).await?;
    let counted = app.store.count_download(order.id, opened.line, download::USES_MAX).await?;
    match counted {
        Some(_) => Ok(Found { location }),
        None => Err(Refusal::DownloadsExhausted.into()),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_is_not_endless() {
        assert_eq!(flaws_of::<Link>(&json!({"token": "t".repeat(400)})), []);
        let flaws = flaws_of::<Link>(&json!({"token": "t".repeat(401)}));
        assert_eq!(flaws, [("/token".to_owned(), "too_long")]);
    }
}
