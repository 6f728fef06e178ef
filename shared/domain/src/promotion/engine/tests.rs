//! The engine, by examples and by its laws.

use proptest::prelude::*;

use super::super::{Conditions, Limits, Selection, Stacking, Terms};
use super::*;
use crate::id::Ulid;
use crate::pricing::{Freight, Item, price_with};
use crate::tax::tests::sample;
use crate::tax::{PriceMode, TaxCategory, TaxRegion};

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn variant(number: u128) -> VariantId {
    VariantId::from_ulid(Ulid::from_parts(1, number))
}

fn product(number: u128) -> ProductId {
    ProductId::from_ulid(Ulid::from_parts(1, number))
}

fn promotion(number: u128, actions: Vec<Action>) -> Promotion {
    let id = PromotionId::from_ulid(Ulid::from_parts(1, number));
    let terms = Terms {
        name: format!("Promotion {number}"),
        trigger: Trigger::Automatic,
        actions,
        conditions: Conditions::default(),
        stacking: Stacking::default(),
        limits: Limits::default(),
    };
    Promotion { status: Status::Active, ..Promotion::draft(id, terms, now()) }
}

fn percent(ppm: u32) -> Action {
    Action::Percent { ppm, target: Target::Order }
}

fn eur(amount: i64) -> Prices {
    Prices::from([(Currency::EUR, amount)])
}

fn off(amount: i64) -> Action {
    Action::Fixed { amounts: eur(amount), target: Target::Order, per: Per::Order }
}

fn line(number: u128, price: i64, quantity: u32) -> BasketLine<'static> {
    BasketLine {
        variant: variant(number),
        product: product(number),
        categories: &[],
        unit_price: Money::new(price, Currency::EUR),
        quantity,
        is_reduced: false,
    }
}

fn basket(lines: Vec<BasketLine<'_>>) -> Basket<'_> {
    let shipping = Some(Money::new(490, Currency::EUR));
    Basket { currency: Currency::EUR, country: Some(Country::DE), lines, shipping }
}

fn candidates(promotions: &[Promotion]) -> Vec<Candidate<'_>> {
    promotions
        .iter()
        .map(|promotion| Candidate { promotion, code: None, used: Used::default() })
        .collect()
}

fn run(promotions: &[Promotion], basket: &Basket<'_>) -> Outcome {
    evaluate(&candidates(promotions), basket, &CustomerFacts::default(), now()).unwrap()
}

fn lines_of(outcome: &Outcome) -> Vec<i64> {
    outcome.lines.iter().map(|line| line.amount()).collect()
}

fn why(outcome: &Outcome, promotion: &Promotion) -> Option<Why> {
    outcome.explanations.iter().find(|one| one.promotion == promotion.id).unwrap().why
}

#[test]
fn ten_percent_are_shared_out_to_the_last_cent() {
    let outcome = run(
        &[promotion(1, vec![percent(100_000)])],
        &basket(vec![line(1, 333, 1), line(2, 333, 1), line(3, 334, 1)]),
    );
    assert_eq!(lines_of(&outcome), [33, 33, 34]);
    assert!(outcome.shipping.is_zero());
}

#[test]
fn an_amount_is_never_more_than_there_is() {
    let outcome = run(&[promotion(1, vec![off(1000)])], &basket(vec![line(1, 300, 2)]));
    assert_eq!(lines_of(&outcome), [600]);
    let each = Action::Fixed { amounts: eur(200), target: Target::Order, per: Per::Unit };
    let outcome =
        run(&[promotion(1, vec![each])], &basket(vec![line(1, 150, 2), line(2, 1000, 3)]));
    assert_eq!(lines_of(&outcome), [300, 600]);
}

#[test]
fn in_another_currency_an_amount_is_nothing() {
    let yen = Action::Fixed {
        amounts: Prices::from([(Currency::JPY, 500)]),
        target: Target::Order,
        per: Per::Order,
    };
    let one = promotion(1, vec![yen]);
    let outcome = run(std::slice::from_ref(&one), &basket(vec![line(1, 300, 2)]));
    assert_eq!(why(&outcome, &one), Some(Why::NothingToTakeOff));
}

