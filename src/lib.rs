//! Lodge gives members of a university lab short-lived, scoped AWS credentials.
//!
//! A person signs in through the university's OpenID Connect provider; the broker maps their groups to a role of the
//! lab, calls STS `AssumeRole` in the lab's own account with a session policy, records what it did, and hands back
//! credentials that die within the hour. Nobody holds a long-term IAM secret key.
//!
//! # The map
//!
//! | module | is for | may name |
//! |---|---|---|
//! | [`domain`] | the vocabulary and the rules: pure, synchronous | itself |
//! | `store` | the database; the only module that names sqlx | `domain` |
//! | `aws` | STS; the only module that names the AWS SDK | `domain` |
//! | `oidc` | sign-in at a university's provider | `domain` |
//! | `app` | the use cases: sequences domain and world | `domain`, `store`, `aws`, `oidc` |
//! | `console` | the pages | `app`, `domain`, `wire` |
//! | `http` | the API, our authorization server, the routes | `app`, `console`, `domain`, `wire` |
//! | [`wire`] | bodies that broker and helper both speak | itself |
//! | `cli` | the helper | `wire`, `domain::id` |
//! | `demo` | a small identity provider and a small AWS | `domain::policy`, `domain::id` |
//! | `playground` | the demo's parts put together, for `lodged demo` and the tests | everything but `http`, `console`, `cli` |
//! | [`ambient`] | clock and randomness, handed in from outside | itself; never named by `domain`, `store`, `aws`, `oidc` |
//! | `config` | settings, for the modules they configure | `domain`, `oidc`, `store` |
//! | [`telemetry`] | logs | itself; named by everybody but `domain` |
//! | `server_time` | what other machines' clocks say | itself; named by `aws`, `oidc`, `bin` |
//! | [`private_file`] | files that nobody else may read | itself; named by `app`, `store`, `config`, `cli`, `bin` |
//!
//! `tests/architecture.rs` reads `src/` and fails when an arrow runs the other way.
//!
//! # One credential, step by step
//!
//! `http` extracts who asks; `app::issue` decides ([`domain::access`]), fills the role's template into a
//! [`domain::policy::SessionPolicy`], writes `Attempted` to the ledger, calls STS, checks the answer, writes `Issued`,
//! and only then lets the credential leave. Anything that fails on the way is `Refused` or `Failed` in the ledger, and
//! nothing is issued.

pub mod ambient;
#[cfg(feature = "server")]
pub mod app;
#[cfg(feature = "server")]
pub mod aws;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod console;
#[cfg(feature = "demo")]
pub mod demo;
pub mod domain;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub mod oidc;
#[cfg(feature = "demo")]
pub mod playground;
pub mod private_file;
#[cfg(feature = "server")]
pub mod server_time;
#[cfg(feature = "server")]
pub mod store;
pub mod telemetry;
pub mod wire;
