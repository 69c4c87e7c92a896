//! How statements are written, and how they are run on either database.
//!
//! Each is a constant beside the function that runs it, in the subset that SQLite and PostgreSQL both understand: `$1`
//! parameters, lower-case keywords, no dialect functions, times bound and never asked of the database. There are three
//! kinds, and each can only be run in its own way:
//!
//! - [`Sql`] touches no lab's data: people, sessions, sign-ins.
//! - [`LabSql`] touches one lab's, whose id is always `$1`. A text that forgets it does not compile. That check reads
//!   the text only: a smoke alarm. The keys `(lab_id, …)` and PostgreSQL's row security stand behind it.
//! - [`AcrossSql`] looks at the data of more labs than one, or of a lab that the caller is not in yet. There are few of
//!   them, each for the gate, for somebody's own roles, for the operator or for the sweep.

/// A statement that touches no lab's data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sql(&'static str);

/// A statement on one lab's data.
#[derive(Clone, Copy, Debug)]
pub(super) struct LabSql(&'static str);

/// A statement on the data of more labs than one.
#[derive(Clone, Copy, Debug)]
pub(super) struct AcrossSql(&'static str);

/// Tables that hold labs' data.
pub const LAB_TABLES: [&str; 18] = [
    "lab",
    "lab_role",
    "mapping",
    "mapping_change",
    "standing",
    "invitation",
    "ledger_entry",
    "ledger_book",
    "open_attempt",
    "lab_person",
    "role_session",
    "mapping_revision",
    "idempotent_request",
    "lab_account",
    "lab_account_role",
    "account_check",
    "cut_off",
    "lab_deny",
];

impl Sql {
    pub(super) const fn new(text: &'static str) -> Self {
        Self(text)
    }

    pub(super) const fn text(self) -> &'static str {
        self.0
    }
}

impl LabSql {
    pub(super) const fn new(text: &'static str) -> Self {
        assert!(
            // A lab's own row, and its ledger, call the lab otherwise.
            contains(text, "lab_id = $1")
                || contains(text, "(lab_id,")
                || contains(text, "lab.id = $1")
                || contains(text, "book = $1")
                || contains(text, "(book,"),
            "a statement on a lab's data must bind the lab as $1"
        );
        Self(text)
    }

    pub(super) const fn text(self) -> &'static str {
        self.0
    }
}

impl AcrossSql {
    pub(super) const fn new(text: &'static str) -> Self {
        Self(text)
    }

    pub(super) const fn text(self) -> &'static str {
        self.0
    }
}

const fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let mut start = 0;
    while start + part.len() <= text.len() {
        let mut matched = 0;
        while matched < part.len() && text[start + matched] == part[matched] {
            matched += 1;
        }
        if matched == part.len() {
            return true;
        }
        start += 1;
    }
    false
}

/// A statement as the tests look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The constant that it is.
    pub name: &'static str,
    /// The text.
    pub text: &'static str,
    /// How it can be run.
    pub kind: Kind,
}

/// Which of the three kinds a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It touches no lab's data.
    Platform,
    /// It touches one lab's data, whose id is `$1`.
    Lab,
    /// It looks at the data of more labs than one.
    Across,
}