#[test]
fn the_shipping_can_be_free_and_says_so_before_it_is_chosen() {
    let free = promotion(1, vec![Action::FreeShipping]);
    let with = basket(vec![line(1, 300, 2)]);
    let outcome = run(std::slice::from_ref(&free), &with);
    assert_eq!((outcome.shipping.amount(), lines_of(&outcome)), (490, vec![0]));
    assert_eq!(outcome.explanations[0].lines[0].why, Some(LineWhy::ShippingOnly));
    let without = Basket { shipping: None, ..with };
    let outcome = run(std::slice::from_ref(&free), &without);
    assert_eq!(why(&outcome, &free), Some(Why::ShippingUnknown));
    assert!(why(&outcome, &free).unwrap().is_undecided());
}

fn three_for_two(repeats_max: Option<u32>) -> Action {
    let goods = Selection::default();
    Action::BuyXGetY { buy: 2, get: 1, goods, ppm: PPM_MAX, repeats_max }
}

#[test]
fn three_for_two_gives_the_cheapest() {
    let endless = promotion(1, vec![three_for_two(None)]);
    let lines = vec![line(1, 1000, 2), line(2, 500, 3), line(3, 200, 1)];
    let outcome = run(std::slice::from_ref(&endless), &basket(lines));
    assert_eq!(lines_of(&outcome), [0, 500, 200]);
    assert_eq!(outcome.explanations[0].lines[0].why, Some(LineWhy::NotReached));
    let two = run(std::slice::from_ref(&endless), &basket(vec![line(1, 1000, 2)]));
    assert_eq!(why(&two, &endless), Some(Why::NothingToTakeOff));
    let once = promotion(1, vec![three_for_two(Some(1))]);
    let lines = vec![line(1, 1000, 9)];
    assert_eq!(lines_of(&run(&[once], &basket(lines))), [1000]);
}

#[test]
fn who_buys_shirts_gets_socks_for_half() {
    let goods = Selection { products: [product(2)].into(), ..Selection::default() };
    let action = Action::BuyXGetY { buy: 1, get: 2, goods, ppm: 500_000, repeats_max: None };
    let mut one = promotion(1, vec![action]);
    one.terms.conditions.goods.products.insert(product(1));
    let socks = |shirts: u32, socks: u32| {
        let lines = vec![line(1, 2000, shirts), line(2, 300, socks), line(3, 1, 1)];
        lines_of(&run(std::slice::from_ref(&one), &basket(lines)))
    };
    assert_eq!(socks(1, 5), [0, 300, 0]);
    assert_eq!(socks(2, 5), [0, 600, 0]);
    assert_eq!(socks(3, 1), [0, 150, 0]);
}

#[test]
fn the_highest_tier_that_is_reached_gives() {
    let tier = |from: i64, ppm| Tier {
        from_subtotal: eur(from),
        from_quantity: None,
        reward: Reward::Percent { ppm },
    };
    let tiers = vec![tier(5000, 50_000), tier(10_000, 100_000)];
    let action = Action::Tiered { by: TierBy::Subtotal, target: Target::Order, tiers };
    let one = promotion(1, vec![action]);
    let off = |price| lines_of(&run(std::slice::from_ref(&one), &basket(vec![line(1, price, 1)])));
    assert_eq!(off(49_99), [0]);
    assert_eq!(off(5000), [250]);
    assert_eq!(off(10_000), [1000]);
}

