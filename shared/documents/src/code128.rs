//! Code 128 (ISO/IEC 15417): text as bars, for every scanner there is.
//!
//! Only code set B is used, which has all printable ASCII: an order's number is short.

/// Start with code set B, and stop.
const START_B: usize = 104;
const STOP: usize = 106;
/// The check digit is counted modulo this.
const MODULUS: usize = 103;

/// The widths of bars and spaces of each symbol, beginning with a bar; 11 modules each, the stop
/// 13 (ISO/IEC 15417, table 1).
const WIDTHS: [&[u8]; 107] = [
    b"212222", b"222122", b"222221", b"121223", b"121322", b"131222", b"122213", b"122312",
    b"132212", b"221213", b"221312", b"231212", b"112232", b"122132", b"122231", b"113222",
    b"123122", b"123221", b"223211", b"221132", b"221231", b"213212", b"223112", b"312131",
    b"311222", b"321122", b"321221", b"312212", b"322112", b"322211", b"212123", b"212321",
    b"232121", b"111323", b"131123", b"131321", b"112313", b"132113", b"132311", b"211313",
    b"231113", b"231311", b"112133", b"112331", b"132131", b"113123", b"113321", b"133121",
    b"313121", b"211331", b"231131", b"213113", b"213311", b"213131", b"311123", b"311321",
    b"331121", b"312113", b"312311", b"332111", b"314111", b"221411", b"431111", b"111224",
    b"111422", b"121124", b"121421", b"141122", b"141221", b"112214", b"112412", b"122114",
    b"122411", b"142112", b"142211", b"241211", b"221114", b"413111", b"241112", b"134111",
    b"111242", b"121142", b"121241", b"114212", b"124112", b"124211", b"411212", b"421112",
    b"421211", b"212141", b"214121", b"412121", b"111143", b"111341", b"131141", b"114113",
    b"114311", b"411113", b"411311", b"113141", b"114131", b"311141", b"411131", b"211412",
    b"211214", b"211232", b"2331112",
];

/// The symbols of a text; none where it has something that code set B has not.
fn symbols(text: &str) -> Option<Vec<usize>> {
    let values = text.bytes().map(|b| (0x20..0x7f).contains(&b).then(|| usize::from(b - 0x20)));
    let values: Vec<usize> = values.collect::<Option<_>>()?;
    let weighted = values.iter().enumerate().map(|(at, value)| (at + 1) * value);
    let check = (START_B + weighted.sum::<usize>()) % MODULUS;
    Some([START_B].into_iter().chain(values).chain([check, STOP]).collect())
}

/// The bars of a text: where each begins and how wide it is, in modules; and the width of all.
pub(crate) fn bars(text: &str) -> Option<(Vec<(i32, i32)>, i32)> {
    let (mut bars, mut at) = (Vec::new(), 0);
    for symbol in symbols(text)? {
        // Every symbol begins with a bar.
        let mut is_bar = true;
        for width in WIDTHS.get(symbol)?.iter().map(|width| i32::from(width - b'0')) {
            if is_bar {
                bars.push((at, width));
            }
            at += width;
            is_bar = !is_bar;
        }
    }
    Some((bars, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_has_eleven_modules_and_the_stop_thirteen() {
        for (symbol, widths) in WIDTHS.iter().enumerate() {
            let modules: u32 = widths.iter().map(|width| u32::from(width - b'0')).sum();
            assert_eq!(modules, if symbol == STOP { 13 } else { 11 }, "{symbol}");
        }
        let mut known: Vec<_> = WIDTHS.to_vec();
        known.sort_unstable();
        known.dedup();
        assert_eq!(known.len(), WIDTHS.len(), "two symbols look the same");
    }

    #[test]
    fn the_check_digit_is_that_of_the_standards_example() {
        // PJJ123C: values 48 42 42 17 18 19 35; the sum is one more than in code set A.
        let wanted = [104, 48, 42, 42, 17, 18, 19, 35, 55, 106];
        assert_eq!(symbols("PJJ123C"), Some(wanted.to_vec()));
        let (bars, width) = bars("PJJ123C").unwrap();
        assert_eq!((bars.len(), width), (9 * 3 + 4, 9 * 11 + 13));
        assert_eq!(super::bars("ü"), None);
    }
}
