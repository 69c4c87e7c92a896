//! How much room is left where the database grows. A broker that cannot write its ledger issues nothing.

use std::path::Path;
use std::rc::Rc;

use lodge::config::Config;
use lodge::store::Address;

use super::Found;
use super::check::{Check, Outcome};
use crate::output::size;

const NAME: &str = "disk";

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Under this it has failed. Our own bound: SQLite's write-ahead log alone grows by megabytes while a backup reads, and
/// whatever else writes there (logs, another service) takes this much within minutes.
const LEAST_BYTES: u64 = 64 * MIB;

/// Under this, or this part of the whole, somebody should look before it is urgent. Our own bounds: a gibibyte is
/// months of a busy broker, so on a small disk there is time to act; a twentieth is where the usual monitoring of disks
/// begins to speak, and on a large disk something that grows by gigabytes is what fills it.
const LITTLE_BYTES: u64 = GIB;
const LITTLE_PART: u64 = 20;

pub(super) async fn look(config: Rc<Config>) -> Found {
    let check = match config.database() {
        Ok(Address::Sqlite(file)) => tokio::task::spawn_blocking(move || look_at(&file))
            .await
            .unwrap_or_else(|_| Check::failed(NAME, "the check itself broke: please report this")),
        _ => Check::ok(NAME, "the database server's disk cannot be seen from here: watch it there"),
    };
    vec![check].into()
}

#[cfg(unix)]
fn look_at(file: &Path) -> Check {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match rustix::fs::statvfs(folder) {
        // What is kept for the administrator is not the broker's.
        Ok(found) => {
            let (outcome, says) = judge(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize);
            Check::new(NAME, outcome, format!("{}: {says}", folder.display()))
        }
        Err(error) => Check::failed(NAME, format!("the room in {} cannot be told: {}", folder.display(), error.kind())),
    }
}

#[cfg(not(unix))]
fn look_at(_: &Path) -> Check {
    Check::warning(NAME, "the room that is left cannot be told on this system: watch it by other means")
}

fn judge(free: u64, total: u64) -> (Outcome, String) {
    let left = format!("{} of {} are free", size(free), size(total));
    if free < LEAST_BYTES {
        (Outcome::Failed, format!("{left}: make room now; without it nothing can be recorded, and nothing is issued"))
    } else if free < LITTLE_BYTES || free < total / LITTLE_PART {
        (Outcome::Warning, format!("{left}: make room; when none is left, nothing is issued"))
    } else {
        (Outcome::Ok, left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_is_said_in_time() {
        for (free, total, outcome) in [
            (LEAST_BYTES - 1, GIB, Outcome::Failed),
            (LEAST_BYTES, GIB, Outcome::Warning),
            (GIB - 1, 10 * GIB, Outcome::Warning),
            (GIB, 10 * GIB, Outcome::Ok),
            (4 * GIB, 100 * GIB, Outcome::Warning),
            (5 * GIB, 100 * GIB, Outcome::Ok),
        ] {
            assert_eq!(judge(free, total).0, outcome, "{free} of {total}");
        }
    }
}