/// Statements of each kind, and a list of them for the tests.
macro_rules! statements {
    ($(platform { $($(#[$p_doc:meta])* $p:ident = $p_sql:literal;)* })?
     $(lab { $($(#[$l_doc:meta])* $l:ident = $l_sql:literal;)* })?
     $(across { $($(#[$a_doc:meta])* $a:ident = $a_sql:literal;)* })?) => {
        $($($(#[$p_doc])* const $p: $crate::store::sql::Sql = $crate::store::sql::Sql::new($p_sql);)*)?
        $($($(#[$l_doc])* const $l: $crate::store::sql::LabSql = $crate::store::sql::LabSql::new($l_sql);)*)?
        $($($(#[$a_doc])* const $a: $crate::store::sql::AcrossSql = $crate::store::sql::AcrossSql::new($a_sql);)*)?
        pub(in crate::store) const ALL: &[$crate::store::sql::Listed] = {
            use $crate::store::sql::{Kind, Listed};
            &[
                $($(Listed { name: stringify!($p), text: $p.text(), kind: Kind::Platform },)*)?
                $($(Listed { name: stringify!($l), text: $l.text(), kind: Kind::Lab },)*)?
                $($(Listed { name: stringify!($a), text: $a.text(), kind: Kind::Across },)*)?
            ]
        };
    };
}

/// Runs an [`Sql`] in a `Tx`: `run!(tx, execute STATEMENT, values…)` gives the number of rows, `run!(tx, fetch_all Row:
/// STATEMENT, values…)` the rows.
macro_rules! run {
    ($tx:expr, execute $sql:expr $(, $value:expr)* $(,)?) => {{
        let sql: $crate::store::sql::Sql = $sql;
        $crate::store::sql::run_text!($tx, execute sql.text() $(, $value)*)
    }};
    ($tx:expr, $fetch:ident $row:ty: $sql:expr $(, $value:expr)* $(,)?) => {{
        let sql: $crate::store::sql::Sql = $sql;
        $crate::store::sql::run_text!($tx, $fetch $row: sql.text() $(, $value)*)
    }};
}

/// Runs a [`LabSql`] in a `LabTx` (or a `BookTx`), with the lab (or the book) as `$1`.
macro_rules! run_in_lab {
    ($lab:expr, execute $sql:expr $(, $value:expr)* $(,)?) => {{
        let sql: $crate::store::sql::LabSql = $sql;
        $crate::store::sql::run_text!($lab.tx, execute sql.text(), $lab.lab.as_str() $(, $value)*)
    }};
    ($lab:expr, $fetch:ident $row:ty: $sql:expr $(, $value:expr)* $(,)?) => {{
        let sql: $crate::store::sql::LabSql = $sql;
        $crate::store::sql::run_text!($lab.tx, $fetch $row: sql.text(), $lab.lab.as_str() $(, $value)*)
    }};
}

/// Runs an [`AcrossSql`] in a `Tx`, which from then on sees all labs until it enters one.
macro_rules! run_across {
    ($tx:expr, execute $sql:expr $(, $value:expr)* $(,)?) => {{
        let sql: $crate::store::sql::AcrossSql = $sql;
        $tx.enter($crate::store::Scope::Across).await?;
        $crate::store::sql::run_text!($tx, execute sql.text() $(, $value)*)
    }};
    ($tx:expr, $fetch:ident $row:ty: $sql:expr $(, $value:expr)* $(,)?) => {{
        let sql: $crate::store::sql::AcrossSql = $sql;
        $tx.enter($crate::store::Scope::Across).await?;
        $crate::store::sql::run_text!($tx, $fetch $row: sql.text() $(, $value)*)
    }};
}

/// The one place where a text meets a connection.
macro_rules! run_text {
    ($tx:expr, execute $text:expr $(, $value:expr)*) => {
        match &mut $tx.inner {
            $crate::store::Inner::Sqlite(tx) => {
                let done = sqlx::query($text)$(.bind($value))*.execute(&mut **tx).await;
                done.map(|done| done.rows_affected()).map_err($crate::store::Error::from)
            }
            $crate::store::Inner::Postgres(held) => {
                let statement = sqlx::query($text)$(.bind($value))*;
                let done = held.ask(async |connection| statement.execute(connection).await).await;
                done.map(|done| done.rows_affected())
            }
        }
    };
    ($tx:expr, $fetch:ident $row:ty: $text:expr $(, $value:expr)*) => {
        match &mut $tx.inner {
            $crate::store::Inner::Sqlite(tx) => {
                let rows = sqlx::query_as::<_, $row>($text)$(.bind($value))*.$fetch(&mut **tx).await;
                rows.map_err($crate::store::Error::from)
            }
            $crate::store::Inner::Postgres(held) => {
                let statement = sqlx::query_as::<_, $row>($text)$(.bind($value))*;
                held.ask(async |connection| statement.$fetch(connection).await).await
            }
        }
    };
}

pub(super) use {run, run_across, run_in_lab, run_text, statements};

#[cfg(test)]
mod tests {
    use super::*;

    /// In a `const`, as every statement is, the panic is an error of the compiler. No example in the documentation can
    /// show that: nothing outside `store` sees the type.
    #[test]
    fn a_statement_that_forgets_the_lab_is_noticed() {
        let forgets = |text: &'static str| std::panic::catch_unwind(|| LabSql::new(text)).is_err();

        assert!(forgets("select id from mapping where id = $1"));
        assert!(forgets("select id from mapping where lab_id = $2"));
        assert!(!forgets("select id from mapping where lab_id = $1 and id = $2"));
        assert!(!forgets("insert into mapping (lab_id, id) values ($1, $2)"));
    }
}
