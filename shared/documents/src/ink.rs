//! Pages as a PDF file: the one place that knows `krilla`, and the one that makes floats.
//!
//! `krilla` wants points as floats. Each of ours is at most some millions of thousandths, which a
//! float of 32 bits holds to a thousandth of a point; nothing is ever counted in them.

use domain::fault::{Fault, Retry};
use domain::paper::Paper;
use jiff::tz::TimeZone;
use krilla::color::luma;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};

use crate::fonts::{Fonts, Length, Weight};
use crate::layout::{Ink, Item, Page};

/// Points of a length.
#[allow(clippy::cast_precision_loss, reason = "a page has a million thousandths, not more")]
fn points(length: Length) -> f32 {
    length as f32 / 1_000.0
}

/// A share of an em.
#[allow(clippy::cast_precision_loss, reason = "a glyph has some thousand units")]
fn em(units: i32, per_em: i32) -> f32 {
    units as f32 / per_em.max(1) as f32
}

/// The file of pages; what it says of itself is of the first paper.
pub(crate) fn write(
    first: Option<&Paper>,
    pages: &[Page],
    fonts: &Fonts,
) -> Result<Vec<u8>, Fault> {
    let broken =
        |what: &str| Fault::noticed(format!("write a file of papers: {what}"), Retry::Useless);
    let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A2_B);
    let configuration = configuration.finish().map_err(|_| broken("no such format"))?;
    let settings =
        SerializeSettings { configuration, enable_tagging: false, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    if let Some(first) = first {
        document.set_metadata(metadata(first));
    }
    let font = |weight| Font::new(Fonts::bytes(weight).into(), 0).ok_or_else(|| broken("a font"));
    let (regular, bold) = (font(Weight::Regular)?, font(Weight::Bold)?);
    for page in pages {
        let size = PageSettings::from_wh(points(page.width), points(page.height));
        let mut sheet = document.start_page_with(size.ok_or_else(|| broken("a page"))?);
        let mut surface = sheet.surface();
        for item in &page.items {
            match item {
                Item::Text { weight, .. } => {
                    let font = match weight {
                        Weight::Regular => &regular,
                        Weight::Bold => &bold,
                    };
                    text(&mut surface, item, font, fonts);
                }
                Item::Fill { .. } => fill(&mut surface, item),
            }
        }
        surface.finish();
        sheet.finish();
    }
    // Why is not said: it may quote what stands on the paper.
    document.finish().map_err(|_| broken("the format refuses what stands on it"))
}

fn metadata(paper: &Paper) -> Metadata {
    let date = paper.dated.to_zoned(TimeZone::UTC);
    let small = |number: i8| u8::try_from(number).unwrap_or(1);
    let at = DateTime::new(u16::try_from(date.year()).unwrap_or_default())
        .month(small(date.month()))
        .day(small(date.day()))
        .hour(small(date.hour()))
        .minute(small(date.minute()))
        .second(small(date.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    let authors = paper.sender.iter().take(1).cloned().collect();
    Metadata::new()
        .title(format!("{} {}", paper.title, paper.name))
        .language(paper.language.clone())
        .authors(authors)
        .producer("Fluxion".to_owned())
        .creation_date(at)
}

fn inked(ink: Ink) -> Fill {
    let lightness = match ink {
        Ink::Black => 0,
        Ink::Grey => 90,
        Ink::Pale => 205,
    };
    Fill {
        paint: luma::Color::new(lightness).into(),
        opacity: NormalizedF32::ONE,
        rule: FillRule::NonZero,
    }
}

fn text(surface: &mut Surface<'_>, item: &Item, font: &Font, fonts: &Fonts) {
    let Item::Text { x, y, size, weight, ink, text } = item else { return };
    let per_em = fonts.units(*weight);
    let glyphs: Vec<KrillaGlyph> = fonts
        .shape(text, *weight)
        .into_iter()
        .map(|glyph| {
            KrillaGlyph::new(
                GlyphId::new(glyph.id),
                em(glyph.advance, per_em),
                em(glyph.x, per_em),
                em(glyph.y, per_em),
                em(0, per_em),
                glyph.text,
                None,
            )
        })
        .collect();
    surface.set_fill(Some(inked(*ink)));
    let start = Point::from_xy(points(*x), points(*y));
    surface.draw_glyphs(start, &glyphs, font.clone(), text, points(*size), false);
}

fn fill(surface: &mut Surface<'_>, item: &Item) {
    let Item::Fill { x, y, width, height, ink } = item else { return };
    let rect = Rect::from_xywh(points(*x), points(*y), points(*width), points(*height));
    let path = rect.and_then(|rect| {
        let mut builder = PathBuilder::new();
        builder.push_rect(rect);
        builder.finish()
    });
    if let Some(path) = path {
        surface.set_fill(Some(inked(*ink)));
        surface.draw_path(&path);
    }
}
