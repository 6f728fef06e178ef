//! Papers as PDF: invoices, credit notes, packing slips and pick lists, one or many in a file.
//!
//! What stands on a paper is decided elsewhere ([`domain::paper`]); here it is put in its place.
//! The same papers give the same bytes, on any machine and at any time: nothing here reads a clock
//! or rolls dice, and the file is dated with the papers' own day. Files are PDF/A-2b (ISO 19005-2):
//! fonts and colours travel with them, so that they look the same in ten years.
//!
//! Everything is measured in thousandths of a point, in whole numbers (`layout`); only the
//! library that writes the file wants floats, and `ink` is the one place that makes them.
//!
//! The fonts have the letters of the Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and Arabic
//! scripts. A letter that they do not have is printed as `�`.

mod code128;
mod fonts;
mod ink;
mod layout;

use domain::fault::{Fault, Retry};
use domain::paper::Paper;

use crate::fonts::Fonts;

/// The media type of what [`pdf`] makes.
pub const MEDIA_TYPE: &str = "application/pdf";

/// One file of these papers, each from a page of its own on, with its own count of pages.
///
/// What can not be made is a fault that no second try mends: a font that is none, or a paper that
/// breaks the rules of the format.
pub fn pdf(papers: &[Paper]) -> Result<Vec<u8>, Fault> {
    let fonts =
        Fonts::load().ok_or_else(|| Fault::noticed("read the fonts of papers", Retry::Useless))?;
    let pages: Vec<_> = papers.iter().flat_map(|paper| layout::pages(paper, &fonts)).collect();
    ink::write(papers.first(), &pages, &fonts)
}

#[cfg(test)]
mod tests;