#[test]
fn conditions_are_told_in_turn() {
    let full = basket(vec![line(1, 1000, 2)]);
    let tell = |change: &dyn Fn(&mut Promotion), used: Used, facts: &CustomerFacts| {
        let mut one = promotion(1, vec![percent(100_000)]);
        change(&mut one);
        let candidate = [Candidate { promotion: &one, code: None, used }];
        evaluate(&candidate, &full, facts, now()).unwrap().explanations[0].why
    };
    let nobody = CustomerFacts::default();
    let new = |change: &dyn Fn(&mut Promotion)| tell(change, Used::default(), &nobody);
    let status = Status::Paused;
    assert_eq!(new(&|one| one.status = status), Some(Why::NotActive { status }));
    let from = now() + jiff::SignedDuration::from_secs(1);
    assert_eq!(new(&|one| one.terms.conditions.from = Some(from)), Some(Why::NotStarted { from }));
    let until = now();
    assert_eq!(new(&|one| one.terms.conditions.until = Some(until)), Some(Why::Expired { until }));
    assert_eq!(new(&|one| one.terms.trigger = Trigger::Code), Some(Why::CodeMissing));
    assert_eq!(
        new(&|one| {
            one.terms.conditions.countries.insert(Country::FR);
        }),
        Some(Why::OtherCountry)
    );
    assert_eq!(
        new(&|one| {
            one.terms.conditions.customer_groups.insert("vip".into());
        }),
        Some(Why::OtherCustomers)
    );
    let missing = Money::new(500, Currency::EUR);
    assert_eq!(
        new(&|one| one.terms.conditions.subtotal_min = eur(2500)),
        Some(Why::SubtotalTooLow { missing })
    );
    assert_eq!(
        new(&|one| one.terms.conditions.quantity_min = Some(3)),
        Some(Why::QuantityTooLow { missing: 1 })
    );
    assert_eq!(
        new(&|one| {
            one.terms.conditions.goods.variants.insert(variant(9));
        }),
        Some(Why::NoGoods)
    );
    let used = Used { orders: 3, by_customer: 2, spent: 900, ..Used::default() };
    let often = |change: &dyn Fn(&mut Promotion)| tell(change, used, &nobody);
    assert_eq!(often(&|one| one.terms.limits.uses_total = Some(3)), Some(Why::Exhausted));
    assert_eq!(often(&|one| one.terms.limits.uses_total = Some(4)), None);
    assert_eq!(
        often(&|one| one.terms.limits.uses_per_customer = Some(2)),
        Some(Why::UsedByCustomer)
    );
    let left = Money::new(1_99, Currency::EUR);
    assert_eq!(often(&|one| one.terms.limits.budget = eur(10_99)), Some(Why::BudgetSpent { left }));
    assert_eq!(often(&|one| one.terms.limits.budget = eur(1100)), None);
    let regular = CustomerFacts { orders: Some(1), ..CustomerFacts::default() };
    let first = |one: &mut Promotion| one.terms.conditions.first_order = true;
    assert_eq!(tell(&first, Used::default(), &regular), Some(Why::NotFirstOrder));
    assert_eq!(tell(&first, Used::default(), &nobody), None);
}

#[test]
fn of_a_group_the_best_applies_and_an_exclusive_one_stands_alone() {
    let full = basket(vec![line(1, 10_000, 1)]);
    let mut all: Vec<Promotion> = [100_000, 200_000, 50_000]
        .into_iter()
        .zip(1..)
        .map(|(ppm, number)| promotion(number, vec![percent(ppm)]))
        .collect();
    for one in &mut all[..2] {
        one.terms.stacking.group = Some("sale".into());
    }
    let outcome = run(&all, &full);
    assert_eq!(lines_of(&outcome), [2400]);
    let better = all[1].id;
    assert_eq!(why(&outcome, &all[0]), Some(Why::GroupHasBetter { promotion: better }));
    let mut alone = promotion(9, vec![percent(230_000)]);
    alone.terms.stacking.exclusive = true;
    all.push(alone);
    assert_eq!(why(&run(&all, &full), &all[3]), Some(Why::OthersAreBetter));
    all[3].terms.actions = vec![percent(250_000)];
    let outcome = run(&all, &full);
    assert_eq!(lines_of(&outcome), [2500]);
    let promotion = all[3].id;
    assert_eq!(why(&outcome, &all[1]), Some(Why::ExclusiveIsBetter { promotion }));
}

#[test]
fn an_order_has_six_promotions_at_most() {
    let all: Vec<_> = (1..=8).map(|number| promotion(number, vec![off(100)])).collect();
    let outcome = run(&all, &basket(vec![line(1, 10_000, 1)]));
    assert_eq!(outcome.applied().count(), 6);
    assert_eq!(why(&outcome, &all[7]), Some(Why::TooMany));
}

#[test]
fn what_is_reduced_already_can_be_left_out() {
    let mut one = promotion(1, vec![Action::Percent { ppm: 500_000, target: Target::Lines }]);
    one.terms.conditions.goods.except_reduced = true;
    let reduced = BasketLine { is_reduced: true, ..line(1, 1000, 1) };
    let outcome = run(&[one], &basket(vec![reduced, line(2, 1000, 1)]));
    assert_eq!(lines_of(&outcome), [0, 500]);
    assert_eq!(outcome.explanations[0].lines[0].why, Some(LineWhy::NotSelected));
}

/// A basket in a currency of each exponent, each line another variant of one of five products.
type Goods = (Currency, Vec<(i64, u32, u128, bool)>, Option<i64>);

fn goods() -> impl Strategy<Value = Goods> {
    let currency =
        prop::sample::select(vec![Currency::EUR, Currency::JPY, Currency::KWD, Currency::MGA]);
    let line = (0..50_000_i64, 1..40_u32, 0..5_u128, (0..5_u8).prop_map(|one| one == 0));
    (currency, prop::collection::vec(line, 1..10), prop::option::of(0..2_000_i64))
}

