//! Who sits at the operator's desk, and what they work with.

use anyhow::Context;
use lodge::ambient::{Clock, Random};
use lodge::app::desk::Desk;
use lodge::config::Config;
use lodge::domain::access::Operator;
use lodge::domain::actor::OperatorName;
use lodge::store::Store;

use super::arguments::ConfigArgument;

/// Opens the database beside whatever broker is running on it, and has the work done.
pub(crate) async fn sit_down<T>(
    settings: &ConfigArgument,
    work: impl AsyncFnOnce(&Desk) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let desk = at(&settings.load()?).await?;
    let done = work(&desk).await;
    desk.store.close().await;
    done
}

/// The desk of a broker with these settings.
pub(crate) async fn at(config: &Config) -> anyhow::Result<Desk> {
    let database = config.database()?;
    Ok(Desk {
        operator: Operator::at_this_machine(account()),
        store: Store::open(&database).await.with_context(|| format!("the database {database}"))?,
        public_url: config.server.public_url.clone(),
        policies: config.policies()?,
        clock: Clock::System,
        random: Random::System,
    })
}

/// Whoever runs this, by their account on this machine.
fn account() -> OperatorName {
    #[expect(clippy::disallowed_methods, reason = "this is where the operator's own environment is read")]
    let variable = |name: &str| std::env::var(name).ok();
    #[cfg(unix)]
    let user = Some(rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    let user = None;
    OperatorName::from_account(&name(user, variable))
}

/// Whom root stands for, else the login. A container may have neither; then the number of the user.
fn name(user: Option<u32>, variable: impl Fn(&str) -> Option<String>) -> String {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    let stood_for = if user == Some(0) { given("SUDO_USER") } else { None };
    let login = || ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(given);
    let number =
        || user.map_or_else(String::new, |user| if user == 0 { "root".to_owned() } else { format!("uid-{user}") });
    stood_for.or_else(login).unwrap_or_else(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_who_became_root_and_nobody_else_can_say_so() {
        let named = |user, variables: &[(&str, &str)]| {
            name(user, |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };

        assert_eq!(named(Some(0), &[("SUDO_USER", "ada"), ("USER", "root")]), "ada");
        assert_eq!(named(Some(0), &[("SUDO_USER", ""), ("USER", "root")]), "root");
        assert_eq!(named(Some(1000), &[("SUDO_USER", "ada"), ("USER", "lodge")]), "lodge");
        assert_eq!(named(Some(1000), &[("LOGNAME", "grace")]), "grace");
        assert_eq!(named(Some(10_001), &[]), "uid-10001");
        assert_eq!(named(None, &[]), "");
    }
}
