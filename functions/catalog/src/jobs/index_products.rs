//! The queue of the search index of products: its one writer. A shop's products in the store are
//! what it is made of, with its synonyms and the names of its categories.

use domain::catalog::Status;
use domain::fault::Fault;
use domain::id::{ProductId, Ulid};
use queue::Name;
use runtime::Batch;
use search::{Entry, Language, Lexicon};
use snapshots::{Portion, Source, Writer};

use crate::App;
use crate::indexed::{entry, lexicon};

/// Products of one page of a rebuild: about 1 MB of them fits one answer of DynamoDB.
const PAGE: i32 = 250;

/// Indexes what the batch names.
pub async fn handle(app: &App, batch: Batch) -> Result<(), Fault> {
    let writer = Writer { index: app.index()?, queues: app.queues()?, queue: Name::Search };
    writer.write(&Products(app), &batch.messages, batch.now).await
}

/// The products in the store.
struct Products<'a>(&'a App);

impl Source for Products<'_> {
    type Id = ProductId;

    const IS_PERSONAL: bool = false;

    fn ulid(id: ProductId) -> Ulid {
        id.ulid()
    }

    async fn entries(&self, ids: &[ProductId]) -> Result<Vec<Entry>, Fault> {
        let products = self.0.store.products_by_id(ids).await?;
        let active = products.iter().filter(|product| product.status == Status::Active);
        let own = self.language().await?;
        active.map(|product| entry(product, own)).collect()
    }

    async fn portion(&self, position: Option<&str>) -> Result<Portion, Fault> {
        let page = self.0.store.products_in_store(PAGE, position).await?;
        let own = self.language().await?;
        let entries = page.entries.iter().map(|product| entry(product, own));
        let entries = entries.collect::<Result<_, _>>()?;
        Ok(Portion { entries, next: page.next })
    }

    async fn language(&self) -> Result<Language, Fault> {
        Ok(Language::of(self.0.store.shop().await?.value.default_locale.as_str()))
    }

    async fn lexicon(&self) -> Result<Lexicon, Fault> {
        let store = &self.0.store;
        let locale = store.shop().await?.value.default_locale;
        Ok(lexicon(store.synonyms().await?, store.categories().await?, locale))
    }
}
