//! Gift cards: codes that nobody guesses, and a ledger that always adds up.

use std::collections::BTreeSet;

use expect_test::expect_file;
use proptest::prelude::*;

use super::*;
use crate::id::CartId;

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn id(number: u128) -> GiftCardId {
    GiftCardId::from_ulid(Ulid::from_parts(1, number))
}

fn fresh(number: u128) -> Fresh {
    let entry = GiftEntryId::from_ulid(Ulid::from_parts(2, number));
    Fresh { entry, by: None, now: now() }
}

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

fn card(number: u128, amount: i64) -> GiftCard {
    let wanted = Wanted { amount: eur(amount), expires_at: None, note: None };
    GiftCard::issue(id(number), &Code::issue([7; CODE_BYTES]), wanted, fresh(number)).unwrap().0
}

fn wallet(number: u128, balance: Money, days: Option<i64>) -> Wallet {
    let expires_at =
        days.map(|days| Timestamp::from_second(1_790_000_000 + days * 86_400).unwrap());
    let source =
        Source::GiftCard { id: id(number), last4: "0000".into(), expires_at, is_exchange: false };
    Wallet { source, balance }
}

fn cart(owner: Owner) -> Cart {
    Cart::open(CartId::from_ulid(Ulid::from_parts(1, 1)), owner, Currency::EUR, now())
}

fn guest() -> Cart {
    cart(Owner::Token("0".repeat(64)))
}

fn amounts(plan: &Plan) -> Vec<i64> {
    plan.tenders.iter().map(|tender| tender.amount.amount()).collect()
}

#[test]
fn the_transition_matrix() {
    let matrix = crate::order::tests::matrix(&Status::ALL, Status::may_become);
    expect_file!["matrix.txt"].assert_eq(&matrix);
}