fn as_basket((currency, lines, shipping): &Goods) -> Basket<'static> {
    let step = currency.stripe_step();
    let lines = lines
        .iter()
        .enumerate()
        .map(|(at, (price, quantity, of, is_reduced))| BasketLine {
            variant: variant(at as u128),
            product: product(*of),
            categories: &[],
            unit_price: Money::new(price * step, *currency),
            quantity: *quantity,
            is_reduced: *is_reduced,
        })
        .collect();
    let shipping = shipping.map(|price| Money::new(price * step, *currency));
    Basket { currency: *currency, country: Some(Country::DE), lines, shipping }
}

fn every(amount: i64) -> Prices {
    [Currency::EUR, Currency::JPY, Currency::KWD, Currency::MGA]
        .into_iter()
        .map(|currency| (currency, amount))
        .collect()
}

fn selections() -> impl Strategy<Value = Selection> {
    (
        prop::collection::btree_set(0..6_u128, 0..3),
        prop::collection::btree_set(0..6_u128, 0..2),
        (0..5_u8).prop_map(|one| one == 0),
    )
        .prop_map(|(products, except, except_reduced)| Selection {
            products: products.into_iter().map(product).collect(),
            except_products: except.into_iter().map(product).collect(),
            except_reduced,
            ..Selection::default()
        })
}

fn actions() -> impl Strategy<Value = Action> {
    let target = || prop::sample::select(vec![Target::Order, Target::Lines, Target::Shipping]);
    let per = prop::sample::select(vec![Per::Order, Per::Unit]);
    let ppm = || prop_oneof![0..=PPM_MAX, Just(PPM_MAX)];
    let tier = |(from, ppm, amount): (u32, u32, Option<i64>)| Tier {
        from_subtotal: Prices::new(),
        from_quantity: Some(from),
        reward: match amount {
            Some(amount) => Reward::Fixed { amounts: every(amount) },
            None => Reward::Percent { ppm },
        },
    };
    prop_oneof![
        (ppm(), target()).prop_map(|(ppm, target)| Action::Percent { ppm, target }),
        (0..5_000_000_i64, target(), per).prop_map(|(amount, target, per)| Action::Fixed {
            amounts: every(amount),
            target,
            per
        }),
        Just(Action::FreeShipping),
        (1..5_u32, 1..4_u32, selections(), ppm(), prop::option::of(1..4_u32)).prop_map(
            |(buy, get, goods, ppm, repeats_max)| Action::BuyXGetY {
                buy,
                get,
                goods,
                ppm,
                repeats_max
            }
        ),
        (
            target(),
            prop::collection::vec((1..100_u32, ppm(), prop::option::of(0..100_000_i64)), 1..4)
        )
            .prop_map(move |(target, tiers)| {
                let tiers = tiers.into_iter().map(tier).collect();
                Action::Tiered { by: TierBy::Quantity, target, tiers }
            }),
    ]
}

type Bits = (Vec<Action>, Selection, (Option<u8>, i32, bool), (Option<i64>, Option<i64>), i64);

fn bits() -> impl Strategy<Value = Bits> {
    let stacking = (prop::option::of(0..3_u8), -2..3_i32, (0..7_u8).prop_map(|one| one == 0));
    let limits = (prop::option::of(0..500_000_i64), prop::option::of(0..900_000_i64));
    (prop::collection::vec(actions(), 1..3), selections(), stacking, limits, 0..100_000_i64)
}

fn from_bits(number: u128, bits: &Bits) -> (Promotion, Used) {
    let (actions, goods, (group, priority, exclusive), (max, budget), spent) = bits;
    let mut one = promotion(number, actions.clone());
    one.terms.conditions.goods = goods.clone();
    one.terms.stacking.group = group.map(|group| format!("group {group}"));
    one.terms.stacking.priority = *priority;
    one.terms.stacking.exclusive = *exclusive;
    one.terms.limits.max_discount = max.map(every).unwrap_or_default();
    one.terms.limits.budget = budget.map(every).unwrap_or_default();
    (one, Used { spent: *spent, ..Used::default() })
}

fn offers(all: &[(Promotion, Used)]) -> Vec<Candidate<'_>> {
    all.iter().map(|(promotion, used)| Candidate { promotion, code: None, used: *used }).collect()
}

