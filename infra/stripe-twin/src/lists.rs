//! Lists as Stripe pages them: newest first, by cursor, with the `created` filter.

use serde_json::{Value, json};

use crate::form::Fields;
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::world::World;

const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: usize = 100;

/// How many objects a page may have.
pub(crate) fn limit(form: &Fields) -> Result<usize, Refusal> {
    let Some(limit) = form.integer("limit")? else { return Ok(LIMIT_DEFAULT) };
    usize::try_from(limit).ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
        Refusal::invalid(format!(
            "This value must be greater than or equal to 1 and at most {LIMIT_MAX}."
        ))
        .code("parameter_invalid_integer")
        .param("limit")
    })
}

/// One page. `equal` names the fields that may be filtered by their exact value.
pub(crate) fn list(
    world: &World,
    form: &Fields,
    kind: Kind,
    url: &str,
    equal: &[&str],
    also: impl Fn(&Value) -> bool,
) -> Result<Value, Refusal> {
    let limit = limit(form)?;
    let created = Created::of(form)?;
    let cursor = |name: &str| {
        form.filled(name).map(|id| {
            let age = world.store.age(kind, id);
            age.ok_or_else(|| Refusal::not_found(kind.name(), id, name).status(400))
        })
    };
    let before = cursor("starting_after").transpose()?;
    let after = cursor("ending_before").transpose()?;
    let is_wanted = |object: &&Value| {
        created.has(object["created"].as_i64().unwrap_or_default())
            && equal.iter().all(|name| form.filled(name).is_none_or(|want| object[*name] == want))
            && also(object)
    };
    let from = after.map_or(0, |age| age + 1);
    let range = world.store.between(kind, from, before.unwrap_or(u64::MAX)).filter(is_wanted);
    let mut page: Vec<Value> = if after.is_some() && before.is_none() {
        range.take(limit + 1).cloned().collect()
    } else {
        range.rev().take(limit + 1).cloned().collect()
    };
    let has_more = page.len() > limit;
    page.truncate(limit);
    if after.is_some() && before.is_none() {
        page.reverse();
    }
    Ok(json!({ "object": "list", "data": page, "has_more": has_more, "url": url }))
}

/// `created=…` or `created[gte]=…`.
#[derive(Debug, Default)]
struct Created {
    least: Option<i64>,
    most: Option<i64>,
}

impl Created {
    fn of(form: &Fields) -> Result<Self, Refusal> {
        if let Some(exact) = form.integer("created")? {
            return Ok(Self { least: Some(exact), most: Some(exact) });
        }
        let Some(range) = form.below("created") else { return Ok(Self::default()) };
        range.only(&["gt", "gte", "lt", "lte"])?;
        let above = range.integer("gt")?.map(|bound| bound.saturating_add(1));
        let below = range.integer("lt")?.map(|bound| bound.saturating_sub(1));
        Ok(Self {
            least: above.max(range.integer("gte")?),
            most: below.into_iter().chain(range.integer("lte")?).min(),
        })
    }

    fn has(&self, created: i64) -> bool {
        self.least.is_none_or(|least| created >= least)
            && self.most.is_none_or(|most| created <= most)
    }
}
