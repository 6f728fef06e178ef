//! Key pools: no key is ever given twice, whatever comes when.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::order::FulfillmentStatus;
use crate::order::tests::matrix;

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn sku() -> Sku {
    Sku::parse("LICENCE").unwrap()
}

fn text(number: usize) -> KeyText {
    KeyText::parse(&format!("KEY-{number:06}")).unwrap()
}

fn free(numbers: std::ops::Range<usize>) -> Vec<FreeKey> {
    numbers.map(text).map(|text| FreeKey { id: text.id("salt"), text }).collect()
}

/// An order of these numbers of keys, a line each; `is_held` whether the pool holds them for it.
fn order(number: u128, quantities: &[u32], is_held: bool) -> Order {
    let ulid = |n: u128| Ulid::from_parts(1, n);
    let eur = |amount: i64| json!({"amount": amount, "currency": "EUR"});
    let line = |(at, quantity): (usize, &u32)| {
        json!({
            "id": OrderLineId::from_ulid(ulid(number * 100 + at as u128)),
            "variant": format!("var_{}", ulid(1)), "product": format!("prod_{}", ulid(1)),
            "sku": sku(), "title": "Licence", "variant_title": "", "kind": "digital",
            "quantity": quantity, "unit_price": eur(100), "discount": eur(0), "tax": eur(0),
            "total": eur(100), "has_keys": true,
        })
    };
    let lines: Vec<_> = quantities.iter().enumerate().map(line).collect();
    let order = json!({
        "id": OrderId::from_ulid(ulid(number)), "number": "N", "cart": format!("cart_{}", ulid(1)),
        "customer": null, "email": "jane@example.org", "currency": "EUR", "lines": lines,
        "shipping_address": null, "billing_address": null, "shipping": null,
        "price_mode": "inclusive",
        "totals": {"subtotal": eur(0), "discount": eur(0), "shipping": eur(0), "tax": eur(0),
            "total": eur(0)},
        "status": "placed", "payment_status": "paid", "fulfillment_status": "unfulfilled",
        "reservation": {"state": "committed", "expires_at": now()}, "payment": null,
        "captured": eur(0), "refunded": eur(0), "events": 1, "version": 1, "created_at": now(),
        "placed_at": now(), "ended_at": null, "updated_at": now(),
    });
    let mut order: Order = serde_json::from_value(order).unwrap();
    if is_held {
        order.reservation.allocations = order.key_allocations();
    }
    order
}

#[test]
fn the_states_of_a_key() {
    let printed = matrix(&State::ALL, State::may_become);
    let wanted =
        "Free            -> Given Withdrawn\nGiven           -> -\nWithdrawn       -> Free\n";
    assert_eq!(printed, wanted);
}

#[test]
fn a_key_is_what_a_keyboard_has_and_shows_little_of_itself() {
    for good in ["ABCDEF", "two words", "a!~ #x", &"k".repeat(200)] {
        assert!(KeyText::parse(good).is_some(), "{good}");
    }
    for wrong in ["", "ABCDE", " ABCDEF", "ABCDEF ", "ÄBCDEF", "AB\nCDEF", &"k".repeat(201)] {
        assert!(KeyText::parse(wrong).is_none(), "{wrong}");
    }
    let ending = |text: &str| KeyText::parse(text).unwrap().ending();
    assert_eq!([ending("ABCDEF"), ending("ABCD-EFGH")], ["EF", "FGH"]);
    assert_eq!(ending("ABCD-EFGH-IJKL"), "IJKL");
    let key = text(1);
    assert_eq!(format!("{key:?}"), "KeyText(…)");
    assert!(!format!("{:?}", free(1..3)).contains("KEY-"));
}

#[test]
fn a_key_has_one_name_in_its_pool_and_another_one_elsewhere() {
    assert_eq!(text(1).id("salt"), text(1).id("salt"));
    assert_ne!(text(1).id("salt"), text(1).id("pepper"));
    assert_ne!(text(1).id("salt"), text(2).id("salt"));
    let pool =
        Pool { sku: sku(), salt: "secret".into(), added: 0, withdrawn: 0, created_at: now() };
    assert_eq!(format!("{pool:?}"), "Pool(LICENCE)");
}

fn registered(key: &FreeKey, state: State, batch: &str) -> (PoolKeyId, Registered) {
    let row = Registered {
        id: key.id,
        ending: key.text.ending(),
        state,
        batch: batch.to_owned(),
        added_by: Actor::System,
        added_at: now(),
        order: None,
        ended_at: None,
    };
    (key.id, row)
}

