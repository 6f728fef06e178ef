//! S3 as the unmodified SDK and a browser meet it.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use serde_json::json;
use wire::{BucketAttributes, Statement, WebRequest, Wire};

use crate::world::{CALLER, Folder, World, world};

const BUCKET: &str = "shop-files";

fn shop(world: &World) -> Client {
    let attributes = BucketAttributes { announces: true, expiry: vec![("uploads/".to_owned(), 1)] };
    world.wire.s3().create(BUCKET, &attributes).unwrap();
    Client::new(&world.wire.sdk_config(CALLER))
}

async fn put(client: &Client, key: &str, text: &'static [u8]) -> String {
    let request = client.put_object().bucket(BUCKET).key(key).content_type("text/plain");
    request.body(ByteStream::from_static(text)).send().await.unwrap().e_tag.unwrap()
}

#[tokio::test]
async fn what_was_put_is_got_with_its_type_and_its_tag() {
    let world = world().await;
    let client = shop(&world);
    let etag = put(&client, "files/a b+c.txt", b"hello").await;
    assert_eq!(etag, "\"5d41402abc4b2a76b9719d911017c592\"");
    let get = || client.get_object().bucket(BUCKET).key("files/a b+c.txt");
    let got = get().send().await.unwrap();
    assert_eq!((got.e_tag(), got.content_type()), (Some(etag.as_str()), Some("text/plain")));
    assert_eq!(&got.body.collect().await.unwrap().into_bytes()[..], b"hello");
    let part = get().range("bytes=1-3").send().await.unwrap();
    assert_eq!(part.content_range(), Some("bytes 1-3/5"));
    assert_eq!(&part.body.collect().await.unwrap().into_bytes()[..], b"ell");
    let same = get().if_none_match(&etag).send().await.unwrap_err();
    assert_eq!(same.raw_response().unwrap().status().as_u16(), 304);
    let other = get().if_match("\"x\"").send().await.unwrap_err();
    assert_eq!(other.code(), Some("PreconditionFailed"));
    let head = client.head_object().bucket(BUCKET).key("files/a b+c.txt").send().await.unwrap();
    assert_eq!((head.content_length(), head.e_tag()), (Some(5), Some(etag.as_str())));
    let gone = client.head_object().bucket(BUCKET).key("none").send().await.unwrap_err();
    assert!(gone.into_service_error().is_not_found());
}

#[tokio::test]
async fn a_conditional_write_is_refused_when_its_condition_is_not_met() {
    let world = world().await;
    let client = shop(&world);
    let put_if = |absent: Option<&str>, tag: Option<&str>| {
        client
            .put_object()
            .bucket(BUCKET)
            .key("search/manifest")
            .set_if_none_match(absent.map(str::to_owned))
            .set_if_match(tag.map(str::to_owned))
            .body(ByteStream::from_static(b"1"))
            .send()
    };
    assert_eq!(put_if(None, Some("\"x\"")).await.unwrap_err().code(), Some("NoSuchKey"));
    let etag = put_if(Some("*"), None).await.unwrap().e_tag.unwrap();
    assert_eq!(put_if(Some("*"), None).await.unwrap_err().code(), Some("PreconditionFailed"));
    assert!(put_if(None, Some(&etag)).await.is_ok());
    assert_eq!(put_if(None, Some("\"x\"")).await.unwrap_err().code(), Some("PreconditionFailed"));
}

#[tokio::test]
async fn a_list_goes_on_where_it_stopped_and_folds_folders() {
    let world = world().await;
    let client = shop(&world);
    for key in ["a/1", "a/2", "a/b/3", "a/b/4", "a/c", "b/1"] {
        put(&client, key, b"x").await;
    }
    let list = || client.list_objects_v2().bucket(BUCKET).prefix("a/").max_keys(2);
    let mut keys = Vec::new();
    let mut token = None;
    loop {
        let page = list().set_continuation_token(token).send().await.unwrap();
        keys.extend(page.contents().iter().map(|one| one.key().unwrap().to_owned()));
        token = page.next_continuation_token().map(str::to_owned);
        assert_eq!(page.is_truncated(), Some(token.is_some()));
        if token.is_none() {
            break;
        }
    }
    assert_eq!(keys, ["a/1", "a/2", "a/b/3", "a/b/4", "a/c"]);
    let (mut keys, mut folders, mut token) = (Vec::new(), Vec::new(), None);
    for _ in 0..2 {
        let page = list().delimiter("/").set_continuation_token(token).send().await.unwrap();
        keys.extend(page.contents().iter().map(|one| one.key().unwrap().to_owned()));
        folders.extend(page.common_prefixes().iter().map(|one| one.prefix().unwrap().to_owned()));
        token = page.next_continuation_token().map(str::to_owned);
    }
    assert_eq!(
        (keys, folders),
        (vec!["a/1".into(), "a/2".into(), "a/c".into()], vec!["a/b/".into()])
    );
    assert_eq!(token, None);
}

#[tokio::test]
async fn a_copy_and_a_deletion_do_what_they_say() {
    let world = world().await;
    let client = shop(&world);
    put(&client, "a", b"x").await;
    let copy = client.copy_object().bucket(BUCKET).key("b").copy_source(format!("{BUCKET}/a"));
    copy.send().await.unwrap();
    for _ in 0..2 {
        client.delete_object().bucket(BUCKET).key("a").send().await.unwrap();
    }
    assert_eq!(world.wire.s3().keys(BUCKET, ""), ["b"]);
    assert_eq!(world.wire.s3().object(BUCKET, "b").unwrap().content_type, "text/plain");
}

