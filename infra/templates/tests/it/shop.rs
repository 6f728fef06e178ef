//! The real templates: what they declare, printed, and the rules that hold for all of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use expect_test::expect;
use templates::{Function, Stack, Trigger};

use crate::workshop::parameters;

pub(crate) fn shop() -> Stack {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let given = parameters(&[
        ("Stage", "test"),
        ("ShopUrl", "http://127.0.0.1:3000"),
        ("AllowedOrigins", "http://127.0.0.1:3000"),
        ("MailFrom", "shop@fluxion.example"),
        ("MailIdentity", "fluxion.example"),
    ]);
    Stack::load(&root, given).unwrap_or_else(|faults| panic!("{faults}"))
}

fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Http { method, path } => format!("{method} {path}"),
        Trigger::Queue { queue, batch_size, .. } => format!("queue {queue} by {batch_size}"),
        Trigger::Schedule { seconds } => format!("every {seconds} s"),
        Trigger::Stream { table, batch_size, .. } => format!("stream {table} by {batch_size}"),
        Trigger::Upload { bucket, prefix } => format!("objects of {bucket} under {prefix}"),
    }
}

#[test]
fn the_functions_of_the_shop() {
    let mut printed = String::new();
    for one in shop().functions {
        let triggers: Vec<String> = one.triggers.iter().map(trigger).collect();
        writeln!(
            printed,
            "{:<32} {:>4} MB {:>2} s  {}",
            one.handler,
            one.memory_mb,
            one.timeout_seconds,
            triggers.join(", ")
        )
        .unwrap();
    }
    expect![[r#"
        identity.store.register          1769 MB 10 s  POST /v1/auth/register
        identity.store.verify_email       512 MB 10 s  POST /v1/auth/email/verify
        identity.store.login             1769 MB 10 s  POST /v1/auth/login
        identity.store.refresh            512 MB 10 s  POST /v1/auth/refresh
        identity.store.logout             512 MB 10 s  POST /v1/auth/logout
        identity.store.me                 512 MB 10 s  GET /v1/auth/me
        identity.store.forgot_password    512 MB 10 s  POST /v1/auth/password/forgot
        identity.store.reset_password    1769 MB 10 s  POST /v1/auth/password/reset
        identity.store.change_password   1769 MB 10 s  POST /v1/auth/password/change
        identity.store.resend_verification  512 MB 10 s  POST /v1/auth/email/resend
        identity.store.change_email      1769 MB 10 s  POST /v1/auth/email/change
        identity.store.confirm_email      512 MB 10 s  POST /v1/auth/email/confirm
        identity.store.list_sessions      512 MB 10 s  GET /v1/auth/sessions
        identity.store.end_session        512 MB 10 s  DELETE /v1/auth/sessions/{id}
        identity.store.logout_all         512 MB 10 s  POST /v1/auth/logout_all
        identity.store.reauthenticate    1769 MB 10 s  POST /v1/auth/reauthenticate
        identity.store.profile            512 MB 10 s  GET /v1/store/me
        identity.store.change_profile     512 MB 10 s  PATCH /v1/store/me
        identity.store.close_account      512 MB 10 s  DELETE /v1/store/me
        identity.store.list_addresses     512 MB 10 s  GET /v1/store/me/addresses
        identity.store.add_address        512 MB 10 s  POST /v1/store/me/addresses
        identity.store.view_address       512 MB 10 s  GET /v1/store/me/addresses/{id}
        identity.store.change_address     512 MB 10 s  PUT /v1/store/me/addresses/{id}
        identity.store.remove_address     512 MB 10 s  DELETE /v1/store/me/addresses/{id}
        identity.store.list_consents      512 MB 10 s  GET /v1/store/me/consents
        identity.store.change_consent     512 MB 10 s  PUT /v1/store/me/consents/{purpose}
        identity.store.view_phone         512 MB 10 s  GET /v1/store/me/phone
        identity.store.change_phone       512 MB 10 s  PUT /v1/store/me/phone
        identity.store.confirm_phone      512 MB 10 s  POST /v1/store/me/phone/confirm
        identity.store.remove_phone       512 MB 10 s  DELETE /v1/store/me/phone
        identity.store.ask_export         512 MB 10 s  POST /v1/store/me/export
        identity.store.open_export        512 MB 10 s  POST /v1/auth/export/open
        identity.store.ask_erasure        512 MB 10 s  POST /v1/store/me/erasure
        identity.store.password_policy    512 MB 10 s  GET /v1/auth/password_policy
        identity.jobs.rotate_signing_key  512 MB 30 s  every 3600 s
        identity.jobs.serve_privacy       512 MB 300 s  every 60 s
        identity.jobs.apply_retention     512 MB 300 s  every 86400 s
        identity.jobs.on_customer_changed  512 MB 30 s  stream fluxion-identity by 100
        identity.jobs.index_customers    1769 MB 300 s  queue fluxion-search-customers.fifo by 10
        identity.jobs.rebuild_search      512 MB 30 s  
        identity.jobs.create_owner        512 MB 10 s  
        identity.unknown                  512 MB 10 s  ANY $default
        identity.admin.login             1769 MB 10 s  POST /v1/auth/staff/login
        identity.admin.mfa                512 MB 10 s  POST /v1/auth/staff/mfa
        identity.admin.refresh            512 MB 10 s  POST /v1/auth/staff/refresh
        identity.admin.logout             512 MB 10 s  POST /v1/auth/staff/logout
        identity.admin.step_up           1769 MB 10 s  POST /v1/auth/staff/step_up
        identity.admin.list_own_sessions  512 MB 10 s  GET /v1/auth/staff/sessions
        identity.admin.end_own_sessions   512 MB 10 s  DELETE /v1/auth/staff/sessions
        identity.admin.end_own_session    512 MB 10 s  DELETE /v1/auth/staff/sessions/{id}
        identity.admin.forgot_password    512 MB 10 s  POST /v1/auth/staff/password/forgot
        identity.admin.reset_password    1769 MB 10 s  POST /v1/auth/staff/password/reset
        identity.admin.change_password   1769 MB 10 s  POST /v1/auth/staff/password/change
        identity.admin.accept_invitation 1769 MB 10 s  POST /v1/auth/staff/invitations/accept
        identity.admin.list_staff         512 MB 10 s  GET /v1/admin/staff
        identity.admin.view_staff         512 MB 10 s  GET /v1/admin/staff/{id}
        identity.admin.change_staff       512 MB 10 s  PATCH /v1/admin/staff/{id}
        identity.admin.suspend_staff      512 MB 10 s  POST /v1/admin/staff/{id}/suspend
        identity.admin.reinstate_staff    512 MB 10 s  POST /v1/admin/staff/{id}/reinstate
        identity.admin.reset_second_factor  512 MB 10 s  POST /v1/admin/staff/{id}/reset_second_factor
        identity.admin.list_sessions      512 MB 10 s  GET /v1/admin/staff/{id}/sessions
        identity.admin.end_session        512 MB 10 s  DELETE /v1/admin/staff/{id}/sessions/{session_id}
        identity.admin.invite             512 MB 10 s  POST /v1/admin/invitations
        identity.admin.list_roles         512 MB 10 s  GET /v1/admin/roles
        identity.admin.create_role        512 MB 10 s  POST /v1/admin/roles
        identity.admin.view_role          512 MB 10 s  GET /v1/admin/roles/{id}
        identity.admin.change_role        512 MB 10 s  PATCH /v1/admin/roles/{id}
        identity.admin.delete_role        512 MB 10 s  DELETE /v1/admin/roles/{id}
        identity.admin.list_permissions   512 MB 10 s  GET /v1/admin/permissions
        identity.admin.list_api_keys      512 MB 10 s  GET /v1/admin/api_keys
        identity.admin.create_api_key     512 MB 10 s  POST /v1/admin/api_keys
        identity.admin.view_api_key       512 MB 10 s  GET /v1/admin/api_keys/{id}
        identity.admin.rotate_api_key     512 MB 10 s  POST /v1/admin/api_keys/{id}/rotate
        identity.admin.revoke_api_key     512 MB 10 s  DELETE /v1/admin/api_keys/{id}
        identity.admin.list_customers    1024 MB 10 s  GET /v1/admin/customers
        identity.admin.view_customer      512 MB 10 s  GET /v1/admin/customers/{id}
        identity.admin.list_consents      512 MB 10 s  GET /v1/admin/customers/{id}/consents
        identity.admin.ask_export         512 MB 10 s  POST /v1/admin/customers/{id}/export
        identity.admin.ask_erasure        512 MB 10 s  POST /v1/admin/customers/{id}/erasure
        identity.admin.list_privacy_requests  512 MB 10 s  GET /v1/admin/privacy_requests
        catalog.store.list_products      1024 MB 10 s  GET /v1/store/products
        catalog.store.view_product        512 MB 10 s  GET /v1/store/products/{id_or_slug}
        catalog.store.list_categories     512 MB 10 s  GET /v1/store/categories
        catalog.jobs.on_stock_changed     512 MB 30 s  stream fluxion-inventory by 100
        catalog.store.suggest            1024 MB 10 s  GET /v1/store/search/suggest
        catalog.admin.view_synonyms       512 MB 10 s  GET /v1/admin/search/synonyms
        catalog.admin.set_synonyms        512 MB 10 s  PUT /v1/admin/search/synonyms
        catalog.admin.rebuild_search      512 MB 10 s  POST /v1/admin/search/rebuild
        catalog.admin.search_status       512 MB 10 s  GET /v1/admin/search/status
        catalog.jobs.on_product_changed   512 MB 30 s  stream fluxion-catalog by 100
        catalog.jobs.index_products      1769 MB 300 s  queue fluxion-search.fifo by 10
        catalog.jobs.rebuild_search       512 MB 30 s  
        catalog.admin.list_products       512 MB 10 s  GET /v1/admin/products
        catalog.admin.create_product      512 MB 10 s  POST /v1/admin/products
        catalog.admin.missing_translations  512 MB 10 s  GET /v1/admin/products/missing_translations
        catalog.admin.view_product        512 MB 10 s  GET /v1/admin/products/{id}
        catalog.admin.change_product      512 MB 10 s  PATCH /v1/admin/products/{id}
        catalog.admin.delete_product      512 MB 10 s  DELETE /v1/admin/products/{id}
        catalog.admin.publish_product     512 MB 10 s  POST /v1/admin/products/{id}/publish
        catalog.admin.unpublish_product   512 MB 10 s  POST /v1/admin/products/{id}/unpublish
        catalog.admin.archive_product     512 MB 10 s  POST /v1/admin/products/{id}/archive
        catalog.admin.set_options         512 MB 10 s  PUT /v1/admin/products/{id}/options
        catalog.admin.set_images          512 MB 10 s  PUT /v1/admin/products/{id}/images
        catalog.admin.add_variant         512 MB 10 s  POST /v1/admin/products/{id}/variants
        catalog.admin.change_variant      512 MB 10 s  PATCH /v1/admin/products/{id}/variants/{variant_id}
        catalog.admin.remove_variant      512 MB 10 s  DELETE /v1/admin/products/{id}/variants/{variant_id}
        catalog.admin.set_prices          512 MB 10 s  PUT /v1/admin/products/{id}/variants/{variant_id}/prices
        catalog.admin.price_log           512 MB 10 s  GET /v1/admin/products/{id}/price_log
        catalog.admin.translate_product   512 MB 10 s  PUT /v1/admin/products/{id}/translations/{locale}
        catalog.admin.remove_translation  512 MB 10 s  DELETE /v1/admin/products/{id}/translations/{locale}
        catalog.admin.list_categories     512 MB 10 s  GET /v1/admin/categories
        catalog.admin.create_category     512 MB 10 s  POST /v1/admin/categories
        catalog.admin.change_category     512 MB 10 s  PATCH /v1/admin/categories/{slug}
        catalog.admin.delete_category     512 MB 10 s  DELETE /v1/admin/categories/{slug}
        catalog.admin.translate_category  512 MB 10 s  PUT /v1/admin/categories/{slug}/translations/{locale}
        catalog.admin.remove_category_translation  512 MB 10 s  DELETE /v1/admin/categories/{slug}/translations/{locale}
        catalog.admin.list_collections    512 MB 10 s  GET /v1/admin/collections
        catalog.admin.create_collection   512 MB 10 s  POST /v1/admin/collections
        catalog.admin.view_collection     512 MB 10 s  GET /v1/admin/collections/{slug}
        catalog.admin.change_collection   512 MB 10 s  PATCH /v1/admin/collections/{slug}
        catalog.admin.delete_collection   512 MB 10 s  DELETE /v1/admin/collections/{slug}
        catalog.admin.list_attributes     512 MB 10 s  GET /v1/admin/attributes
        catalog.admin.create_attribute    512 MB 10 s  POST /v1/admin/attributes
        catalog.admin.change_attribute    512 MB 10 s  PATCH /v1/admin/attributes/{slug}
        catalog.admin.delete_attribute    512 MB 10 s  DELETE /v1/admin/attributes/{slug}
        catalog.jobs.apply_schedule       512 MB 50 s  every 60 s
        catalog.unknown                   512 MB 10 s  ANY $default
        inventory.admin.list_locations    512 MB 10 s  GET /v1/admin/inventory/locations
        inventory.admin.create_location   512 MB 10 s  POST /v1/admin/inventory/locations
        inventory.admin.view_location     512 MB 10 s  GET /v1/admin/inventory/locations/{id}
        inventory.admin.change_location   512 MB 10 s  PATCH /v1/admin/inventory/locations/{id}
        inventory.admin.list_levels       512 MB 10 s  GET /v1/admin/inventory/levels
        inventory.admin.view_sku          512 MB 10 s  GET /v1/admin/inventory/levels/{sku}
        inventory.admin.view_level        512 MB 10 s  GET /v1/admin/inventory/levels/{sku}/{location_id}
        inventory.admin.change_level      512 MB 10 s  PATCH /v1/admin/inventory/levels/{sku}/{location_id}
        inventory.admin.list_movements    512 MB 10 s  GET /v1/admin/inventory/movements
        inventory.admin.list_low_stock    512 MB 10 s  GET /v1/admin/inventory/low_stock
        inventory.admin.list_events       512 MB 10 s  GET /v1/admin/inventory/events
        inventory.admin.list_findings     512 MB 10 s  GET /v1/admin/inventory/findings
        inventory.admin.adjust            512 MB 10 s  POST /v1/admin/inventory/adjustments
        inventory.admin.count             512 MB 10 s  POST /v1/admin/inventory/counts
        inventory.admin.receive           512 MB 10 s  POST /v1/admin/inventory/receipts
        inventory.admin.view_key_pool     512 MB 10 s  GET /v1/admin/inventory/key_pools/{sku}
        inventory.admin.list_keys         512 MB 10 s  GET /v1/admin/inventory/key_pools/{sku}/keys
        inventory.admin.add_keys          512 MB 20 s  POST /v1/admin/inventory/key_pools/{sku}/keys
        inventory.admin.withdraw_keys     512 MB 10 s  POST /v1/admin/inventory/key_pools/{sku}/withdrawals
        inventory.admin.list_transfers    512 MB 10 s  GET /v1/admin/inventory/transfers
        inventory.admin.create_transfer   512 MB 10 s  POST /v1/admin/inventory/transfers
        inventory.admin.view_transfer     512 MB 10 s  GET /v1/admin/inventory/transfers/{id}
        inventory.admin.ship_transfer     512 MB 10 s  POST /v1/admin/inventory/transfers/{id}/ship
        inventory.admin.receive_transfer  512 MB 10 s  POST /v1/admin/inventory/transfers/{id}/receive
        inventory.admin.cancel_transfer   512 MB 10 s  POST /v1/admin/inventory/transfers/{id}/cancel
        inventory.admin.forecast          512 MB 10 s  GET /v1/admin/inventory/forecast
        inventory.admin.allocate          512 MB 10 s  POST /v1/admin/inventory/allocate
        inventory.admin.arm               512 MB 10 s  POST /v1/admin/inventory/{sku}/arm
        inventory.admin.disarm            512 MB 10 s  POST /v1/admin/inventory/{sku}/disarm
        inventory.store.subscribe         512 MB 10 s  POST /v1/store/products/{id}/variants/{variant_id}/back_in_stock
        inventory.store.unsubscribe       512 MB 10 s  POST /v1/store/back_in_stock/unsubscribe
        inventory.jobs.on_level_changed   512 MB 30 s  stream fluxion-inventory by 100
        inventory.jobs.send_back_in_stock  512 MB 50 s  every 60 s
        inventory.jobs.merge_shards       512 MB 50 s  every 60 s
        inventory.jobs.send_digest        512 MB 300 s  every 86400 s
        inventory.jobs.prove              512 MB 900 s  every 86400 s
        inventory.unknown                 512 MB 10 s  ANY $default
        cart.store.create                 512 MB 10 s  POST /v1/store/carts
        cart.store.view                   512 MB 10 s  GET /v1/store/carts/{id}
        cart.store.add_line               512 MB 10 s  POST /v1/store/carts/{id}/lines
        cart.store.add_code               512 MB 10 s  POST /v1/store/carts/{id}/codes
        cart.store.change_line            512 MB 10 s  PATCH /v1/store/carts/{id}/lines/{line_id}
        cart.store.remove_line            512 MB 10 s  DELETE /v1/store/carts/{id}/lines/{line_id}
        cart.store.remove_code            512 MB 10 s  DELETE /v1/store/carts/{id}/codes/{code}
        cart.store.set_addresses          512 MB 10 s  PUT /v1/store/carts/{id}/addresses
        cart.store.shipping_options       512 MB 10 s  GET /v1/store/carts/{id}/shipping_options
        cart.store.choose_shipping        512 MB 10 s  PUT /v1/store/carts/{id}/shipping
        cart.store.use_gift_card          512 MB 10 s  POST /v1/store/carts/{id}/gift_cards
        cart.store.drop_gift_card         512 MB 10 s  DELETE /v1/store/carts/{id}/gift_cards/{gift_card_id}
        cart.store.use_store_credit       512 MB 10 s  POST /v1/store/carts/{id}/store_credit
        cart.store.merge                  512 MB 10 s  POST /v1/store/carts/{id}/merge
        cart.unknown                      512 MB 10 s  ANY $default
        checkout.store.complete           512 MB 20 s  POST /v1/store/carts/{id}/complete
        checkout.store.retry_payment      512 MB 20 s  POST /v1/store/orders/{id}/retry_payment
        checkout.jobs.expire_unpaid       512 MB 50 s  every 60 s
        checkout.unknown                  512 MB 10 s  ANY $default
        payments.hooks.stripe             512 MB 10 s  POST /v1/hooks/stripe
        payments.jobs.on_stripe_event     512 MB 30 s  queue fluxion-stripe-events by 10
        payments.admin.list_disputes      512 MB 10 s  GET /v1/admin/disputes
        payments.admin.view_dispute       512 MB 10 s  GET /v1/admin/orders/{id}/disputes/{dispute_id}
        payments.admin.submit_evidence    512 MB 10 s  POST /v1/admin/orders/{id}/disputes/{dispute_id}/submit
        payments.admin.accept_dispute     512 MB 10 s  POST /v1/admin/orders/{id}/disputes/{dispute_id}/accept
        payments.admin.capture            512 MB 10 s  POST /v1/admin/orders/{id}/capture
        payments.jobs.capture_due         512 MB 120 s  every 3600 s
        payments.jobs.reconcile           512 MB 600 s  every 3600 s
        payments.unknown                  512 MB 10 s  ANY $default
        webhooks.admin.create_endpoint    512 MB 10 s  POST /v1/admin/webhook_endpoints
        webhooks.admin.list_endpoints     512 MB 10 s  GET /v1/admin/webhook_endpoints
        webhooks.admin.view_endpoint      512 MB 10 s  GET /v1/admin/webhook_endpoints/{id}
        webhooks.admin.change_endpoint    512 MB 10 s  PATCH /v1/admin/webhook_endpoints/{id}
        webhooks.admin.delete_endpoint    512 MB 10 s  DELETE /v1/admin/webhook_endpoints/{id}
        webhooks.admin.rotate_secret      512 MB 10 s  POST /v1/admin/webhook_endpoints/{id}/rotate_secret
        webhooks.admin.test_endpoint      512 MB 10 s  POST /v1/admin/webhook_endpoints/{id}/test
        webhooks.admin.list_deliveries    512 MB 10 s  GET /v1/admin/webhook_endpoints/{id}/deliveries
        webhooks.admin.redeliver          512 MB 10 s  POST /v1/admin/webhook_endpoints/{id}/deliveries/{event_id}/redeliver
        webhooks.admin.replay             512 MB 10 s  POST /v1/admin/webhook_endpoints/{id}/replay
        webhooks.jobs.announce            512 MB 30 s  queue fluxion-webhooks by 10
        webhooks.jobs.deliver             512 MB 30 s  queue fluxion-webhook-deliveries by 1
        webhooks.jobs.sweep               512 MB 50 s  every 60 s
        webhooks.unknown                  512 MB 10 s  ANY $default
        returns.store.request             512 MB 10 s  POST /v1/store/orders/{id}/returns
        returns.store.list                512 MB 10 s  GET /v1/store/orders/{id}/returns
        returns.store.view                512 MB 10 s  GET /v1/store/orders/{id}/returns/{return_id}
        returns.store.cancel              512 MB 10 s  POST /v1/store/orders/{id}/returns/{return_id}/cancel
        returns.store.send                512 MB 10 s  POST /v1/store/orders/{id}/returns/{return_id}/send
        returns.admin.queue               512 MB 10 s  GET /v1/admin/returns
        returns.admin.list                512 MB 10 s  GET /v1/admin/orders/{id}/returns
        returns.admin.view                512 MB 10 s  GET /v1/admin/orders/{id}/returns/{return_id}
        returns.admin.create              512 MB 10 s  POST /v1/admin/orders/{id}/returns
        returns.admin.approve             512 MB 10 s  POST /v1/admin/orders/{id}/returns/{return_id}/approve
        returns.admin.reject              512 MB 10 s  POST /v1/admin/orders/{id}/returns/{return_id}/reject
        returns.admin.cancel              512 MB 10 s  POST /v1/admin/orders/{id}/returns/{return_id}/cancel
        returns.admin.receive             512 MB 10 s  POST /v1/admin/orders/{id}/returns/{return_id}/receive
        returns.admin.refund              512 MB 10 s  POST /v1/admin/orders/{id}/returns/{return_id}/refund
        returns.admin.credit              512 MB 10 s  POST /v1/admin/orders/{id}/returns/{return_id}/credit
        returns.admin.preview_exchange    512 MB 10 s  POST /v1/admin/orders/{id}/returns/{return_id}/exchange/preview
        returns.admin.exchange            512 MB 10 s  POST /v1/admin/orders/{id}/returns/{return_id}/exchange
        returns.admin.close               512 MB 10 s  POST /v1/admin/orders/{id}/returns/{return_id}/close
        returns.jobs.expire               512 MB 50 s  every 3600 s
        returns.jobs.pay_out              512 MB 50 s  every 300 s
        returns.unknown                   512 MB 10 s  ANY $default
        promotions.admin.create_promotion  512 MB 10 s  POST /v1/admin/promotions
        promotions.admin.list_promotions  512 MB 10 s  GET /v1/admin/promotions
        promotions.admin.view_promotion   512 MB 10 s  GET /v1/admin/promotions/{id}
        promotions.admin.change_promotion  512 MB 10 s  PATCH /v1/admin/promotions/{id}
        promotions.admin.delete_promotion  512 MB 10 s  DELETE /v1/admin/promotions/{id}
        promotions.admin.activate_promotion  512 MB 10 s  POST /v1/admin/promotions/{id}/activate
        promotions.admin.pause_promotion  512 MB 10 s  POST /v1/admin/promotions/{id}/pause
        promotions.admin.end_promotion    512 MB 10 s  POST /v1/admin/promotions/{id}/end
        promotions.admin.create_codes     512 MB 20 s  POST /v1/admin/promotions/{id}/codes
        promotions.admin.list_codes       512 MB 10 s  GET /v1/admin/promotions/{id}/codes
        promotions.admin.delete_code      512 MB 10 s  DELETE /v1/admin/promotions/{id}/codes/{code}
        promotions.admin.view_groups      512 MB 10 s  GET /v1/admin/customers/{id}/groups
        promotions.admin.change_groups    512 MB 10 s  POST /v1/admin/customers/{id}/groups
        promotions.admin.simulate         512 MB 10 s  POST /v1/admin/promotions/simulate
        promotions.admin.issue_gift_card  512 MB 10 s  POST /v1/admin/gift_cards
        promotions.admin.issue_gift_cards  512 MB 29 s  POST /v1/admin/gift_cards/bulk
        promotions.admin.list_gift_cards  512 MB 10 s  GET /v1/admin/gift_cards
        promotions.admin.view_gift_card   512 MB 10 s  GET /v1/admin/gift_cards/{id}
        promotions.admin.change_gift_card  512 MB 10 s  PATCH /v1/admin/gift_cards/{id}
        promotions.admin.adjust_gift_card  512 MB 10 s  POST /v1/admin/gift_cards/{id}/adjust
        promotions.admin.adjust_store_credit  512 MB 10 s  POST /v1/admin/customers/{id}/store_credit
        promotions.admin.view_store_credit  512 MB 10 s  GET /v1/admin/customers/{id}/store_credit
        promotions.store.check_gift_card  512 MB 10 s  POST /v1/store/gift_cards/balance
        promotions.store.view_store_credit  512 MB 10 s  GET /v1/store/me/store_credit
        promotions.jobs.expire_gift_cards  512 MB 300 s  every 86400 s
        promotions.unknown                512 MB 10 s  ANY $default
        orders.store.view                 512 MB 10 s  GET /v1/store/orders/{id}
        orders.store.list                 512 MB 10 s  GET /v1/store/orders
        orders.store.look_up              512 MB 10 s  POST /v1/store/orders/lookup
        orders.store.cancel               512 MB 20 s  POST /v1/store/orders/{id}/cancel
        orders.store.download             512 MB 10 s  GET /v1/store/downloads/{token}
        orders.jobs.on_order_placed       512 MB 30 s  queue fluxion-order-events by 10
        orders.admin.list                1024 MB 10 s  GET /v1/admin/orders
        orders.admin.view                 512 MB 10 s  GET /v1/admin/orders/{id}
        orders.admin.cancel               512 MB 20 s  POST /v1/admin/orders/{id}/cancel
        orders.admin.cancel_lines         512 MB 10 s  POST /v1/admin/orders/{id}/lines/cancel
        orders.admin.hold                 512 MB 10 s  POST /v1/admin/orders/{id}/hold
        orders.admin.release              512 MB 10 s  POST /v1/admin/orders/{id}/release
        orders.admin.reopen               512 MB 10 s  POST /v1/admin/orders/{id}/reopen
        orders.admin.add_note             512 MB 10 s  POST /v1/admin/orders/{id}/notes
        orders.admin.list_notes           512 MB 10 s  GET /v1/admin/orders/{id}/notes
        orders.admin.timeline             512 MB 10 s  GET /v1/admin/orders/{id}/timeline
        orders.admin.resend_confirmation  512 MB 10 s  POST /v1/admin/orders/{id}/resend_confirmation
        orders.admin.preview_refund       512 MB 10 s  POST /v1/admin/orders/{id}/refunds/preview
        orders.admin.refund               512 MB 10 s  POST /v1/admin/orders/{id}/refunds
        orders.admin.list_refunds         512 MB 10 s  GET /v1/admin/orders/{id}/refunds
        orders.admin.retry_refund         512 MB 10 s  POST /v1/admin/orders/{id}/refunds/{refund_id}/retry
        orders.admin.list_failed_refunds  512 MB 10 s  GET /v1/admin/refunds
        orders.jobs.on_order_changed      512 MB 30 s  stream fluxion-orders by 100
        orders.jobs.index_orders         1769 MB 300 s  queue fluxion-search-orders.fifo by 10
        orders.jobs.rebuild_search        512 MB 30 s  
        orders.admin.create_draft         512 MB 10 s  POST /v1/admin/draft_orders
        orders.admin.list_drafts          512 MB 10 s  GET /v1/admin/draft_orders
        orders.admin.view_draft           512 MB 10 s  GET /v1/admin/draft_orders/{id}
        orders.admin.change_draft         512 MB 10 s  PUT /v1/admin/draft_orders/{id}
        orders.admin.cancel_draft         512 MB 10 s  POST /v1/admin/draft_orders/{id}/cancel
        orders.admin.send_draft           512 MB 10 s  POST /v1/admin/draft_orders/{id}/send
        orders.store.view_pay_link        512 MB 10 s  GET /v1/store/pay_links/{id}
        orders.store.invoice              512 MB 10 s  GET /v1/store/orders/{id}/invoice
        orders.admin.invoice              512 MB 10 s  GET /v1/admin/orders/{id}/invoice
        orders.admin.list_invoices        512 MB 10 s  GET /v1/admin/invoices
        orders.admin.packing_slip        1769 MB 10 s  GET /v1/admin/orders/{id}/packing_slip
        orders.admin.parcel_slip         1769 MB 10 s  GET /v1/admin/orders/{id}/packing_slips/{fulfillment_id}
        orders.admin.pick_list           1769 MB 10 s  POST /v1/admin/pick_lists
        orders.jobs.issue_invoice        1769 MB 30 s  queue fluxion-invoices.fifo by 10
        orders.jobs.complete              512 MB 300 s  every 3600 s
        orders.admin.preview_edit         512 MB 10 s  POST /v1/admin/orders/{id}/edits/preview
        orders.admin.propose_edit         512 MB 10 s  POST /v1/admin/orders/{id}/edits
        orders.admin.list_edits           512 MB 10 s  GET /v1/admin/orders/{id}/edits
        orders.admin.apply_edit           512 MB 10 s  POST /v1/admin/orders/{id}/edits/{number}/apply
        orders.admin.withdraw_edit        512 MB 10 s  POST /v1/admin/orders/{id}/edits/{number}/withdraw
        orders.store.view_edit            512 MB 10 s  GET /v1/store/orders/{id}/edit
        orders.store.approve_edit         512 MB 10 s  POST /v1/store/orders/{id}/edit/approve
        orders.store.decline_edit         512 MB 10 s  POST /v1/store/orders/{id}/edit/decline
        orders.jobs.expire_edits          512 MB 60 s  every 300 s
        orders.admin.change_address       512 MB 10 s  PUT /v1/admin/orders/{id}/shipping_address
        orders.unknown                    512 MB 10 s  ANY $default
        media.admin.upload                512 MB 10 s  POST /v1/admin/media/uploads
        media.admin.list                  512 MB 10 s  GET /v1/admin/media
        media.admin.view                  512 MB 10 s  GET /v1/admin/media/{id}
        media.admin.describe              512 MB 10 s  PATCH /v1/admin/media/{id}
        media.admin.delete                512 MB 10 s  DELETE /v1/admin/media/{id}
        media.jobs.on_uploaded           2048 MB 60 s  objects of fluxion-files-000000000000 under uploads/
        media.unknown                     512 MB 10 s  ANY $default
        fulfillment.admin.view_shipping   512 MB 10 s  GET /v1/admin/shipping
        fulfillment.admin.change_shipping  512 MB 10 s  PUT /v1/admin/shipping
        fulfillment.admin.simulate_shipping  512 MB 10 s  POST /v1/admin/shipping/simulate
        fulfillment.admin.view_tax        512 MB 10 s  GET /v1/admin/tax
        fulfillment.admin.change_tax      512 MB 10 s  PUT /v1/admin/tax
        fulfillment.admin.simulate_tax    512 MB 10 s  POST /v1/admin/tax/simulate
        fulfillment.admin.list_pickup_points  512 MB 10 s  GET /v1/admin/pickup_points
        fulfillment.admin.add_pickup_point  512 MB 10 s  POST /v1/admin/pickup_points
        fulfillment.admin.change_pickup_point  512 MB 10 s  PUT /v1/admin/pickup_points/{id}
        fulfillment.admin.remove_pickup_point  512 MB 10 s  DELETE /v1/admin/pickup_points/{id}
        fulfillment.admin.create          512 MB 10 s  POST /v1/admin/orders/{id}/fulfillments
        fulfillment.admin.list            512 MB 10 s  GET /v1/admin/orders/{id}/fulfillments
        fulfillment.admin.view            512 MB 10 s  GET /v1/admin/orders/{id}/fulfillments/{fulfillment_id}
        fulfillment.admin.pack            512 MB 10 s  POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/pack
        fulfillment.admin.deliver         512 MB 10 s  POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/deliver
        fulfillment.admin.cancel          512 MB 10 s  POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/cancel
        fulfillment.admin.mark_lost       512 MB 10 s  POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/lost
        fulfillment.admin.mark_returned   512 MB 10 s  POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/returned
        fulfillment.admin.ship            512 MB 10 s  POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/ship
        fulfillment.admin.queue           512 MB 10 s  GET /v1/admin/fulfillments
        fulfillment.admin.list_due        512 MB 10 s  GET /v1/admin/fulfillments/due
        fulfillment.admin.buy_label       512 MB 29 s  POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/label
        fulfillment.admin.void_label      512 MB 29 s  DELETE /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/label
        fulfillment.hooks.easypost        512 MB 10 s  POST /v1/hooks/easypost
        fulfillment.store.pickup_points   512 MB 10 s  GET /v1/store/pickup_points
        fulfillment.unknown               512 MB 10 s  ANY $default
        notifications.admin.list_messages  512 MB 10 s  GET /v1/admin/orders/{id}/messages
        notifications.admin.resend_message  512 MB 10 s  POST /v1/admin/messages/{id}/resend
        notifications.admin.list_suppressions  512 MB 10 s  GET /v1/admin/suppressions
        notifications.admin.suppress      512 MB 10 s  POST /v1/admin/suppressions
        notifications.admin.unsuppress    512 MB 10 s  DELETE /v1/admin/suppressions/{id}
        notifications.admin.list_templates  512 MB 10 s  GET /v1/admin/templates
        notifications.admin.view_template  512 MB 10 s  GET /v1/admin/templates/{letter}/{locale}
        notifications.admin.write_template  512 MB 10 s  POST /v1/admin/templates/{letter}/{locale}/versions
        notifications.admin.preview_template  512 MB 10 s  POST /v1/admin/templates/{letter}/{locale}/preview
        notifications.admin.test_template  512 MB 10 s  POST /v1/admin/templates/{letter}/{locale}/test
        notifications.admin.publish_template  512 MB 10 s  POST /v1/admin/templates/{letter}/{locale}/versions/{version}/publish
        notifications.admin.roll_back_template  512 MB 10 s  POST /v1/admin/templates/{letter}/{locale}/rollback
        notifications.jobs.deliver        256 MB 30 s  queue fluxion-mail by 10
        notifications.jobs.on_feedback    256 MB 30 s  queue fluxion-mail-feedback by 10
        notifications.jobs.deliver_text   256 MB 30 s  queue fluxion-texts by 10
        notifications.jobs.on_text_answer  256 MB 30 s  queue fluxion-text-answers by 10
        notifications.unknown             512 MB 10 s  ANY $default
        platform.store.live               512 MB 10 s  GET /health/live
        platform.store.ready              512 MB 10 s  GET /health/ready
        platform.store.openapi            512 MB 10 s  GET /openapi.json
        platform.store.config             512 MB 10 s  GET /v1/store/config
        platform.admin.view_settings      512 MB 10 s  GET /v1/admin/settings
        platform.admin.change_settings    512 MB 10 s  PATCH /v1/admin/settings
        platform.admin.audit              512 MB 10 s  GET /v1/admin/audit
        platform.admin.create_import      512 MB 10 s  POST /v1/admin/imports
        platform.admin.list_imports       512 MB 10 s  GET /v1/admin/imports
        platform.admin.view_import        512 MB 10 s  GET /v1/admin/imports/{id}
        platform.admin.start_import       512 MB 10 s  POST /v1/admin/imports/{id}/start
        platform.admin.cancel_import      512 MB 10 s  POST /v1/admin/imports/{id}/cancel
        platform.admin.list_import_flaws  512 MB 10 s  GET /v1/admin/imports/{id}/flaws
        platform.admin.create_export      512 MB 10 s  POST /v1/admin/exports
        platform.admin.view_export        512 MB 10 s  GET /v1/admin/exports/{id}
        platform.admin.list_queues        512 MB 29 s  GET /v1/admin/queues
        platform.admin.list_dead          512 MB 29 s  GET /v1/admin/queues/{name}/dead
        platform.admin.list_mismatches    512 MB 10 s  GET /v1/admin/reconciliation
        platform.admin.redrive            512 MB 29 s  POST /v1/admin/queues/{name}/redrive
        platform.jobs.relay_outbox        512 MB 30 s  stream fluxion-orders by 100
        platform.jobs.append_audit        512 MB 30 s  queue fluxion-audit by 10
        platform.jobs.run_exchange       1769 MB 300 s  queue fluxion-exchange by 1
        platform.jobs.sweep_outbox        512 MB 50 s  every 60 s
        platform.unknown                  512 MB 10 s  ANY $default
    "#]]
    .assert_eq(&printed);
}

#[test]
fn the_tables_queues_and_secrets_of_the_shop() {
    let shop = shop();
    let mut printed = String::new();
    for table in &shop.tables {
        let indexes: Vec<&str> = table.indexes.iter().map(|index| index.name.as_str()).collect();
        let ttl = table.ttl_attribute.as_deref().unwrap_or("-");
        let stream = table.stream.as_deref().unwrap_or("-");
        writeln!(printed, "{} [{}] ttl {ttl} stream {stream}", table.name, indexes.join(" "))
            .unwrap();
    }
    for queue in &shop.queues {
        writeln!(printed, "{} hides {} s", queue.name, queue.visibility_seconds).unwrap();
    }
    writeln!(printed, "{}", shop.secrets.join(" ")).unwrap();
    expect![[r#"
        fluxion-identity [every] ttl - stream KEYS_ONLY
        fluxion-catalog [by_created by_price by_title by_slug every work] ttl - stream NEW_AND_OLD_IMAGES
        fluxion-inventory [by_location low] ttl expires stream NEW_AND_OLD_IMAGES
        fluxion-carts [] ttl expires stream -
        fluxion-orders [by_customer by_status work] ttl - stream NEW_IMAGE
        fluxion-ledger [] ttl - stream -
        fluxion-ephemeral [] ttl expires stream -
        fluxion-keys [] ttl - stream -
        fluxion-stripe-events hides 180 s
        fluxion-stripe-events-dlq hides 30 s
        fluxion-order-events hides 180 s
        fluxion-order-events-dlq hides 30 s
        fluxion-mail hides 180 s
        fluxion-mail-dlq hides 30 s
        fluxion-audit hides 180 s
        fluxion-audit-dlq hides 30 s
        fluxion-exchange hides 1800 s
        fluxion-exchange-dlq hides 30 s
        fluxion-search.fifo hides 1800 s
        fluxion-search-dlq.fifo hides 30 s
        fluxion-search-orders.fifo hides 1800 s
        fluxion-search-orders-dlq.fifo hides 30 s
        fluxion-search-customers.fifo hides 1800 s
        fluxion-search-customers-dlq.fifo hides 30 s
        fluxion-mail-feedback hides 180 s
        fluxion-mail-feedback-dlq hides 30 s
        fluxion-texts hides 180 s
        fluxion-texts-dlq hides 30 s
        fluxion-text-answers hides 180 s
        fluxion-text-answers-dlq hides 30 s
        fluxion-webhooks hides 180 s
        fluxion-webhooks-dlq hides 30 s
        fluxion-webhook-deliveries hides 180 s
        fluxion-webhook-deliveries-dlq hides 30 s
        fluxion-invoices.fifo hides 180 s
        fluxion-invoices-dlq.fifo hides 30 s
        fluxion-failed-runs-dlq hides 30 s
        fluxion/stripe fluxion/jwt-signing fluxion/jwt-public fluxion/tokens fluxion/factors fluxion/carrier fluxion/front-door
    "#]]
    .assert_eq(&printed);
}

#[test]
fn every_function_is_built_from_its_domain_and_started_by_one_thing() {
    for function in shop().functions {
        let domain = function.handler.split('.').next().unwrap();
        assert_eq!(function.binary, domain, "{}", function.handler);
        // One stack cannot hold all of identity: what staff do there stands in a second one.
        let is_second = function.handler.starts_with("identity.admin.");
        let (file, stack) =
            if is_second { ("admin", "identityadmin") } else { ("template", domain) };
        assert_eq!(function.file, format!("functions/{domain}/{file}.yaml"));
        assert_eq!(function.stack.to_lowercase(), stack);
        // The first owner is made by hand, and so is a new search index: no event leads there.
        let by_hand = [
            "identity.jobs.create_owner",
            "catalog.jobs.rebuild_search",
            "orders.jobs.rebuild_search",
            "identity.jobs.rebuild_search",
        ];
        let triggers = usize::from(!by_hand.contains(&function.handler.as_str()));
        assert_eq!(function.triggers.len(), triggers, "{}", function.handler);
    }
}

/// Source: AWS Lambda developer guide, "Configuring a queue to use with Lambda".
#[test]
fn a_message_stays_hidden_six_times_as_long_as_its_consumer_may_run() {
    let shop = shop();
    for function in &shop.functions {
        for trigger in &function.triggers {
            let Trigger::Queue { queue, batch_size, report_partial } = trigger else { continue };
            let queue = shop.queue(queue).unwrap();
            assert!(queue.visibility_seconds >= 6 * function.timeout_seconds, "{}", queue.name);
            // A file of goods takes minutes, and somebody else's server as long as it likes: they
            // share their calls with no other.
            let is_slow =
                ["fluxion-exchange", "fluxion-webhook-deliveries"].contains(&&*queue.name);
            let batch = if is_slow { 1 } else { 10 };
            assert!(*report_partial && *batch_size == batch, "{}", queue.name);
            let (dead, receives) = queue.redrive.as_ref().unwrap();
            let expected = match queue.name.strip_suffix(".fifo") {
                Some(name) => format!("{name}-dlq.fifo"),
                None => format!("{}-dlq", queue.name),
            };
            assert_eq!((dead.as_str(), *receives), (expected.as_str(), 5));
            assert_eq!(shop.queue(dead).unwrap().retention_seconds, 14 * 86_400);
        }
    }
}

fn may(function: &Function, action: &str, resource: &str) -> bool {
    function.statements.iter().any(|statement| {
        statement.actions.iter().any(|one| one == action)
            && statement.resources.iter().any(|one| one.contains(resource))
    })
}

#[test]
fn every_api_has_one_function_for_what_fits_no_route_and_it_may_do_nothing() {
    let shop = shop();
    let is_default = |trigger: &Trigger| {
        *trigger == Trigger::Http { method: "ANY".to_owned(), path: "$default".to_owned() }
    };
    let domains = |wanted: &dyn Fn(&Function) -> bool| -> BTreeSet<String> {
        shop.functions.iter().filter(|one| wanted(one)).map(|one| one.binary.clone()).collect()
    };
    let is_http = |trigger: &Trigger| matches!(trigger, Trigger::Http { .. });
    assert_eq!(
        domains(&|one| one.triggers.iter().any(is_http)),
        domains(&|one| one.triggers.iter().any(is_default)),
    );
    for function in &shop.functions {
        let is_unknown = function.handler.ends_with(".unknown");
        assert_eq!(function.triggers.iter().any(is_default), is_unknown, "{}", function.handler);
        assert!(!is_unknown || function.statements.is_empty(), "{}", function.handler);
    }
}

/// The doors fetch every secret that they are told of: one that may not be read fails each call.
#[test]
fn who_is_told_of_a_secret_may_read_it_and_nobody_else() {
    let shop = shop();
    for function in shop.functions.iter().filter(|one| !one.handler.ends_with(".unknown")) {
        for secret in &shop.secrets {
            let is_told = function.environment.values().any(|value| value == secret);
            let arn = format!("secret:{secret}-");
            let may = may(function, "secretsmanager:GetSecretValue", &arn)
                || may(function, "secretsmanager:DescribeSecret", &arn);
            assert_eq!(is_told, may, "{} and {secret}", function.handler);
        }
    }
}

/// Items of many kinds share a table: a function is let at the kinds that it needs. An index holds
/// one kind by itself.
#[test]
fn who_touches_a_shared_table_is_held_to_kinds_of_items() {
    let shop = shop();
    for table in &shop.tables {
        for function in &shop.functions {
            let touching = function.statements.iter().filter(|statement| {
                statement.resources.contains(&table.arn)
                    && statement.actions != ["dynamodb:DescribeTable"]
            });
            for statement in touching {
                let keys = &statement.condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
                let place = format!("{} {}", function.handler, statement.sid);
                let keys: Vec<&str> =
                    keys.as_array().expect(&place).iter().filter_map(|key| key.as_str()).collect();
                assert!(!keys.is_empty() && !keys.contains(&"*"), "{place}");
            }
        }
    }
}

#[test]
fn only_a_download_reads_files_and_it_is_told_where_they_are() {
    let shop = shop();
    let who = |action: &str, prefix: &str| -> Vec<String> {
        let keys = format!("arn:aws:s3:::fluxion-files-000000000000/{prefix}*");
        let able = shop.functions.iter().filter(|one| may(one, action, &keys));
        able.map(|one| one.handler.clone()).collect()
    };
    assert_eq!(who("s3:GetObject", "files/"), ["orders.store.download"]);
    // What was sent is written by whoever signs its form, and read by the job that looks at it.
    assert_eq!(who("s3:PutObject", "uploads/"), ["media.admin.upload"]);
    assert_eq!(who("s3:GetObject", "uploads/"), ["media.jobs.on_uploaded"]);
    // What everybody sees is written by that job alone.
    assert_eq!(who("s3:PutObject", "media/"), ["media.jobs.on_uploaded"]);
    assert_eq!(who("s3:DeleteObject", "media/"), ["media.admin.delete"]);
    // Files of goods come in and go out by the one job, signed for by whoever made the order.
    assert_eq!(who("s3:PutObject", "imports/"), ["platform.admin.create_import"]);
    let readers = ["platform.admin.start_import", "platform.jobs.run_exchange"];
    assert_eq!(who("s3:GetObject", "imports/"), readers);
    // Of the files that go out, what is known of a customer is another job's, lent by whoever has
    // the link.
    assert_eq!(who("s3:PutObject", "exports/exp_"), ["platform.jobs.run_exchange"]);
    assert_eq!(who("s3:PutObject", "exports/customers/"), ["identity.jobs.serve_privacy"]);
    assert_eq!(who("s3:GetObject", "exports/customers/"), ["identity.store.open_export"]);
    // Invoices are written by one job, lent by two, shown to banks by the job that answers them,
    // and deleted by nobody.
    assert_eq!(who("s3:PutObject", "papers/"), ["orders.jobs.issue_invoice"]);
    let readers = ["payments.jobs.on_stripe_event", "orders.store.invoice", "orders.admin.invoice"];
    assert_eq!(who("s3:GetObject", "papers/"), readers);
    assert_eq!(who("s3:DeleteObject", "papers/"), Vec::<String>::new());
    // Each search index has one writer; those that are personal have one reader beside it.
    assert_eq!(who("s3:PutObject", "search/products/"), ["catalog.jobs.index_products"]);
    let of_orders = ["orders.admin.list", "orders.jobs.index_orders"];
    assert_eq!(who("s3:GetObject", "search/orders/"), of_orders);
    assert_eq!(who("s3:PutObject", "search/orders/"), of_orders[1..]);
    let of_customers = ["identity.jobs.index_customers", "identity.admin.list_customers"];
    assert_eq!(who("s3:GetObject", "search/customers/"), of_customers);
    assert_eq!(who("s3:PutObject", "search/customers/"), of_customers[..1]);
    let url = "https://fluxion-files-000000000000.s3.eu-central-1.amazonaws.com";
    for function in &shop.functions {
        let signs = [
            "identity.store.open_export",
            "media.admin.upload",
            "orders.store.download",
            "orders.store.invoice",
            "orders.admin.invoice",
            "platform.admin.create_import",
            "platform.admin.view_export",
            "platform.admin.view_import",
        ];
        let signs = signs.contains(&function.handler.as_str());
        let told = function.environment.get("FILES_URL").map(String::as_str);
        assert_eq!(told, signs.then_some(url), "{}", function.handler);
    }
}

/// And the job that replaces it.
#[test]
fn only_login_and_refresh_read_the_signing_key() {
    let shop = shop();
    let readers: BTreeSet<&str> = shop
        .functions
        .iter()
        .filter(|one| may(one, "secretsmanager:GetSecretValue", "/jwt-signing"))
        .map(|one| one.handler.as_str())
        .collect();
    let signing = [
        "identity.admin.mfa",
        "identity.admin.refresh",
        "identity.jobs.rotate_signing_key",
        "identity.store.login",
        "identity.store.refresh",
    ];
    assert_eq!(readers, BTreeSet::from(signing));
}

#[test]
fn only_what_checks_codes_reads_the_keys_of_second_factors() {
    let shop = shop();
    let readers: BTreeSet<&str> = shop
        .functions
        .iter()
        .filter(|one| may(one, "secretsmanager:GetSecretValue", "/factors"))
        .map(|one| one.handler.as_str())
        .collect();
    let checking = ["identity.admin.login", "identity.admin.mfa", "identity.admin.step_up"];
    assert_eq!(readers, BTreeSet::from(checking));
}

#[test]
fn the_ledger_is_only_ever_appended_to() {
    for function in shop().functions {
        for action in ["dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"] {
            assert!(!may(&function, action, "table/fluxion-ledger"), "{}", function.handler);
        }
    }
}

#[test]
fn no_statement_has_a_wildcard_action_or_a_resource_it_could_name() {
    for function in shop().functions {
        let mut sids = BTreeSet::new();
        for statement in &function.statements {
            let place = format!("{} {}", function.handler, statement.sid);
            assert!(sids.insert(statement.sid.clone()), "{place} stands twice");
            assert!(!statement.sid.is_empty(), "{place}");
            assert!(statement.actions.iter().all(|action| !action.contains('*')), "{place}");
            assert!(!statement.actions.contains(&"dynamodb:Scan".to_owned()), "{place}");
            // A telephone number is no resource, and topics are denied beside it.
            let account_wide = [["ses:GetSendQuota"], ["sns:Publish"]];
            let is_account_wide = account_wide.iter().any(|one| statement.actions == *one);
            assert!(is_account_wide || !statement.resources.contains(&"*".to_owned()), "{place}");
        }
    }
}

#[test]
fn whoever_may_touch_a_table_is_told_its_name() {
    let shop = shop();
    for function in &shop.functions {
        for table in &shop.tables {
            let is_granted = function
                .statements
                .iter()
                .any(|statement| statement.resources.iter().any(|one| one.starts_with(&table.arn)));
            let is_named = function.environment.values().any(|value| *value == table.name);
            assert!(
                !is_granted || is_named,
                "{}: {} has no variable",
                function.handler,
                table.name
            );
        }
    }
}
