//! The vocabulary and the rules. Pure and synchronous: no axum, sqlx, AWS SDK, reqwest or tokio, no clock, no
//! randomness. What belongs here is what would still be true if the broker were written on paper.

pub mod access;
pub mod account;
pub mod actor;
pub mod canonical;
pub mod claims;
pub mod cut_off;
pub mod id;
pub mod lab;
pub mod ledger;
pub mod limits;
pub mod mapping;
pub mod person;
pub mod policy;
pub mod role_session;
pub mod sign_in;
pub mod why;
