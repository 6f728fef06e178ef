//! What is sealed opens again under its own key and at its own place, and nowhere else.

use domain::account::Account;
use serde_json::json;

use super::*;
use crate::item::{document, item as item_of};

const ORDER: &str = "ORD#ord_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const CUSTOMER: &str = "CUST#cus_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const WORDS: [&str; 8] =
    ["jane", "roe", "linden", "10115", "c/o", "DE136695976", "said so", "ring twice"];

fn order() -> Item {
    let address = json!({
        "name": "Jane Roe", "line1": "Lindenstrasse 9", "line2": "c/o Joe", "city": "Berlin",
        "postal_code": "10115", "country": "DE",
    });
    let order = json!({
        "email": "jane@example.org", "shipping_address": address, "vat_id": "DE136695976",
        "buyer": "hash", "number": "K7M-294-QXA", "version": 3,
        "hold": {"cause": "staff", "reason": "she said so", "by": "system"},
        "cancellations": [{"reason": "she said so"}, {"reason": null}],
    });
    item_of(&Key::meta(ORDER), &order).unwrap()
}

fn account() -> Item {
    let account = json!({
        "id": "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV", "email": "jane@example.org", "name": "Jane Roe",
        "password": "$argon2id$", "is_verified": true, "created_at": "2026-11-22T10:00:00Z",
        "version": 1,
    });
    item_of(&Key::meta(CUSTOMER), &account).unwrap()
}

fn in_words(row: &Item) -> String {
    let row: Vec<_> = row.iter().filter(|(name, _)| !name.starts_with(SEAL)).collect();
    format!("{row:?}").to_lowercase()
}

fn read(table: Table, row: &Item, key: Option<&DataKey>) -> Option<Item> {
    opened(table, row.clone(), key, Reading::One).unwrap()
}

#[test]
fn what_is_personal_is_sealed_and_read_again_as_it_was() {
    let key = DataKey::fresh().unwrap();
    for (table, row) in [(Table::Orders, order()), (Table::Identity, account())] {
        let sealed = sealed(table, row.clone(), &key).unwrap();
        assert!(is_sealed(&sealed) && personal(table, &sealed).unwrap().is_empty());
        let told = format!("{sealed:?}");
        for word in WORDS {
            assert!(!told.to_lowercase().contains(&word.to_lowercase()), "{word}: {told}");
        }
        assert_eq!(read(table, &sealed, Some(&key)), Some(row));
    }
}

#[test]
fn what_is_the_shops_is_not_sealed() {
    let sealed = sealed(Table::Orders, order(), &DataKey::fresh().unwrap()).unwrap();
    for ours in ["number", "version", "hold"] {
        assert!(sealed.contains_key(ours), "{ours}");
    }
    assert!(in_words(&sealed).contains("\"de\""), "the country that taxed it stays");
}

#[test]
fn without_its_key_a_row_tells_a_pseudonym_and_can_still_be_read() {
    let key = DataKey::fresh().unwrap();
    let row = sealed(Table::Identity, account(), &key).unwrap();
    let left: Account = document(read(Table::Identity, &row, None).unwrap()).unwrap();
    assert!(left.email.is_erased());
    assert_eq!((left.name.as_str(), left.is_verified), ("erased", true));
    let row = sealed(Table::Orders, order(), &key).unwrap();
    let left = read(Table::Orders, &row, None).unwrap();
    assert!(!is_sealed(&left) && !left.contains_key("vat_id"));
    let address = left["shipping_address"].clone();
    let address: Address = serde_dynamo::from_attribute_value(address).unwrap();
    assert_eq!(address, address.erased());
    // Written again it holds nothing to be sealed: nobody's order needs no key.
    assert!(personal(Table::Orders, &left).unwrap().is_empty());
}

