//! A picture, from the form that it is sent by to its end.

use local::{Request, Response};
use serde_json::{Value, json};

use super::{Pace, done, text};
use crate::world::{Colleague, ok};

/// Where uploads are asked for.
pub(crate) const UPLOADS: &str = "/v1/admin/media/uploads";

/// Asks for an upload of these bytes.
pub(crate) async fn ask(who: &Colleague, kind: &str, bytes: &[u8]) -> Response {
    let body =
        json!({"file_name": "mug", "content_type": kind, "size": bytes.len(), "alt": "A mug"});
    who.call("POST", UPLOADS, &body).await
}

/// The form that a browser sends.
pub(crate) fn form(url: &str, fields: &[(String, String)], file: &[u8]) -> Request {
    let mut body = Vec::new();
    for (name, value) in fields {
        let head = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value.as_bytes());
        body.extend_from_slice(b"\r\n");
    }
    let head = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"mug.jpg\"\r\n\
                Content-Type: application/octet-stream\r\n\r\n";
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    let target = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    let mut request = Request::new("POST", target.unwrap_or(url))
        .header("content-type", "multipart/form-data; boundary=edge");
    request.body = body.into();
    request
}

/// The fields of a form, by name.
pub(crate) fn fields(upload: &Value) -> Vec<(String, String)> {
    let fields = upload["fields"].as_object().unwrap().iter();
    fields.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// A small picture.
pub(crate) fn png(seed: u8) -> Vec<u8> {
    let pixels = image::RgbImage::from_fn(8, 6, |x, y| {
        image::Rgb([seed, u8::try_from(x * 30).unwrap(), u8::try_from(y * 40).unwrap()])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Uploads what is said to be a PNG and waits for what becomes of it; its id.
pub(crate) async fn upload(who: &Colleague, bytes: &[u8]) -> String {
    let asked = ask(who, "image/png", bytes).await;
    assert_eq!(asked.status, 201, "{}", asked.text());
    let asked = asked.value();
    let upload = &asked["upload"];
    let sent = who.shop.send(form(&text(upload, "url"), &fields(upload), bytes)).await;
    assert_eq!(sent.status, 204, "{}", sent.text());
    who.shop.settle().await;
    text(&asked["media"], "id")
}

/// Gives a product these pictures.
pub(crate) async fn attached(who: &Colleague, product: &str, media: &[&str]) -> Value {
    let images: Vec<Value> = media.iter().map(|id| json!({"media_id": id})).collect();
    let tag = who.tag(product).await;
    let target = format!("{product}/images");
    ok(who.call_if(&tag, "PUT", &target, &json!({"images": images})).await)
}

/// A picture is uploaded, looked at, described and deleted.
pub(crate) async fn pictures<P: Pace>(pace: &mut P, owner: &Colleague, seed: u8) {
    let bytes = png(seed);
    let answer = pace.call(ask(owner, "image/png", &bytes)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let asked = answer.value();
    let upload = &asked["upload"];
    let sent = form(&text(upload, "url"), &fields(upload), &bytes);
    let sent = owner.shop.send(sent).await;
    assert_eq!(sent.status, 204, "{}", sent.text());
    pace.follow().await;
    let target = format!("/v1/admin/media/{}", text(&asked["media"], "id"));
    let shown = pace.call(owner.get(&target)).await;
    assert_eq!(ok(shown.clone())["status"], "ready", "{}", shown.text());
    let tag = shown.header("etag").unwrap().to_owned();
    let words = json!({"alt": "A white mug"});
    let changed = pace.call(owner.call_if(&tag, "PATCH", &target, &words)).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let tag = changed.header("etag").unwrap().to_owned();
    ok(pace.call(owner.get("/v1/admin/media?limit=1")).await);
    let end = Request::new("DELETE", &target).header("if-match", &tag);
    done(&pace.call(owner.send(end)).await);
}
