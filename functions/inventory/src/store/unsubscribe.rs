//! `POST /v1/store/back_in_stock/unsubscribe`: by the token of a letter, all that its address waits
//! for is forgotten. A token that was used, or that nobody has, is answered the same.

use api::form::Text;
use api::{Anyone, Body, Fields, Form, NoContent, Reply};
use runtime::Call;

use crate::App;
use crate::jobs::send_back_in_stock::PURPOSE;

/// The token of the letter.
pub struct Token(String);

/// It opens something, if little.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Form for Token {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let token = fields.required("token", Text::between(1, 500));
        Some(Self(token?))
    }
}

/// Forgets.
pub async fn handle(app: &App, call: Call<Anyone, Body<Token>>) -> Reply<NoContent> {
    let Body(Token(token)) = &call.input;
    if let Some(holder) = call.guard.sealer.unwrap(PURPOSE, token) {
        app.store.unsubscribe(&holder).await?;
    }
    Ok(NoContent)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_a_text() {
        assert_eq!(flaws_of::<Token>(&json!({"token": "t"})), []);
        assert_eq!(flaws_of::<Token>(&json!({"token": ""})).len(), 1);
    }
}
