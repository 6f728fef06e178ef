//! Every day: gift cards whose time is over end, each with the entry of what was left on it.
//!
//! Nobody can spend a card whose time is over, ended or not: what one day leaves over, the next
//! one takes. One card that can not be ended does not hold the others up.

use domain::fault::{Fault, Retry};
use domain::gift_card::{Fresh, GiftCard, Status};
use domain::id::GiftEntryId;
use jiff::Timestamp;
use runtime::Tick;
use store::Saved;

use crate::App;

/// Cards that one query finds.
const CARDS_AT_ONCE: i32 = 100;
/// Queries of one day: two thousand cards are ended within a minute or two.
const QUERIES_MAX: usize = 20;
/// How often a lost race is run again.
const RACES_MAX: usize = 5;

/// Ends what is over.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let mut failed = 0_usize;
    for _ in 0..QUERIES_MAX {
        let found = app.store.overdue_gift_cards(tick.now, CARDS_AT_ONCE).await?;
        let is_last = found.len() < usize::try_from(CARDS_AT_ONCE).unwrap_or(usize::MAX);
        let mut ended = 0_usize;
        for card in found {
            match end(app, &card, tick.now).await {
                Ok(did) => ended += usize::from(did),
                Err(fault) => {
                    failed += 1;
                    tracing::error!(gift_card_id = %card.id, %fault, "a gift card did not end");
                }
            }
        }
        // What the index still shows although it has ended is gone from it in a moment.
        if is_last || ended == 0 {
            break;
        }
    }
    if failed == 0 {
        return Ok(());
    }
    Err(Fault::noticed(format!("end {failed} gift cards"), Retry::Helps))
}

async fn end(app: &App, listed: &GiftCard, now: Timestamp) -> Result<bool, Fault> {
    for _ in 0..RACES_MAX {
        let Some(card) = app.store.gift_card(listed.id).await? else { return Ok(false) };
        if is_ended(&card) {
            return Ok(false);
        }
        let entry = GiftEntryId::from_ulid(app.ids.ulid(now));
        let fresh = Fresh { entry, by: None, now };
        let Some((after, entry)) = card.clone().expire(fresh) else { return Ok(false) };
        if app.store.end_gift_card(&card, &after, entry.as_ref()).await? == Saved::Yes {
            let op = "promotions.jobs.expire_gift_cards";
            tracing::info!(op, gift_card_id = %card.id, "ended");
            return Ok(true);
        }
    }
    Err(Fault::noticed(format!("end {}: others were faster every time", listed.id), Retry::Helps))
}

fn is_ended(card: &GiftCard) -> bool {
    card.status == Status::Expired && card.balance.is_zero()
}

#[cfg(test)]
mod tests {
    use domain::currency::Currency;
    use domain::gift_card::{Code, Wanted};
    use domain::id::{GiftCardId, Ulid};
    use domain::money::Money;

    use super::*;

    #[test]
    fn money_that_came_back_to_an_ended_card_ends_as_well() {
        let id = GiftCardId::from_ulid(Ulid::from_parts(1, 1));
        let amount = Money::new(500, Currency::EUR);
        let wanted = Wanted { amount, expires_at: None, note: None };
        let entry = GiftEntryId::from_ulid(Ulid::from_parts(1, 2));
        let fresh = Fresh { entry, by: None, now: Timestamp::UNIX_EPOCH };
        let (card, _) = GiftCard::issue(id, &Code::issue([1; 10]), wanted, fresh).unwrap();
        let back = GiftCard { status: Status::Expired, ..card.clone() };
        let nothing = Money::zero(Currency::EUR);
        assert!(!is_ended(&card) && !is_ended(&back));
        assert!(is_ended(&GiftCard { balance: nothing, ..back }));
    }
}
