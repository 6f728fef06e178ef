//! Every receipt of `golden.csv`, computed three times: by whoever wrote the file, by the fractions
//! below, and by the shop. The file's numbers are written by hand rules and never by this code.

use std::collections::BTreeMap;

use super::*;
use crate::currency::Currency;
use crate::pricing::{self, Item};

const FILE: &str = include_str!("../golden.csv");

struct Case<'a> {
    name: &'a str,
    country: Country,
    region: Option<&'a str>,
    postal_code: &'a str,
    mode: PriceMode,
    seller: Option<Country>,
    vat_id: Option<VatId>,
    currency: Currency,
    lines: Vec<(i64, u32, TaxCategory, i64)>,
    shipping: i64,
    /// The numbers of the file as they stand there.
    expected: Vec<&'a str>,
}

fn mode(word: &str) -> PriceMode {
    match word {
        "inclusive" => PriceMode::Inclusive,
        "exclusive" => PriceMode::Exclusive,
        other => panic!("{other} is no mode"),
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn regions() -> Vec<TaxRegion> {
    let rows = FILE.lines().filter_map(|row| row.strip_prefix("rate,"));
    rows.map(|row| {
        let fields: Vec<&str> = row.split(',').collect();
        let rates = fields[5].split_whitespace().map(|rate| {
            let (category, ppm) = rate.split_once('=').unwrap();
            let rate = TaxRate::new(fields[4], ppm.parse().unwrap());
            (TaxCategory::parse(category).unwrap(), rate)
        });
        TaxRegion {
            country: Country::parse(fields[0]).unwrap(),
            region: some(fields[1]).map(str::to_owned),
            postal_prefix: some(fields[2]).map(str::to_owned),
            postal_range: None,
            mode: mode(fields[3]),
            rates: rates.collect(),
        }
    })
    .collect()
}

fn line(text: &str) -> (i64, u32, TaxCategory, i64) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (price, quantity) = words[0].split_once('x').unwrap();
    let discount = words.get(2).map_or(0, |word| word.strip_prefix('-').unwrap().parse().unwrap());
    let category = TaxCategory::parse(words[1]).unwrap();
    (price.parse().unwrap(), quantity.parse().unwrap(), category, discount)
}

fn cases() -> Vec<Case<'static>> {
    let rows = FILE.lines().filter_map(|row| row.strip_prefix("case,"));
    rows.map(|row| {
        let fields: Vec<&str> = row.split(',').collect();
        assert_eq!(fields.len(), 17, "{row}");
        Case {
            name: fields[0],
            country: Country::parse(fields[1]).unwrap(),
            region: some(fields[2]),
            postal_code: fields[3],
            mode: mode(fields[4]),
            seller: some(fields[5]).map(|code| Country::parse(code).unwrap()),
            vat_id: some(fields[6]).map(|id| VatId::parse(id).unwrap()),
            currency: Currency::parse(fields[7]).unwrap(),
            lines: fields[8].split(" + ").map(line).collect(),
            shipping: fields[9].parse().unwrap(),
            expected: fields[10..].to_vec(),
        }
    })
    .collect()
}

