//! The inventory's stream: notices which levels went below their threshold, ran out or came back.
//!
//! What was noticed last stands on the level itself; only whoever changes it there goes on, so that
//! a record that comes twice is noticed once. Before that, what follows is written down: who dies
//! in between writes the same thing again.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::fault::Fault;
use domain::stock::{Crossing, Place, Signal, crossing};
use runtime::Records;
use store::sales::Noticed;
use store::stock::{self, Level};

use crate::App;

type Image = HashMap<String, AttributeValue>;

/// Notices crossings.
pub async fn handle(app: &App, records: Records) -> Result<(), Fault> {
    for (level, after, crossing) in crossings(records.new_images)? {
        let noticed = Noticed {
            sku: level.place.sku.clone(),
            location: level.place.location,
            crossing,
            available: level.available,
            at: records.now,
        };
        if crossing == Crossing::BackInStock {
            app.store.queue_back(&level.place.sku).await?;
        }
        app.store.note_signal(&level, after, &noticed).await?;
    }
    Ok(())
}

/// The levels of a batch, each as it stood last, whose signal is not what it was. Shards have no
/// threshold, and a level that is split has none while it is.
fn crossings(images: Vec<Image>) -> Result<Vec<(Level, Signal, Crossing)>, Fault> {
    let mut last: BTreeMap<Place, Level> = BTreeMap::new();
    for image in images {
        if let Some(level) = stock::changed(image)? {
            last.insert(level.place.clone(), level);
        }
    }
    let crossed = |level: Level| {
        if level.place.shard.is_some() || level.is_armed {
            return None;
        }
        let after = Signal::of(level.available, level.threshold);
        let crossing = crossing(level.signal, after)?;
        Some((level, after, crossing))
    };
    Ok(last.into_values().filter_map(crossed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(available: i64, threshold: i64, signal: &str) -> Image {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let number = |value: i64| AttributeValue::N(value.to_string());
        [
            ("pk", text("SKU#MUG")),
            ("sk", text("LOC#default")),
            ("sku", text("MUG")),
            ("on_hand", number(available)),
            ("reserved", number(0)),
            ("safety", number(0)),
            ("available", number(available)),
            ("threshold", number(threshold)),
            ("signal", text(signal)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    fn found(images: Vec<Image>) -> Vec<(Signal, Crossing)> {
        let all = crossings(images).unwrap();
        all.into_iter().map(|(_, signal, crossing)| (signal, crossing)).collect()
    }

    #[test]
    fn only_the_last_image_of_a_level_counts() {
        let images = vec![image(0, 5, "fine"), image(9, 5, "fine")];
        assert_eq!(found(images), []);
        let images = vec![image(9, 5, "fine"), image(5, 5, "fine")];
        assert_eq!(found(images), [(Signal::Low, Crossing::LowStock)]);
        let back = vec![image(1, 5, "out")];
        assert_eq!(found(back), [(Signal::Low, Crossing::BackInStock)]);
    }

    #[test]
    fn a_split_level_is_not_sold_out() {
        let mut split = image(0, 5, "fine");
        split.insert("is_armed".into(), AttributeValue::Bool(true));
        let mut shard = image(0, 0, "fine");
        shard.insert("shard".into(), AttributeValue::N("3".into()));
        assert_eq!(found(vec![split, shard]), []);
    }
}
