//! The endpoint kit: who is calling, what they bring, what they get.
//!
//! An endpoint's signature says it all: `Call<CartOwner, (Path<CartPath>, Body<AddLine>)>` in,
//! `Reply<CartView>` out. The types read the request, collect *every* flaw, and describe
//! themselves for the OpenAPI document. Nothing here knows a table, a vendor or Lambda.

pub mod cors;
pub mod cursor;
pub mod download;
pub mod form;
pub mod headers;
pub mod input;
mod json;
pub mod openapi;
pub mod problem;
pub mod refusals;
pub mod reply;
pub mod request;
pub mod seal;
pub mod token;
pub mod view;
pub mod who;

pub use form::{Fields, Form, Rule};
pub use input::{Body, IfMatch, Input, KeyRequired, Path, Query, Raw};
pub use problem::{Flaw, Problem};
pub use reply::{Accepted, Answer, Cached, Created, NoContent, Output, Reply, Versioned};
pub use request::Request;
pub use who::{
    Anyone, CartOwner, Customer, FreshCustomer, Guard, Member, Metered, OrderReader, Perhaps,
    SignedIn, Staff, Who,
};