impl Case<'_> {
    fn destination(&self) -> Destination<'_> {
        let Self { country, region, postal_code, .. } = *self;
        Destination { country, region, postal_code }
    }

    /// What the shop says.
    fn receipt(&self, table: &TaxTable) -> Vec<String> {
        let ruling = table.ruling(Some(&self.destination()), self.vat_id.as_ref());
        let money = |amount| Money::new(amount, self.currency);
        let items: Vec<Item> = self
            .lines
            .iter()
            .map(|(price, quantity, category, discount)| Item {
                unit_price: ruling.price(money(*price), category).unwrap(),
                quantity: *quantity,
                tax_category: category.clone(),
                discount: money(*discount),
            })
            .collect();
        let main = pricing::main_category(&items, ruling.base(), self.currency).unwrap();
        let shipping = ruling.price(money(self.shipping), &main).unwrap();
        let priced = pricing::price(&items, Some(shipping), &ruling.region, self.currency).unwrap();
        let mut by_rate: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
        for row in priced.tax_by_rate().unwrap() {
            let sum = by_rate.entry(row.rate.ppm).or_default();
            *sum = (sum.0 + row.net.amount(), sum.1 + row.tax.amount());
        }
        let sums = priced.totals;
        let totals = [sums.subtotal, sums.discount, sums.shipping, sums.tax, sums.total];
        shown(ruling.reason, totals.map(|sum| i128::from(sum.amount())), &by_rate)
    }

    /// What fractions say, without any of the shop's code but for the rates themselves.
    fn by_hand(&self, region: &TaxRegion) -> Vec<String> {
        let step = if self.currency == Currency::KWD { 10 } else { 1 };
        let ppm = |category: &TaxCategory| i128::from(region.rate(category).ppm);
        let is_taxed = region.rates.values().any(|rate| rate.ppm > 0);
        let eu = [Country::DE, Country::FR, Country::AT, Country::ES];
        let abroad = self.seller.filter(|seller| *seller != self.country);
        let is_inside = abroad.is_some_and(|s| eu.contains(&s)) && eu.contains(&self.country);
        let buyer = self.vat_id.as_ref().and_then(VatId::country);
        let is_reverse = is_taxed
            && is_inside
            && buyer.is_some_and(|buyer| eu.contains(&buyer) && Some(buyer) != self.seller);
        let reason = match (is_taxed, is_reverse) {
            (true, true) => Reason::ReverseCharge,
            (true, false) => Reason::Taxed,
            (false, _) if abroad.is_some() && !is_inside => Reason::Export,
            (false, _) => Reason::Untaxed,
        };
        let is_inclusive = self.mode == PriceMode::Inclusive;
        let contained = |price: i128, ppm: i128| half_up(price * ppm, 1_000_000 + ppm);
        let net = |price: i128, ppm: i128| {
            if is_reverse && is_inclusive {
                half_up(price - contained(price, ppm), step) * step
            } else {
                price
            }
        };
        let tax = |price: i128, ppm: i128| match (is_reverse, is_inclusive) {
            (true, _) => 0,
            (false, true) => contained(price, ppm),
            (false, false) => half_up(price * ppm, 1_000_000 * step) * step,
        };
        let (mut subtotal, mut discount, mut taxes, mut paid) = (0, 0, 0, 0);
        let mut worth: BTreeMap<&TaxCategory, i128> = BTreeMap::new();
        let mut by_rate: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
        let mut charge = |price: i128, rate: i128| {
            let tax = tax(price, rate);
            let net = if is_inclusive && !is_reverse { price - tax } else { price };
            taxes += tax;
            paid += net + tax;
            if net != 0 || tax != 0 {
                let rate = if is_reverse { 0 } else { u32::try_from(rate).unwrap() };
                let sum = by_rate.entry(rate).or_default();
                sum.0 += i64::try_from(net).unwrap();
                sum.1 += i64::try_from(tax).unwrap();
            }
        };
        for (price, quantity, category, off) in &self.lines {
            let gross = net(i128::from(*price), ppm(category)) * i128::from(*quantity);
            subtotal += gross;
            discount += i128::from(*off);
            let price = gross - i128::from(*off);
            *worth.entry(category).or_default() += price;
            charge(price, ppm(category));
        }
        let most = worth.iter().map(|(category, worth)| (*worth, ppm(category))).max();
        let rate = most.map_or(0, |(_, rate)| rate);
        let shipping = net(i128::from(self.shipping), rate);
        charge(shipping, rate);
        shown(reason, [subtotal, discount, shipping, taxes, paid], &by_rate)
    }
}

/// `numerator / denominator`, halves up; neither is negative.
fn half_up(numerator: i128, denominator: i128) -> i128 {
    (2 * numerator + denominator) / (2 * denominator)
}

fn shown(reason: Reason, totals: [i128; 5], by_rate: &BTreeMap<u32, (i64, i64)>) -> Vec<String> {
    let reason = serde_json::to_value(reason).unwrap().as_str().unwrap().to_owned();
    let rows = by_rate.iter().rev().map(|(ppm, (net, tax))| format!("{ppm}:{net}:{tax}"));
    let rows = rows.collect::<Vec<_>>().join(" ");
    [reason].into_iter().chain(totals.map(|sum| sum.to_string())).chain([rows]).collect()
}

#[test]
fn every_receipt_of_the_file_is_what_two_computations_say() {
    let cases = cases();
    assert!(cases.len() >= 200, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        // A case says itself whether prices contain the tax: both are asked of every place.
        let table: Vec<TaxRegion> =
            regions().into_iter().map(|region| TaxRegion { mode: case.mode, ..region }).collect();
        let nowhere = TaxRegion { rates: BTreeMap::new(), ..table[0].clone() };
        let table = TaxTable::new(table, nowhere).unwrap().for_seller(case.seller);
        let region = table.region_for(&case.destination());
        for said in [case.by_hand(region), case.receipt(&table)] {
            if said != case.expected {
                wrong.push(format!("{}: {said:?} is not {:?}", case.name, case.expected));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_file_covers_what_it_promises() {
    let cases = cases();
    let with = |test: &dyn Fn(&Case<'_>) -> bool| cases.iter().filter(|case| test(case)).count();
    for code in ["DE", "FR", "AT", "CH", "GB", "US", "JP"] {
        for mode in [PriceMode::Inclusive, PriceMode::Exclusive] {
            let country = Country::parse(code).unwrap();
            let found = with(&|case| case.country == country && case.mode == mode);
            assert!(found >= 10, "{code} {mode:?}: {found}");
        }
    }
    assert!(with(&|case| case.lines.iter().any(|line| line.3 > 0)) >= 40, "discounts");
    assert!(with(&|case| case.lines.len() > 1) >= 60, "mixed rates");
    assert!(with(&|case| case.shipping > 0) >= 80, "shipping");
    assert!(with(&|case| case.expected[0] == "reverse_charge") >= 8, "reverse charge");
    let mut names: Vec<_> = cases.iter().map(|case| case.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a name is there twice");
}
