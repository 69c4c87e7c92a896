//! Labs cannot see each other, whatever a statement, a row or a login gets wrong.
//!
//! There are two databases: in one are the labs A and B, in the other B alone. Whatever is done for B must give the same
//! answer in both, leave the same rows of B, and leave every row of A as it was. Each statement is then run once more with
//! its lab left out: it must now reach A, or the test could not see a fault at all. On PostgreSQL that faulty statement is
//! run a third time by the broker's login, and row security must stop it.
//!
//! The statements come from [`lodge::store::all_statements`], the tables from [`lodge::store::LAB_TABLES`] and from the
//! database itself. One that is new fails a test here by name until somebody has said how it can be tried.

mod across;
mod fixture;
mod logins;
mod raw_sql;
mod row_security;
mod schema;
mod statements;
