//! Stories: the shop as a shopper, a merchant, a provider or a storm meets it.

mod crash;
mod host;
mod opening;
mod purchase;
mod world;
