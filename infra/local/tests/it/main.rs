//! Stories: the shop as a shopper, a merchant, a provider or a storm meets it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::needless_pass_by_value,
    clippy::assigning_clones,
    clippy::similar_names,
    unreachable_pub,
    reason = "a story that meets something else than it expects shall panic"
)]

mod accounts;
mod audit;
mod bad_input;
mod batches;
mod budgets;
mod caching;
mod callers;
mod canaries;
mod captures;
mod catalog_admin;
mod completion;
mod configuration;
mod contract;
mod crash;
mod crowd;
mod data_keys;
mod disputes;
mod drafts;
mod exchanges;
mod fraud_warnings;
mod front_door;
mod gift_cards;
mod host;
mod iam;
mod imports;
mod inventory;
mod key_pools;
mod killed;
mod labels;
mod letter_templates;
mod letters;
mod limits;
mod listen;
mod media;
mod mutants;
mod oddities;
mod opening;
mod order_changes;
mod order_edits;
mod papers;
mod parcels;
mod payment_plan;
mod pictures;
mod privacy;
mod promotions;
mod provider_page;
mod purchase;
mod queues;
mod races;
mod receiver;
mod reconciliation;
mod refunds;
mod refusals;
mod repeats;
mod returns;
mod rotation;
mod rows;
mod search;
mod settings;
mod staff;
mod staff_search;
mod storm;
mod telemetry;
mod texts;
mod topics;
mod tour;
mod tracking;
mod webhooks;
mod world;

/// A tenth of what the stories take is memory taken and given back.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;