#[test]
fn a_row_that_says_nothing_without_its_key_is_left_out() {
    let key = DataKey::fresh().unwrap();
    let address = json!({"id": "adr_01ARZ3NDEKTSV4RRFFQ69G5FAV", "address": {"name": "Jane Roe"}});
    let phone = json!({"phone": "+491701234567", "confirmed_at": "2026-11-22T10:00:00Z"});
    let waits = json!({"sku": "MUG", "email": "jane@example.org"});
    for (place, document) in [
        (Key::new(CUSTOMER, "ADR#adr_01ARZ3NDEKTSV4RRFFQ69G5FAV"), address),
        (Key::new(CUSTOMER, "PHONE"), phone),
        (Key::new("BACK#MUG", "0a1b"), waits),
    ] {
        let row = item_of(&place, &document).unwrap();
        let sealed = sealed(Table::Identity, row.clone(), &key).unwrap();
        assert!(is_sealed(&sealed), "{place:?}");
        assert_eq!(read(Table::Identity, &sealed, Some(&key)), Some(row));
        assert_eq!(read(Table::Identity, &sealed, None), None);
    }
}

#[test]
fn a_seal_is_good_at_its_own_place_alone() {
    let key = DataKey::fresh().unwrap();
    let (mut jane, other) = (order(), ORDER.replace("FAV", "FAW"));
    let mut joe = order();
    joe.insert("pk".into(), text(other));
    jane = sealed(Table::Orders, jane, &key).unwrap();
    joe = sealed(Table::Orders, joe, &key).unwrap();
    let moved = |to: &Item, from: &Item, of: &str, at: &str| {
        let mut to = to.clone();
        to.insert(format!("{SEAL}{at}"), from[&format!("{SEAL}{of}")].clone());
        to
    };
    for wrong in [
        // Of another row, of another attribute.
        moved(&jane, &joe, "email", "email"),
        moved(&jane, &jane, "buyer", "email"),
    ] {
        assert!(opened(Table::Orders, wrong.clone(), Some(&key), Reading::One).is_err());
        // In a list it shows its pseudonym, and the rest of the list.
        let shown = opened(Table::Orders, wrong, Some(&key), Reading::List).unwrap().unwrap();
        let email: Email = serde_dynamo::from_attribute_value(shown["email"].clone()).unwrap();
        assert!(email.is_erased());
    }
    let stranger = DataKey::fresh().unwrap();
    assert!(opened(Table::Orders, jane.clone(), Some(&stranger), Reading::One).is_err());
    for cut in [0, NONCE_LEN - 1, NONCE_LEN, NONCE_LEN + 15] {
        let mut short = jane.clone();
        let bytes = jane["~email"].as_b().unwrap().as_ref()[..cut].to_vec();
        short.insert("~email".into(), AttributeValue::B(Blob::new(bytes)));
        assert!(opened(Table::Orders, short, Some(&key), Reading::One).is_err(), "{cut}");
    }
}

#[test]
fn the_same_words_are_never_sealed_the_same() {
    let key = DataKey::fresh().unwrap();
    let seal = || sealed(Table::Orders, order(), &key).unwrap()["~email"].clone();
    assert_ne!(seal(), seal());
}

#[test]
fn what_lies_beside_an_order_is_sealed_by_what_an_erasure_takes() {
    let key = DataKey::fresh().unwrap();
    let of = |sk: &str, document: Value| item_of(&Key::new(ORDER, sk), &document).unwrap();
    for row in [
        of("NOTE#1", json!({"text": "jane said so"})),
        of("REF#1", json!({"reason": "jane said so"})),
        of(
            "RET#1",
            json!({"items": [{"sku": "MUG", "quantity": 2, "note": "jane said so"}],
            "approval": {"instructions": "ring twice", "label_url": "https://x/linden"}}),
        ),
        of(
            "FUL#1",
            json!({"carriage": {"carrier": "ups", "tracking_number": "1Zjane",
            "tracking_url": "https://x/jane"}}),
        ),
        of("DSP#1", json!({"answer": {"own": {"customer_name": "Jane Roe"}, "attempt": 1}})),
    ] {
        let sealed = sealed(Table::Orders, row.clone(), &key).unwrap();
        for word in WORDS {
            assert!(!in_words(&sealed).contains(word), "{word}: {sealed:?}");
        }
        assert_eq!(read(Table::Orders, &sealed, Some(&key)), Some(row));
    }
    // Nobody's words, nobody's key.
    let nothing = of("REF#2", json!({"reason": "erased", "money": 5}));
    assert_eq!(sealed(Table::Orders, nothing.clone(), &key).unwrap(), nothing);
}

