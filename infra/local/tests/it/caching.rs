//! What a cache in front of the shop saves, and how old what it shows may be.
//!
//! The cache here does what RFC 9111 and RFC 5861 say and no more: it keeps what it may for as long
//! as it may, shows what is a little too old while it asks again, asks with the tag it has, and
//! tells apart what `Vary` says. Nothing in it knows this shop.

use std::collections::HashMap;

use domain::currency::Currency;
use local::{Options, Request, Response, Shop};
use runtime::Ids;

use crate::{crowd, world};

/// Products that are looked at; the n-th is looked at 1/n as often as the first.
const PRODUCTS: usize = 1_000;
/// Calls that are replayed.
const CALLS: usize = 12_000;
/// One call each so many milliseconds: twenty a second.
const PACE_MS: i64 = 50;
/// The least share of calls that the cache answers, in percent.
const HITS_MIN: usize = 80;
/// For how long an answer is fresh, in seconds.
const FRESH: i64 = 60;
/// For how long after that it is shown while the shop is asked, in seconds.
const STALE: i64 = 300;

/// Who answered a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Answered {
    /// The cache, from what is fresh.
    Fresh,
    /// The cache, from what is a little old, and the shop said that nothing changed.
    Confirmed,
    /// The cache, from what is a little old, and the shop had something new for the next caller.
    Replaced,
    /// The shop, because the cache had nothing to show.
    Shop,
}

struct Kept {
    answer: Response,
    at_ms: i64,
}

/// A shared cache.
struct Cache {
    shop: Shop,
    kept: HashMap<String, Kept>,
    counts: HashMap<Answered, usize>,
}

impl Cache {
    fn new(shop: &Shop) -> Self {
        Self { shop: shop.clone(), kept: HashMap::new(), counts: HashMap::new() }
    }

    async fn get(&mut self, target: &str) -> (Answered, Response) {
        let now_ms = self.shop.clock().now_ms();
        let found = self.kept.get(target);
        let (answered, answer) = match found.map(|kept| (kept, age(kept, now_ms))) {
            Some((kept, Age::Fresh)) => (Answered::Fresh, kept.answer.clone()),
            Some((kept, Age::Stale)) => {
                let shown = kept.answer.clone();
                let answered = self.renew(target, &shown, now_ms).await;
                (answered, shown)
            }
            Some((_, Age::Over)) | None => {
                let answer = self.shop.send(Request::new("GET", target)).await;
                self.keep(target, &answer, now_ms);
                (Answered::Shop, answer)
            }
        };
        *self.counts.entry(answered).or_default() += 1;
        (answered, answer)
    }

    /// Asks whether what was shown still stands.
    async fn renew(&mut self, target: &str, shown: &Response, now_ms: i64) -> Answered {
        let tag = shown.header("etag").expect("what may be kept has a tag");
        let request = Request::new("GET", target).header("if-none-match", tag);
        let answer = self.shop.send(request).await;
        if answer.status == 304 {
            assert!(answer.body.is_empty(), "{}", answer.text());
            self.kept.get_mut(target).expect("it was shown").at_ms = now_ms;
            return Answered::Confirmed;
        }
        self.keep(target, &answer, now_ms);
        Answered::Replaced
    }

    fn keep(&mut self, target: &str, answer: &Response, now_ms: i64) {
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        // No caller here sends what the shop's answers vary by.
        assert_eq!(answer.header("vary").map(str::to_lowercase).as_deref(), Some("origin"));
        assert_eq!(answer.all("set-cookie").count(), 0, "{target}");
        if seconds(answer, "s-maxage").is_some() {
            self.kept.insert(target.to_owned(), Kept { answer: answer.clone(), at_ms: now_ms });
        }
    }

    fn count(&self, answered: Answered) -> usize {
        self.counts.get(&answered).copied().unwrap_or_default()
    }
}

enum Age {
    Fresh,
    Stale,
    Over,
}

fn age(kept: &Kept, now_ms: i64) -> Age {
    let fresh_ms = seconds(&kept.answer, "s-maxage").unwrap_or_default() * 1_000;
    let stale_ms = seconds(&kept.answer, "stale-while-revalidate").unwrap_or_default() * 1_000;
    match now_ms - kept.at_ms {
        age if age < fresh_ms => Age::Fresh,
        age if age < fresh_ms + stale_ms => Age::Stale,
        _ => Age::Over,
    }
}

/// What a directive of `Cache-Control` says, in seconds.
fn seconds(answer: &Response, directive: &str) -> Option<i64> {
    let said = answer.header("cache-control")?;
    let mut parts = said.split(',').filter_map(|part| part.trim().split_once('='));
    parts.find(|(name, _)| *name == directive)?.1.parse().ok()
}

