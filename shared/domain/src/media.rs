//! Pictures that merchants upload: from the quarantine, where anything may lie, to the public
//! prefix, where only what we have made ourselves does.
//!
//! Invariants: what was sent is never shown; what is shown is named by what it shows, so that equal
//! pictures are one, and a name never comes to mean another picture; a picture that a product
//! shows is not deleted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::catalog::{Image, Locale, Product, Source, Status};
use crate::id::{MediaId, ProductId, VariantId};

/// The largest file that is taken: a photograph out of a good camera, as JPEG.
pub const BYTES_MAX: u64 = 20 * 1024 * 1024;
/// The most pixels that are unpacked: four bytes each, they fill a tenth of the job's memory.
pub const PIXELS_MAX: u64 = 50_000_000;
/// The widths that are made, in pixels; nothing is made larger than it came.
pub const WIDTHS: [u32; 3] = [320, 800, 1600];
/// How long a browser may take until it sends the file.
pub const FORM_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// What nobody has sent by then has left the quarantine.
pub const AWAITED: SignedDuration = SignedDuration::from_hours(24);
/// The longest description, in characters: more is read out by nobody.
pub const ALT_CHARS_MAX: usize = 250;
/// The longest name of a file, in characters.
pub const FILE_NAME_CHARS_MAX: usize = 200;
/// Pictures that one product shows at most: with what each of them is read, all of them still fit
/// one transaction.
pub const IMAGES_MAX: usize = 20;

/// A kind of file that is taken. No SVG: it is a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Format {
    /// JPEG.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// PNG; of an animated one, its picture.
    #[serde(rename = "image/png")]
    Png,
    /// WebP; of an animated one, the first picture.
    #[serde(rename = "image/webp")]
    Webp,
    /// GIF; of an animated one, the first picture.
    #[serde(rename = "image/gif")]
    Gif,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Webp, Self::Gif];

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
        }
    }

    /// The format with this media type.
    pub fn parse(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.media_type() == media_type)
    }

    /// What the first bytes of a file say it is, whatever its name says.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            _ => None,
        }
    }
}

/// Why a file is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// It is no picture of a kind that is taken.
    NotAPicture,
    /// It is a picture of another kind than was said.
    OtherType,
    /// It is larger than may be.
    TooLarge,
    /// It would unpack to more pixels than may be.
    TooManyPixels,
    /// It does not unpack: a part is missing or wrong.
    Damaged,
}

/// Looks at a file before anything is unpacked.
pub fn inspect(declared: Format, bytes: &[u8]) -> Result<(), Defect> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > BYTES_MAX {
        return Err(Defect::TooLarge);
    }
    match Format::of(bytes) {
        None => Err(Defect::NotAPicture),
        Some(format) if format == declared => Ok(()),
        Some(_) => Err(Defect::OtherType),
    }
}

/// Whether a picture of this size may be unpacked.
pub fn may_unpack(width: u32, height: u32) -> Result<(), Defect> {
    let pixels = u64::from(width) * u64::from(height);
    if (1..=PIXELS_MAX).contains(&pixels) { Ok(()) } else { Err(Defect::TooManyPixels) }
}

/// The sizes that are made of a picture of this size: each width that is not above its own, and
/// its own where that is between; smallest first.
pub fn sizes(width: u32, height: u32) -> Vec<(u32, u32)> {
    let largest = WIDTHS.last().copied().unwrap_or(width).min(width).max(1);
    let below = WIDTHS.into_iter().filter(|wanted| *wanted < largest);
    let scaled = |wanted: u32| {
        // Rounded to the nearest, and never to nothing.
        let exact = u64::from(height) * u64::from(wanted) * 2 + u64::from(width);
        let scaled = exact / (u64::from(width.max(1)) * 2);
        (wanted, u32::try_from(scaled).unwrap_or(u32::MAX).max(1))
    };
    below.chain([largest]).map(scaled).collect()
}

