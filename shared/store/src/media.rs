//! Pictures.
//!
//! | item | table | key | index |
//! |---|---|---|---|
//! | an upload and what became of it | catalog | `MED#id` / META | `by_created` |
//! | who uses the files of one picture | catalog | `MEDC#digest` / META | |
//!
//! Equal pictures are the same files. Their item counts who uses them, by a set of ids: to be
//! counted twice changes nothing. Whoever takes the last one out marks the item as dying before
//! the files are deleted, and nobody gets in any more until it is gone: so files are never deleted
//! from under an upload that has just found them there.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::event::Event;
use domain::fault::Fault;
use domain::id::{MediaId, ProductId};
use domain::media::{Media, State};

use crate::item::{Key, Page, Range, Saved, count, document, item, moment, text};
use crate::transaction::{Expression, Transaction, Updated};
use crate::{Store, Table, cart, outbox};

/// The list of every upload.
const EVERY: &str = "MEDIA#all";

fn media_key(id: MediaId) -> Key {
    Key::meta(format!("MED#{id}"))
}

fn content_key(digest: &str) -> Key {
    Key::meta(format!("MEDC#{digest}"))
}

fn set_of(id: &impl ToString) -> AttributeValue {
    AttributeValue::Ss(vec![id.to_string()])
}

fn state_value(state: &State) -> Result<AttributeValue, Fault> {
    serde_dynamo::to_attribute_value(state).map_err(|error| {
        Fault::new("write what became of an upload", error, domain::fault::Retry::Useless)
    })
}

/// The version rises with every change.
const NEXT: &str = "version = version + :one";

impl Store {
    /// An upload by its id.
    pub async fn media(&self, id: MediaId) -> Result<Option<Media>, Fault> {
        self.get(Table::Catalog, &media_key(id), true).await
    }

    /// These uploads, in any order; what is not there is left out.
    pub async fn media_of(&self, ids: &[MediaId]) -> Result<Vec<Media>, Fault> {
        let ids: BTreeSet<MediaId> = ids.iter().copied().collect();
        let keys: Vec<Key> = ids.into_iter().map(media_key).collect();
        let items = self.batch_get(Table::Catalog, &keys, true).await?;
        items.into_iter().map(document).collect()
    }

