//! What every paper has to be, whatever stands on it.

use domain::paper::Paper;

use crate::fonts::Fonts;
use crate::layout::{Item, Page, pages};
use crate::pdf;

#[path = "../examples/papers/samples.rs"]
mod samples;

fn every() -> Vec<(&'static str, Vec<Paper>)> {
    samples::every().expect("the samples are papers")
}

fn texts(page: &Page) -> Vec<String> {
    let text = |item: &Item| match item {
        Item::Text { text, .. } => Some(text.replace(['\u{a0}', '\u{202f}'], " ")),
        Item::Fill { .. } => None,
    };
    page.items.iter().filter_map(text).collect()
}

#[test]
fn the_same_papers_are_the_same_bytes() {
    for (name, papers) in every() {
        let file = pdf(&papers).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert!(file.starts_with(b"%PDF-1.7"), "{name}");
        assert!(file.len() < 150_000, "{name} has {} bytes", file.len());
        assert_eq!(pdf(&papers).unwrap(), file, "{name}");
    }
}

#[test]
fn nothing_stands_beside_the_sheet_or_below_its_foot() {
    let fonts = Fonts::load().unwrap();
    for (name, papers) in every() {
        for page in papers.iter().flat_map(|paper| pages(paper, &fonts)) {
            for item in &page.items {
                let (left, right, bottom) = match item {
                    Item::Text { x, y, size, weight, text, .. } => {
                        (*x, x + fonts.width(text, *weight, *size), *y)
                    }
                    Item::Fill { x, y, width, height, .. } => (*x, x + width, y + height),
                };
                let is_inside = left >= 0 && right <= page.width - 50_000 && bottom < page.height;
                assert!(is_inside, "{name}: {item:?} ends at {right}");
            }
        }
    }
}

#[test]
fn a_long_table_has_its_head_on_every_page_and_every_line_once() {
    let (_, papers) = every().into_iter().find(|(name, _)| *name == "invoice-45-lines").unwrap();
    let all = pages(&papers[0], &Fonts::load().unwrap());
    assert!(all.len() > 2, "{} pages", all.len());
    for (at, page) in all.iter().enumerate() {
        let texts = texts(page);
        let number = format!("Seite {} von {}", at + 1, all.len());
        assert!(texts.contains(&number), "{number}");
        let has_rows = texts.iter().any(|text| text.starts_with("BECHER-"));
        assert!(!has_rows || texts.contains(&"Einzelpreis".to_owned()));
        assert!(at == 0 || texts.contains(&"Rechnung RE-001042".to_owned()));
    }
    let skus: Vec<String> =
        all.iter().flat_map(texts).filter(|t| t.starts_with("BECHER-")).collect();
    let wanted: Vec<String> = (0..45).map(|at| format!("BECHER-{at:03}")).collect();
    assert_eq!(skus, wanted);
}

#[test]
fn slips_of_many_orders_are_counted_each_for_itself() {
    let (_, papers) = every().into_iter().find(|(name, _)| *name == "packing-slips").unwrap();
    let fonts = Fonts::load().unwrap();
    let first = pages(&papers[0], &fonts);
    assert!(texts(&first[0]).contains(&"Seite 1 von 1".to_owned()));
    let second = pages(&papers[1], &fonts);
    let number = format!("Seite 1 von {}", second.len());
    assert!(second.len() > 1 && texts(&second[0]).contains(&number));
    assert!(pdf(&[]).is_ok_and(|file| file.starts_with(b"%PDF")));
}
