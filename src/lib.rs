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
//!
//! # Cutting off, step by step
//!
//! `app::cut_off` writes down whose sessions, in the transaction after which the gate says no to them. Then one broker at a
//! time makes the deny ([`domain::cut_off::Deny`]) of all that is written down, has the lab's steward role write it at the
//! session role, reads it back, and has a session of its own denied. Whatever is not at AWS yet stays due, so a stop loses
//! nothing.
//!
//! # What keeps labs apart
//!
//! 1. Proof: a lab's data is reached with a [`domain::access::LabAccess`], its AWS account with an
//!    [`domain::access::Allowed`]. Only the gate makes them, out of rows that only the store reads. One proof for a
//!    manager's work and one for a PI's; an operator's is neither, and comes from this
//!    machine or from the settings alone.
//! 2. One door: `store::Tx::lab` takes such a proof and gives a `LabTx`; nothing else runs a statement on one lab's data.
//! 3. The statement: its text binds the lab as `$1`, or it does not compile, and the door fills it in.
//! 4. The keys: `(lab_id, …)`, primary and foreign, so no row of one lab can point into another.
//! 5. PostgreSQL's row security, forced, with a login that it holds for; the broker refuses to start as any other.
//! 6. Tests over all statements and all routes, which fail when a statement forgets its lab or a route its caller.
//!
//! What crosses labs on purpose is a short list of statements of its own kind: the gate's, somebody's own roles, the
//! operator's, the sweep's.

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
