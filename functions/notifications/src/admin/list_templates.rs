//! `GET /v1/admin/templates`: every letter of the shop, and in which languages the merchant has
//! words of their own for it.

use api::cursor::List;
use api::view::letter_template::{TemplateStatusView, TemplateSummaryView};
use api::{Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the letters: all of them, they are few.
pub async fn handle(
    app: &App,
    _: Call<Staff<grant::SettingsRead>, ()>,
) -> Reply<List<TemplateSummaryView>> {
    let pointers = app.store.template_pointers().await?;
    let summary = |letter: &str| {
        let own = pointers.iter().filter(|pointer| pointer.letter == letter).cloned();
        let locales = own.map(TemplateStatusView::from).collect();
        TemplateSummaryView { letter: letter.to_owned(), locales }
    };
    let data = app.templates.letters().into_iter().map(summary).collect();
    Ok(List { data, next_cursor: None })
}
