//! Promotions: what they may be, and how they turn from one state into another.

use super::*;

const NOW: &str = "2026-11-22T10:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn terms(trigger: Trigger, limits: Limits) -> Terms {
    Terms {
        name: "Ten off".into(),
        trigger,
        actions: vec![Action::Percent { ppm: 100_000, target: Target::Order }],
        conditions: Conditions::default(),
        stacking: Stacking::default(),
        limits,
    }
}

fn promotion(number: u128, status: Status, limits: Limits) -> Promotion {
    let id = PromotionId::from_ulid(crate::id::Ulid::from_parts(1, number));
    Promotion { status, ..Promotion::draft(id, terms(Trigger::Automatic, limits), now()) }
}

#[test]
fn the_transition_matrix_of_promotions() {
    let matrix = crate::order::tests::matrix(&Status::ALL, Status::may_become);
    expect_test::expect_file!["matrix.txt"].assert_eq(&matrix);
}

#[test]
fn what_was_active_keeps_what_it_is_counted_by() {
    let before = promotion(1, Status::Active, Limits::default());
    let limited = Limits { uses_total: Some(3), ..Limits::default() };
    let change = |terms| before.change(terms, now()).map(|after| after.terms.limits.uses_total);
    assert_eq!(change(terms(Trigger::Automatic, limited.clone())), Err(Refusal::Started));
    assert_eq!(change(terms(Trigger::Code, Limits::default())), Err(Refusal::Started));
    assert_eq!(change(terms(Trigger::Automatic, Limits::default())), Ok(None));
    let before = promotion(1, Status::Paused, limited);
    let higher = Limits { uses_total: Some(9), ..Limits::default() };
    let after = before.change(terms(Trigger::Automatic, higher), now()).unwrap();
    assert_eq!(after.terms.limits.uses_total, Some(9));
    let draft = promotion(1, Status::Draft, Limits::default());
    assert!(draft.change(terms(Trigger::Code, Limits::default()), now()).is_ok());
    let ended = promotion(1, Status::Ended, Limits::default());
    assert_eq!(ended.change(ended.terms.clone(), now()), Err(Refusal::Ended));
}

#[test]
fn the_running_ones_are_the_active_automatic_ones() {
    let none = Running::default();
    let draft = promotion(1, Status::Draft, Limits::default());
    assert_eq!(none.with(&draft), Ok(None));
    let active = draft.turn(Status::Active, now()).unwrap();
    let one = none.with(&active).unwrap().unwrap();
    assert_eq!(one.promotions, std::slice::from_ref(&active));
    let paused = active.turn(Status::Paused, now()).unwrap();
    assert_eq!(one.with(&paused).unwrap().unwrap().promotions, []);
    let by_code = Promotion { terms: terms(Trigger::Code, Limits::default()), ..active };
    assert_eq!(none.with(&by_code), Ok(None));
}

#[test]
fn only_so_many_run_at_a_time() {
    let mut running = Running::default();
    for number in 0..50 {
        let one = promotion(number, Status::Active, Limits::default());
        running = running.with(&one).unwrap().unwrap();
    }
    let another = promotion(99, Status::Active, Limits::default());
    assert_eq!(running.with(&another), Err(Refusal::TooManyAutomatic));
    let limits = || Limits { uses_total: Some(1), ..Limits::default() };
    let mut running = Running::default();
    for number in 0..5 {
        running = running.with(&promotion(number, Status::Active, limits())).unwrap().unwrap();
    }
    let another = promotion(99, Status::Active, limits());
    assert_eq!(running.with(&another), Err(Refusal::TooManyLimited));
    assert!(running.with(&promotion(98, Status::Active, Limits::default())).is_ok());
}

#[test]
fn every_contradiction_in_the_terms_is_named() {
    let tier = |from: u32| Tier {
        from_subtotal: Prices::new(),
        from_quantity: Some(from),
        reward: Reward::Percent { ppm: 1 },
    };
    let by = TierBy::Subtotal;
    let mut all = terms(Trigger::Automatic, Limits::default());
    all.actions = vec![
        Action::Tiered {
            by: TierBy::Quantity,
            target: Target::Order,
            tiers: vec![tier(5), tier(5)],
        },
        Action::Tiered { by, target: Target::Order, tiers: vec![tier(5)] },
        Action::Tiered { by, target: Target::Order, tiers: Vec::new() },
        Action::Fixed { amounts: Prices::new(), target: Target::Shipping, per: Per::Unit },
    ];
    all.conditions.from = Some(now());
    all.conditions.until = Some(now());
    all.conditions.subtotal_min.insert(Currency::EUR, 10);
    all.conditions.subtotal_max.insert(Currency::EUR, 9);
    let pointers: Vec<_> = all.flaws().into_iter().map(|flaw| flaw.pointer).collect();
    let wanted = [
        "/actions/0/tiers/1",
        "/actions/1/tiers/0",
        "/actions/2/tiers",
        "/actions/3/per",
        "/conditions/until",
        "/conditions/subtotal_max/EUR",
    ];
    assert_eq!(pointers, wanted);
    assert_eq!(terms(Trigger::Code, Limits::default()).flaws(), []);
}

#[test]
fn a_promotion_is_read_as_it_was_written() {
    let mut all = terms(Trigger::Code, Limits { uses_total: Some(3), ..Limits::default() });
    all.actions.push(Action::BuyXGetY {
        buy: 2,
        get: 1,
        goods: Selection { except_reduced: true, ..Selection::default() },
        ppm: PPM_MAX,
        repeats_max: None,
    });
    all.actions.push(Action::FreeShipping);
    all.conditions.countries.insert(Country::DE);
    all.conditions.from = Some(now());
    let promotion = Promotion { terms: all, ..promotion(1, Status::Active, Limits::default()) };
    let text = serde_json::to_string(&promotion).unwrap();
    assert_eq!(serde_json::from_str::<Promotion>(&text).unwrap(), promotion);
}

#[test]
fn a_buyer_is_told_by_account_or_mail_address_and_no_key_tells_which() {
    let email = |text| Email::parse(text).unwrap();
    let (ada, caps) = (email("ada@example.org"), email("ADA@example.org"));
    assert_eq!(buyer(None, Some(&ada)), buyer(None, Some(&caps)));
    assert_eq!(buyer(None, None), None);
    let id = CustomerId::from_ulid(crate::id::Ulid::from_parts(1, 1));
    let by_account = buyer(Some(id), Some(&ada)).unwrap();
    assert_eq!(Some(by_account.clone()), buyer(Some(id), None));
    assert!(by_account.len() == 32 && by_account.bytes().all(|b| b.is_ascii_hexdigit()));
}
