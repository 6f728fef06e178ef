//! `GET /v1/admin/templates/{letter}/{locale}`: what is sent, what the shop came with, and every
//! version, with the ETag that publishing and rolling back want.

use api::cursor::{self, Page};
use api::view::letter_template::{TemplateVersionView, TemplateView};
use api::{Path, Query, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::which::Which;

/// Shows the letter.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::SettingsRead>, (Path<Which>, Query<Page>)>,
) -> Reply<Versioned<TemplateView>> {
    let (Path(which), Query(page)) = &call.input;
    let built_in = which.built_in(app)?;
    let scope = format!("templates:{}:{}", which.object(), call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let pointer = which.pointer(app, call.now).await?;
    let (letter, locale) = (&which.letter, &which.locale);
    let found = app.store.template_versions(letter, locale, page.limit, position.as_deref());
    let found = found.await?;
    let current = match pointer.published {
        Some(number) => match found.entries.iter().find(|version| version.number == number) {
            Some(version) => version.source.clone(),
            None => which.version(app, number).await?,
        },
        None => built_in.clone(),
    };
    let view = TemplateView {
        letter: letter.clone(),
        locale: locale.clone(),
        published_version: pointer.published,
        latest_version: pointer.latest,
        current,
        built_in,
        variables: notify::variables(letter),
        next_cursor: cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref()),
        versions: found.entries.into_iter().map(TemplateVersionView::from).collect(),
    };
    Ok(Versioned(view, pointer.version))
}
