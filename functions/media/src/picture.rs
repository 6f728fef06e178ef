//! From a file that anybody may have made to files that we have made.
//!
//! Invariants: a picture is unpacked only after its first bytes and its dimensions were looked at;
//! of what came, nothing but the pixels goes on: no metadata, no comment, nothing that was
//! appended; equal pixels have equal names. What the decoders need is bounded, whatever the file
//! says.
//!
//! The decoders read what strangers send and are Rust. The one library in C beside them, libwebp,
//! only ever reads our own pixels.

use std::io::Cursor;

use domain::media::{self, Defect, Format, Picture};
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::codecs::webp::WebPDecoder;
use image::error::ImageResult;
use image::imageops;
use image::{DynamicImage, ImageDecoder, Limits, RgbaImage};
use sha2::{Digest as _, Sha256};

/// What a decoder may allocate in bytes: eight for each pixel that is taken, and room to work in.
const ALLOCATION_MAX: u64 = 512 * 1024 * 1024;
/// Quality of the WebPs and JPEGs, of a hundred.
const QUALITY: u8 = 82;
/// Begins what a picture's name is the digest of: another way of making them is another name.
const RECIPE: &[u8] = b"fluxion-picture-1";

/// A file that was made.
#[derive(Debug)]
pub struct Made {
    /// Its width in pixels.
    pub width: u32,
    /// Its format.
    pub format: Format,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Looks at a file, unpacks it, and tells what it shows.
pub fn unpack(declared: Format, bytes: &[u8]) -> Result<(Picture, RgbaImage), Defect> {
    media::inspect(declared, bytes)?;
    let pixels = decode(declared, bytes)?;
    let (width, height) = pixels.dimensions();
    let is_translucent = pixels.pixels().any(|pixel| pixel.0[3] < u8::MAX);
    let picture = Picture { digest: digest(&pixels), width, height, is_translucent };
    Ok((picture, pixels))
}

fn decode(format: Format, bytes: &[u8]) -> Result<RgbaImage, Defect> {
    let file = Cursor::new(bytes);
    match format {
        Format::Jpeg => upright(JpegDecoder::new(file)),
        Format::Png => upright(PngDecoder::with_limits(file, limits())),
        Format::Webp => upright(WebPDecoder::new(file)),
        Format::Gif => upright(GifDecoder::new(file)),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(ALLOCATION_MAX);
    limits
}

/// Unpacks the first picture and turns it as its metadata say.
fn upright<D: ImageDecoder>(decoder: ImageResult<D>) -> Result<RgbaImage, Defect> {
    let damaged = |_| Defect::Damaged;
    let mut decoder = decoder.map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    media::may_unpack(width, height)?;
    decoder.set_limits(limits()).map_err(damaged)?;
    // Metadata that can not be read say nothing of the picture.
    let orientation = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    Ok(picture.into_rgba8())
}

/// The name of what a picture shows.
fn digest(pixels: &RgbaImage) -> String {
    let mut hash = Sha256::new();
    hash.update(RECIPE);
    hash.update(pixels.width().to_le_bytes());
    hash.update(pixels.height().to_le_bytes());
    hash.update(pixels.as_raw());
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Makes all files of a picture. A format that can not hold it is a defect of ours.
pub fn make(picture: &Picture, pixels: &RgbaImage) -> Result<Vec<Made>, String> {
    let mut made = Vec::new();
    let mut scaled: Option<RgbaImage> = None;
    for ((width, height), format, _) in picture.files() {
        if scaled.as_ref().is_none_or(|scaled| scaled.dimensions() != (width, height)) {
            scaled = Some(if pixels.dimensions() == (width, height) {
                pixels.clone()
            } else {
                imageops::resize(pixels, width, height, imageops::FilterType::CatmullRom)
            });
        }
        let Some(pixels) = &scaled else { continue };
        made.push(Made { width, format, bytes: encode(format, picture, pixels)? });
    }
    Ok(made)
}

fn encode(format: Format, picture: &Picture, pixels: &RgbaImage) -> Result<Vec<u8>, String> {
    let (width, height) = pixels.dimensions();
    let mut bytes = Vec::new();
    match format {
        Format::Webp => {
            let opaque = (!picture.is_translucent).then(|| opaque(pixels));
            let encoder = match &opaque {
                Some(pixels) => webp::Encoder::from_rgb(pixels.as_raw(), width, height),
                None => webp::Encoder::from_rgba(pixels.as_raw(), width, height),
            };
            // The library wants its quality as a fraction; it never meets money.
            let made = encoder.encode_simple(false, QUALITY.into());
            let made = made.map_err(|error| format!("WebP: {error:?}"))?;
            bytes.extend_from_slice(&made);
        }
        Format::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
            let done = opaque(pixels).write_with_encoder(encoder);
            done.map_err(|error| format!("JPEG: {error}"))?;
        }
        Format::Png => {
            let (compression, filter) = (CompressionType::Default, FilterType::Adaptive);
            let encoder = PngEncoder::new_with_quality(&mut bytes, compression, filter);
            let done = pixels.write_with_encoder(encoder);
            done.map_err(|error| format!("PNG: {error}"))?;
        }
        Format::Gif => return Err("no GIF is made".to_owned()),
    }
    Ok(bytes)
}

/// Without what lets through: there is nothing of it.
fn opaque(pixels: &RgbaImage) -> image::RgbImage {
    DynamicImage::ImageRgba8(pixels.clone()).into_rgb8()
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgb, RgbImage, Rgba};

    use super::*;

    fn wave(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let of = |n: u32| u8::try_from(n % 256).unwrap();
            Rgb([of(x), of(y), of(x + y)])
        })
    }

    fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// An EXIF block with an orientation, as a JPEG segment.
    fn exif(orientation: u8) -> Vec<u8> {
        let mut body = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        body.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xff, 0xe1], &length[..], &body].concat()
    }

    #[test]
    fn every_format_is_read_and_the_files_are_as_wide_as_they_say() {
        let picture = DynamicImage::ImageRgb8(wave(1000, 500));
        for (ours, theirs) in [
            (Format::Jpeg, ImageFormat::Jpeg),
            (Format::Png, ImageFormat::Png),
            (Format::Webp, ImageFormat::WebP),
            (Format::Gif, ImageFormat::Gif),
        ] {
            let (picture, pixels) = unpack(ours, &file(&picture, theirs)).unwrap();
            assert_eq!((picture.width, picture.height), (1000, 500), "{ours:?}");
            let made = make(&picture, &pixels).unwrap();
            let widths: Vec<u32> = made.iter().map(|one| one.width).collect();
            assert_eq!(widths, [320, 320, 800, 800, 1000, 1000]);
            for one in made {
                assert_eq!(Format::of(&one.bytes), Some(one.format));
                let (again, _) = unpack(one.format, &one.bytes).unwrap();
                assert_eq!(again.width, one.width);
            }
        }
    }

    #[test]
    fn what_lets_through_still_does() {
        let pixels =
            RgbaImage::from_fn(40, 40, |x, _| Rgba([255, 0, 0, if x < 20 { 0 } else { 255 }]));
        let bytes = file(&DynamicImage::ImageRgba8(pixels), ImageFormat::Png);
        let (picture, pixels) = unpack(Format::Png, &bytes).unwrap();
        assert!(picture.is_translucent);
        let made = make(&picture, &pixels).unwrap();
        let formats: Vec<Format> = made.iter().map(|one| one.format).collect();
        assert_eq!(formats, [Format::Webp, Format::Png]);
        assert!(made.iter().all(|one| unpack(one.format, &one.bytes).unwrap().0.is_translucent));
    }

    #[test]
    fn a_picture_is_turned_as_its_metadata_say_and_they_are_gone() {
        let plain = file(&DynamicImage::ImageRgb8(wave(60, 20)), ImageFormat::Jpeg);
        let turned = [&plain[..2], &exif(6), &plain[2..]].concat();
        let (picture, pixels) = unpack(Format::Jpeg, &turned).unwrap();
        assert_eq!((picture.width, picture.height), (20, 60));
        for one in make(&picture, &pixels).unwrap() {
            assert!(!one.bytes.windows(4).any(|four| four == b"Exif"));
        }
    }

    #[test]
    fn equal_pixels_have_one_name_whatever_the_file() {
        let picture = DynamicImage::ImageRgb8(wave(30, 30));
        let png = unpack(Format::Png, &file(&picture, ImageFormat::Png)).unwrap().0;
        let webp = unpack(Format::Webp, &file(&picture, ImageFormat::WebP)).unwrap().0;
        assert_eq!(png.digest, webp.digest);
        assert_eq!(png.digest.len(), 32);
        let other = DynamicImage::ImageRgb8(wave(30, 31));
        let other = unpack(Format::Png, &file(&other, ImageFormat::Png)).unwrap().0;
        assert_ne!(png.digest, other.digest);
    }

    #[test]
    fn what_is_cut_off_or_lies_about_its_size_is_refused() {
        let picture = DynamicImage::ImageRgb8(wave(64, 64));
        for (ours, theirs) in [(Format::Png, ImageFormat::Png), (Format::Webp, ImageFormat::WebP)] {
            let bytes = file(&picture, theirs);
            let cut = unpack(ours, &bytes[..bytes.len() / 2]);
            assert_eq!(cut.unwrap_err(), Defect::Damaged, "{ours:?}");
        }
        let mut bomb = file(&picture, ImageFormat::Png);
        // The width stands at the sixteenth byte; the checksum of its block behind it.
        bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let sum = crc(&bomb[12..29]).to_be_bytes();
        bomb[29..33].copy_from_slice(&sum);
        assert_eq!(unpack(Format::Png, &bomb).unwrap_err(), Defect::TooManyPixels);
    }

    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
                if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 }
            })
        })
    }
}
