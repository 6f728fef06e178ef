//! The place in a list that a caller hands back.

use api::cursor::{self as place, Page};
use api::seal::Sealer;

const SCOPE: &str = "products:fuzz";

/// Reads the bytes as a cursor, and as a position that a cursor is given out for.
pub fn cursor(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let ours = Sealer::new([3; 32]);
    let read = |text: &str, scope: &str| {
        let page = Page { limit: 20, cursor: Some(text.to_owned()) };
        page.position(&ours, scope).ok().flatten()
    };
    assert_eq!(read(text, SCOPE), None, "a cursor that nobody gave out is believed");

    let given = place::cursor(&ours, SCOPE, Some(text)).unwrap_or_default();
    assert_eq!(read(&given, SCOPE).as_deref(), Some(text), "a cursor of ours is not read");
    assert_eq!(read(&given, "products:other"), None, "a cursor of another list is believed");
    let shorter = given.get(..given.len().saturating_sub(1)).unwrap_or_default();
    assert_eq!(read(shorter, SCOPE), None, "half a cursor is believed");
    let before = Sealer::new([4; 32]);
    let elsewhere = place::cursor(&before, SCOPE, Some(text)).unwrap_or_default();
    assert_eq!(read(&elsewhere, SCOPE), None, "a cursor under another key is believed");
}
