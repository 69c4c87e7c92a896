//! `lodged doctor`: looks at everything that the broker stands on, and says what to do about what is not well.
//!
//! All looks are taken at once, and none takes longer than [`DEADLINE`]. Nobody is signed in, and no secret is ever part
//! of what is said.

mod check;
mod clock;
mod connections;
mod cut_offs;
mod database;
mod disk;
mod identity;
mod progress;
mod settings;

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use lodge::ambient::Clock;
use lodge::config::Config;
use lodge::server_time::ServerTime;
use tokio::task::LocalSet;

use super::arguments::ConfigArgument;
use check::{Check, Outcome};
use progress::Progress;

/// How long one look may take. The clients of providers and of AWS give up by themselves after about as long.
const DEADLINE: Duration = Duration::from_secs(10);

/// What a look found.
struct Found {
    checks: Vec<Check>,
    /// Whose clock was seen on the way, and what it said.
    time: Option<(String, ServerTime)>,
}

impl From<Vec<Check>> for Found {
    fn from(checks: Vec<Check>) -> Self {
        Self { checks, time: None }
    }
}

/// Something to look at that may take a while: its name, and the look.
type Look = (String, Pin<Box<dyn Future<Output = Found>>>);

pub(crate) async fn run(argument: &ConfigArgument, json: bool) -> anyhow::Result<ExitCode> {
    let (config, mut checks) = settings::check(&argument.file);
    if let Some(config) = config {
        let config = Rc::new(config);
        // All on one thread: they only wait.
        checks.extend(LocalSet::new().run_until(look_around(&config)).await);
    }
    check::report(&checks, json)?;
    let is_failed = checks.iter().any(|check| check.outcome == Outcome::Failed);
    Ok(if is_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Everything that is asked of others, in the order in which it is shown.
async fn look_around(config: &Rc<Config>) -> Vec<Check> {
    let mut looks: Vec<Look> = Vec::new();
    let shared = Rc::clone(config);
    looks.push(("database".to_owned(), Box::pin(async move { database::check(&shared).await.into() })));
    looks.push(("disk".to_owned(), Box::pin(disk::look(Rc::clone(config)))));
    looks.extend(connections::looks(config));
    looks.push((identity::NAME.to_owned(), Box::pin(identity::look(Rc::clone(config)))));
    looks.push((cut_offs::NAME.to_owned(), Box::pin(cut_offs::look(Rc::clone(config)))));

    let progress = Progress::of(looks.len());
    let running: Vec<_> = looks
        .into_iter()
        .map(|(name, look)| {
            let step = progress.step();
            let task = tokio::task::spawn_local(async move {
                let found = tokio::time::timeout(DEADLINE, look).await;
                step.done();
                found
            });
            (name, task)
        })
        .collect();
    let (mut checks, mut times) = (Vec::new(), Vec::new());
    for (name, task) in running {
        match task.await {
            Ok(Ok(found)) => {
                checks.extend(found.checks);
                times.extend(found.time);
            }
            Ok(Err(_)) => {
                let says = format!("no answer within {} s: look at the network in between", DEADLINE.as_secs());
                checks.push(Check::failed(name, says));
            }
            Err(_) => checks.push(Check::failed(name, "the check itself broke: please report this")),
        }
    }
    progress.end();
    checks.push(clock::check(&times, Clock::System.now()));
    checks
}
