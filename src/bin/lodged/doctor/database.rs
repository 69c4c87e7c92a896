//! The database: whether it is there and can be used.

use lodge::config::Config;
use lodge::store::{Address, Store};
use lodge::telemetry;

use super::check::Check;

const NAME: &str = "database";

pub(crate) async fn check(config: &Config) -> Vec<Check> {
    let file = match config.database() {
        Ok(Address::Sqlite(file)) => file,
        Ok(address @ Address::Postgres(_)) => {
            return vec![Check::failed(NAME, format!("{address}: a PostgreSQL database cannot be used yet"))];
        }
        Err(error) => return vec![Check::failed(NAME, format!("not looked at: {}", telemetry::chain(&error)))],
    };
    let shown = file.display();
    // Opening makes a database where none is, and that is for the broker to do.
    if !file.exists() {
        return vec![Check::warning(NAME, format!("{shown} is not there yet: `lodged serve` makes it"))];
    }
    // As when the broker starts, an older schema is brought up to date.
    let check = match Store::open(&file).await {
        Ok(store) => {
            store.close().await;
            Check::ok(NAME, format!("SQLite, {shown}"))
        }
        Err(error) => Check::failed(
            NAME,
            format!("{shown}: {}: look at the file's owner, or restore a backup", telemetry::chain(&error)),
        ),
    };
    vec![check]
}
