//! What is shown of our things. Views are made of domain types and never read back.

pub mod account;
pub mod audit;
pub mod cart;
pub mod catalog;
pub mod customer;
pub mod exchange;
pub mod fulfillment;
pub mod gift_card;
pub mod inventory;
pub mod invoice;
pub mod key_pool;
pub mod letter;
pub mod letter_template;
pub mod media;
pub mod order;
pub mod order_desk;
pub mod product;
pub mod promotion;
pub mod queue;
pub mod reconciliation;
pub mod refund;
pub mod search;
pub mod staff;
pub mod timeline;
pub mod webhook;
