//! One generation of an index, open to be asked.

use domain::fault::Fault;
use tantivy::directory::MmapDirectory;
use tantivy::schema::Value as _;
use tantivy::{Index, IndexReader, ReloadPolicy, Searcher, TantivyDocument};

use crate::collect::{Sieve, Sifted};
use crate::folder::Room;
use crate::question::Asked;
use crate::schema::Fields;
use crate::{FORMAT, Facets, Lexicon, Manifest, Place, Question, fault};

/// A generation that is open.
pub struct Snapshot {
    manifest: Manifest,
    fields: Fields,
    reader: IndexReader,
    // The last to go: its files are mapped until then.
    _room: Room,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("generation", &self.manifest.generation)
            .finish_non_exhaustive()
    }
}

/// What a question found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What was kept for lists of the things of this page, in order.
    pub cards: Vec<Vec<u8>>,
    /// How many there are on all pages.
    pub total: u64,
    /// How many of what, if that was asked.
    pub facets: Option<Facets>,
    /// The place of the last one, if there are more.
    pub next: Option<Place>,
}

impl Snapshot {
    pub(crate) fn open(manifest: &Manifest, room: Room) -> Result<Self, Fault> {
        let tried = "open a snapshot of an index";
        if manifest.format != FORMAT {
            let says = format!("{tried}: its format is {}, not {FORMAT}", manifest.format);
            return Err(Fault::noticed(says, domain::fault::Retry::Useless));
        }
        let directory = MmapDirectory::open(room.path()).map_err(|error| fault(tried, error))?;
        let index = Index::open(directory).map_err(|error| fault(tried, error))?;
        // A snapshot never changes: nothing watches its files.
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
        let reader = reader.map_err(|error: tantivy::TantivyError| fault(tried, error))?;
        Ok(Self { manifest: manifest.clone(), fields: Fields::new(), reader, _room: room })
    }

    /// What it is made of.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What it knows beside its products.
    pub fn lexicon(&self) -> &Lexicon {
        &self.manifest.lexicon
    }

    /// Answers a question.
    pub fn ask(&self, question: &Question) -> Result<Found, Fault> {
        let searcher = self.reader.searcher();
        let asked = Asked {
            fields: &self.fields,
            searcher: &searcher,
            lexicon: &self.manifest.lexicon,
            languages: &question.languages,
        };
        let query = asked.query(question.text.as_deref())?;
        let sifted = searcher.search(&*query, &Sieve { question });
        let Sifted { mut hits, total, facets } =
            sifted.map_err(|error| fault("search an index", error))?;
        let has_more = hits.len() > question.limit;
        hits.truncate(question.limit);
        let next = hits.last().filter(|_| has_more).map(|(place, _)| place.clone());
        let mut cards = Vec::with_capacity(hits.len());
        for (_, address) in hits {
            cards.extend(self.card(&searcher, address)?);
        }
        Ok(Found { cards, total, facets: question.has_facets.then_some(facets), next })
    }

    fn card(
        &self,
        searcher: &Searcher,
        address: tantivy::DocAddress,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let document: TantivyDocument =
            searcher.doc(address).map_err(|error| fault("read a card of an index", error))?;
        let card = document.get_first(self.fields.card).and_then(|value| value.as_bytes());
        Ok(card.map(<[u8]>::to_vec))
    }
}