/// What was made of an upload. The files of one picture lie under one folder, which is named by
/// the digest of its pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// 32 hexadecimal digits.
    pub digest: String,
    /// Width in pixels of what came, upright.
    pub width: u32,
    /// Height in pixels of what came, upright.
    pub height: u32,
    /// Whether it lets through what lies behind it: then the files beside the WebPs are PNGs, not
    /// JPEGs.
    pub is_translucent: bool,
}

impl Picture {
    const fn fallback(&self) -> (&'static str, Format) {
        if self.is_translucent { ("png", Format::Png) } else { ("jpg", Format::Jpeg) }
    }

    /// The key of one of its files.
    pub fn key(&self, width: u32, format: Format) -> String {
        let (fallback, _) = self.fallback();
        let extension = if format == Format::Webp { "webp" } else { fallback };
        format!("media/{}/{width}.{extension}", self.digest)
    }

    /// All its files: size, format, key.
    pub fn files(&self) -> Vec<((u32, u32), Format, String)> {
        let (_, fallback) = self.fallback();
        let sizes = sizes(self.width, self.height);
        let both = sizes.into_iter().flat_map(|size| [(size, Format::Webp), (size, fallback)]);
        both.map(|((width, height), format)| ((width, height), format, self.key(width, format)))
            .collect()
    }

    /// As products show it: the largest file that every browser reads, and all the others.
    fn image(&self, id: MediaId, alt: &str) -> Image {
        let files = self.files();
        let (_, fallback) = self.fallback();
        let largest = files.iter().rev().find(|(_, format, _)| *format == fallback);
        let ((width, height), url) = largest
            .map_or(((self.width, self.height), String::new()), |(size, _, key)| {
                (*size, format!("/{key}"))
            });
        let sources = files.iter().map(|((width, _), format, key)| Source {
            url: format!("/{key}"),
            width: *width,
            media_type: *format,
        });
        Image {
            media_id: Some(id),
            width: Some(width),
            height: Some(height),
            sources: sources.collect(),
            ..Image::plain(url, alt.to_owned())
        }
    }
}

/// Where an upload stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The file did not come yet, or was not looked at yet.
    Awaiting,
    /// It can be shown.
    Ready(Picture),
    /// It was thrown away.
    Refused(Defect),
    /// It is being deleted: nothing can show it any more.
    Deleting(Picture),
}

/// An upload with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Its id.
    pub id: MediaId,
    /// What the merchant's file was called.
    pub file_name: String,
    /// What it was said to be.
    pub format: Format,
    /// How large it was said to be, in bytes.
    pub size: u64,
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// Where it stands.
    pub state: State,
    /// The products that show it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub used_by: BTreeSet<ProductId>,
    /// When the upload was asked for.
    pub created_at: Timestamp,
    /// Rises with each change.
    pub version: u64,
}

/// Why something can not be done with an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Products show it.
    InUse(BTreeSet<ProductId>),
    /// The file may still come or is being looked at.
    Unsettled,
    /// It is none that can be shown.
    NotReady(MediaId),
}

impl Refusal {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InUse(_) => "media_in_use",
            Self::Unsettled => "media_unsettled",
            Self::NotReady(_) => "media_not_ready",
        }
    }
}

impl Media {
    /// An upload that was asked for.
    pub fn awaited(
        id: MediaId,
        (file_name, format, size): (String, Format, u64),
        alt: String,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            file_name,
            format,
            size,
            alt,
            state: State::Awaiting,
            used_by: BTreeSet::new(),
            created_at: now,
            version: 0,
        }
    }

    /// Where its file lies until it was looked at.
    pub fn quarantine(&self) -> String {
        format!("uploads/{}", self.id)
    }

    /// Whether it can be shown.
    pub const fn is_ready(&self) -> bool {
        match self.state {
            State::Ready(_) => true,
            State::Awaiting | State::Refused(_) | State::Deleting(_) => false,
        }
    }

    /// As a product shows it.
    pub fn image(&self) -> Result<Image, Refusal> {
        match &self.state {
            State::Ready(picture) => Ok(picture.image(self.id, &self.alt)),
            State::Awaiting | State::Refused(_) | State::Deleting(_) => {
                Err(Refusal::NotReady(self.id))
            }
        }
    }

    /// Whether it may be deleted: not while a product shows it, and not while its file may still
    /// come.
    pub fn may_be_deleted(&self, now: Timestamp) -> Result<(), Refusal> {
        if !self.used_by.is_empty() {
            return Err(Refusal::InUse(self.used_by.clone()));
        }
        match &self.state {
            State::Awaiting if now.duration_since(self.created_at) < AWAITED => {
                Err(Refusal::Unsettled)
            }
            State::Awaiting | State::Ready(_) | State::Refused(_) | State::Deleting(_) => Ok(()),
        }
    }
}

