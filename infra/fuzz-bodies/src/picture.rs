//! A picture out of the quarantine: what its first bytes say, how large it says it is, and the
//! decoders.

use domain::media::{Defect, Format, PIXELS_MAX};
use media::picture as ours;

/// Of so many pixels at most all files are made, too.
const SMALL: u64 = 4_096;

/// Looks at the bytes as a picture of each kind.
pub fn picture(bytes: &[u8]) {
    let is = Format::of(bytes);
    for declared in Format::ALL {
        match ours::unpack(declared, bytes) {
            Ok((picture, pixels)) => {
                assert_eq!(is, Some(declared), "a picture of another kind is unpacked");
                let (width, height) = (picture.width, picture.height);
                assert_eq!(pixels.dimensions(), (width, height), "it is as large as it says");
                let count = u64::from(width) * u64::from(height);
                assert!((1..=PIXELS_MAX).contains(&count), "too much was unpacked");
                assert_eq!(picture.digest.len(), 32, "its name is a digest");
                if count <= SMALL {
                    let made = ours::make(&picture, &pixels);
                    assert!(made.is_ok_and(|made| !made.is_empty()), "nothing is made of it");
                }
            }
            Err(defect) => match is {
                None => assert_eq!(defect, Defect::NotAPicture),
                Some(other) if other != declared => assert_eq!(defect, Defect::OtherType),
                Some(_) => {
                    let is_of_its_content =
                        matches!(defect, Defect::Damaged | Defect::TooManyPixels);
                    assert!(is_of_its_content, "{defect:?}");
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_has_a_picture_of_each_format_that_is_unpacked() {
        let files: [(Format, &[u8], (u32, u32)); 7] = [
            (Format::Png, include_bytes!("../../../fuzz/corpus/picture/rgba.png"), (2, 2)),
            (Format::Png, include_bytes!("../../../fuzz/corpus/picture/palette.png"), (3, 1)),
            (Format::Gif, include_bytes!("../../../fuzz/corpus/picture/two.gif"), (2, 1)),
            (Format::Jpeg, include_bytes!("../../../fuzz/corpus/picture/grey.jpg"), (8, 8)),
            (Format::Jpeg, include_bytes!("../../../fuzz/corpus/picture/turned.jpg"), (8, 8)),
            (Format::Jpeg, include_bytes!("../../../fuzz/corpus/picture/progressive.jpg"), (1, 1)),
            (Format::Webp, include_bytes!("../../../fuzz/corpus/picture/one.webp"), (1, 1)),
        ];
        for (format, bytes, size) in files {
            let (picture, _) = ours::unpack(format, bytes).unwrap();
            assert_eq!((picture.width, picture.height), size, "{format:?}");
        }
        let bomb = include_bytes!("../../../fuzz/corpus/picture/bomb.png");
        assert_eq!(ours::unpack(Format::Png, bomb).unwrap_err(), Defect::TooManyPixels);
    }
}
