//! Every integration test, in one binary: linking two AWS clients and a database once per file would be most of the
//! compile time.
//!
//! Tests of real programs (the provider, moto, the AWS CLI, Chromium) ask [`support::peers`] for them. `tests/run` says
//! where they are; a plain `cargo test` skips those tests and says so.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod canaries;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod ledger_down;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod support;