/// A picture that a product is to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which upload.
    pub id: MediaId,
    /// What it shows there; what the upload says where nothing is said.
    pub alt: Option<String>,
    /// The same in other languages.
    pub alts: BTreeMap<Locale, String>,
    /// The variants that it shows; none for all of them.
    pub variants: Vec<VariantId>,
}

/// Why a product can not show a picture that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// There is no such upload.
    Unknown,
    /// Its file did not come yet, or is not looked at yet.
    NotReady,
    /// Its file was thrown away.
    Refused(Defect),
    /// It is wanted twice.
    Twice,
    /// The product has no such variant.
    UnknownVariant {
        /// The place of the variant among those that are named.
        at: usize,
    },
    /// The variant is named twice.
    VariantTwice {
        /// The place of the second one.
        at: usize,
    },
}

impl Flaw {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown_media",
            Self::NotReady => "media_not_ready",
            Self::Refused(_) => "media_refused",
            Self::UnknownVariant { .. } => "unknown_variant",
            Self::Twice | Self::VariantTwice { .. } => "duplicate",
        }
    }
}

impl Product {
    /// Gives it these pictures, in this order, in place of those it has; or says all that is wrong
    /// with them, each with its place.
    pub fn with_pictures(
        mut self,
        wanted: &[Wanted],
        found: &[Media],
    ) -> Result<Self, Vec<(usize, Flaw)>> {
        let (mut images, mut flaws) = (Vec::with_capacity(wanted.len()), Vec::new());
        for (at, one) in wanted.iter().enumerate() {
            if wanted.iter().take(at).any(|other| other.id == one.id) {
                flaws.push((at, Flaw::Twice));
            }
            for (place, variant) in one.variants.iter().enumerate() {
                if self.variants.iter().all(|known| known.id != *variant) {
                    flaws.push((at, Flaw::UnknownVariant { at: place }));
                } else if one.variants.iter().take(place).any(|other| other == variant) {
                    flaws.push((at, Flaw::VariantTwice { at: place }));
                }
            }
            let media = found.iter().find(|media| media.id == one.id);
            match media.map(|media| (media, &media.state)) {
                Some((media, State::Ready(picture))) => {
                    let alt = one.alt.as_ref().unwrap_or(&media.alt);
                    images.push(Image {
                        alts: one.alts.clone(),
                        variants: one.variants.clone(),
                        ..picture.image(one.id, alt)
                    });
                }
                Some((_, State::Awaiting)) => flaws.push((at, Flaw::NotReady)),
                Some((_, State::Refused(defect))) => flaws.push((at, Flaw::Refused(*defect))),
                None | Some((_, State::Deleting(_))) => flaws.push((at, Flaw::Unknown)),
            }
        }
        if !flaws.is_empty() {
            return Err(flaws);
        }
        self.images = images;
        Ok(self)
    }

    /// The uploads that it keeps from being deleted. What is in the archive keeps none: it
    /// remembers its pictures, and whoever takes it out again sees [which are
    /// left](Self::with_what_is_left).
    pub fn keeps(&self) -> BTreeSet<MediaId> {
        match self.status {
            Status::Draft | Status::Active => self.media().collect(),
            Status::Archived => BTreeSet::new(),
        }
    }

    /// The uploads that it shows.
    pub fn media(&self) -> impl Iterator<Item = MediaId> {
        self.images.iter().filter_map(|image| image.media_id)
    }

