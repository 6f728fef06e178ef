//! `POST /v1/admin/templates/{letter}/{locale}/versions`: other words for a letter. They are tried
//! before they are kept — every flaw is named with its line and column — and sent to nobody before
//! they are published.

use api::form::Text;
use api::reply::CreatedVersion;
use api::view::letter_template::TemplateVersionView;
use api::{Body, Fields, Form, Path, Problem, Reply, Staff};
use domain::letter_template::{HTML_CHARS_MAX, SUBJECT_CHARS_MAX, Source, TEXT_CHARS_MAX};
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::which::{Which, fit};

/// How often a lost race is run again.
const RACES_MAX: usize = 5;

/// The three forms.
#[derive(Debug)]
pub struct Words(pub(crate) Source);

impl Form for Words {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let subject = fields.required("subject", Text::between(1, SUBJECT_CHARS_MAX));
        let html = fields.required("html", Text::lines(HTML_CHARS_MAX));
        let text = fields.required("text", Text::lines(TEXT_CHARS_MAX));
        Some(Self(Source { subject: subject?, html: html?, text: text? }))
    }
}

/// Keeps the words.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::TemplatesWrite>, (Path<Which>, Body<Words>)>,
) -> Reply<CreatedVersion<TemplateVersionView>> {
    let (Path(which), Body(Words(source))) = &call.input;
    which.editable(app)?;
    let shop = app.store.shop().await?.value;
    if !shop.locales.contains(&which.locale) {
        let detail = "The shop does not speak this language. Add it to the settings first.";
        return Err(
            Problem::conflict("locale_not_offered", detail).member("locales", &shop.locales)
        );
    }
    fit(&notify::try_out(source, &which.letter))?;
    for _ in 0..RACES_MAX {
        let before = which.pointer(app, call.now).await?;
        let (after, version) = before.write(source.clone(), call.who.actor(), call.now)?;
        let note = app.note(&call, "template.write", which.object());
        if app.store.write_template(&before, &after, &version, &[note]).await? == Saved::Yes {
            return Ok(CreatedVersion(version.into(), after.version));
        }
    }
    Err(Problem::unavailable())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn all_three_forms_are_wanted_and_none_is_endless() {
        assert_eq!(flaws_of::<Words>(&json!({"subject": "s", "html": "h\nh", "text": "t"})), []);
        assert_eq!(flaws_of::<Words>(&json!({})).len(), 3);
        let long = "x".repeat(HTML_CHARS_MAX + 1);
        let flaws = flaws_of::<Words>(&json!({"subject": "a\nb", "html": long, "text": ""}));
        let named: Vec<_> = flaws.iter().map(|(at, code)| (at.as_str(), *code)).collect();
        assert_eq!(named, [("/subject", "not_allowed"), ("/html", "too_long")]);
    }
}
