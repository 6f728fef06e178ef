//! Pictures that merchants upload, and files that are none: what is shown was made by us, and
//! nothing else is.

use std::io::Cursor;

use domain::permission::Permission;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use local::{Outcome, Request, Response, Shop};
use serde_json::{Value, json};
use wire::{FaultKind, Plan};

use crate::tour::media::{UPLOADS, ask, fields, form};
use crate::world::{self, Colleague, ok, refusal};

pub(crate) const BUCKET: &str = "fluxion-files-000000000000";
const JOB: &str = "media.jobs.on_uploaded";

/// A shop and somebody who looks after its goods.
async fn open() -> (Shop, Colleague) {
    let shop = world::open().await;
    let may = [Permission::ProductsRead, Permission::ProductsWrite];
    let merchant = Colleague::of(&shop, "merchant", &may).await;
    shop.settle().await;
    (shop, merchant)
}

/// What lies in the bucket under a prefix, but for the search index, which every shop has.
fn keys(shop: &Shop, prefix: &str) -> Vec<String> {
    let mut keys = shop.wire().s3().keys(BUCKET, prefix);
    keys.retain(|key| !key.starts_with("search/"));
    keys
}

/// Asks for an upload; its id, where it is sent, and the fields.
async fn asked(
    merchant: &Colleague,
    kind: &str,
    bytes: &[u8],
) -> (String, String, Vec<(String, String)>) {
    let answer = ask(merchant, kind, bytes).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.value();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&body["media"]["id"]), text(&body["upload"]["url"]), fields(&body["upload"]))
}

/// Uploads a file and waits for what becomes of it.
async fn uploaded(merchant: &Colleague, kind: &str, bytes: &[u8]) -> Value {
    let (id, url, fields) = asked(merchant, kind, bytes).await;
    let sent = merchant.shop.send(form(&url, &fields, bytes)).await;
    assert_eq!(sent.status, 204, "{}", sent.text());
    merchant.shop.settle().await;
    view(merchant, &id).await
}

async fn view(merchant: &Colleague, id: &str) -> Value {
    ok(merchant.get(&format!("/v1/admin/media/{id}")).await)
}

async fn delete(merchant: &Colleague, id: &str) -> Response {
    let target = format!("/v1/admin/media/{id}");
    let tag = merchant.tag(&target).await;
    merchant.send(Request::new("DELETE", &target).header("if-match", &tag)).await
}

fn wave(width: u32, height: u32) -> DynamicImage {
    let of = |n: u32| u8::try_from(n % 256).unwrap();
    let pixel = |x, y| Rgb([of(x * 7), of(y * 5), of(x + y)]);
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, pixel))
}

fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// An EXIF block with where the picture was taken, as cameras write it.
fn exif_with_place() -> Vec<u8> {
    let mut body = b"Exif\0\0II*\0\x08\0\0\0".to_vec();
    // One entry: the place, in a block of its own at 26; in it the latitude's hemisphere.
    body.extend(b"\x01\0\x25\x88\x04\0\x01\0\0\0\x1a\0\0\0\0\0\0\0");
    body.extend(b"\x01\0\x01\0\x02\0\x02\0\0\0N\0\0\0\0\0\0\0");
    body.extend(b"GPS 52.5200 13.4050");
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&[0xff, 0xe1], &length[..], &body].concat()
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|part| part == needle)
}

/// A PNG that says it is enormous.
fn bomb() -> Vec<u8> {
    let mut bytes = file(&wave(8, 8), ImageFormat::Png);
    bytes[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let sum = bytes[12..29].iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 }
        })
    });
    bytes[29..33].copy_from_slice(&(!sum).to_be_bytes());
    bytes
}

