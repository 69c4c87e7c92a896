//! The two databases that a broker runs on, for tests that are told on either.

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file.
    Sqlite,
    /// A database of a server.
    Postgres,
}
