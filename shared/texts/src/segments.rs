//! How many parts a text is sent and paid as: seven bits a character where all of them are in the
//! alphabet of GSM, sixteen where one is not (3GPP TS 23.038, 23.040).

/// The default alphabet of GSM (3GPP TS 23.038, section 6.2.1), without its escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// What is written with an escape before it: two septets.
const EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// Septets of a text that is one part.
const SEPTETS_ALONE: usize = 160;
/// Septets of each part of a longer one: the rest says which part it is.
const SEPTETS_OF_PART: usize = 153;
/// The same in units of sixteen bits.
const UNITS_ALONE: usize = 70;
const UNITS_OF_PART: usize = 67;

/// Septets of a character; none where it is not in the alphabet.
fn septets(c: char) -> Option<usize> {
    if BASIC.contains(c) {
        Some(1)
    } else if EXTENDED.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// The parts of a text; one at least.
pub fn segments(text: &str) -> usize {
    let sizes: Option<Vec<usize>> = text.chars().map(septets).collect();
    if let Some(sizes) = sizes {
        return parts(&sizes, SEPTETS_ALONE, SEPTETS_OF_PART);
    }
    let sizes: Vec<usize> = text.chars().map(char::len_utf16).collect();
    parts(&sizes, UNITS_ALONE, UNITS_OF_PART)
}

/// No character is divided between two parts.
fn parts(sizes: &[usize], alone: usize, of_part: usize) -> usize {
    if sizes.iter().sum::<usize>() <= alone {
        return 1;
    }
    let (mut parts, mut used) = (1, 0);
    for size in sizes {
        if used + size > of_part {
            parts += 1;
            used = 0;
        }
        used += size;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_has_all_its_characters() {
        assert_eq!(BASIC.chars().count(), 127);
        assert!(BASIC.chars().all(|c| !EXTENDED.contains(c)));
    }

    #[test]
    fn parts_are_counted_as_phones_count_them() {
        assert_eq!(segments(""), 1);
        assert_eq!(segments(&"a".repeat(160)), 1);
        assert_eq!(segments(&"a".repeat(161)), 2);
        assert_eq!(segments(&"a".repeat(306)), 2);
        assert_eq!(segments(&"a".repeat(307)), 3);
        // A euro is two septets, and is not divided between parts.
        assert_eq!(segments(&"€".repeat(80)), 1);
        assert_eq!(segments(&format!("{}€{}", "a".repeat(152), "a".repeat(20))), 2);
        assert_eq!(segments(&format!("{}€{}", "a".repeat(152), "a".repeat(152))), 3);
        // One character outside the alphabet makes all of them wide.
        assert_eq!(segments(&"я".repeat(70)), 1);
        assert_eq!(segments(&format!("{}я", "a".repeat(70))), 2);
        assert_eq!(segments(&"😀".repeat(35)), 1);
        assert_eq!(segments(&"😀".repeat(36)), 2);
    }
}
