//! `[database]`: a file, or a server with a login and perhaps the login of the tables' owner.
//!
//! No message of this module repeats the URL as it was written: a password may stand in it by mistake.

use std::path::Path;

use secrecy::SecretString;
use url::Url;

use super::load::{secret, value};
use super::{Config, Database, Error};
use crate::private_file;
use crate::store::{Address, Postgres};

/// What a URL looks like that is taken.
const FORM: &str = "postgres://LOGIN@HOST/DATABASE";

/// What the section says, without any password.
enum Place<'a> {
    Sqlite(&'a Path),
    Postgres {
        url: Url,
        /// The same with the owner's login.
        owner: Option<Url>,
    },
}

impl Config {
    /// Where the database is, with the broker's own login.
    ///
    /// # Errors
    ///
    /// When the password's file cannot be read, is empty, or may be read by others.
    pub fn database(&self) -> Result<Address, Error> {
        Ok(match self.database.place()? {
            Place::Sqlite(file) => Address::Sqlite(file.to_owned()),
            Place::Postgres { url, .. } => Address::Postgres(Postgres { url, password: self.database.password()? }),
        })
    }

    /// Where the database is, with the login that owns the tables: what `lodged migrate` and `lodged backup` use. A
    /// SQLite file has no logins, and is the same to everybody.
    ///
    /// # Errors
    ///
    /// As [`Config::database`], and when no owner is set.
    pub fn database_owner(&self) -> Result<Address, Error> {
        Ok(match self.database.place()? {
            Place::Sqlite(file) => Address::Sqlite(file.to_owned()),
            Place::Postgres { owner: None, .. } => {
                return Err(value("database.owner", "this needs the login that owns the tables, and none is set"));
            }
            Place::Postgres { owner: Some(url), .. } => {
                let password = password("database.owner_password_file", self.database.owner_password_file.as_deref())?;
                Address::Postgres(Postgres { url, password })
            }
        })
    }
}

impl Database {
    pub(super) fn check(&self) -> Result<(), Error> {
        self.place().map(|_| ())
    }

    /// The broker's own password.
    pub(super) fn password(&self) -> Result<Option<SecretString>, Error> {
        password("database.password_file", self.password_file.as_deref())
    }

    fn place(&self) -> Result<Place<'_>, Error> {
        match (&self.file, &self.url) {
            (None, None) => Err(value("database", "set `file` (SQLite) or `url` (PostgreSQL)")),
            (Some(_), Some(_)) => Err(value("database", "`file` and `url` are both set: keep one of them")),
            (Some(file), None) => match self.key_of_a_login() {
                Some(key) => Err(value(format!("database.{key}"), "goes with `url`, and `file` is set")),
                None => Ok(Place::Sqlite(file)),
            },
            (None, Some(text)) => {
                let url = server(text)?;
                let owner = self.owner.as_ref().map(|owner| as_owner(&url, owner)).transpose()?;
                if owner.is_none() && self.owner_password_file.is_some() {
                    return Err(value("database.owner_password_file", "goes with `owner`, which is not set"));
                }
                Ok(Place::Postgres { url, owner })
            }
        }
    }

    /// A key that is set and makes no sense for a file.
    fn key_of_a_login(&self) -> Option<&'static str> {
        let set = [
            ("password_file", self.password_file.is_some()),
            ("owner", self.owner.is_some()),
            ("owner_password_file", self.owner_password_file.is_some()),
        ];
        set.into_iter().find_map(|(key, is_set)| is_set.then_some(key))
    }
}

fn server(text: &str) -> Result<Url, Error> {
    let wrong = |problem: String| value("database.url", problem);
    let url = Url::parse(text).map_err(|error| wrong(format!("{error}; write {FORM}")))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(wrong(format!("`{}` is not supported; write {FORM}, or set `file` for SQLite", url.scheme())));
    }
    // What stands behind the question mark wins over what stands before it (sqlx 0.9.0, `options/parse.rs`).
    let asks = |key: &str| url.query_pairs().any(|(name, _)| name == key);
    if url.password().is_some() || asks("password") {
        return Err(wrong("must hold no password; put it into a file and set `password_file`".to_owned()));
    }
    if asks("user") || asks("dbname") {
        return Err(wrong(format!("`user` and `dbname` stand in front; write {FORM}")));
    }
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    let has_database = url.path().strip_prefix('/').is_some_and(|name| !name.is_empty() && !name.contains('/'));
    if url.username().is_empty() || !has_host || !has_database || url.fragment().is_some() {
        return Err(wrong(format!("must name a login, a host and a database: {FORM}")));
    }
    Ok(url)
}

fn as_owner(url: &Url, owner: &str) -> Result<Url, Error> {
    let wrong = |problem| value("database.owner", problem);
    let mut changed = url.clone();
    if owner.is_empty() || changed.set_username(owner).is_err() {
        return Err(wrong("must be the name of a login"));
    }
    if changed.username() == url.username() {
        return Err(wrong("must be another login than the broker's own in `url`, which may own nothing"));
    }
    Ok(changed)
}

