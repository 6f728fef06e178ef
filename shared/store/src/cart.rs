//! Carts: `CART#id` / META with the lines embedded; `CUST#id` / ACTIVE points to a customer's.

use domain::cart::{Cart, LIFETIME, Owner, Phase, Status};
use domain::fault::Fault;
use domain::id::{CartId, CustomerId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::{Item, Key, Saved, count, item, number, text};
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table};

#[derive(Serialize, Deserialize)]
struct Active {
    cart_id: CartId,
}

pub(crate) fn key(id: CartId) -> Key {
    Key::meta(format!("CART#{id}"))
}

fn active_key(customer: CustomerId) -> Key {
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

    /// Writes a new cart; a customer's becomes the active one.
    pub async fn create_cart(&self, cart: &Cart) -> Result<Saved, Fault> {
        let Owner::Customer(customer) = cart.owner else {
            return self.put_if(Table::Carts, cart_item(cart)?, Expression::absent()).await;
        };
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Carts, cart_item(cart)?, Expression::absent())?;
        self.point_to(&mut transaction, customer, cart)?;
        match transaction.commit(self, "create a cart").await? {
            Committed::Yes => Ok(Saved::Yes),
            // Another cart of this millisecond is the active one: this one is theirs all the same.
            Committed::Refused(_) => {
                self.put_if(Table::Carts, cart_item(cart)?, Expression::absent()).await
            }
        }
    }

    /// Writes a cart that was loaded and changed, unless somebody changed it meanwhile. The
    /// version of the written cart is one more.
    pub async fn save_cart(&self, cart: &mut Cart) -> Result<Saved, Fault> {
        let condition = Expression::version(cart.version);
        let saved = self.put_if(Table::Carts, cart_item(cart)?, condition).await?;
        if saved == Saved::Yes {
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
