//! Files: taken as `multipart/form-data`, described, and named by what they are for. Only their
//! descriptions are kept.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::form::Fields;
use crate::hex;
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::world::World;

/// What the shop's files are for; Stripe has more purposes.
const PURPOSE: &str = "dispute_evidence";
/// Stripe's limit on one file of this purpose.
pub(crate) const BYTES_MAX: usize = 5_000_000;
/// Stripe's limit on all files of one dispute.
const DISPUTE_BYTES_MAX: i64 = 4_500_000;

/// The fields of evidence that hold files.
const FIELDS: [&str; 9] = [
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
];

/// The parts of a form as pairs: plain fields with their text, and of the file its name, type, size
/// and digest.
pub(crate) fn pairs(content_type: &str, body: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
    let bad = || Refusal::invalid("Invalid multipart/form-data in the request.");
    let (_, boundary) = content_type.split_once("boundary=").ok_or_else(bad)?;
    let mark = [b"\r\n--", boundary.as_bytes()].concat();
    // The first mark has no line before it.
    let body = [b"\r\n", body].concat();
    let mut pieces = Vec::new();
    let mut rest = body.as_slice();
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        let (piece, behind) = rest.split_at(at);
        pieces.push(piece);
        rest = behind.get(mark.len()..).unwrap_or_default();
    }
    let mut pairs = Vec::new();
    let ends = rest.starts_with(b"--");
    for piece in pieces.iter().skip(1) {
        let at = piece.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(bad)?;
        let (head, bytes) = piece.split_at(at);
        let bytes = bytes.get(4..).unwrap_or_default();
        let head = std::str::from_utf8(head).map_err(|_| bad())?;
        let name = quoted(head, "name").ok_or_else(bad)?;
        if let Some(file) = quoted(head, "filename") {
            pairs.extend([
                (format!("{name}[name]"), file.to_owned()),
                (format!("{name}[type]"), kind(bytes).to_owned()),
                (format!("{name}[size]"), bytes.len().to_string()),
                (format!("{name}[digest]"), hex::digits(&Sha256::digest(bytes))),
            ]);
        } else {
            let text = std::str::from_utf8(bytes).map_err(|_| bad())?;
            pairs.push((name.to_owned(), text.to_owned()));
        }
    }
    if ends { Ok(pairs) } else { Err(bad()) }
}

/// `name="…"` in the head of a part.
fn quoted<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = head.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(text, _)| text)
}

/// What the first bytes say.
fn kind(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'%', b'P', b'D', b'F', ..] => "pdf",
        [0xff, 0xd8, 0xff, ..] => "jpg",
        [0x89, b'P', b'N', b'G', ..] => "png",
        _ => "",
    }
}

/// `POST /v1/files`.
pub(crate) fn create(world: &mut World, form: &Fields) -> Result<Value, Refusal> {
    form.only(&["file", "purpose"])?;
    let purpose = form.filled("purpose").ok_or_else(|| Refusal::missing("purpose"))?;
    if purpose != PURPOSE {
        return Err(Refusal::invalid(format!("Invalid purpose: {purpose}")).param("purpose"));
    }
    let file = form.below("file").ok_or_else(|| Refusal::missing("file"))?;
    let size = file.integer("size")?.unwrap_or_default();
    let Some(kind) = file.filled("type").filter(|_| size > 0) else {
        return Err(Refusal::invalid("Files for disputes are PDF, JPEG or PNG.").param("file"));
    };
    if usize::try_from(size).is_ok_and(|size| size > BYTES_MAX) {
        return Err(Refusal::invalid("The file is too large.").param("file"));
    }
    let id = world.chance.id("file_");
    let made = json!({
        "id": id,
        "object": "file",
        "created": world.now(),
        "expires_at": null,
        "filename": file.text("name"),
        "links": { "object": "list", "data": [], "has_more": false,
            "url": format!("/v1/file_links?file={id}") },
        "purpose": purpose,
        "size": size,
        "title": null,
        "type": kind,
        "url": format!("https://files.stripe.com/v1/files/{id}/contents"),
        "_digest": file.text("digest"),
    });
    world.save(Kind::File, &made);
    Ok(made)
}

/// Refuses evidence whose files are not there, or too much of them.
pub(crate) fn check(world: &World, evidence: &Fields) -> Result<(), Refusal> {
    let named = FIELDS.iter().filter_map(|field| Some((field, evidence.filled(field)?)));
    let (mut size, mut seen) = (0, BTreeSet::new());
    for (field, id) in named {
        let file = world.find(Kind::File, id, &format!("evidence[{field}]"))?;
        if seen.insert(id.to_owned()) {
            size += file["size"].as_i64().unwrap_or_default();
        }
    }
    if size > DISPUTE_BYTES_MAX {
        return Err(Refusal::invalid("The files of this dispute are too large.").param("evidence"));
    }
    Ok(())
}