fn made(all: &[Bits]) -> Vec<(Promotion, Used)> {
    all.iter().zip(1..).map(|(bits, number)| from_bits(number, bits)).collect()
}

fn total(outcome: &Outcome) -> i64 {
    lines_of(outcome).iter().sum::<i64>() + outcome.shipping.amount()
}

fn price(all: &[(Promotion, Used)], basket: &Basket<'_>) -> Outcome {
    evaluate(&offers(all), basket, &CustomerFacts::default(), now()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_falls_below_zero_and_every_sum_is_the_sum_of_its_parts(
        goods in goods(), all in prop::collection::vec(bits(), 0..8),
    ) {
        let (basket, all) = (as_basket(&goods), made(&all));
        let outcome = price(&all, &basket);
        let step = basket.currency.stripe_step();
        let mut sums = vec![0; basket.lines.len()];
        let mut shipping = 0;
        for one in &outcome.explanations {
            let lines: i64 = one.lines.iter().map(|line| line.amount.amount()).sum();
            prop_assert_eq!(lines + one.shipping.amount(), one.amount.amount());
            prop_assert_eq!(one.amount.is_positive(), one.is_applied());
            for (sum, line) in sums.iter_mut().zip(&one.lines) {
                *sum += line.amount.amount();
                prop_assert_eq!(line.why.is_none(), line.amount.is_positive());
            }
            shipping += one.shipping.amount();
        }
        prop_assert_eq!(&sums, &lines_of(&outcome));
        prop_assert_eq!(shipping, outcome.shipping.amount());
        for (line, off) in basket.lines.iter().zip(&sums) {
            prop_assert!(*off >= 0 && *off <= line.unit_price.amount() * i64::from(line.quantity));
            prop_assert_eq!(off % step, 0);
        }
        prop_assert!(shipping >= 0 && shipping <= basket.shipping.map_or(0, Money::amount));
        prop_assert_eq!(outcome.explanations.len(), all.len());
    }

    #[test]
    fn neither_the_order_of_the_lines_nor_that_of_the_promotions_matters(
        goods in goods(), all in prop::collection::vec(bits(), 0..8),
    ) {
        let (basket, mut all) = (as_basket(&goods), made(&all));
        let there = price(&all, &basket);
        let mut turned = basket.clone();
        turned.lines.reverse();
        all.reverse();
        let mut back = price(&all, &turned);
        back.lines.reverse();
        back.explanations.iter_mut().for_each(|one| one.lines.reverse());
        let sort = |outcome: &mut Outcome| outcome.explanations.sort_by_key(|one| one.promotion);
        let mut there = there;
        sort(&mut there);
        sort(&mut back);
        prop_assert_eq!(there, back);
    }

    #[test]
    fn groups_and_exclusive_ones_are_honoured_and_so_are_budgets_and_maxima(
        goods in goods(), all in prop::collection::vec(bits(), 0..10),
    ) {
        let (basket, all) = (as_basket(&goods), made(&all));
        let outcome = price(&all, &basket);
        let applied: Vec<_> = outcome
            .applied()
            .map(|one| {
                let (promotion, used) = all.iter().find(|(p, _)| p.id == one.promotion).unwrap();
                (one, promotion, used)
            })
            .collect();
        prop_assert!(applied.len() <= APPLIED_MAX);
        let mut groups: Vec<_> =
            applied.iter().filter_map(|(_, p, _)| p.terms.stacking.group.clone()).collect();
        groups.sort();
        let before = groups.len();
        groups.dedup();
        prop_assert_eq!(groups.len(), before);
        let has_exclusive = applied.iter().any(|(_, p, _)| p.terms.stacking.exclusive);
        prop_assert!(!has_exclusive || applied.len() == 1);
        for (one, promotion, used) in applied {
            let limits = &promotion.terms.limits;
            let amount = one.amount.amount();
            if let Some(max) = limits.max_discount.get(&basket.currency) {
                prop_assert!(amount <= *max);
            }
            if let Some(budget) = limits.budget.get(&basket.currency) {
                prop_assert!(used.spent + amount <= *budget);
            }
        }
    }

    #[test]
    fn one_more_in_a_group_never_costs_the_shopper_anything(
        goods in goods(), all in prop::collection::vec(bits(), 1..8),
    ) {
        let basket = as_basket(&goods);
        let mut all = made(&all);
        for (one, _) in &mut all {
            one.terms.stacking.group = Some("one".into());
        }
        let mut least = 0;
        for count in 0..=all.len() {
            let off = total(&price(&all[..count], &basket));
            prop_assert!(off >= least, "{off} < {least}");
            least = off;
        }
    }

    #[test]
    fn one_more_exclusive_one_never_costs_the_shopper_anything(
        goods in goods(), all in prop::collection::vec(bits(), 1..8), more in bits(),
    ) {
        let (basket, mut all) = (as_basket(&goods), made(&all));
        let before = total(&price(&all, &basket));
        let (mut one, used) = from_bits(99, &more);
        one.terms.stacking.exclusive = true;
        all.push((one, used));
        prop_assert!(total(&price(&all, &basket)) >= before);
    }

    #[test]
    fn buy_x_get_y_reduces_no_unit_that_is_not_there(
        lines in prop::collection::vec((1..500_i64, 1..40_u32, 0..4_u128), 1..8),
        buy in 1..6_u32, get in 1..6_u32, repeats_max in prop::option::of(1..5_u32),
        bought in selections(), reduced in selections(),
    ) {
        let lines: Vec<_> =
            lines.into_iter().map(|(price, quantity, of)| (price, quantity, of, false)).collect();
        let basket = as_basket(&(Currency::EUR, lines, None));
        let goods = reduced.clone();
        let action = Action::BuyXGetY { buy, get, goods, ppm: PPM_MAX, repeats_max };
        let mut one = promotion(1, vec![action]);
        one.terms.conditions.goods = bought.clone();
        let outcome = run(std::slice::from_ref(&one), &basket);
        // Gifts: what is taken off a line is a number of whole units.
        let (mut given, mut rest) = (0, 0);
        for (line, off) in basket.lines.iter().zip(lines_of(&outcome)) {
            let units = off / line.unit_price.amount();
            prop_assert_eq!(off % line.unit_price.amount(), 0);
            prop_assert!(units <= i64::from(line.quantity));
            given += units;
            if bought.has(line) {
                rest += i64::from(line.quantity) - units;
            }
        }
        let repeats = (given + i64::from(get) - 1) / i64::from(get);
        prop_assert!(repeats * i64::from(buy) <= rest || given == 0);
        prop_assert!(repeats_max.is_none_or(|max| repeats <= i64::from(max)));
    }

    #[test]
    fn with_all_that_is_taken_off_the_lines_sum_to_a_total_that_can_be_charged(
        goods in goods(), all in prop::collection::vec(bits(), 0..6),
        region in prop::sample::select(sample().regions().to_vec()), is_inclusive in any::<bool>(),
    ) {
        let (basket, all) = (as_basket(&goods), made(&all));
        let outcome = price(&all, &basket);
        let mode = if is_inclusive { PriceMode::Inclusive } else { PriceMode::Exclusive };
        let region = TaxRegion { mode, ..region };
        let items: Vec<Item> = basket
            .lines
            .iter()
            .zip(&outcome.lines)
            .map(|(line, discount)| Item {
                unit_price: line.unit_price,
                quantity: line.quantity,
                tax_category: TaxCategory::STANDARD,
                discount: *discount,
            })
            .collect();
        let price = basket.shipping.unwrap_or(Money::zero(basket.currency));
        let freight = Freight { price, discount: outcome.shipping };
        let priced = price_with(&items, freight, &region, basket.currency).unwrap();
        let parts = priced.lines.iter().map(|line| line.total).chain([priced.shipping.total]);
        prop_assert_eq!(Money::sum(basket.currency, parts), Ok(priced.totals.total));
        prop_assert!(basket.currency.stripe_amount(priced.totals.total.amount()).is_ok());
        prop_assert_eq!(priced.totals.discount.amount(), total(&outcome));
    }

    #[test]
    fn any_basket_is_evaluated_or_refused(
        prices in prop::collection::vec((any::<i64>(), any::<u32>()), 0..5),
        all in prop::collection::vec(bits(), 0..4),
    ) {
        let lines = prices
            .iter()
            .zip(0..)
            .map(|((price, quantity), number)| line(number, *price, *quantity))
            .collect();
        let all = made(&all);
        let facts = CustomerFacts::default();
        match evaluate(&offers(&all), &basket(lines), &facts, now()) {
            Ok(outcome) => prop_assert!(total(&outcome) >= 0),
            Err(refusal) => {
                prop_assert!(matches!(refusal, Refusal::Overflow | Refusal::Negative));
            }
        }
    }
}