#[test]
fn what_the_pool_knows_is_left_out_and_named_and_a_repetition_is_none() {
    let mut keys = free(0..5);
    keys.push(keys[0].clone());
    let known = BTreeMap::from([
        registered(&keys[1], State::Free, "other"),
        registered(&keys[2], State::Given, "other"),
        registered(&keys[3], State::Withdrawn, "other"),
        registered(&keys[4], State::Given, "this"),
    ]);
    let sorted = sort(&keys, &known, "this");
    assert_eq!(sorted.new, [keys[0].clone(), keys[3].clone()]);
    assert_eq!(sorted.added_before, 1);
    let skipped: Vec<_> = sorted.skipped.iter().map(|one| (one.position, one.why)).collect();
    assert_eq!(skipped, [(1, Why::Known), (2, Why::Known), (5, Why::Repeated)]);
}

#[test]
fn free_keys_are_withdrawn_given_and_unknown_ones_are_not() {
    let keys = free(0..4);
    let known = BTreeMap::from([
        registered(&keys[0], State::Free, "b"),
        registered(&keys[1], State::Withdrawn, "b"),
        registered(&keys[2], State::Given, "b"),
    ]);
    let ids = |wanted: &[FreeKey]| wanted.iter().map(|key| key.id).collect::<BTreeSet<_>>();
    assert_eq!(withdraw(&ids(&keys[..2]), &known), Ok(vec![keys[0].id]));
    let refused = withdraw(&ids(&keys), &known).unwrap_err();
    let codes: BTreeSet<_> = refused.iter().map(Refusal::code).collect();
    assert_eq!(codes, BTreeSet::from(["key_given", "unknown_key"]));
}

#[test]
fn each_unit_of_each_line_gets_a_key_and_the_order_holds_no_more() {
    let order = order(1, &[2, 1], true);
    assert_eq!(order.key_allocations()[0].quantity, 3, "equal SKUs are held once, summed");
    let units = missing(&order, &[]).remove(&sku()).unwrap();
    assert_eq!(units.len(), 3);
    let giving = give(&order, (&sku(), &units), &free(0..2), 0, now()).unwrap();
    assert!(giving.is_held && !giving.is_last);
    assert_eq!(giving.order.held_keys(&sku()), 1);
    assert_eq!(giving.order.fulfillment_status, FulfillmentStatus::PartiallyDelivered);
    let left = missing(&giving.order, &giving.keys).remove(&sku()).unwrap();
    assert_eq!(left, units[2..]);
    let last = give(&giving.order, (&sku(), &left), &free(2..9), 0, now()).unwrap();
    assert!(last.is_last && last.keys.len() == 1);
    assert_eq!(last.order.fulfillment_status, FulfillmentStatus::Delivered);
    assert!(last.order.reservation.allocations.is_empty() && last.order.allocations().is_empty());
}

#[test]
fn whoever_holds_no_key_gets_what_nobody_else_holds() {
    let owing = order(1, &[3], true).owing_keys().unwrap();
    assert_eq!((owing.held_keys(&sku()), owing.owing_keys()), (0, None));
    let units = missing(&owing, &[]).remove(&sku()).unwrap();
    let given = |for_sale| {
        let giving = give(&owing, (&sku(), &units), &free(0..9), for_sale, now());
        giving.map_or(0, |giving| giving.keys.len())
    };
    assert_eq!([given(-1), given(0), given(2), given(9)], [0, 0, 2, 3]);
}

#[test]
fn units_that_were_called_off_get_no_key_and_given_ones_stay() {
    let mut order = order(1, &[3], true);
    let units = missing(&order, &[]).remove(&sku()).unwrap();
    let giving = give(&order, (&sku(), &units), &free(0..1), 0, now()).unwrap();
    order.lines[0].canceled = 2;
    assert_eq!(missing_of(&order.lines[0], &giving.keys), []);
    order.lines[0].canceled = 3;
    assert_eq!(missing_of(&order.lines[0], &giving.keys), []);
    assert_eq!(missing_of(&order.lines[0], &[]), []);
}

#[test]
fn an_order_that_somebody_looks_at_waits_and_one_that_ended_gets_none() {
    let may: Vec<_> = Status::ALL.iter().filter(|status| may_have(**status)).collect();
    assert_eq!(may, [&Status::Placed, &Status::Completed]);
    let over: Vec<_> = Status::ALL.iter().filter(|status| is_over(**status)).collect();
    assert_eq!(over, [&Status::Canceled, &Status::Expired]);
}