/// As with the key file, nobody else may be able to read it.
fn password(key: &str, path: Option<&Path>) -> Result<Option<SecretString>, Error> {
    let Some(path) = path else { return Ok(None) };
    let is_private = private_file::is_private(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if !is_private {
        return Err(value(key, format!("others may read {0}; run: chmod 600 {0}", path.display())));
    }
    secret(key, path).map(Some)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::super::load::tests::{GOOD, parse};
    use super::*;

    const URL: &str = "url = \"postgres://lodge@db.example.edu/lodge?sslmode=verify-full\"";

    /// Good settings with this in the place of their database.
    fn with(database: &str) -> Result<Config, Error> {
        parse(&GOOD.replace("file = \"lodge.db\"", database), &[])
    }

    fn postgres(address: Address) -> (String, Option<String>) {
        let Address::Postgres(postgres) = address else { panic!("{address}") };
        (postgres.url.to_string(), postgres.password.map(|password| password.expose_secret().to_owned()))
    }

    fn private(folder: &Path, name: &str, text: &str) -> String {
        let path = folder.join(name);
        std::io::Write::write_all(&mut private_file::create_new(&path).unwrap(), text.as_bytes()).unwrap();
        path.display().to_string()
    }

    #[test]
    fn a_file_is_the_same_to_everybody() {
        let config = with("file = \"lodge.db\"").unwrap();

        for address in [config.database().unwrap(), config.database_owner().unwrap()] {
            assert!(matches!(address, Address::Sqlite(file) if file == Path::new("lodge.db")));
        }
    }

    #[test]
    fn each_login_has_its_password() {
        let folder = tempfile::tempdir().unwrap();
        let (own, owners) =
            (private(folder.path(), "own", "broker's word\n"), private(folder.path(), "owner", "owner's word\n"));
        let config =
            with(&format!("{URL}\npassword_file = '{own}'\nowner = \"lodge owner\"\nowner_password_file = '{owners}'"))
                .unwrap();

        assert_eq!(
            postgres(config.database().unwrap()),
            ("postgres://lodge@db.example.edu/lodge?sslmode=verify-full".to_owned(), Some("broker's word".to_owned()))
        );
        assert_eq!(
            postgres(config.database_owner().unwrap()),
            (
                "postgres://lodge%20owner@db.example.edu/lodge?sslmode=verify-full".to_owned(),
                Some("owner's word".to_owned())
            )
        );
    }

    #[test]
    fn a_login_may_need_no_password_and_a_server_may_be_a_socket() {
        let config = with("url = \"postgresql://lodge@%2Frun%2Fpostgresql/lodge\"").unwrap();

        assert_eq!(
            postgres(config.database().unwrap()),
            ("postgresql://lodge@%2Frun%2Fpostgresql/lodge".to_owned(), None)
        );
        let error = config.database_owner().unwrap_err().to_string();
        assert_eq!(error, "database.owner: this needs the login that owns the tables, and none is set");
    }

    #[test]
    fn every_mistake_gets_one_clear_line_without_the_password() {
        for (database, says) in [
            ("", "database: set `file` (SQLite) or `url` (PostgreSQL)"),
            (&format!("file = 'a'\n{URL}"), "database: `file` and `url` are both set"),
            ("file = 'a'\npassword_file = 'p'", "database.password_file: goes with `url`, and `file` is set"),
            ("file = 'a'\nowner = 'o'", "database.owner: goes with `url`, and `file` is set"),
            ("owner = 'o'", "database: set `file`"),
            (&format!("{URL}\nowner_password_file = 'p'"), "database.owner_password_file: goes with `owner`"),
            (&format!("{URL}\nowner = 'lodge'"), "database.owner: must be another login"),
            (&format!("{URL}\nowner = ''"), "database.owner: must be the name of a login"),
            ("url = 'lodge'", "database.url: relative URL without a base; write postgres://LOGIN@HOST/DATABASE"),
            ("url = 'postgres://lodge:canary@h:x/d'", "database.url: invalid port number"),
            (
                "url = 'postgres://lodge:canary@h/d'",
                "must hold no password; put it into a file and set `password_file`",
            ),
            ("url = 'postgres://lodge@h/d?password=canary'", "must hold no password"),
            ("url = 'postgres://lodge@h/d?user=owner'", "`user` and `dbname` stand in front"),
            ("url = 'mysql://lodge@h/d'", "database.url: `mysql` is not supported"),
            ("url = 'sqlite:///var/lib/lodge.db'", "set `file` for SQLite"),
            ("url = 'postgres://h/d'", "must name a login, a host and a database"),
            ("url = 'postgres://lodge@h'", "must name a login, a host and a database"),
            ("url = 'postgres:///d'", "must name a login, a host and a database"),
            ("url = 'postgres:lodge'", "must name a login, a host and a database"),
            ("fiel = 'a'", "database: unknown field `fiel`"),
        ] {
            let error = with(database).expect_err(says).to_string();
            assert!(error.contains(says) && !error.contains(['\n']) && !error.contains("canary"), "{says}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_password_that_cannot_be_used_names_its_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (empty, open) = (private(folder.path(), "empty", " \n"), private(folder.path(), "open", "canary"));
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o640)).unwrap();

        for (file, says) in [
            ("/nowhere/password", "cannot read /nowhere/password".to_owned()),
            (&empty, format!("the file {empty} is empty")),
            (&open, format!("others may read {open}; run: chmod 600 {open}")),
        ] {
            let config =
                with(&format!("{URL}\npassword_file = '{file}'\nowner = 'o'\nowner_password_file = '{file}'")).unwrap();
            for error in [config.database().unwrap_err(), config.database_owner().unwrap_err()] {
                let error = error.to_string();
                assert!(error.contains(&says) && !error.contains("canary"), "{says}: {error}");
            }
        }
    }
}