#[tokio::test]
async fn a_photograph_is_shown_in_three_sizes_without_its_place() {
    let (shop, merchant) = open().await;
    let plain = file(&wave(1000, 600), ImageFormat::Jpeg);
    let photograph = [&plain[..2], &exif_with_place(), &plain[2..]].concat();
    assert!(holds(&photograph, b"GPS"));
    let media = uploaded(&merchant, "image/jpeg", &photograph).await;
    assert_eq!(media["status"], "ready", "{media}");
    let image = &media["image"];
    assert_eq!((&image["width"], &image["height"]), (&json!(1000), &json!(600)));
    assert_eq!(image["alt"], "A mug");
    let sources = image["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 6);
    for source in sources {
        let answer = shop.send(Request::new("GET", source["url"].as_str().unwrap())).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), source["type"].as_str());
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        for word in [&b"GPS"[..], b"Exif"] {
            assert!(!holds(&answer.body, word), "{source}");
        }
        let seen = image::load_from_memory(&answer.body).unwrap();
        assert_eq!(json!(seen.width()), source["width"]);
    }
    assert_eq!(keys(&shop, "uploads/"), Vec::<String>::new());
    assert_eq!(keys(&shop, "media/").len(), 6);
    assert!(shop.wire().iam().denials().is_empty(), "{:?}", shop.wire().iam().denials());
}

#[tokio::test]
async fn what_is_no_picture_is_thrown_away_and_seen_by_nobody() {
    let (shop, merchant) = open().await;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let (png, gif) = (file(&wave(64, 64), ImageFormat::Png), file(&wave(64, 64), ImageFormat::Gif));
    let webp = file(&wave(64, 64), ImageFormat::WebP);
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let with_head = |head: &[u8], rest: &[u8]| [head, rest].concat();
    let refused: Vec<(&str, &str, Vec<u8>, &str)> = vec![
        ("noise", "image/png", vec![7; 400], "not_a_picture"),
        ("a renamed script", "image/jpeg", b"#!/bin/sh\nrm -rf /\n".to_vec(), "not_a_picture"),
        ("a page", "image/gif", b"<!doctype html><script>".to_vec(), "not_a_picture"),
        (
            "a program of the server",
            "image/webp",
            b"<?php system($_GET[0]);".to_vec(),
            "not_a_picture",
        ),
        ("a drawing that is a program", "image/png", svg.to_vec(), "not_a_picture"),
        ("another kind of picture", "image/jpeg", png.clone(), "other_type"),
        (
            "a script behind a picture's first bytes",
            "image/png",
            with_head(&png[..8], b"<script>alert(1)</script>"),
            "damaged",
        ),
        (
            "a script behind a JPEG's first bytes",
            "image/jpeg",
            with_head(b"\xff\xd8\xff\xe0", b"<script>alert(1)</script>"),
            "damaged",
        ),
        ("a bomb", "image/png", bomb(), "too_many_pixels"),
        ("half a PNG", "image/png", half(&png), "damaged"),
        ("half a GIF", "image/gif", half(&gif), "damaged"),
        ("half a WebP", "image/webp", half(&webp), "damaged"),
        ("the first bytes alone", "image/gif", b"GIF89a".to_vec(), "damaged"),
    ];
    for (name, kind, bytes, reason) in refused {
        let media = uploaded(&merchant, kind, &bytes).await;
        assert_eq!(
            (&media["status"], &media["reason"]),
            (&json!("refused"), &json!(reason)),
            "{name}"
        );
        assert_eq!(media["image"], Value::Null, "{name}");
        assert_eq!(keys(&shop, ""), Vec::<String>::new(), "{name}");
        let deleted = delete(&merchant, media["id"].as_str().unwrap()).await;
        assert_eq!(deleted.status, 204, "{name}: {}", deleted.text());
    }
    assert_eq!(shop.wire().s3().next_due_at_ms(), None);
}

