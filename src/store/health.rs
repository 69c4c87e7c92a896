//! Whether the database is as it should be: who the broker is to it, what it may do, and what the operator should know.

use chrono::{DateTime, Utc};
use sqlx::{Executor, PgConnection};

use super::address::Address;
use super::sql::LAB_TABLES;
use super::{Database, Error, Result, Store};

/// What the broker's login may do to each table; everything that is not listed gets [`ALL`]. An entry of the ledger is
/// written once, so nobody who answers requests may change one, whatever the triggers say.
const GRANTS: [(&str, &str); 4] = [
    ("_sqlx_migrations", "select"),
    ("ledger_entry", "select, insert"),
    ("ledger_book", "select, insert, update"),
    ("mapping_revision", "select, insert"),
];

const ALL: &str = "select, insert, update, delete";

/// A login that must not be the broker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Row security does not hold for it.
    #[error(
        "the broker's login `{0}` is a superuser, for whom row security does not hold; give the broker a login of its own"
    )]
    Superuser(String),
    /// Row security does not hold for it.
    #[error("the broker's login `{0}` has BYPASSRLS; take it away: alter role {0} nobypassrls")]
    BypassesRowSecurity(String),
    /// It can become a role for which row security does not hold.
    #[error(
        "the broker's login `{0}` is a member of `{1}`, for whom row security does not hold; take it away: revoke {1} \
         from {0}"
    )]
    MayBecome(String, String),
    /// It could take row security off.
    #[error(
        "the broker's login `{0}` owns the table {1}, or is a member of the role that does; migrate as another login"
    )]
    Owner(String, String),
    /// Somebody took it off.
    #[error("row security is not on, or not forced, for the table {0}; restore the schema or ask who changed it")]
    RowSecurityOff(String),
    /// It is on, and something lets this login past it.
    #[error(
        "the broker's login sees rows of the table {0} without being in any lab; restore the schema or ask who changed \
         its policies, or set `lodge.lab` for the login or the database"
    )]
    SeesRows(String),
    /// It could rewrite the ledger.
    #[error("the broker's login `{0}` may change entries of the ledger; run `lodged migrate`, which sets its rights")]
    MayChangeLedger(String),
    /// It has none, as after a restore without them.
    #[error("the broker's login `{0}` has no rights on the tables; run `lodged migrate`, which sets its rights")]
    NoRights(String),
    /// The server does not know it.
    #[error("the server does not know the broker's login `{0}`; make it: create role {0} login password '…'")]
    Unknown(String),
    /// The URL does not say.
    #[error("the URL must name the broker's login: postgres://LOGIN@HOST/DATABASE")]
    Unnamed,
}

impl Store {
    /// That the login is one for whom row security holds. SQLite has neither.
    pub(super) async fn check_login(&self) -> Result<()> {
        let Database::Postgres(store) = &self.database else { return Ok(()) };
        let refuse = |error| Err(Error::Login(error));
        // Itself first, then whatever it is a member of, and so can become.
        let roles: Vec<(String, bool, bool, String)> = sqlx::query_as(
            "select rolname::text, rolsuper, rolbypassrls, current_user::text from pg_roles \
             where pg_has_role(current_user, oid, 'member') order by rolname <> current_user, rolname",
        )
        .fetch_all(&store.pool)
        .await?;
        let unbound = roles.into_iter().find(|(_, is_superuser, bypasses, _)| *is_superuser || *bypasses);
        if let Some((role, is_superuser, _, login)) = unbound {
            return refuse(match () {
                () if role != login => LoginError::MayBecome(login, role),
                () if is_superuser => LoginError::Superuser(login),
                () => LoginError::BypassesRowSecurity(login),
            });
        }
        let (login,): (String,) = sqlx::query_as("select current_user::text").fetch_one(&store.pool).await?;
        let tables: Vec<(String, bool, bool)> = sqlx::query_as(
            "select relname::text, relrowsecurity and relforcerowsecurity, pg_has_role(current_user, relowner, 'member') \
             from pg_class where relnamespace = to_regnamespace(current_schema()::text) and relkind in ('r', 'p') \
             order by relname",
        )
        .fetch_all(&store.pool)
        .await?;
        if let Some((table, ..)) = tables.iter().find(|(.., is_owner)| *is_owner) {
            return refuse(LoginError::Owner(login, table.clone()));
        }
        let is_secured = |name: &&str| tables.iter().any(|(table, secured, _)| table == name && *secured);
        if let Some(table) = LAB_TABLES.into_iter().find(|table| !is_secured(table)) {
            return refuse(LoginError::RowSecurityOff(table.to_owned()));
        }
        let shown: Option<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(shown())).fetch_optional(&store.pool).await?;
        if let Some((table,)) = shown {
            return refuse(LoginError::SeesRows(table));
        }
        // A right to one column is no right to the table, and one of a role that it can become is none of its own.
        let (may_change,): (bool,) = sqlx::query_as(
            "select exists (select 1 from pg_roles where pg_has_role(current_user, oid, 'member') \
             and (has_table_privilege(oid, 'ledger_entry', 'update, delete, truncate') \
             or has_any_column_privilege(oid, 'ledger_entry', 'update')))",
        )
        .fetch_one(&store.pool)
        .await?;
        if may_change { refuse(LoginError::MayChangeLedger(login)) } else { Ok(()) }
    }
}