#[test]
fn a_code_is_read_as_people_type_it() {
    let code = Code::issue([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let shown = code.reveal();
    assert_eq!((shown.len(), shown.matches('-').count()), (21, 4));
    assert!(shown.replace('-', "").ends_with(&code.last4()));
    let lenient = shown.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
    for text in [shown.clone(), shown.replace('-', ""), lenient] {
        assert_eq!(Code::parse(&text), Some(code.clone()), "{text}");
    }
    for wrong in ["", "-", "U", &shown[..19], &format!("{shown}0"), "ä"] {
        assert_eq!(Code::parse(wrong), None, "{wrong}");
    }
    assert_eq!(format!("{code:?}"), "Code");
}

#[test]
fn what_ends_first_is_spent_first_and_credit_last() {
    let customer = CustomerId::from_ulid(Ulid::from_parts(1, 9));
    let credit = StoreCredit { customer, balance: eur(500) }.wallet();
    let soon = wallet(1, eur(3000), Some(1));
    let late = wallet(2, eur(100), Some(9));
    let never = wallet(3, eur(50), None);
    let plan = plan(eur(10_000), &[credit.clone(), never.clone(), late.clone(), soon.clone()]);
    let sources: Vec<_> = plan.tenders.iter().map(|tender| tender.source.clone()).collect();
    assert_eq!(sources, [soon.source, late.source, never.source, credit.source]);
    assert_eq!((plan.due, plan.withheld), (eur(6350), eur(0)));
}

#[test]
fn of_two_that_never_end_the_smaller_one_is_emptied_first() {
    let plan = plan(eur(1000), &[wallet(1, eur(900), None), wallet(2, eur(600), None)]);
    assert_eq!((amounts(&plan), plan.due), (vec![600, 400], eur(0)));
}

#[test]
fn what_is_left_for_the_card_is_nothing_or_its_minimum() {
    let one = |balance| plan(eur(2000), &[wallet(1, eur(balance), None)]);
    assert_eq!((amounts(&one(2000)), one(2000).due), (vec![2000], eur(0)));
    assert_eq!((amounts(&one(1950)), one(1950).due), (vec![1950], eur(50)));
    let close = one(1999);
    assert_eq!((amounts(&close), close.due, close.withheld), (vec![1950], eur(50), eur(49)));
    // A tender of nothing is none.
    let two = plan(eur(1000), &[wallet(1, eur(10), None), wallet(2, eur(960), Some(1))]);
    assert_eq!((amounts(&two), two.due), (vec![950], eur(50)));
}

#[test]
fn what_is_left_fits_the_steps_in_which_a_currency_is_charged() {
    let kwd = |amount| Money::new(amount, Currency::KWD);
    let plan = plan(kwd(2000), &[wallet(1, kwd(1993), None)]);
    assert_eq!((amounts(&plan), plan.due, plan.withheld), (vec![1990], kwd(10), kwd(3)));
}

#[test]
fn a_total_below_the_minimum_is_paid_in_full_or_left_to_be_refused() {
    let small = plan(eur(30), &[wallet(1, eur(30), None)]);
    assert_eq!((amounts(&small), small.due), (vec![30], eur(0)));
    let short = plan(eur(30), &[wallet(1, eur(20), None)]);
    assert_eq!((short.due, short.withheld), (eur(10), eur(0)));
}

#[test]
fn a_gift_card_of_another_currency_pays_nothing() {
    let yen = Money::new(5000, Currency::JPY);
    assert_eq!(plan(eur(1000), &[wallet(1, yen, None)]).due, eur(1000));
    let japanese = GiftCard { balance: yen, initial: yen, ..card(1, 100) };
    let refused = guest().use_gift_card(&japanese, now()).unwrap_err();
    assert_eq!(refused, Refusal::OtherCurrency { currency: Currency::JPY });
}

#[test]
fn a_cart_takes_five_gift_cards_and_each_of_them_once() {
    let mut cart = guest();
    for number in [1, 2, 3, 4, 5, 3] {
        cart = cart.use_gift_card(&card(number, 100), now()).unwrap();
    }
    assert_eq!(cart.wallets.len(), CARDS_MAX);
    assert_eq!(cart.clone().use_gift_card(&card(6, 100), now()), Err(Refusal::TooMany));
    let cart = cart.drop_gift_card(id(3)).unwrap();
    assert_eq!(cart.clone().drop_gift_card(id(3)), Err(Refusal::NotInCart));
    assert!(cart.use_gift_card(&card(6, 100), now()).is_ok());
}

#[test]
fn what_can_not_be_spent_is_refused_in_one_way() {
    let disabled = card(1, 100).switch(Status::Disabled, now()).unwrap();
    let over = GiftCard { expires_at: Some(now()), ..card(1, 100) };
    let empty = GiftCard { balance: eur(0), ..card(1, 100) };
    for card in [disabled, over, empty] {
        assert_eq!(guest().use_gift_card(&card, now()), Err(Refusal::Unusable));
    }
}

#[test]
fn a_cart_forgets_what_its_cards_were_worth() {
    let cart = guest().use_gift_card(&card(1, 100), now()).unwrap();
    let spent = GiftCard { balance: eur(40), ..card(1, 100) };
    assert_eq!(cart.clone().seen(&[spent], &[], now()).wallets[0].balance, eur(40));
    assert_eq!(cart.seen(&[], &[], now()).wallets[0].balance, eur(0));
}

#[test]
fn store_credit_is_for_customers() {
    assert_eq!(guest().use_store_credit(Some(eur(1))), Err(Refusal::NoAccount));
    let customer = CustomerId::from_ulid(Ulid::from_parts(1, 9));
    let cart = cart(Owner::Customer(customer)).use_store_credit(Some(eur(1))).unwrap();
    let cart = cart.use_store_credit(Some(eur(2))).unwrap();
    let credit = StoreCredit { customer, balance: eur(70) };
    let cart = cart.seen(&[], &[credit], now());
    assert_eq!((cart.wallets.len(), cart.wallets[0].balance), (1, eur(70)));
    assert!(cart.use_store_credit(None).unwrap().wallets.is_empty());
}

#[test]
fn an_expired_card_stays_expired_and_what_comes_back_to_it_ends_as_well() {
    let wanted = Wanted { amount: eur(500), expires_at: Some(now()), note: None };
    let early = Fresh { now: Timestamp::UNIX_EPOCH, ..fresh(1) };
    let code = Code::issue([0; CODE_BYTES]);
    let (card, _) = GiftCard::issue(id(1), &code, wanted.clone(), early).unwrap();
    assert_eq!(card.clone().expire(early), None);
    let (over, entry) = card.expire(fresh(2)).unwrap();
    assert_eq!(
        (over.status, over.balance, entry.unwrap().amount),
        (Status::Expired, eur(0), eur(-500))
    );
    assert!(over.clone().switch(Status::Active, now()).is_err());
    assert!(over.clone().adjust(eur(5), "Goodwill".into(), fresh(3)).is_err());
    let back = GiftCard { balance: eur(200), ..over };
    assert_eq!(back.expire(fresh(4)).unwrap().1.unwrap().amount, eur(-200));
    assert_eq!(GiftCard::issue(id(1), &code, wanted, fresh(1)), Err(Refusal::AlreadyExpired));
}

#[test]
fn a_correction_never_takes_more_than_there_is() {
    let adjust = |amount| card(1, 100).adjust(eur(amount), "Because".into(), fresh(1));
    assert_eq!(adjust(-100).unwrap().0.balance, eur(0));
    assert_eq!(adjust(-101).unwrap_err(), Refusal::BelowZero { balance: eur(100) });
    assert_eq!(adjust(0).unwrap_err(), Refusal::NoAmount);
    assert_eq!(adjust(AMOUNT_MAX).unwrap_err(), Refusal::TooMuch);
    let yen = Money::new(1, Currency::JPY);
    let refused = card(1, 100).adjust(yen, "Because".into(), fresh(1)).unwrap_err();
    assert_eq!(refused, Refusal::OtherCurrency { currency: Currency::EUR });
}

#[test]
fn an_orders_entries_are_told_apart_and_each_is_said_once() {
    let order = OrderId::from_ulid(Ulid::from_parts(5, 77));
    let tenders = plan(eur(1000), &[wallet(1, eur(400), None)]).tenders;
    let placed = Tendering::of(tenders);
    let redeemed = placed.since(None, order, now());
    assert_eq!((redeemed.len(), redeemed[0].amount), (1, eur(-400)));
    assert_eq!(placed.since(Some(&placed), order, now()), []);
    let ended = placed.clone().give_back();
    let returned = ended.since(Some(&placed), order, now());
    assert_eq!((returned[0].kind, returned[0].amount), (EntryKind::Returned, eur(400)));
    assert_eq!(ended.clone().give_back().since(Some(&ended), order, now()), []);
    let late = ended.clone().take_again();
    let again = late.since(Some(&ended), order, now());
    let lost = late.clone().give_back().since(Some(&late), order, now());
    let all = [&redeemed[0], &returned[0], &again[0], &lost[0]];
    let ids: BTreeSet<_> = all.iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), 4);
    // Whoever says it again says the same one.
    assert_eq!(placed.since(None, order, now())[0].id, redeemed[0].id);
    assert_eq!(placed.clone().take_again(), placed);
}