#[tokio::test]
async fn of_a_file_that_is_two_things_only_the_picture_is_left() {
    let (shop, merchant) = open().await;
    let jpeg = file(&wave(40, 30), ImageFormat::Jpeg);
    let (png, gif) = (file(&wave(41, 30), ImageFormat::Png), file(&wave(42, 30), ImageFormat::Gif));
    let behind = |bytes: &[u8], what: &[u8]| [bytes, what].concat();
    // A comment that begins a script where a careless reader looks.
    let comment = b"\xff\xfe\x00\x1d/*<script>MARKER</script>*/";
    let inside = [&jpeg[..2], &comment[..], &jpeg[2..]].concat();
    for (name, kind, bytes) in [
        ("a picture and an archive", "image/jpeg", behind(&jpeg, b"PK\x03\x04MARKER.txt")),
        ("a picture and a page", "image/png", behind(&png, b"<html>MARKER</html>")),
        ("a picture and a script", "image/gif", behind(&gif, b"=1;alert('MARKER')")),
        ("a script in a comment", "image/jpeg", inside),
    ] {
        let media = uploaded(&merchant, kind, &bytes).await;
        assert_eq!(media["status"], "ready", "{name}: {media}");
        for key in keys(&shop, "") {
            assert!(key.starts_with("media/"), "{name}: {key}");
            let object = shop.wire().s3().object(BUCKET, &key).unwrap();
            assert!(!holds(&object.bytes, b"MARKER") && !holds(&object.bytes, b"PK\x03\x04"));
            image::load_from_memory(&object.bytes).unwrap();
        }
    }
}

#[tokio::test]
async fn of_what_moves_the_first_picture_is_taken() {
    let (_, merchant) = open().await;
    let mut bytes = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
        for red in [0, 255] {
            let frame = RgbaImage::from_pixel(20, 10, Rgba([red, 0, 0, 255]));
            encoder.encode_frame(image::Frame::new(frame)).unwrap();
        }
    }
    let media = uploaded(&merchant, "image/gif", &bytes).await;
    assert_eq!(media["status"], "ready", "{media}");
    let url = media["image"]["url"].as_str().unwrap();
    let answer = merchant.shop.send(Request::new("GET", url)).await;
    let seen = image::load_from_memory(&answer.body).unwrap().into_rgb8();
    assert!(seen.pixels().all(|pixel| pixel.0[0] < 60), "the first picture is black");
}

