//! SES.

use aws_sdk_ses::error::ProvideErrorMetadata;
use aws_sdk_ses::primitives::Blob;
use aws_sdk_ses::types::{
    Body, Content, Destination, Message, MessageTag, RawMessage, VerificationStatus,
};
use wire::LOCAL;

use crate::world::{Folder, World, world, world_in};

async fn send(world: &World, from: &str, to: &str) -> Result<String, aws_sdk_ses::Error> {
    let text = |data: &str| Content::builder().data(data).charset("UTF-8").build().unwrap();
    let body = Body::builder().html(text("<p>ü & 1+1</p>")).text(text("ü & 1+1")).build();
    let sent = world
        .ses(LOCAL)
        .send_email()
        .source(from)
        .destination(Destination::builder().to_addresses(to).build())
        .message(Message::builder().subject(text("Danke für 100 %")).body(body).build())
        .tags(MessageTag::builder().name("kind").value("order").build().unwrap())
        .send()
        .await?;
    Ok(sent.message_id)
}

#[tokio::test]
async fn an_accepted_mail_is_kept_as_it_was_sent() {
    let world = world().await;
    world.wire.ses().verify("shop.example").unwrap();
    let id = send(&world, "Shop <mail@shop.example>", "ada@customer.example").await.unwrap();
    let mails = world.wire.ses().mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!((mail.id.as_str(), mail.at_ms), (id.as_str(), world.now_ms()));
    assert_eq!(mail.from, "Shop <mail@shop.example>");
    assert_eq!(mail.to, ["ada@customer.example"]);
    assert_eq!(mail.subject, "Danke für 100 %");
    assert_eq!(mail.html.as_deref(), Some("<p>ü & 1+1</p>"));
    assert_eq!(mail.text.as_deref(), Some("ü & 1+1"));
    assert_eq!(mail.tags["kind"], "order");
    let quota = world.ses(LOCAL).get_send_quota().send().await.unwrap();
    assert_eq!(format!("{}", quota.sent_last24_hours()), "1");
    world.wire.ses().clear().unwrap();
    assert!(world.wire.ses().mails().is_empty());
}

#[tokio::test]
async fn an_unverified_sender_is_refused_until_it_is_verified() {
    let world = world().await;
    let refused = send(&world, "mail@shop.example", "ada@customer.example").await.unwrap_err();
    assert!(matches!(refused, aws_sdk_ses::Error::MessageRejected(_)), "{refused:?}");
    assert!(world.wire.ses().mails().is_empty());
    let ses = world.ses(LOCAL);
    ses.verify_email_identity().email_address("mail@shop.example").send().await.unwrap();
    let known = ses
        .get_identity_verification_attributes()
        .identities("mail@shop.example")
        .identities("other.example")
        .send()
        .await
        .unwrap();
    let known = known.verification_attributes();
    assert_eq!(known["mail@shop.example"].verification_status(), &VerificationStatus::Success);
    assert_eq!(known["other.example"].verification_status(), &VerificationStatus::NotStarted);
    send(&world, "mail@shop.example", "ada@customer.example").await.unwrap();
    let odd = send(&world, "mail@shop.example", "nobody").await.unwrap_err();
    assert_eq!(odd.code(), Some("InvalidParameterValue"));
}

#[tokio::test]
async fn a_raw_mail_is_taken_apart() {
    let world = world().await;
    world.wire.ses().verify("shop.example").unwrap();
    let raw = "From: Shop <mail@shop.example>\r\nTo: ada@customer.example\r\n\
        Subject: =?UTF-8?B?RGFua2UgZsO8cg==?=\r\nMIME-Version: 1.0\r\n\
        List-Unsubscribe: <https://shop.example/u>\r\n\
        Content-Type: multipart/alternative; boundary=\"b\"\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\nf=C3=BCr\r\n\
        --b\r\nContent-Type: text/html; charset=utf-8\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nPHA+ZsO8cjwvcD4=\r\n--b--\r\n";
    let message = RawMessage::builder().data(Blob::new(raw)).build().unwrap();
    world.ses(LOCAL).send_raw_email().raw_message(message).send().await.unwrap();
    let mail = world.wire.ses().mails().remove(0);
    assert_eq!(mail.from, "Shop <mail@shop.example>");
    assert_eq!(mail.to, ["ada@customer.example"]);
    assert_eq!(mail.subject, "Danke für");
    assert_eq!(mail.text.as_deref().map(str::trim), Some("für"));
    assert_eq!(mail.html.as_deref(), Some("<p>für</p>"));
    assert_eq!(mail.headers["List-Unsubscribe"], "<https://shop.example/u>");
}

#[tokio::test]
async fn mails_survive_the_process_and_only_their_owner_reads_them() {
    let folder = Folder::new();
    {
        let world = world_in(Some(folder.0.clone())).await;
        world.wire.ses().verify("shop.example").unwrap();
        send(&world, "mail@shop.example", "ada@customer.example").await.unwrap();
    }
    let world = world_in(Some(folder.0.clone())).await;
    assert_eq!(world.wire.ses().mails().len(), 1);
    send(&world, "mail@shop.example", "ada@customer.example").await.unwrap();
    #[cfg(unix)]
    for file in ["ses.db", "secrets.db", "sqs.db"] {
        let meta = std::fs::metadata(folder.0.join(file)).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions());
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}
