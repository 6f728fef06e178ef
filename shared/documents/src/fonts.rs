//! The fonts, and how wide a text is in them. Whole numbers only: a font counts in units of its
//! own, and so do we.
//!
//! Text is shaped (Arabic letters join, pairs of letters stand closer) by `rustybuzz`, which is
//! `HarfBuzz` in Rust.

use rustybuzz::{Face, UnicodeBuffer};

/// Thousandths of a point.
pub(crate) type Length = i32;

/// What is printed for a letter that the font does not have.
const UNKNOWN: char = '\u{fffd}';

/// How heavy the letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

/// A glyph in its place: all in units of the font.
#[derive(Debug, Clone)]
pub(crate) struct Glyph {
    pub(crate) id: u32,
    pub(crate) advance: i32,
    pub(crate) x: i32,
    pub(crate) y: i32,
    /// The bytes of the text that it stands for.
    pub(crate) text: std::ops::Range<usize>,
}

/// The two fonts of papers.
pub(crate) struct Fonts {
    regular: Face<'static>,
    bold: Face<'static>,
}

impl Fonts {
    pub(crate) fn load() -> Option<Self> {
        let face = |weight| Face::from_slice(Self::bytes(weight), 0);
        Some(Self { regular: face(Weight::Regular)?, bold: face(Weight::Bold)? })
    }

    /// The file of a font. The narrow cut: more of a title fits beside its figures.
    pub(crate) fn bytes(weight: Weight) -> &'static [u8] {
        match weight {
            Weight::Regular => dejavu::sans_condensed::regular(),
            Weight::Bold => dejavu::sans_condensed::bold(),
        }
    }

    fn face(&self, weight: Weight) -> &Face<'static> {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// Units of the font in one em.
    pub(crate) fn units(&self, weight: Weight) -> i32 {
        self.face(weight).units_per_em()
    }

    /// The text as the font can print it.
    pub(crate) fn printable(&self, text: &str, weight: Weight) -> String {
        let face = self.face(weight);
        let known = |c: char| if face.glyph_index(c).is_some() { c } else { UNKNOWN };
        text.chars().filter(|c| !c.is_control()).map(known).collect()
    }

    /// The glyphs of a printable text, from left to right.
    pub(crate) fn shape(&self, text: &str, weight: Weight) -> Vec<Glyph> {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        let shaped = rustybuzz::shape(self.face(weight), &[], buffer);
        let begins: Vec<usize> = shaped
            .glyph_infos()
            .iter()
            .filter_map(|info| usize::try_from(info.cluster).ok())
            .collect();
        // A cluster reaches to where the next one of the text begins.
        let mut ends = begins.clone();
        ends.sort_unstable();
        ends.dedup();
        ends.push(text.len());
        let end = |begin: usize| ends.iter().find(|end| **end > begin).copied();
        shaped
            .glyph_infos()
            .iter()
            .zip(shaped.glyph_positions())
            .zip(begins)
            .map(|((info, position), begin)| Glyph {
                id: info.glyph_id,
                advance: position.x_advance,
                x: position.x_offset,
                y: position.y_offset,
                text: begin..end(begin).unwrap_or(text.len()),
            })
            .collect()
    }

    /// How wide a printable text is at a size.
    pub(crate) fn width(&self, text: &str, weight: Weight, size: Length) -> Length {
        let units: i64 =
            self.shape(text, weight).iter().map(|glyph| i64::from(glyph.advance)).sum();
        let width = units * i64::from(size) / i64::from(self.units(weight).max(1));
        Length::try_from(width).unwrap_or(Length::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_wide_as_its_letters_and_twice_as_wide_at_twice_the_size() {
        let fonts = Fonts::load().unwrap();
        let width = |text| fonts.width(text, Weight::Regular, 10_000);
        assert!(width("Becher") > width("Beche") && width("") == 0);
        let twice = fonts.width("Becher", Weight::Regular, 20_000);
        assert!((twice - 2 * width("Becher")).abs() <= 1);
        assert!(fonts.width("Becher", Weight::Bold, 10_000) > width("Becher"));
        // Figures stand under each other.
        assert_eq!(width("111,11"), width("888,88"));
    }

    #[test]
    fn letters_of_other_scripts_are_shaped_and_unknown_ones_marked() {
        let fonts = Fonts::load().unwrap();
        let printable = |text| fonts.printable(text, Weight::Regular);
        for text in ["Ελληνικά", "Кириллица", "Straße – 5 ×", "مرحبا", "Čeština"]
        {
            assert_eq!(printable(text), text);
            let glyphs = fonts.shape(text, Weight::Regular);
            assert!(glyphs.iter().all(|glyph| glyph.id != 0), "{text}");
        }
        assert_eq!(printable("東京\n1"), "\u{fffd}\u{fffd}1");
    }
}
