//! `lodged serve`: the broker as an operator configured it.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::TimeDelta;
use lodge::ambient::{Clock, Random};
use lodge::app::{AccountSettings, Broker, Downloads, KeyFile, Lifetimes, Parts};
use lodge::aws::{self, Aws};
use lodge::config::Config;
use lodge::domain::access::OperatorRoll;
use lodge::http;
use lodge::oidc::Provider;
use lodge::store::Store;

use super::arguments::ConfigArgument;
use super::server;

pub(crate) async fn run(settings: &ConfigArgument) -> anyhow::Result<()> {
    let config = settings.load()?;
    let broker = broker(&config).await?;
    let listener = server::listen(config.server.listen).await?;
    tracing::info!(listen = %listener.local_addr()?, public_url = broker.issuer(), "the broker is ready");

    let sweeper = tokio::spawn(broker.clone().keep_sweeping());
    let watch = tokio::spawn(broker.clone().keep_watching_accounts());
    let cut_offs = tokio::spawn(broker.clone().keep_cutting_off());
    server::run(vec![(listener, http::router(broker.clone()))]).await?;
    sweeper.abort();
    watch.abort();
    cut_offs.abort();
    broker.store.close().await;
    Ok(())
}

async fn broker(config: &Config) -> anyhow::Result<Broker> {
    let mut providers = BTreeMap::new();
    for settings in config.providers()? {
        providers.insert(settings.name.clone(), Provider::new(settings)?);
    }
    if providers.is_empty() {
        tracing::warn!("no [[connection]] is set, so nobody can sign in");
    }
    let key_file = &config.secrets.key_file;
    let database = config.database()?;
    Ok(Broker::new(Parts {
        public_url: config.server.public_url.clone(),
        store: Store::serve(&database).await.with_context(|| format!("the database {database}"))?,
        aws: aws(config).await,
        providers,
        policies: config.policies()?,
        keys: KeyFile::read(key_file).with_context(|| format!("the key file {}", key_file.display()))?,
        clock: Clock::System,
        random: Random::System,
        lifetimes: Lifetimes {
            browser_session: TimeDelta::hours(config.sessions.browser_hours.into()),
            browser_idle: TimeDelta::minutes(config.sessions.browser_idle_minutes.into()),
            ..Lifetimes::default()
        },
        trusted_proxies: config.server.trusted_proxies.clone(),
        operators: OperatorRoll::from_settings(config.operators.people()?),
        accounts: AccountSettings {
            broker_role: config.accounts.broker_role()?,
            templates: config.accounts.templates.clone(),
            check_interval: TimeDelta::hours(config.accounts.check_hours.into()),
            ..AccountSettings::default()
        },
        downloads: config.downloads.folder.as_deref().map(Downloads::read).transpose()?.unwrap_or_default(),
    }))
}

/// The way to AWS, with the credentials that the SDK finds.
pub(crate) async fn aws(config: &Config) -> Aws {
    Aws::new(&aws::Settings {
        region: config.aws.region.clone(),
        sts_endpoint: config.aws.sts_endpoint.as_ref().map(ToString::to_string),
        iam_endpoint: config.aws.iam_endpoint.as_ref().map(ToString::to_string),
        probe_endpoint: config.aws.probe_endpoint.as_ref().map(ToString::to_string),
        identity: None,
        clock: Clock::System,
    })
    .await
}
