//! Flash sales: the stock of a SKU at one location, split over shards that lie in partitions of
//! their own. One partition takes about 500 transactional writes a second; eight take eight times
//! as many.
//!
//! A shard is a level like any other. What is split and merged stays where it is: the location's
//! units are those of its own count and of its shards together.

use domain::catalog::{Flash, Sku};
use domain::event::Event;
use domain::fault::Fault;
use domain::id::LocationId;
use domain::movement::Movement;
use domain::stock::{Place, StockLevel};
use serde::{Deserialize, Serialize};

use crate::idempotency::{self, Answer, Claim};
use crate::item::{Key, Range, Saved, document, item, number, text};
use crate::stock::{Level, Row, key};
use crate::transaction::{Expression, Transaction};
use crate::{Store, Table, cart, catalog, movement, outbox};

/// Stock whose shards are not all merged yet.
const MERGING: &str = "MERGING";

/// Shards that are still to be merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merging {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location: LocationId,
}

fn merging_key(place: &Place) -> Key {
    Key::new(MERGING, format!("{}#{}", place.sku, place.location))
}

impl Store {
    /// Splits units of a level over shards and sends buyers there: only if so many are for sale and
    /// it is not split already.
    #[allow(clippy::too_many_arguments, reason = "one transaction, told whole")]
    pub async fn arm(
        &self,
        level: &Level,
        variant: domain::id::VariantId,
        units: &[u32],
        split: &Movement,
        events: &[Event],
        remembered: Option<(&Claim, &Answer)>,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let place = &level.place;
        let sum: i64 = units.iter().map(|units| i64::from(*units)).sum();
        let shards = i64::try_from(units.len()).unwrap_or(i64::MAX);
        let condition = Expression::new(
            "available >= :units AND on_hand >= :units AND attribute_not_exists(shards)",
        )
        .value(":units", number(sum))
        .value(":shards", number(shards))
        .value(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
        let update = "SET available = available - :units, on_hand = on_hand - :units, \
                      shards = :shards, is_armed = :yes";
        transaction.update(self, Table::Inventory, &key(place), update, condition)?;
        for (shard, units) in (0_u32..).zip(units) {
            let place = Place { shard: Some(shard), ..place.clone() };
            let row = Row::new(&place, StockLevel::received(i64::from(*units))).item()?;
            transaction.put(self, Table::Inventory, row, Expression::absent())?;
        }
        let flash = Flash {
            location: place.location,
            shards: u32::try_from(units.len()).unwrap_or(u32::MAX),
        };
        self.send_buyers(&mut transaction, variant, Some(flash))?;
        movement::append(self, &mut transaction, split)?;
        self.tell(&mut transaction, events, remembered)?;
        Ok(cart::saved(&transaction.commit(self, "arm a SKU").await?))
    }

    fn send_buyers(
        &self,
        transaction: &mut Transaction,
        variant: domain::id::VariantId,
        flash: Option<Flash>,
    ) -> Result<(), Fault> {
        let condition = Expression::new("attribute_exists(pk)");
        let offer = catalog::offer_key(variant);
        match flash {
            Some(flash) => {
                let map = [
                    ("location".to_owned(), text(flash.location.to_string())),
                    ("shards".to_owned(), number(i64::from(flash.shards))),
                ];
                let flash = aws_sdk_dynamodb::types::AttributeValue::M(map.into());
                let condition = condition.value(":flash", flash);
                transaction.update(self, Table::Catalog, &offer, "SET flash = :flash", condition)
            }
            None => transaction.update(self, Table::Catalog, &offer, "REMOVE flash", condition),
        }
    }

    fn tell(
        &self,
        transaction: &mut Transaction,
        events: &[Event],
        remembered: Option<(&Claim, &Answer)>,
    ) -> Result<(), Fault> {
        for event in events {
            outbox::say(self, transaction, event)?;
        }
        if let Some((claim, answer)) = remembered {
            idempotency::remember_in(self, transaction, claim, answer)?;
        }
        Ok(())
    }

    /// Sends buyers back to the level's own count and takes the free units of its shards there;
    /// what is held on a shard follows when it is given back.
    pub async fn disarm(
        &self,
        level: &Level,
        shards: &[Level],
        variant: domain::id::VariantId,
        merged: &Movement,
        events: &[Event],
        remembered: Option<(&Claim, &Answer)>,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let place = &level.place;
        let no = aws_sdk_dynamodb::types::AttributeValue::Bool(false);
        let condition = Expression::new("attribute_exists(shards)").value(":no", no);
        self.take_in(&mut transaction, place, shards, "is_armed = :no", condition)?;
        self.send_buyers(&mut transaction, variant, None)?;
        let row = Merging { sku: place.sku.clone(), location: place.location };
        let condition = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)");
        transaction.put(self, Table::Inventory, item(&merging_key(place), &row)?, condition)?;
        movement::append(self, &mut transaction, merged)?;
        self.tell(&mut transaction, events, remembered)?;
        Ok(cart::saved(&transaction.commit(self, "disarm a SKU").await?))
    }

    /// Moves the free units of shards to their level, and sets what is given of it.
    fn take_in(
        &self,
        transaction: &mut Transaction,
        place: &Place,
        shards: &[Level],
        set: &str,
        condition: Expression,
    ) -> Result<(), Fault> {
        let mut sum = 0;
        for shard in shards.iter().filter(|shard| shard.available > 0) {
            sum += shard.available;
            let condition = Expression::new("available = :units AND on_hand >= :units")
                .value(":units", number(shard.available))
                .value(":none", number(0_i64));
            let update = "SET available = :none, on_hand = on_hand - :units";
            transaction.update(self, Table::Inventory, &key(&shard.place), update, condition)?;
        }
        let update = format!("SET available = available + :sum, on_hand = on_hand + :sum, {set}");
        let condition = condition.value(":sum", number(sum));
        transaction.update(self, Table::Inventory, &key(place), &update, condition)
    }

    /// Stock whose shards are not all merged yet.
    pub async fn merging(&self, limit: i32) -> Result<Vec<Merging>, Fault> {
        let range = Range { limit: Some(limit), ..Range::default() };
        let page = self.query(Table::Inventory, None, MERGING, range).await?;
        page.entries.into_iter().map(document).collect()
    }

    /// Takes in what has become free on the shards since; where they are all empty, they go, and
    /// nothing is to be merged any more.
    pub async fn merge(
        &self,
        level: &Level,
        shards: &[Level],
        merged: Option<&Movement>,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let place = &level.place;
        let no = aws_sdk_dynamodb::types::AttributeValue::Bool(false);
        let armed = Expression::new("is_armed = :no").value(":no", no);
        if let Some(merged) = merged {
            self.take_in(&mut transaction, place, shards, "is_armed = :no", armed)?;
            movement::append(self, &mut transaction, merged)?;
        } else {
            // Nothing is free: they go, where nothing is held either.
            for shard in shards {
                let condition = Expression::new("on_hand = :none AND reserved = :none")
                    .value(":none", number(0_i64));
                let key = key(&shard.place);
                transaction.delete_if(self, Table::Inventory, &key, condition)?;
            }
            let update = "REMOVE shards, is_armed";
            transaction.update(self, Table::Inventory, &key(place), update, armed)?;
            transaction.delete(self, Table::Inventory, &merging_key(place))?;
        }
        Ok(cart::saved(&transaction.commit(self, "merge shards").await?))
    }
}