    /// The uploads, newest first.
    pub async fn media_list(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Media>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let index = Some(("by_created", "gsi1pk", Some("gsi1sk")));
        let page = self.query(Table::Catalog, index, EVERY, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Writes an upload that was asked for.
    pub async fn create_media(&self, media: &Media, events: &[Event]) -> Result<Saved, Fault> {
        let mut row = item(&media_key(media.id), media)?;
        row.insert("gsi1pk".into(), text(EVERY));
        let at = format!("{}#{}", moment(media.created_at), media.id);
        row.insert("gsi1sk".into(), text(at));
        let mut transaction = Transaction::default();
        transaction.put(self, Table::Catalog, row, Expression::absent())?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "create an upload").await?))
    }

    /// Says otherwise what an upload shows.
    pub async fn describe_media(
        &self,
        before: &Media,
        alt: &str,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let condition =
            Expression::version(before.version).value(":one", count(1)).value(":alt", text(alt));
        let mut transaction = Transaction::default();
        let update = format!("SET alt = :alt, {NEXT}");
        let key = media_key(before.id);
        transaction.update(self, Table::Catalog, &key, &update, condition)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "describe an upload").await?))
    }

    /// Counts an upload among those who use the files of a picture; `Raced` while the files are
    /// being deleted.
    pub async fn claim_content(&self, digest: &str, id: MediaId) -> Result<Saved, Fault> {
        let alive = Expression::new("attribute_not_exists(dying)")
            .name("#users", "users")
            .value(":id", set_of(&id));
        let key = content_key(digest);
        match self.update_if(Table::Catalog, &key, "ADD #users :id", alive).await? {
            Updated::Yes(_) => Ok(Saved::Yes),
            Updated::Refused(_) => Ok(Saved::Raced),
        }
    }

    /// Writes what became of an upload that was looked at.
    pub async fn settle_media(&self, before: &Media, state: &State) -> Result<Saved, Fault> {
        let condition = Expression::version(before.version)
            .name("#state", "state")
            .value(":state", state_value(state)?)
            .value(":one", count(1));
        let update = format!("SET #state = :state, {NEXT}");
        let key = media_key(before.id);
        match self.update_if(Table::Catalog, &key, &update, condition).await? {
            Updated::Yes(_) => Ok(Saved::Yes),
            Updated::Refused(_) => Ok(Saved::Raced),
        }
    }

    /// Marks an upload as being deleted, as long as it is as it was loaded: no product shows it,
    /// and none can from now on. With it, it is taken out of those who use the files of a picture.
    pub async fn retire_media(
        &self,
        before: &Media,
        state: &State,
        digest: Option<&str>,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let condition = Expression::new("version = :loaded AND attribute_not_exists(used_by)")
            .name("#state", "state")
            .value(":loaded", count(before.version))
            .value(":state", state_value(state)?)
            .value(":one", count(1));
        let mut transaction = Transaction::default();
        let update = format!("SET #state = :state, {NEXT}");
        let key = media_key(before.id);
        transaction.update(self, Table::Catalog, &key, &update, condition)?;
        if let Some(digest) = digest {
            // To be taken out twice changes nothing.
            let always = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)")
                .name("#users", "users")
                .value(":id", set_of(&before.id));
            let key = content_key(digest);
            transaction.update(self, Table::Catalog, &key, "DELETE #users :id", always)?;
        }
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "retire an upload").await?))
    }

    /// Whether nobody uses the files of a picture any more. Then they are to be deleted, and nobody
    /// gets in until [`Store::forget_media`].
    pub async fn close_content(&self, digest: &str) -> Result<bool, Fault> {
        let unused = Expression::new("attribute_exists(pk) AND attribute_not_exists(#users)")
            .name("#users", "users")
            .value(":yes", AttributeValue::Bool(true));
        let key = content_key(digest);
        match self.update_if(Table::Catalog, &key, "SET dying = :yes", unused).await? {
            Updated::Yes(_) => Ok(true),
            Updated::Refused(_) => Ok(false),
        }
    }

    /// Forgets an upload that is being deleted or that nothing was made of, and with it the picture
    /// whose files are deleted: it may be made again.
    pub async fn forget_media(&self, id: MediaId, digest: Option<&str>) -> Result<(), Fault> {
        let mut transaction = Transaction::default();
        transaction.delete(self, Table::Catalog, &media_key(id))?;
        if let Some(digest) = digest {
            transaction.delete(self, Table::Catalog, &content_key(digest))?;
        }
        transaction.commit(self, "forget an upload").await.map(drop)
    }
}

/// Says in the transaction of a product's change that it shows a picture. The transaction fails
/// where the picture can not be shown.
pub(crate) fn show(
    store: &Store,
    transaction: &mut Transaction,
    product: ProductId,
    id: MediaId,
) -> Result<(), Fault> {
    let ready = Expression::new("attribute_exists(#state.#ready)")
        .name("#state", "state")
        .name("#ready", "ready")
        .value(":product", set_of(&product))
        .value(":one", count(1));
    let update = format!("ADD used_by :product SET {NEXT}");
    transaction.update(store, Table::Catalog, &media_key(id), &update, ready)
}

/// Says in the transaction of a product's change that it does not show a picture any more.
pub(crate) fn hide(
    store: &Store,
    transaction: &mut Transaction,
    product: ProductId,
    id: MediaId,
) -> Result<(), Fault> {
    let there = Expression::new("attribute_exists(pk)")
        .value(":product", set_of(&product))
        .value(":one", count(1));
    let update = format!("DELETE used_by :product SET {NEXT}");
    transaction.update(store, Table::Catalog, &media_key(id), &update, there)
}