    /// Out of the archive: without the pictures whose uploads were deleted meanwhile.
    #[must_use]
    pub fn with_what_is_left(mut self, found: &[Media]) -> Self {
        self.images.retain(|image| {
            let is_ready = |id| found.iter().any(|media| media.id == id && media.is_ready());
            image.media_id.is_none_or(is_ready)
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::samples;
    use crate::id::Ulid;

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        let png = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0];
        assert_eq!(inspect(Format::Png, &png), Ok(()));
        assert_eq!(inspect(Format::Jpeg, &png), Err(Defect::OtherType));
        for other in [
            &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
            b"#!/bin/sh",
            b"<?php",
            b"RIFF....WAVE",
            b"GIF88a",
            b"\xff\xd8",
            b"",
        ] {
            assert_eq!(inspect(Format::Png, other), Err(Defect::NotAPicture));
        }
        assert_eq!(Format::of(b"RIFF\0\0\0\0WEBPVP8 "), Some(Format::Webp));
        assert_eq!(Format::of(b"GIF89a"), Some(Format::Gif));
        assert_eq!(Format::of(b"\xff\xd8\xff\xe1"), Some(Format::Jpeg));
        for format in Format::ALL {
            assert_eq!(Format::parse(format.media_type()), Some(format));
        }
        assert_eq!(Format::parse("image/svg+xml"), None);
    }

    #[test]
    fn what_would_unpack_to_too_much_is_not_unpacked() {
        assert_eq!(may_unpack(10_000, 5_000), Ok(()));
        assert_eq!(may_unpack(10_001, 5_000), Err(Defect::TooManyPixels));
        assert_eq!(may_unpack(u32::MAX, u32::MAX), Err(Defect::TooManyPixels));
        assert_eq!(may_unpack(0, 5), Err(Defect::TooManyPixels));
    }

    #[test]
    fn nothing_is_made_larger_than_it_came() {
        assert_eq!(sizes(4000, 3000), [(320, 240), (800, 600), (1600, 1200)]);
        assert_eq!(sizes(1000, 10), [(320, 3), (800, 8), (1000, 10)]);
        assert_eq!(sizes(800, 600), [(320, 240), (800, 600)]);
        assert_eq!(sizes(7, 5), [(7, 5)]);
        assert_eq!(sizes(5000, 1), [(320, 1), (800, 1), (1600, 1)]);
    }

    #[test]
    fn a_picture_is_shown_by_its_largest_file_that_all_read() {
        let digest = "0123456789abcdef0123456789abcdef".to_owned();
        let picture = Picture { digest, width: 900, height: 300, is_translucent: false };
        let id = MediaId::from_ulid(Ulid::nil());
        let image = picture.image(id, "A mug");
        assert_eq!(image.url, "/media/0123456789abcdef0123456789abcdef/900.jpg");
        assert_eq!((image.width, image.height), (Some(900), Some(300)));
        assert_eq!(image.sources.len(), 6);
        let listed = image.for_list();
        assert_eq!(listed.url, "/media/0123456789abcdef0123456789abcdef/800.webp");
        assert_eq!((listed.width, listed.height, listed.sources.len()), (Some(800), Some(266), 0));
        let picture = Picture { is_translucent: true, ..picture };
        assert!(picture.image(id, "").url.ends_with("/900.png"));
    }

    fn media(number: u64, state: State) -> Media {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let id = MediaId::from_ulid(Ulid::from_parts(number, 0));
        let file = ("a.png".to_owned(), Format::Png, 1);
        Media { state, ..Media::awaited(id, file, format!("Picture {number}"), now) }
    }

    fn ready(number: u64) -> Media {
        let digest = format!("{number:032}");
        media(number, State::Ready(Picture { digest, width: 9, height: 9, is_translucent: false }))
    }

    fn wanted(media: &Media) -> Wanted {
        Wanted { id: media.id, alt: None, alts: BTreeMap::new(), variants: Vec::new() }
    }

    #[test]
    fn pictures_are_shown_in_their_order_with_their_words_and_variants() {
        let mug = samples::product();
        let (one, two) = (ready(1), ready(2));
        let german = Locale::parse("de").unwrap();
        let said = Wanted {
            alt: Some("A blue mug".to_owned()),
            alts: BTreeMap::from([(german.clone(), "Ein blauer Becher".to_owned())]),
            variants: vec![mug.variants[0].id],
            ..wanted(&one)
        };
        let shown = mug.with_pictures(&[wanted(&two), said], &[one.clone(), two.clone()]).unwrap();
        let ids: Vec<_> = shown.media().collect();
        assert_eq!(ids, [two.id, one.id]);
        assert_eq!(shown.images[0].alt, "Picture 2", "as the upload says");
        let image = &shown.images[1];
        assert_eq!(image.alt_in(Some(&german)), "Ein blauer Becher");
        assert_eq!(image.alt_in(Locale::parse("de-AT").as_ref()), "Ein blauer Becher");
        assert_eq!(image.alt_in(Locale::parse("fr").as_ref()), "A blue mug");
        assert_eq!((image.alt_in(None), image.variants.len()), ("A blue mug", 1));
        assert_eq!(shown.with_pictures(&[], &[]).unwrap().images, []);
    }

    #[test]
    fn all_that_is_wrong_with_wanted_pictures_is_said() {
        let mug = samples::product();
        let one = ready(1);
        let State::Ready(picture) = one.state.clone() else { panic!("it is ready") };
        let found = [
            one.clone(),
            media(2, State::Awaiting),
            media(3, State::Refused(Defect::Damaged)),
            media(4, State::Deleting(picture)),
        ];
        let own = mug.variants[0].id;
        let foreign = VariantId::from_ulid(Ulid(99));
        let of_variants = |media: &Media, variants| Wanted { variants, ..wanted(media) };
        let all = [
            of_variants(&one, vec![own, foreign, own]),
            wanted(&found[1]),
            wanted(&found[2]),
            wanted(&found[3]),
            wanted(&ready(5)),
            wanted(&one),
        ];
        assert_eq!(
            mug.with_pictures(&all, &found).unwrap_err(),
            [
                (0, Flaw::UnknownVariant { at: 1 }),
                (0, Flaw::VariantTwice { at: 2 }),
                (1, Flaw::NotReady),
                (2, Flaw::Refused(Defect::Damaged)),
                (3, Flaw::Unknown),
                (4, Flaw::Unknown),
                (5, Flaw::Twice),
            ]
        );
    }

    #[test]
    fn what_is_archived_keeps_no_picture_and_comes_back_with_what_is_left() {
        let (one, two) = (ready(1), ready(2));
        let found = [one.clone(), two.clone()];
        let mut mug = samples::product().with_pictures(&found.each_ref().map(wanted), &found);
        let plain = Image::plain("/media/mug.svg".to_owned(), String::new());
        mug.as_mut().unwrap().images.push(plain);
        let mug = mug.unwrap();
        assert_eq!(mug.keeps(), BTreeSet::from([one.id, two.id]));
        let archived = mug.become_status(Status::Archived, samples::now()).unwrap();
        assert_eq!((archived.keeps().len(), archived.images.len()), (0, 3));
        let back = archived.become_status(Status::Draft, samples::now()).unwrap();
        let back = back.with_what_is_left(std::slice::from_ref(&two));
        assert_eq!(back.keeps(), BTreeSet::from([two.id]));
        assert_eq!(back.images.len(), 2, "what is no upload stays");
    }

    #[test]
    fn what_is_shown_or_awaited_is_not_deleted() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let id = MediaId::from_ulid(Ulid::nil());
        let file = ("a.png".to_owned(), Format::Png, 1);
        let media = Media::awaited(id, file, String::new(), now);
        assert_eq!(media.may_be_deleted(now), Err(Refusal::Unsettled));
        assert_eq!(media.image(), Err(Refusal::NotReady(id)));
        assert_eq!(media.may_be_deleted(now + AWAITED), Ok(()));
        let refused = Media { state: State::Refused(Defect::Damaged), ..media };
        assert_eq!(refused.may_be_deleted(now), Ok(()));
        let products = BTreeSet::from([ProductId::from_ulid(Ulid::nil())]);
        let shown = Media { used_by: products.clone(), ..refused };
        assert_eq!(shown.may_be_deleted(now), Err(Refusal::InUse(products)));
    }
}
