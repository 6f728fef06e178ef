//! A customer who is signed in proves once more who they are, by their password.

use api::form::Text;
use api::{Customer, Fields, Form, Problem, Reply};
use domain::account::Account;
use domain::audit::Actor;
use http::StatusCode;
use runtime::Call;

use crate::{App, gate, password};

/// The account of a customer whose password this is. Wrong ones are counted as at the sign-in:
/// who has found an open browser guesses no faster than anybody else.
pub(crate) async fn prove<I>(app: &App, call: &Call<Customer, I>, text: &str) -> Reply<Account> {
    let account = app.store.account(call.who.id).await?;
    let account = account.ok_or_else(Problem::unauthenticated)?;
    let buckets = gate::sign_in(app, &call.request, &account.email.key());
    let passed = gate::pass(app, buckets, &call.standing, call.now).await?;
    let hash = Some(account.password.clone());
    if !password::is_password(text.to_owned(), hash).await? {
        gate::guessed(app, &call.request, &passed, Actor::Customer(account.id)).await?;
        return Err(wrong_password());
    }
    gate::give_back(app, &passed).await;
    Ok(account)
}

fn wrong_password() -> Problem {
    let detail = "The password is wrong.";
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_credentials", detail)
}

/// The password, and nothing else.
pub struct Proof {
    pub(crate) password: String,
}

/// It holds a password.
impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof(…)")
    }
}

impl Form for Proof {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let password = fields.required("password", Text::between(1, 128));
        Some(Self { password: password? })
    }
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_password_is_needed_and_never_shows() {
        assert_eq!(flaws_of::<Proof>(&json!({})), [("/password".to_owned(), "required")]);
        let body = json!({"password": "hunter2hunter2"});
        let proof = read_value::<Proof>(&body, "", &mut Vec::new()).unwrap();
        assert_eq!(format!("{proof:?}"), "Proof(…)");
    }

    #[test]
    fn a_wrong_password_is_named_as_at_the_door_and_does_not_end_the_session() {
        let problem = wrong_password();
        assert_eq!((problem.status.as_u16(), problem.code), (401, "invalid_credentials"));
        assert!(problem.headers.is_empty());
    }
}