#[tokio::test]
async fn a_sum_that_does_not_fit_is_refused() {
    let world = world().await;
    let client = shop(&world);
    let put = client.put_object().bucket(BUCKET).key("a").checksum_crc32("AAAAAA==");
    let refused = put.body(ByteStream::from_static(b"x")).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("BadDigest"));
}

#[tokio::test]
async fn each_new_object_is_announced_once_until_it_is_taken() {
    let world = world().await;
    let client = shop(&world);
    put(&client, "uploads/a", b"hello").await;
    let s3 = world.wire.s3();
    let [(number, event)] = s3.unrouted().try_into().unwrap();
    assert_eq!(event["detail-type"], "Object Created");
    assert_eq!(event["detail"]["object"]["key"], "uploads/a");
    assert_eq!(event["detail"]["object"]["size"], 5);
    s3.route(number, &["x.y.z", "x.y.w"]);
    s3.route(number, &["x.y.z"]);
    let due = s3.due();
    let handlers: Vec<&str> = due.iter().map(|one| one.handler.as_str()).collect();
    assert_eq!(handlers, ["x.y.z", "x.y.w"]);
    s3.again(due[0].number, 60_000);
    s3.done(due[1].number);
    assert!(s3.due().is_empty() && s3.next_due_at_ms().is_some());
    world.pass_seconds(60);
    assert_eq!(s3.due()[0].failures, 1);
}

#[tokio::test]
async fn an_upload_that_nobody_looked_at_is_gone_after_a_day() {
    let world = world().await;
    let client = shop(&world);
    put(&client, "uploads/a", b"x").await;
    put(&client, "media/a", b"x").await;
    world.pass_seconds(86_399);
    assert_eq!(world.wire.s3().sweep(), 0);
    world.pass_seconds(1);
    assert_eq!(world.wire.s3().sweep(), 1);
    assert_eq!(world.wire.s3().keys(BUCKET, ""), ["media/a"]);
}

#[tokio::test]
async fn objects_and_announcements_go_along_with_a_saved_world() {
    let world = world().await;
    let client = shop(&world);
    put(&client, "a", b"x").await;
    let folder = Folder::new();
    world.wire.save(&folder.0).unwrap();
    let other = crate::world::world().await;
    other.wire.load(&folder.0).unwrap();
    assert_eq!(other.wire.s3().keys(BUCKET, ""), ["a"]);
    assert_eq!(other.wire.s3().unrouted().len(), 1);
}

fn browse(wire: &Wire, method: &str, path: &str, query: &str) -> (u16, String) {
    let reply = wire.s3_web(WebRequest {
        method: method.to_owned(),
        path: format!("/_local/s3{path}"),
        mount: "/_local/s3".to_owned(),
        query: query.to_owned(),
        headers: vec![("Host".to_owned(), "127.0.0.1:3000".to_owned())],
        body: bytes::Bytes::new(),
    });
    (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
}

#[tokio::test]
async fn nobody_reads_a_bucket_without_a_signature() {
    let world = world().await;
    let client = shop(&world);
    put(&client, "a", b"x").await;
    for (path, query) in [
        ("/shop-files/a", ""),
        ("/shop-files/", "list-type=2"),
        ("/shop-files/none", ""),
        ("/no-bucket/a", ""),
    ] {
        let (status, text) = browse(&world.wire, "GET", path, query);
        assert_eq!(status, 403, "{path} {text}");
        assert!(text.contains("<Code>AccessDenied</Code>"), "{text}");
    }
    assert_eq!(browse(&world.wire, "DELETE", "/shop-files/a", "").0, 403);
    let (status, text) = browse(&world.wire, "GET", "/shop-files/a", "X-Amz-Expires=60");
    assert_eq!(status, 400, "{text}");
}

#[tokio::test]
async fn who_may_not_list_is_not_told_what_is_missing() {
    let world = world().await;
    let client = shop(&world);
    put(&client, "media/a", b"x").await;
    let allow = |statements: serde_json::Value| {
        let statements: Vec<Statement> = serde_json::from_value(statements).unwrap();
        world.wire.iam().set(BTreeMap::from([(CALLER.to_owned(), statements)])).unwrap();
    };
    let get = async |key: &str| {
        let got = client.get_object().bucket(BUCKET).key(key).send().await;
        got.err().map(|error| error.code().unwrap_or_default().to_owned())
    };
    let read = json!({"Effect": "Allow", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::shop-files/media/*"});
    allow(json!([read]));
    assert_eq!(get("media/a").await, None);
    assert_eq!(get("media/b").await.as_deref(), Some("AccessDenied"));
    // What would have told that it is missing is written down: somebody may want to grant it.
    let denied = |action: &str| {
        let denials = world.wire.iam().denials();
        denials.iter().filter(|denial| denial.action == action).count()
    };
    assert_eq!((denied("s3:ListBucket"), denied("s3:GetObject")), (1, 0));
    assert_eq!(get("files/a").await.as_deref(), Some("AccessDenied"));
    assert_eq!((denied("s3:ListBucket"), denied("s3:GetObject")), (1, 1));
    let list = json!({"Effect": "Allow", "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::shop-files"});
    allow(json!([read, list]));
    assert_eq!(get("media/b").await.as_deref(), Some("NoSuchKey"));
    let list = json!({"Effect": "Allow", "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::shop-files",
        "Condition": {"StringLike": {"s3:prefix": ["media/*"]}}});
    allow(json!([list]));
    let keys = |prefix: &str| client.list_objects_v2().bucket(BUCKET).prefix(prefix).send();
    assert!(keys("media/").await.is_ok());
    assert_eq!(keys("files/").await.unwrap_err().code(), Some("AccessDenied"));
}