#[test]
fn whose_key_it_is_follows_from_where_a_row_lies() {
    let at = |table, pk: &str, sk: &str| holder(table, &Key::new(pk, sk).attributes());
    assert_eq!(at(Table::Orders, ORDER, "FUL#1").as_deref(), Some(ORDER));
    assert_eq!(at(Table::Identity, CUSTOMER, "META").as_deref(), Some(CUSTOMER));
    let request = CUSTOMER.replace("CUST", "PRIVACY");
    assert_eq!(at(Table::Identity, &request, "erasure").as_deref(), Some(CUSTOMER));
    assert_eq!(at(Table::Identity, "BACK#MUG", "0a1b").as_deref(), Some("WAITS#0a1b"));
    let credit = CUSTOMER.replace("CUST", "CREDIT");
    assert_eq!(at(Table::Ledger, &credit, "gce_1").as_deref(), Some(CUSTOMER));
    // A letter says whose it is; what is said to nobody is nobody's.
    let mut letter = Key::new("OBX#3", "evt_1").attributes();
    assert_eq!(holder(Table::Orders, &letter), None);
    letter.insert("holder".into(), text(CUSTOMER));
    assert_eq!(holder(Table::Orders, &letter).as_deref(), Some(CUSTOMER));
    // Sessions expire, and no backup has them.
    assert_eq!(at(Table::Ephemeral, CUSTOMER, "SES#1"), None);
    assert_eq!(at(Table::Orders, "INV#ord_1", "INVOICE"), None);
}

#[tokio::test]
async fn keys_are_remembered_for_one_invocation_and_no_longer() {
    let known = || held(|held| held.keys.len());
    let key = || [("ORD#1".to_owned(), DataKey::fresh().unwrap())];
    hold(key());
    assert_eq!(known(), None);
    within_invocation(async {
        hold(key());
        assert_eq!(known(), Some(1));
    })
    .await;
    within_invocation(async { assert_eq!(known(), Some(0)) }).await;
}

#[test]
fn a_key_shows_itself_to_nobody_who_looks_on() {
    let key = DataKey([7; KEY_LEN]);
    assert_eq!(format!("{key:?}"), "DataKey(…)");
    let (holder, read) = DataKey::of_row(&key.row(ORDER)).unwrap();
    assert_eq!((holder.as_str(), read.0), (ORDER, key.0));
}

#[test]
fn a_letter_is_sealed_as_a_whole_and_nothing_is_left_of_it_without_its_key() {
    let key = DataKey::fresh().unwrap();
    let said = json!({"event": "{\"to\":\"jane@example.org\"}", "at": "2026-11-22T10:00:00Z"});
    let row = item_of(&Key::new("OBX#3", "evt_1"), &said).unwrap();
    assert!(personal(Table::Orders, &row).is_ok_and(|found| found.len() == 1));
    let sealed = sealed_letter(row.clone(), CUSTOMER, &key).unwrap();
    assert!(!in_words(&sealed).contains("jane") && !sealed.contains_key("event"), "{sealed:?}");
    let mut opened = read(Table::Orders, &sealed, Some(&key)).unwrap();
    assert_eq!(opened.remove("holder"), Some(text(CUSTOMER)));
    assert_eq!(opened, row);
    assert_eq!(read(Table::Orders, &sealed, None), None);
}

#[tokio::test]
async fn whoever_read_an_address_knows_under_whose_key_it_lay_for_the_rest_of_the_invocation() {
    within_invocation(async {
        let jane = account();
        assert!(held_for("jane@example.org").is_none());
        hold_address(CUSTOMER, &jane);
        assert!(held_for("jane@example.org").is_none(), "the key is not known");
        hold([(CUSTOMER.to_owned(), DataKey::fresh().unwrap())]);
        let (holder, _) = held_for("jane@example.org").unwrap();
        assert_eq!(holder, CUSTOMER);
        assert!(held_for("joe@example.org").is_none());
    })
    .await;
    assert!(held_for("jane@example.org").is_none());
}