fn wallets() -> impl Strategy<Value = Vec<Wallet>> {
    let one = (0..5_000i64, prop::option::of(0..400i64));
    prop::collection::vec(one, 0..=CARDS_MAX).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(at, (balance, days))| wallet(at as u128, eur(balance), days))
            .collect()
    })
}

proptest! {
    #[test]
    fn a_plan_adds_up_and_takes_no_more_than_there_is(
        total in 0..12_000i64, wallets in wallets()
    ) {
        let plan = plan(eur(total), &wallets);
        let paid: i64 = amounts(&plan).iter().sum();
        prop_assert_eq!(paid + plan.due.amount(), total);
        for tender in &plan.tenders {
            let wallet = wallets.iter().find(|wallet| wallet.source == tender.source).unwrap();
            prop_assert!(tender.amount.is_positive());
            prop_assert!(tender.amount.amount() <= wallet.balance.amount());
        }
        let there: i64 = wallets.iter().map(|wallet| wallet.balance.amount()).sum();
        prop_assert_eq!(paid + plan.withheld.amount(), there.min(total));
        let due = plan.due.amount();
        prop_assert!(due == 0 || due >= 50 || total < 50, "{due} is too little for a card");
    }

    #[test]
    fn the_order_in_which_cards_were_added_does_not_matter(
        total in 0..12_000i64, wallets in wallets(), turn in 0..5usize
    ) {
        let mut turned = wallets.clone();
        turned.rotate_left(turn.min(wallets.len()));
        prop_assert_eq!(plan(eur(total), &wallets), plan(eur(total), &turned));
    }

    #[test]
    fn one_wrong_or_two_exchanged_symbols_are_noticed(
        random in prop::array::uniform10(any::<u8>()), at in 0..17usize, other in 0..17usize,
        value in 0..32usize
    ) {
        let code = Code::issue(random);
        let shown: Vec<char> = code.reveal().replace('-', "").chars().collect();
        let mut wrong = shown.clone();
        wrong[at] = char::from(SYMBOLS[value]);
        let parsed = Code::parse(&wrong.iter().collect::<String>());
        prop_assert_eq!(parsed.is_some(), wrong == shown);
        let mut swapped = shown.clone();
        swapped.swap(at, other);
        let parsed = Code::parse(&swapped.iter().collect::<String>());
        prop_assert_eq!(parsed.is_some(), swapped == shown);
        prop_assert_eq!(code.hash() == Code::issue([0; CODE_BYTES]).hash(), random == [0; 10]);
    }

    #[test]
    fn the_entries_of_a_card_are_its_balance_whatever_happens_to_it(
        start in 1..10_000i64, deeds in prop::collection::vec((0..4u8, 0..6_000i64), 0..40)
    ) {
        let mut card = card(1, start);
        let issued = Fresh { entry: GiftEntryId::from_ulid(Ulid::from_parts(3, 0)), ..fresh(0) };
        let mut entries = vec![issued.entry(card.account(), EntryKind::Issued, eur(start))];
        let mut open: Vec<(OrderId, Tendering)> = Vec::new();
        for (number, (deed, amount)) in deeds.into_iter().enumerate() {
            let number = number as u128 + 1;
            let order = OrderId::from_ulid(Ulid::from_parts(9, number << 8));
            match deed {
                0 => {
                    let plan = plan(eur(amount), &[card.wallet(now())]);
                    let tendering = Tendering::of(plan.tenders);
                    card.balance = eur(card.balance.amount() - tendering.paid());
                    entries.extend(tendering.since(None, order, now()));
                    open.push((order, tendering));
                }
                1 => if let Some((order, before)) = open.pop() {
                    let after = before.clone().give_back();
                    let back = before.paid() - after.paid();
                    card.balance = eur(card.balance.amount() + back);
                    entries.extend(after.since(Some(&before), order, now()));
                },
                _ => {
                    let amount = eur(if deed == 2 { amount } else { -amount });
                    let adjusted = card.clone().adjust(amount, "Because".into(), fresh(number));
                    if let Ok((after, entry)) = adjusted {
                        card = after;
                        entries.push(entry);
                    }
                }
            }
            prop_assert_eq!(balance(Currency::EUR, &entries), Ok(card.balance));
            prop_assert!(!card.balance.is_negative());
        }
        let ids: BTreeSet<_> = entries.iter().map(|entry| entry.id).collect();
        prop_assert_eq!(ids.len(), entries.len());
    }
}
