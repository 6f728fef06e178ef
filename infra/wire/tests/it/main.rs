//! The emulated AWS, spoken to by the real SDK clients.

mod dynamodb;
mod faults;
mod iam;
mod mail;
mod queues;
mod secrets;
mod world;
