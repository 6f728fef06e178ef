//! The commerce core: what is true in a shop with paper and a bell.
//!
//! Nothing here is async, does I/O, reads a clock or rolls dice. Time, ids and randomness are
//! inputs; every decision is a function from facts to facts or to a [`Refusal`](cart::Refusal).

pub mod account;
pub mod address;
pub mod address_book;
pub mod allocation;
pub mod api_key;
pub mod audit;
pub mod carrier;
pub mod cart;
pub mod catalog;
pub mod currency;
pub mod doctor;
pub mod email_change;
pub mod event;
pub mod exchange;
pub mod fault;
pub mod forecast;
pub mod fulfillment;
pub mod gift_card;
pub mod id;
pub mod invoice;
pub mod key_pool;
pub mod letter_template;
pub mod limit;
pub mod location;
pub mod media;
pub mod message;
pub mod money;
pub mod movement;
pub mod order;
pub mod paper;
pub mod password;
pub mod payment;
pub mod permission;
pub mod pricing;
pub mod promotion;
pub mod reconciliation;
pub mod refund;
pub mod reservation;
pub mod shipping;
pub mod shop;
pub mod staff;
pub mod stock;
pub mod synonym;
pub mod tax;
pub mod timeline;
pub mod totp;
pub mod transfer;
pub mod vat_id;
pub mod webhook;
