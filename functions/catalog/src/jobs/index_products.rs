//! The queue of the search index: its one writer. A batch becomes one generation; what is indexed
//! is read again here, as it is now.
//!
//! A shop that has no index yet, or one of an older format or another language, gets a whole one.

use std::sync::Arc;

use domain::catalog::{Locale, Status};
use domain::fault::Fault;
use domain::id::ProductId;
use jiff::Timestamp;
use queue::Name;
use runtime::Batch;
use search::{Draft, Entry, Language, Lexicon};

use crate::App;
use crate::index::{Changes, Index, blocking};
use crate::indexed::{entry, lexicon};
use crate::task::Task;

/// Products of one page of a rebuild: about 1 MB of them fits one answer of DynamoDB.
const PAGE: i32 = 250;

/// Seconds after which a batch that failed comes again.
const AGAIN_SECONDS: i32 = 5;

/// Indexes what the batch names. What fails is given back: as long as it waits, so does all that
/// was sent after it.
pub async fn handle(app: &App, batch: Batch) -> Result<(), Fault> {
    let done = work(app, &batch).await;
    if done.is_err() {
        let given = app.queues()?.give_back(Name::Search, &batch.messages, AGAIN_SECONDS).await;
        if let Err(fault) = given {
            tracing::error!(%fault, "a batch that failed waits as long as its queue says");
        }
    }
    done
}

async fn work(app: &App, batch: &Batch) -> Result<(), Fault> {
    let tasks: Result<Vec<_>, _> =
        batch.messages.iter().map(|message| Task::read(&message.body)).collect();
    let task = Task::together(tasks?);
    let index = app.index()?;
    // The language of what no translation is for: without it nothing is taken apart.
    let locale = app.store.shop().await?.value.default_locale;
    if task.everything {
        return rebuild(app, index, locale, batch.now).await;
    }
    let changes = changes(app, &task, &locale).await?;
    if index.change(changes, batch.now).await? {
        return Ok(());
    }
    rebuild(app, index, locale, batch.now).await
}

async fn changes(app: &App, task: &Task, locale: &Locale) -> Result<Changes, Fault> {
    let own = Language::of(locale.as_str());
    let (mut put, mut gone): (Vec<Entry>, Vec<ProductId>) = (Vec::new(), task.products.clone());
    for product in app.store.products_by_id(&task.products).await? {
        if product.status == Status::Active {
            put.push(entry(&product, own)?);
            gone.retain(|id| *id != product.id);
        }
    }
    let lexicon = if task.lexicon { Some(read_lexicon(app, locale.clone()).await?) } else { None };
    Ok(Changes { own, put, gone, lexicon })
}

async fn read_lexicon(app: &App, locale: Locale) -> Result<Lexicon, Fault> {
    Ok(lexicon(app.store.synonyms().await?, app.store.categories().await?, locale))
}

/// Indexes every product of the store, page by page.
async fn rebuild(
    app: &App,
    index: &Arc<Index>,
    locale: Locale,
    now: Timestamp,
) -> Result<(), Fault> {
    let own = Language::of(locale.as_str());
    let mut draft = index.begin().await?;
    let mut position: Option<String> = None;
    loop {
        let page = app.store.products_in_store(PAGE, position.as_deref()).await?;
        let entries = page.entries.iter().map(|product| entry(product, own));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        draft = put(draft, entries).await?;
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    let manifest = index.replace(draft, read_lexicon(app, locale).await?, now).await?;
    index.sweep(&manifest).await?;
    tracing::info!(
        generation = manifest.generation,
        documents = manifest.documents,
        "the search index was built anew"
    );
    Ok(())
}

async fn put(draft: Draft, entries: Vec<Entry>) -> Result<Draft, Fault> {
    blocking(move || {
        for entry in &entries {
            draft.put(entry)?;
        }
        Ok(draft)
    })
    .await
}
