//! Carts: `CART#id` / META with the lines embedded; `CUST#id` / ACTIVE points to a customer's.

use domain::cart::{Cart, LIFETIME, Owner, Phase, Status};
use domain::fault::{Fault, Retry};
use domain::id::{CartId, CustomerId};
use domain::limit::Standing;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::{Item, Key, Saved, count, item, number, text};
use crate::limit::Bucket;
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table};

/// A bucket may have to be looked at this often while others take from it.
const TOLL_ATTEMPTS_MAX: usize = 4;

/// What became of a write that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It is written.
    Yes,
    /// Somebody else wrote first: load again and decide again.
    Raced,
    /// Its writer wrote too often.
    TooOften(Standing),
}

#[derive(Serialize, Deserialize)]
struct Active {
    cart_id: CartId,
}

pub(crate) fn key(id: CartId) -> Key {
    Key::meta(format!("CART#{id}"))
}

pub(crate) fn active_key(customer: CustomerId) -> Key {
    Key::new(format!("CUST#{customer}"), "ACTIVE")
}

/// When a cart that was touched then is swept away, in seconds since 1970.
pub(crate) fn expiry(touched_at: Timestamp) -> i64 {
    touched_at.as_second().saturating_add(LIFETIME.as_secs())
}

/// The item of a cart as it will stand after this write.
pub(crate) fn cart_item(cart: &Cart) -> Result<Item, Fault> {
    let mut item = item(&key(cart.id), cart)?;
    item.insert("version".into(), count(cart.version + 1));
    // A cart that waits for money is not swept away under its order.
    if !matches!(cart.status.phase(), Phase::Completing) {
        item.insert("expires".into(), number(expiry(cart.updated_at)));
    }
    Ok(item)
}

impl Store {
    /// A cart by its id.
    pub async fn cart(&self, id: CartId) -> Result<Option<Cart>, Fault> {
        self.get(Table::Carts, &key(id), true).await
    }

    /// The customer's active cart.
    pub async fn active_cart(&self, customer: CustomerId) -> Result<Option<Cart>, Fault> {
        let active: Option<Active> = self.get(Table::Carts, &active_key(customer), true).await?;
        match active {
            Some(active) => self.cart(active.cart_id).await,
            None => Ok(None),
        }
    }

    /// Writes a new cart; a customer's becomes the active one, a guest's is counted.
    pub async fn create_cart(
        &self,
        cart: &Cart,
        toll: Option<&mut Bucket>,
        now: Timestamp,
    ) -> Result<Counted, Fault> {
        let Owner::Customer(customer) = cart.owner else {
            return self.put_cart(cart, Expression::absent(), toll, now).await;
        };
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Carts, cart_item(cart)?, Expression::absent())?;
        self.point_to(&mut transaction, customer, cart)?;
        match transaction.commit(self, "create a cart").await? {
            Committed::Yes => Ok(Counted::Yes),
            // Another cart of this millisecond is the active one: this one is theirs all the same.
            Committed::Refused(_) => self.put_cart(cart, Expression::absent(), None, now).await,
        }
    }

    /// Writes a cart and, in the same transaction, takes from the bucket of whoever is not signed
    /// in: a write that is refused is not counted, and a counted one costs no further round trip.
    async fn put_cart(
        &self,
        cart: &Cart,
        condition: Expression,
        toll: Option<&mut Bucket>,
        now: Timestamp,
    ) -> Result<Counted, Fault> {
        let Some(bucket) = toll else {
            let saved = self.put_if(Table::Carts, cart_item(cart)?, condition).await?;
            return Ok(match saved {
                Saved::Yes => Counted::Yes,
                Saved::Raced => Counted::Raced,
            });
        };
        for _ in 0..TOLL_ATTEMPTS_MAX {
            let mut transaction = Transaction::default();
            transaction.put(self, Table::Carts, cart_item(cart)?, condition.clone())?;
            if let Err(standing) = bucket.take_in(self, &mut transaction, now)? {
                return Ok(Counted::TooOften(standing));
            }
            match transaction.commit(self, "write a guest's cart").await? {
                Committed::Yes => {
                    bucket.took(now);
                    return Ok(Counted::Yes);
                }
                Committed::Refused(refused) => {
                    if refused.iter().any(|(position, _)| *position == 0) {
                        return Ok(Counted::Raced);
                    }
                    bucket.see(refused.first().and_then(|(_, item)| item.as_ref()));
                }
            }
        }
        Err(Fault::noticed("write a cart past a bucket that never stands still", Retry::Helps))
    }

    /// Writes a cart that was loaded and changed, unless somebody changed it meanwhile. The
    /// version of the written cart is one more.
    pub async fn save_cart(
        &self,
        cart: &mut Cart,
        toll: Option<&mut Bucket>,
        now: Timestamp,
    ) -> Result<Counted, Fault> {
        let condition = Expression::version(cart.version);
        let saved = self.put_cart(cart, condition, toll, now).await?;
        if matches!(saved, Counted::Yes) {
            cart.version += 1;
        }
        Ok(saved)
    }

    /// Writes the customer's cart and closes the guest's, together. A cart of version 0 is new.
    pub async fn merge_carts(&self, into: &mut Cart, guest: &Cart) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let is_new = into.version == 0;
        let condition =
            if is_new { Expression::absent() } else { Expression::version(into.version) };
        transaction.put(self, Table::Carts, cart_item(into)?, condition)?;
        let closed = Cart { status: Status::Merged { into: into.id }, ..guest.clone() };
        let condition = Expression::version(guest.version);
        transaction.put(self, Table::Carts, cart_item(&closed)?, condition)?;
        if let (Owner::Customer(customer), true) = (&into.owner, is_new) {
            self.point_to(&mut transaction, *customer, into)?;
        }
        let saved = saved(&transaction.commit(self, "merge two carts").await?);
        if saved == Saved::Yes {
            into.version += 1;
        }
        Ok(saved)
    }

    fn point_to(
        &self,
        transaction: &mut Transaction,
        customer: CustomerId,
        cart: &Cart,
    ) -> Result<(), Fault> {
        let mut pointer = item(&active_key(customer), &Active { cart_id: cart.id })?;
        pointer.insert("expires".into(), number(expiry(cart.updated_at)));
        // The newest cart is the active one, whatever was before; but never an older one.
        let condition = Expression::new("attribute_not_exists(pk) OR cart_id <= :new")
            .value(":new", text(cart.id.to_string()));
        transaction.put(self, Table::Carts, pointer, condition)
    }
}

pub(crate) fn saved(committed: &Committed) -> Saved {
    match committed {
        Committed::Yes => Saved::Yes,
        Committed::Refused(_) => Saved::Raced,
    }
}