/// The first table that shows a row to who has entered no lab. It sees through policies that were added or changed.
fn shown() -> String {
    let each = LAB_TABLES.map(|table| format!("select '{table}' as name where exists (select 1 from {table})"));
    format!("{} limit 1", each.join(" union all "))
}

/// Gives the broker's login what it needs and no more.
pub(super) async fn grant(connection: &mut PgConnection, broker: &Address) -> Result<()> {
    let Address::Postgres(broker) = broker else { return Ok(()) };
    let login = broker.url.username();
    if login.is_empty() {
        return Err(Error::Login(LoginError::Unnamed));
    }
    let known: Option<(String, String)> = sqlx::query_as(
        "select quote_ident(rolname), quote_ident(current_schema()::text) from pg_roles where rolname = $1",
    )
    .bind(login)
    .fetch_optional(&mut *connection)
    .await?;
    let (login, schema) = known.ok_or_else(|| Error::Login(LoginError::Unknown(login.to_owned())))?;
    let tables: Vec<(String, String)> = sqlx::query_as(
        "select relname::text, quote_ident(relname) from pg_class \
         where relnamespace = to_regnamespace(current_schema()::text) and relkind = 'r' order by relname",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut statements = format!("begin; grant usage on schema {schema} to {login};");
    for (name, quoted) in tables {
        let rights = GRANTS.into_iter().find(|(table, _)| *table == name).map_or(ALL, |(_, rights)| rights);
        statements.extend([
            format!("revoke all on {quoted} from {login};"),
            format!("grant {rights} on {quoted} to {login};"),
        ]);
    }
    statements.push_str("commit;");
    // Every name in it was quoted by the server.
    connection.execute(sqlx::AssertSqlSafe(statements)).await?;
    Ok(())
}

/// What an operator should know of the database.
#[derive(Clone, Debug)]
pub struct Health {
    /// What it is: `SQLite 3.50.1`, `PostgreSQL 15.18`.
    pub version: String,
    /// What its clock says, when it has one of its own.
    pub server_time: Option<DateTime<Utc>>,
    /// What was looked at.
    pub findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: &'static str,
    /// What is wrong with it, if anything.
    pub problem: Option<String>,
}

/// What a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its program: `SQLite 3.50.1`, `PostgreSQL 15.18`.
    pub version: String,
    /// The latest migration that its schema has had.
    pub migration: i64,
}

impl Store {
    /// What the database is.
    ///
    /// # Errors
    ///
    /// When it is away.
    pub async fn about(&self) -> Result<About> {
        const SCHEMA: &str = "select max(version) from _sqlx_migrations where success";
        let (version, (migration,)): (String, (i64,)) = match &self.database {
            Database::Sqlite(store) => {
                let (version,): (String,) = sqlx::query_as("select sqlite_version()").fetch_one(&store.readers).await?;
                (format!("SQLite {version}"), sqlx::query_as(SCHEMA).fetch_one(&store.readers).await?)
            }
            Database::Postgres(store) => {
                let asked = sqlx::query_as("select current_setting('server_version')");
                let (version,): (String,) = asked.fetch_one(&store.pool).await?;
                (format!("PostgreSQL {version}"), sqlx::query_as(SCHEMA).fetch_one(&store.pool).await?)
            }
        };
        Ok(About { version, migration })
    }

    /// Looks at the database more closely than opening it does. Reads all of a SQLite file.
    ///
    /// # Errors
    ///
    /// When it is away.
    pub async fn health(&self) -> Result<Health> {
        let mut findings = Vec::new();
        let (version, server_time) = match &self.database {
            Database::Sqlite(store) => {
                let (version,): (String,) = sqlx::query_as("select sqlite_version()").fetch_one(&store.readers).await?;
                let problems: Vec<(String,)> =
                    sqlx::query_as("pragma quick_check(10)").fetch_all(&store.readers).await?;
                let problem = problems.into_iter().map(|(problem,)| problem).find(|problem| problem != "ok");
                findings.push(Finding { what: "database file", problem });
                (format!("SQLite {version}"), None)
            }
            Database::Postgres(store) => {
                let (version, now): (String, DateTime<Utc>) =
                    sqlx::query_as("select current_setting('server_version'), clock_timestamp()")
                        .fetch_one(&store.pool)
                        .await?;
                (format!("PostgreSQL {version}"), Some(now))
            }
        };
        let wrong_books = self.read().await?.count_wrong_books().await?;
        let problem = (wrong_books > 0).then(|| format!("{wrong_books} books do not have the entries that they count"));
        findings.push(Finding { what: "ledger", problem });
        Ok(Health { version, server_time, findings })
    }
}