#[tokio::test]
async fn a_form_that_was_altered_is_refused_whatever_was_altered() {
    let (shop, merchant) = open().await;
    let bytes = file(&wave(9, 9), ImageFormat::Png);
    let (_, url, good) = asked(&merchant, "image/png", &bytes).await;
    let send = async |fields: &[(String, String)], file: &[u8]| {
        let answer = shop.send(form(&url, fields, file)).await;
        let text = answer.text();
        let code = text.split("<Code>").nth(1).and_then(|rest| rest.split('<').next());
        (answer.status, code.unwrap_or_default().to_owned())
    };
    for (at, (name, value)) in good.iter().enumerate() {
        let mut altered = good.clone();
        let mut text = value.clone().into_bytes();
        let last = text.len() - 3;
        text[last] = if text[last] == b'1' { b'2' } else { b'1' };
        altered[at].1 = String::from_utf8(text).unwrap();
        let (status, code) = send(&altered, &bytes).await;
        assert!([400, 403].contains(&status), "{name}: {status} {code}");
        let mut missing = good.clone();
        missing.remove(at);
        let (status, code) = send(&missing, &bytes).await;
        assert!([400, 403].contains(&status), "{name}: {status} {code}");
    }
    let with = |name: &str, value: &str| {
        let mut fields = good.clone();
        match fields.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = value.to_owned(),
            None => fields.push((name.to_owned(), value.to_owned())),
        }
        fields
    };
    let denied = (403, "AccessDenied".to_owned());
    for (name, value) in [
        ("key", "media/0123456789abcdef/320.webp"),
        ("key", "uploads/../files/a.zip"),
        ("Content-Type", "text/html"),
        ("Content-Type", "image/svg+xml"),
        ("acl", "public-read"),
        ("x-amz-meta-a", "b"),
        ("success_action_redirect", "https://evil.example"),
    ] {
        assert_eq!(send(&with(name, value), &bytes).await, denied, "{name} {value}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(send(&good, &longer).await, (400, "EntityTooLarge".to_owned()));
    let shorter = &bytes[..bytes.len() - 1];
    assert_eq!(send(&good, shorter).await, (400, "EntityTooSmall".to_owned()));
    assert_eq!(keys(&shop, ""), Vec::<String>::new());
    shop.clock().advance_ms(10 * 60 * 1000);
    assert_eq!(send(&good, &bytes).await, denied, "too late");
    assert_eq!(keys(&shop, ""), Vec::<String>::new());
    assert_eq!(shop.wire().s3().next_due_at_ms(), None);
}

#[tokio::test]
async fn a_form_is_good_until_its_last_moment_and_for_its_own_place() {
    let (shop, merchant) = open().await;
    let bytes = file(&wave(9, 9), ImageFormat::Png);
    let (id, url, good) = asked(&merchant, "image/png", &bytes).await;
    shop.clock().advance_ms(10 * 60 * 1000 - 1);
    let sent = shop.send(form(&url, &good, &bytes)).await;
    assert_eq!(sent.status, 204, "{}", sent.text());
    assert_eq!(keys(&shop, ""), [format!("uploads/{id}")]);
    // Nobody reads what lies in the quarantine.
    let path = url.split_once("3000").unwrap().1;
    for target in [format!("{path}/uploads/{id}"), format!("/media/../uploads/{id}")] {
        assert!([403, 404].contains(&shop.send(Request::new("GET", &target)).await.status));
    }
}

#[tokio::test]
async fn an_address_that_was_altered_or_is_too_late_is_refused() {
    let (shop, _) = open().await;
    let config = shop.sdk_config();
    let client = aws_sdk_s3::Client::new(&config);
    let put = client.put_object().bucket(BUCKET).key("files/a.zip").content_type("application/zip");
    put.body(b"goods".to_vec().into()).send().await.unwrap();
    let provider = config.credentials_provider().unwrap();
    let url = format!("{}/_local/s3/{BUCKET}", shop.base_url());
    let files = files::Files::new(url, "eu-central-1".to_owned(), provider);
    let signed = files.address("files/a.zip", "a.zip", shop.clock().now()).await.unwrap();
    let signed = signed.strip_prefix(shop.base_url()).unwrap().to_owned();
    let status = async |target: &str| shop.send(Request::new("GET", target)).await.status;
    let good = shop.send(Request::new("GET", &signed)).await;
    assert_eq!((good.status, &good.body[..]), (200, &b"goods"[..]), "{}", good.text());
    assert_eq!(good.header("content-disposition"), Some("attachment; filename=\"a.zip\""));
    for (old, new) in [
        ("a.zip?", "b.zip?"),
        ("Expires=60", "Expires=6000"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("filename%3D%22a", "filename%3D%22b"),
        ("host", "host%3Baccept"),
        ("AKIDLOCAL-local", "AKIDLOCAL-orders.store.download"),
    ] {
        assert!(signed.contains(old), "{old} in {signed}");
        assert_eq!(status(&signed.replacen(old, new, 1)).await, 403, "{old} to {new}");
    }
    let deleted = shop.send(Request::new("DELETE", &signed)).await;
    assert_eq!(deleted.status, 403);
    shop.clock().advance_ms(60_000);
    assert_eq!(status(&signed).await, 200);
    shop.clock().advance_ms(1_000);
    assert_eq!(status(&signed).await, 403);
}

/// The event of a file in the quarantine, as it comes again.
fn event(id: &str, size: usize) -> Value {
    json!({
        "version": "0", "detail-type": "Object Created", "source": "aws.s3",
        "detail": {"bucket": {"name": BUCKET},
            "object": {"key": format!("uploads/{id}"), "size": size}},
    })
}

#[tokio::test]
async fn an_event_that_comes_again_changes_nothing() {
    let (shop, merchant) = open().await;
    let bytes = file(&wave(30, 30), ImageFormat::Png);
    let media = uploaded(&merchant, "image/png", &bytes).await;
    let before = keys(&shop, "");
    let id = media["id"].as_str().unwrap();
    for _ in 0..2 {
        let outcome = shop.invoke(JOB, event(id, bytes.len())).await;
        assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");
    }
    assert_eq!(view(&merchant, id).await, media);
    assert_eq!(keys(&shop, ""), before);
    // Of what nobody asked for nothing becomes either.
    let stranger = "med_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for id in [stranger, "../x", ""] {
        let outcome = shop.invoke(JOB, event(id, 1)).await;
        assert!(matches!(outcome, Outcome::Answered(_)), "{id}: {outcome:?}");
    }
    assert_eq!(keys(&shop, ""), before);
}

#[tokio::test]
async fn a_job_that_dies_anywhere_is_done_by_the_next() {
    let bytes = file(&wave(30, 30), ImageFormat::Png);
    for kind in [FaultKind::DieBefore, FaultKind::DieAfter, FaultKind::LoseResponse] {
        for at in 1..=8 {
            let (shop, merchant) = open().await;
            let (id, url, fields) = asked(&merchant, "image/png", &bytes).await;
            assert_eq!(shop.send(form(&url, &fields, &bytes)).await.status, 204);
            let filter: wire::Filter = Box::new(|call| call.caller == JOB);
            shop.wire().faults().arm(Plan { at, kind, filter: Some(filter) });
            shop.settle_all().await;
            shop.wire().faults().disarm();
            let media = view(&merchant, &id).await;
            assert_eq!(media["status"], "ready", "{kind:?} at {at}: {media}");
            let keys = keys(&shop, "");
            assert_eq!(keys.len(), 2, "{kind:?} at {at}: {keys:?}");
            assert!(keys.iter().all(|key| key.starts_with("media/")), "{keys:?}");
        }
    }
}

#[tokio::test]
async fn equal_pictures_are_one_and_go_with_the_last_of_them() {
    let (shop, merchant) = open().await;
    let picture = wave(30, 20);
    let first = uploaded(&merchant, "image/png", &file(&picture, ImageFormat::Png)).await;
    let files = keys(&shop, "media/");
    let second = uploaded(&merchant, "image/webp", &file(&picture, ImageFormat::WebP)).await;
    assert_eq!(first["image"]["url"], second["image"]["url"]);
    assert_eq!(keys(&shop, "media/"), files);
    let id = |media: &Value| media["id"].as_str().unwrap().to_owned();
    assert_eq!(delete(&merchant, &id(&first)).await.status, 204);
    assert_eq!(keys(&shop, "media/"), files);
    assert_eq!(delete(&merchant, &id(&second)).await.status, 204);
    assert_eq!(keys(&shop, ""), Vec::<String>::new());
    let gone = merchant.get(&format!("/v1/admin/media/{}", id(&second))).await;
    assert_eq!(gone.status, 404);
    // What was deleted can be uploaded again.
    let again = uploaded(&merchant, "image/png", &file(&picture, ImageFormat::Png)).await;
    assert_eq!(again["image"]["url"], first["image"]["url"]);
    assert_eq!(keys(&shop, "media/"), files);
}

#[tokio::test]
async fn a_deletion_that_breaks_off_is_ended_by_asking_again() {
    let bytes = file(&wave(30, 30), ImageFormat::Png);
    // The key's and the session's calls come first; these are the deletion's own.
    for (at, operation) in
        [(1, "UpdateItem"), (1, "DeleteObject"), (2, "DeleteObject"), (2, "TransactWriteItems")]
    {
        let (shop, merchant) = open().await;
        let media = uploaded(&merchant, "image/png", &bytes).await;
        let id = media["id"].as_str().unwrap();
        let target = format!("/v1/admin/media/{id}");
        let tag = merchant.tag(&target).await;
        let filter: wire::Filter = Box::new(move |call| {
            call.caller == "media.admin.delete" && call.operation == operation
        });
        shop.wire().faults().arm(Plan { at, kind: FaultKind::DieBefore, filter: Some(filter) });
        let request = || Request::new("DELETE", &target).header("if-match", &tag);
        assert_eq!(merchant.send(request()).await.status, 502, "{operation}");
        let again = delete(&merchant, id).await;
        assert_eq!(again.status, 204, "{operation}: {}", again.text());
        assert_eq!(keys(&shop, ""), Vec::<String>::new(), "{operation}");
    }
}

#[tokio::test]
async fn what_is_awaited_stays_and_what_is_changed_was_seen() {
    let (shop, merchant) = open().await;
    let bytes = file(&wave(9, 9), ImageFormat::Png);
    let (id, ..) = asked(&merchant, "image/png", &bytes).await;
    let target = format!("/v1/admin/media/{id}");
    let answer = delete(&merchant, &id).await;
    assert_eq!(refusal(&answer), (409, "media_unsettled".to_owned()));
    let words = json!({"alt": "Another mug"});
    let blind = merchant.call("PATCH", &target, &words).await;
    assert_eq!(blind.status, 428);
    let tag = merchant.tag(&target).await;
    let changed = merchant.call_if(&tag, "PATCH", &target, &words).await;
    assert_eq!(ok(changed.clone())["alt"], "Another mug");
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    let late = merchant.call_if(&tag, "PATCH", &target, &words).await;
    assert_eq!(late.status, 412);
    // What never came can be thrown away a day later.
    shop.clock().advance_ms(86_400_000);
    let mut merchant = merchant;
    merchant.sign_in().await;
    assert_eq!(delete(&merchant, &id).await.status, 204);
    shop.settle().await;
    let log = shop.audit_log().await.unwrap();
    let actions: Vec<&str> = log
        .iter()
        .map(|link| link.entry.action.as_str())
        .filter(|action| action.starts_with("media."))
        .collect();
    assert_eq!(actions, ["media.upload", "media.describe", "media.delete"]);
}

#[tokio::test]
async fn uploads_are_listed_newest_first_to_whom_they_concern() {
    let (shop, merchant) = open().await;
    let bytes = file(&wave(9, 9), ImageFormat::Png);
    let mut ids = Vec::new();
    for _ in 0..3 {
        shop.clock().advance_ms(1_000);
        ids.insert(0, asked(&merchant, "image/png", &bytes).await.0);
    }
    let page = ok(merchant.get("/v1/admin/media?limit=2").await);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = ok(merchant.get(&format!("/v1/admin/media?limit=2&cursor={cursor}")).await);
    let all = [&page, &rest].into_iter().flat_map(|page| page["data"].as_array().unwrap());
    let listed: Vec<String> = all.map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(listed, ids);
    let reader = Colleague::of(&shop, "reader", &[Permission::ProductsRead]).await;
    assert_eq!(reader.get("/v1/admin/media").await.status, 200);
    assert_eq!(ask(&reader, "image/png", &bytes).await.status, 403);
    let other = Colleague::of(&shop, "other", &[Permission::OrdersRead]).await;
    assert_eq!(other.get("/v1/admin/media").await.status, 403);
}

#[tokio::test]
async fn an_upload_that_is_asked_for_twice_is_one() {
    let (_, merchant) = open().await;
    let body = json!({"file_name": "a.png", "content_type": "image/png", "size": 9, "alt": ""});
    let ask = || {
        let request = Request::new("POST", UPLOADS).header("idempotency-key", "upload-1");
        merchant.send(request.json(&body))
    };
    let (first, second) = (ask().await, ask().await);
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.value(), second.value());
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    for (kind, size) in [("image/svg+xml", 9), ("image/png", 20 * 1024 * 1024 + 1)] {
        let body = json!({"file_name": "a", "content_type": kind, "size": size, "alt": ""});
        assert_eq!(merchant.call("POST", UPLOADS, &body).await.status, 400);
    }
}
