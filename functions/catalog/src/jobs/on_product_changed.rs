//! The catalog's stream: tells the search index which products to look at again.
//!
//! A sale changes how many are left, and hardly ever what is found: as long as the same variants
//! can be bought, it is not told.

use std::collections::BTreeSet;

use domain::catalog::Product;
use domain::fault::Fault;
use domain::id::ProductId;
use queue::Name;
use runtime::job::Image;
use runtime::{Changed, Records};
use snapshots::Task;
use store::search::{Concern, concern, shown_locale, shown_product};

use crate::App;

/// Tells the index of a batch of changes, in one message.
pub async fn handle(app: &App, records: Records) -> Result<(), Fault> {
    task(records.changes)?.tell(app.queues()?, Name::Search).await
}

/// What these changes mean for the index.
fn task(changes: Vec<Changed>) -> Result<Task<ProductId>, Fault> {
    let (mut products, mut lexicon, mut everything) = (BTreeSet::new(), false, false);
    let mut last = String::new();
    for changed in changes {
        last.clone_from(&changed.sequence);
        let image = changed.after.as_ref().or(changed.before.as_ref());
        match image.and_then(concern) {
            None => {}
            Some(Concern::Everything) => everything = true,
            Some(Concern::Lexicon) => lexicon |= is_renamed(changed),
            // The writer sees that the index is of another language, and builds it anew.
            Some(Concern::Shop) => lexicon |= speaks_otherwise(&changed),
            Some(Concern::Product(id)) => {
                let is_news = is_news(changed)?;
                products.extend(is_news.then_some(id));
            }
        }
    }
    let task = Task::of(products.into_iter().collect(), last);
    Ok(Task { lexicon, everything, ..task })
}

/// Whether synonyms or a category's names are others. Categories count their products, too.
fn is_renamed(changed: Changed) -> bool {
    let named = |image: Option<Image>| {
        image.map(|mut image| {
            image.retain(|name, _| !matches!(name.as_str(), "products" | "version"));
            image
        })
    };
    named(changed.before) != named(changed.after)
}

/// Whether the shop's own texts are of another language than before.
fn speaks_otherwise(changed: &Changed) -> bool {
    shown_locale(changed.before.as_ref()) != shown_locale(changed.after.as_ref())
}

/// Whether a list would show or find it differently.
fn is_news(changed: Changed) -> Result<bool, Fault> {
    let (Some(before), Some(after)) = (changed.before, changed.after) else { return Ok(true) };
    Ok(shown(shown_product(before)?) != shown(shown_product(after)?))
}

/// A product with “can be bought” in place of how many.
fn shown(mut product: Product) -> Product {
    for variant in &mut product.variants {
        variant.available = variant.available.min(1);
    }
    product.version = 0;
    product
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    fn changed(pk: &str, sk: &str, sequence: &str) -> Changed {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let image: Image = BTreeMap::from([("pk", text(pk)), ("sk", text(sk))])
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Changed {
            sequence: sequence.to_owned(),
            keys: image.clone(),
            before: None,
            after: Some(image),
        }
    }

    #[test]
    fn a_batch_becomes_one_task_with_the_name_of_its_last_change() {
        let id = domain::id::ProductId::from_ulid(domain::id::Ulid(7));
        let product = format!("PROD#{id}");
        let changes = vec![
            changed(&product, "META", "1"),
            changed(&product, "CARD#all", "2"),
            changed(&product, "META", "3"),
            changed("CATEGORIES", "shirts", "4"),
        ];
        let task = task(changes).unwrap();
        assert_eq!(task.ids, [id]);
        assert_eq!((task.lexicon, task.everything, task.change.as_str()), (true, false, "4"));
    }

    #[test]
    fn a_category_that_has_one_more_product_has_the_same_name() {
        let mut counted = changed("CATEGORIES", "shirts", "1");
        counted.before = counted.after.clone();
        if let Some(after) = &mut counted.after {
            after.insert("products".to_owned(), AttributeValue::N("8".to_owned()));
        }
        assert!(task(vec![counted]).unwrap().is_empty());
    }

    #[test]
    fn of_the_shops_decisions_its_language_alone_is_news() {
        let shop = |before: Option<&str>, after: &str| {
            let mut change = changed("SETTINGS", "SHOP", "1");
            let said = |locale: &str| AttributeValue::S(locale.to_owned());
            change.before = before.and(change.after.clone());
            for (image, locale) in [(&mut change.before, before), (&mut change.after, Some(after))]
            {
                if let (Some(image), Some(locale)) = (image, locale) {
                    image.insert("default_locale".to_owned(), said(locale));
                }
            }
            task(vec![change]).unwrap().lexicon
        };
        assert!(shop(Some("en"), "de") && shop(None, "de"));
        assert!(!shop(Some("de"), "de") && !shop(None, "en"));
    }

    #[test]
    fn cards_and_skus_are_no_news() {
        let changes = vec![changed("PROD#x", "CARD#all", "1"), changed("SKU#MUG", "META", "2")];
        assert!(task(changes).unwrap().is_empty());
    }
}
