//! Secrets Manager.

use wire::LOCAL;

use crate::world::{Folder, World, world, world_in};

async fn value(world: &World, stage: &str) -> Option<String> {
    let get = world.secrets(LOCAL).get_secret_value().secret_id("shop/key").version_stage(stage);
    get.send().await.ok()?.secret_string
}

#[tokio::test]
async fn the_label_previous_follows_the_label_current() {
    let world = world().await;
    let secrets = world.secrets(LOCAL);
    secrets.create_secret().name("shop/key").secret_string("one").send().await.unwrap();
    for next in ["two", "three"] {
        let put = secrets.put_secret_value().secret_id("shop/key").secret_string(next);
        put.send().await.unwrap();
    }
    assert_eq!(value(&world, "AWSCURRENT").await.as_deref(), Some("three"));
    assert_eq!(value(&world, "AWSPREVIOUS").await.as_deref(), Some("two"));
    assert_eq!(value(&world, "AWSPENDING").await, None);
    let described = secrets.describe_secret().secret_id("shop/key").send().await.unwrap();
    assert_eq!(described.version_ids_to_stages().unwrap().len(), 2);
    let by_arn = secrets.get_secret_value().secret_id(described.arn().unwrap()).send().await;
    assert_eq!(by_arn.unwrap().secret_string(), Some("three"));
}

#[tokio::test]
async fn a_pending_version_becomes_current_by_moving_the_label() {
    let world = world().await;
    world.wire.put_secret("shop/key", "old").await.unwrap();
    let secrets = world.secrets(LOCAL);
    let old = secrets.get_secret_value().secret_id("shop/key").send().await.unwrap();
    let new = secrets
        .put_secret_value()
        .secret_id("shop/key")
        .secret_string("new")
        .version_stages("AWSPENDING")
        .send()
        .await
        .unwrap();
    assert_eq!(value(&world, "AWSCURRENT").await.as_deref(), Some("old"));
    secrets
        .update_secret_version_stage()
        .secret_id("shop/key")
        .version_stage("AWSCURRENT")
        .move_to_version_id(new.version_id().unwrap())
        .remove_from_version_id(old.version_id().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(value(&world, "AWSCURRENT").await.as_deref(), Some("new"));
    assert_eq!(value(&world, "AWSPREVIOUS").await.as_deref(), Some("old"));
}

#[tokio::test]
async fn a_repeated_token_changes_nothing_and_a_missing_secret_is_named() {
    let world = world().await;
    let secrets = world.secrets(LOCAL);
    let token = "00000000-0000-4000-8000-000000000001";
    let create = || secrets.create_secret().name("shop/key").client_request_token(token);
    create().secret_string("one").send().await.unwrap();
    create().secret_string("one").send().await.unwrap();
    let other = create().secret_string("two").send().await.unwrap_err();
    assert!(other.into_service_error().is_resource_exists_exception());
    let missing = secrets.get_secret_value().secret_id("nothing").send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn secrets_survive_the_process() {
    let folder = Folder::new();
    world_in(Some(folder.0.clone())).await.wire.put_secret("shop/key", "kept").await.unwrap();
    let world = world_in(Some(folder.0.clone())).await;
    assert_eq!(value(&world, "AWSCURRENT").await.as_deref(), Some("kept"));
    world.wire.put_secret("shop/key", "kept").await.unwrap();
    assert_eq!(value(&world, "AWSPREVIOUS").await, None);
}