/// What may happen around a pool, in any order. Who decides, decides by what they saw a while ago.
#[derive(Debug, Clone)]
enum Step {
    Add(usize),
    Withdraw,
    /// Pays in time: holds its units before.
    Buy(Vec<u32>),
    /// Pays late: holds none.
    BuyLate(Vec<u32>),
    /// Somebody looks at this order and the pool, from this key on.
    Look(usize, usize),
    /// And writes what they decided.
    Write(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let lines = || prop::collection::vec(1..4u32, 1..3);
    prop_oneof![
        (1..12usize).prop_map(Step::Add),
        Just(Step::Withdraw),
        lines().prop_map(Step::Buy),
        lines().prop_map(Step::BuyLate),
        (0..8usize, 0..40usize).prop_map(|(order, from)| Step::Look(order, from)),
        (0..8usize, 0..40usize).prop_map(|(order, from)| Step::Look(order, from)),
        (0..8usize).prop_map(Step::Write),
        (0..8usize).prop_map(Step::Write),
    ]
}

/// A pool as the store has it, with the conditions of its writes.
#[derive(Default)]
struct World {
    free: Vec<FreeKey>,
    promised: i64,
    added: usize,
    orders: Vec<(Order, Vec<GivenKey>, bool)>,
    seen: Vec<Option<(u64, Giving)>>,
}

impl World {
    fn for_sale(&self) -> i64 {
        i64::try_from(self.free.len()).unwrap() - self.promised
    }

    fn buy(&mut self, quantities: &[u32], is_held: bool) {
        let units = quantities.iter().map(|units| i64::from(*units)).sum::<i64>();
        if is_held && self.for_sale() < units {
            return;
        }
        self.promised += if is_held { units } else { 0 };
        let number = self.orders.len() as u128 + 1;
        self.orders.push((order(number, quantities, is_held), Vec::new(), is_held));
        self.seen.push(None);
    }

    fn look(&mut self, at: usize, from: usize) {
        let Some((order, given, _)) = self.orders.get(at) else { return };
        let Some(units) = missing(order, given).remove(&sku()) else { return };
        let mut free = self.free.clone();
        let begin = from.checked_rem(free.len()).unwrap_or(0);
        free.rotate_left(begin);
        let giving = give(order, (&sku(), &units), &free, self.for_sale(), now());
        self.seen[at] = giving.map(|giving| (order.version, giving));
    }

    fn write(&mut self, at: usize) {
        let Some((version, giving)) = self.seen.get_mut(at).and_then(Option::take) else { return };
        let count = i64::try_from(giving.keys.len()).unwrap();
        let is_free = |key: &GivenKey| self.free.iter().any(|free| free.id == key.id);
        let is_there = giving.keys.iter().all(is_free);
        let is_right =
            if giving.is_held { self.promised >= count } else { self.for_sale() >= count };
        let (order, given, _) = &mut self.orders[at];
        if order.version != version || !is_there || !is_right {
            return;
        }
        self.free.retain(|free| giving.keys.iter().all(|key| key.id != free.id));
        self.promised -= if giving.is_held { count } else { 0 };
        *order = Order { version: version + 1, ..giving.order };
        given.extend(giving.keys);
    }

    fn settle(&mut self) {
        for _ in 0..20 {
            for at in 0..self.orders.len() {
                self.look(at, 0);
                self.write(at);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_key_is_given_twice_and_whoever_held_one_gets_one(
        steps in prop::collection::vec(step(), 0..80)
    ) {
        let mut world = World::default();
        for step in steps {
            match step {
                Step::Add(more) => {
                    world.free.extend(free(world.added..world.added + more));
                    world.added += more;
                }
                Step::Withdraw if world.for_sale() > 0 => drop(world.free.pop()),
                Step::Withdraw => {}
                Step::Buy(lines) => world.buy(&lines, true),
                Step::BuyLate(lines) => world.buy(&lines, false),
                Step::Look(order, from) => world.look(order, from),
                Step::Write(order) => world.write(order),
            }
            prop_assert!(world.for_sale() >= 0, "what is held is there");
            let mut keys = BTreeSet::new();
            for (order, given, _) in &world.orders {
                let mut units = BTreeSet::new();
                for key in given {
                    prop_assert!(keys.insert(key.text.clone()), "given twice");
                    prop_assert!(units.insert((key.line, key.unit)), "a unit with two keys");
                }
                let fulfilled: u32 = order.lines.iter().map(|line| line.fulfilled).sum();
                prop_assert_eq!(fulfilled as usize, given.len());
            }
            prop_assert!(world.free.iter().all(|free| !keys.contains(&free.text)));
        }
        world.settle();
        for (order, given, is_held) in &world.orders {
            prop_assert!(!is_held || missing(order, given).is_empty(), "held and not given");
        }
        let waits = world.orders.iter().any(|(order, given, _)| !missing(order, given).is_empty());
        prop_assert!(!waits || world.for_sale() == 0, "somebody waits and there are keys");
    }
}