/// Shoppers who look around: of ten calls seven go to a product, two to a list, one to the
/// categories. Zipf's law with the exponent 1, in whole numbers.
struct Crowd {
    /// Up to which draw each rank goes.
    ends: Vec<u64>,
    chance: Ids,
}

impl Crowd {
    fn new() -> Self {
        let mut end = 0;
        let ends = (1..=PRODUCTS as u64).map(|rank| {
            end += 1_000_000_000 / rank;
            end
        });
        Self { ends: ends.collect(), chance: Ids::seeded(1) }
    }

    fn draw(&self, below: u64) -> u64 {
        let drawn = u128::from_le_bytes(self.chance.salt()) % u128::from(below);
        u64::try_from(drawn).expect("less than what it is below")
    }

    fn next(&self) -> String {
        const LISTS: [&str; 8] = [
            "",
            "?limit=20",
            "?sort=price_asc",
            "?sort=price_desc",
            "?sort=title",
            "?sort=newest&limit=50",
            "?currency=JPY",
            "?sort=price_asc&limit=50",
        ];
        match self.draw(10) {
            0 => "/v1/store/categories".to_owned(),
            1 | 2 => {
                let at = usize::try_from(self.draw(LISTS.len() as u64)).expect("small");
                format!("/v1/store/products{}", LISTS[at])
            }
            _ => {
                let draw = self.draw(*self.ends.last().expect("products"));
                let rank = self.ends.partition_point(|end| *end <= draw);
                format!("/v1/store/products/{}", crowd::slug(rank))
            }
        }
    }
}

#[tokio::test]
async fn of_five_looks_at_the_catalog_a_cache_answers_four() {
    let shop = world::open_with(Options::default(), &crowd::goods(PRODUCTS)).await;
    let mut cache = Cache::new(&shop);
    let crowd = Crowd::new();
    let mark = shop.wire().recorder().mark();
    for _ in 0..CALLS {
        shop.clock().advance_ms(PACE_MS);
        cache.get(&crowd.next()).await;
    }
    let (fresh, confirmed) = (cache.count(Answered::Fresh), cache.count(Answered::Confirmed));
    let (replaced, asked) = (cache.count(Answered::Replaced), cache.count(Answered::Shop));
    assert_eq!(fresh + confirmed + replaced + asked, CALLS);
    let percent = |part: usize| part * 100 / CALLS;
    println!(
        "{CALLS} looks, 20 a second, at {PRODUCTS} products by Zipf's law and at lists: {} % from \
         the cache ({} % fresh, {} % confirmed by a 304, {} % replaced), {} % from the shop",
        percent(CALLS - asked),
        percent(fresh),
        percent(confirmed),
        percent(replaced),
        percent(asked),
    );
    assert!(percent(CALLS - asked) >= HITS_MIN, "{} %", percent(CALLS - asked));
    // Nothing changed, so nothing was sent twice; and the shop was asked for the rest alone.
    assert_eq!(replaced, 0);
    let calls = shop.wire().recorder().since(mark);
    let queries = calls.iter().filter(|call| call.caller.starts_with("catalog.store"));
    let queries = queries.filter(|call| call.service == "dynamodb").count();
    assert_eq!(queries, confirmed + asked);
}

#[tokio::test]
async fn a_new_price_is_seen_as_soon_as_was_promised() {
    let mut goods = crowd::goods(1);
    let shop = world::open_with(Options::default(), &goods).await;
    let mut cache = Cache::new(&shop);
    let target = format!("/v1/store/products/{}", crowd::slug(0));
    let price = |answer: &Response| answer.value()["price_from"]["amount"].as_i64().unwrap();
    let (_, seen) = cache.get(&target).await;
    let old = price(&seen);

    let (product, offers) = goods.products.last_mut().expect("a thing");
    for variant in &mut product.variants {
        variant.prices.insert(Currency::EUR, old + 1);
    }
    for offer in offers.iter_mut() {
        offer.prices.insert(Currency::EUR, old + 1);
    }
    let changed = (product.clone(), offers.clone());
    shop.store().import_products(&[changed], Currency::EUR).await.unwrap();

    shop.clock().advance_ms(FRESH * 1_000 - 1);
    let (answered, seen) = cache.get(&target).await;
    assert_eq!((answered, price(&seen)), (Answered::Fresh, old));
    // Whoever comes next sees the old price once more, and the shop is asked.
    shop.clock().advance_ms(1);
    let (answered, seen) = cache.get(&target).await;
    assert_eq!((answered, price(&seen)), (Answered::Replaced, old));
    let (answered, seen) = cache.get(&target).await;
    assert_eq!((answered, price(&seen)), (Answered::Fresh, old + 1));

    // Where nobody looked meanwhile, nobody sees what is older than both together.
    shop.clock().advance_ms((FRESH + STALE) * 1_000);
    let (answered, seen) = cache.get(&target).await;
    assert_eq!((answered, price(&seen)), (Answered::Shop, old + 1));
}
