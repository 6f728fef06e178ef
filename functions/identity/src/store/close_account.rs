//! `DELETE /v1/store/me`: closes the account, for who has just proven who they are. The account,
//! its address and its address book are gone and all sessions over, and the address waits for
//! nothing any more; orders stay, they are the shop's books.

use api::reply::WithCookies;
use api::{FreshCustomer, NoContent, Problem, Reply};
use domain::address_book::ADDRESSES_MAX;
use domain::audit::Actor;
use domain::event::Letter;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::letter::letter;
use crate::session::Cookies;

/// How often a lost race is run again before the caller is asked to.
const RACES_MAX: usize = 5;

/// Closes the account.
pub async fn handle(app: &App, call: Call<FreshCustomer>) -> Reply<WithCookies<NoContent>> {
    let id = call.who.0.id;
    for _ in 0..RACES_MAX {
        let account = app.store.account(id).await?.ok_or_else(Problem::unauthenticated)?;
        let book = app.store.book(id).await?;
        // All of them: the book holds no more.
        let limit = i32::try_from(ADDRESSES_MAX).unwrap_or(i32::MAX);
        let addresses = app.store.addresses(id, limit, None).await?.entries;
        let (actor, object) = (Actor::Customer(id), Some(id.to_string()));
        let events = [
            letter(app, &account.email, Letter::AccountClosed, call.now),
            app.doors.audit(&call.request, actor, "account.close", object, Vec::new()),
        ];
        // First: once the account is closed, nobody comes again.
        app.store.forget_waits(&account.email).await?;
        let closed = app.store.close_account(&account, &book, &addresses, call.now, &events);
        if closed.await? == Saved::Yes {
            app.doors.forget_all();
            return Ok(WithCookies(NoContent, Cookies::CUSTOMER.cleared()));
        }
    }
    Err(Problem::unavailable())
}
