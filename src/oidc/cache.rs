//! What was last learned of a provider, and when it is learned anew.
//!
//! One fetch at a time, whoever waits; what is old is used on while the provider is away, but not for longer than a day;
//! a token that names an unknown key brings at most one fetch in half a minute, because anybody can make such a token. The
//! time is tokio's, so that tests can move it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Error;
use super::keys::KeySet;
use super::metadata::Metadata;

/// When to fetch again (panva/jose: 10 minutes).
const FRESH_FOR: Duration = Duration::from_mins(10);

/// When to stop believing what could not be fetched again. A key that was withdrawn is believed no longer than this.
const GOOD_FOR: Duration = Duration::from_hours(24);

/// How long the keys are not fetched again for a token that names an unknown one (panva/jose: 30 seconds).
const NEXT_RENEWAL: Duration = Duration::from_secs(30);

/// How long a failed fetch stands for others that would be made, so that those who wait do not wait one after another.
const NEXT_ATTEMPT: Duration = Duration::from_secs(5);

/// Where to learn of a provider.
pub(super) trait Source: Send + Sync {
    fn metadata(&self) -> impl Future<Output = Result<Metadata, Error>> + Send;
    fn keys(&self, metadata: &Metadata) -> impl Future<Output = Result<KeySet, Error>> + Send;
}

/// What was learned.
#[derive(Clone, Debug)]
pub(super) struct Learned {
    pub(super) metadata: Arc<Metadata>,
    pub(super) keys: Arc<KeySet>,
    at: Instant,
    keys_at: Instant,
}

#[derive(Debug, Default)]
struct State {
    learned: Option<Learned>,
    failed: Option<(Instant, Error)>,
    renewed_at: Option<Instant>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Cache {
    state: Mutex<State>,
    /// Held by whoever fetches.
    fetching: tokio::sync::Mutex<()>,
}

impl Cache {
    /// Metadata and keys, fetched when there are none or when they are old.
    ///
    /// # Errors
    ///
    /// When they cannot be fetched and there are none that can still be used.
    pub(super) async fn learned(&self, source: &impl Source) -> Result<Learned, Error> {
        if let Some(fresh) = self.younger_than(FRESH_FOR) {
            return Ok(fresh);
        }
        let good = self.younger_than(GOOD_FOR);
        let _turn = match (&good, self.fetching.try_lock()) {
            (_, Ok(turn)) => turn,
            // Somebody else fetches, and this is good meanwhile.
            (Some(good), Err(_)) => return Ok(good.clone()),
            (None, Err(_)) => self.fetching.lock().await,
        };
        if let Some(fresh) = self.younger_than(FRESH_FOR) {
            return Ok(fresh);
        }
        let failed = self.state().failed.clone().filter(|(at, _)| at.elapsed() < NEXT_ATTEMPT);
        let fetched = match failed {
            Some((_, error)) => Err(error),
            None => self.fetch(source).await,
        };
        match (fetched, good) {
            (Err(error), Some(good)) => {
                tracing::warn!(error = %crate::telemetry::chain(&error), "a provider's metadata is old and cannot be fetched");
                Ok(good)
            }
            (fetched, _) => fetched,
        }
    }

    /// The keys anew, for a token that names one that is not among those of `seen`; `None` when it is too early.
    ///
    /// # Errors
    ///
    /// When they cannot be fetched.
    pub(super) async fn renewed(&self, source: &impl Source, seen: &Learned) -> Result<Option<Learned>, Error> {
        let _turn = self.fetching.lock().await;
        // Somebody else may have fetched them while this one waited.
        let learned = self.state().learned.clone().filter(|learned| learned.keys_at > seen.keys_at);
        if let Some(newer) = learned {
            return Ok(Some(newer));
        }
        {
            let mut state = self.state();
            if state.renewed_at.is_some_and(|at| at.elapsed() < NEXT_RENEWAL) {
                return Ok(None);
            }
            state.renewed_at = Some(Instant::now());
        }
        let keys = Arc::new(source.keys(&seen.metadata).await?);
        let renewed = Learned { keys, keys_at: Instant::now(), ..seen.clone() };
        self.state().learned = Some(renewed.clone());
        Ok(Some(renewed))
    }

    async fn fetch(&self, source: &impl Source) -> Result<Learned, Error> {
        let fetched = async {
            let metadata = source.metadata().await?;
            let keys = source.keys(&metadata).await?;
            let at = Instant::now();
            Ok(Learned { metadata: Arc::new(metadata), keys: Arc::new(keys), at, keys_at: at })
        };
        match fetched.await {
            Ok(learned) => {
                let mut state = self.state();
                state.learned = Some(learned.clone());
                state.failed = None;
                Ok(learned)
            }
            Err(error) => {
                self.state().failed = Some((Instant::now(), Error::clone(&error)));
                Err(error)
            }
        }
    }

    fn younger_than(&self, age: Duration) -> Option<Learned> {
        self.state().learned.clone().filter(|learned| learned.at.elapsed() < age)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;
    use crate::oidc::http;

    /// A provider that counts, takes a second for each answer, and can be away.
    #[derive(Default)]
    struct Counting {
        metadata: AtomicUsize,
        keys: AtomicUsize,
        is_away: AtomicBool,
    }

    impl Counting {
        async fn answer(&self, count: &AtomicUsize) -> Result<(), Error> {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            let is_away = self.is_away.load(Ordering::SeqCst);
            if is_away { Err(Error::Unreachable(http::Error::Transfer("timeout"))) } else { Ok(()) }
        }

        fn counts(&self) -> (usize, usize) {
            (self.metadata.load(Ordering::SeqCst), self.keys.load(Ordering::SeqCst))
        }

        fn goes_away(&self, away: bool) {
            self.is_away.store(away, Ordering::SeqCst);
        }
    }

    impl Source for Counting {
        async fn metadata(&self) -> Result<Metadata, Error> {
            self.answer(&self.metadata).await?;
            let url: url::Url = "https://sso.example.edu/x".parse().unwrap();
            Ok(Metadata {
                authorization_endpoint: url.clone(),
                token_endpoint: url.clone(),
                userinfo_endpoint: None,
                jwks_uri: url,
                names_itself: false,
            })
        }

        async fn keys(&self, _: &Metadata) -> Result<KeySet, Error> {
            self.answer(&self.keys).await?;
            Ok(KeySet::default())
        }
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn many_at_once_bring_one_fetch() {
        let (cache, source) = (Cache::default(), Counting::default());

        let (a, b, c) = tokio::join!(cache.learned(&source), cache.learned(&source), cache.learned(&source));

        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert_eq!(source.counts(), (1, 1));
        pass(599).await;
        cache.learned(&source).await.unwrap();
        assert_eq!(source.counts(), (1, 1));
        pass(2).await;
        cache.learned(&source).await.unwrap();
        assert_eq!(source.counts(), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_provider_that_is_away_waits_once() {
        let (cache, source) = (Cache::default(), Counting::default());
        source.goes_away(true);
        let began = Instant::now();

        let (a, b, c) = tokio::join!(cache.learned(&source), cache.learned(&source), cache.learned(&source));

        assert!(a.is_err() && b.is_err() && c.is_err());
        assert_eq!((source.counts(), began.elapsed()), ((1, 0), Duration::from_secs(1)));
        pass(6).await;
        source.goes_away(false);
        assert!(cache.learned(&source).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_old_is_used_while_the_provider_is_away_but_not_for_ever() {
        let (cache, source) = (Cache::default(), Counting::default());
        cache.learned(&source).await.unwrap();
        source.goes_away(true);

        pass(3_600).await;
        assert!(cache.learned(&source).await.is_ok());
        let asked = source.counts();
        assert!(cache.learned(&source).await.is_ok());
        assert_eq!(source.counts(), asked, "a failure stands for a moment");

        pass(24 * 3_600).await;
        assert!(cache.learned(&source).await.is_err());
        pass(10).await;
        source.goes_away(false);
        assert!(cache.learned(&source).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn while_one_fetches_anew_the_others_go_on_with_what_is_old() {
        let (cache, source) = (Cache::default(), Counting::default());
        cache.learned(&source).await.unwrap();
        pass(700).await;

        let fetching = cache.learned(&source);
        let other = async {
            tokio::task::yield_now().await;
            let began = Instant::now();
            cache.learned(&source).await.unwrap();
            began.elapsed()
        };
        let (fetched, waited) = tokio::join!(fetching, other);

        assert!(fetched.is_ok());
        assert_eq!((waited, source.counts()), (Duration::ZERO, (2, 2)));
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_keys_bring_one_fetch_in_half_a_minute() {
        let (cache, source) = (Cache::default(), Counting::default());
        let seen = cache.learned(&source).await.unwrap();

        // At once after the first fetch, since a provider may change its keys at any moment; and for all who ask together.
        let (a, b) = tokio::join!(cache.renewed(&source, &seen), cache.renewed(&source, &seen));
        let newest = a.unwrap().unwrap();
        assert!(b.unwrap().is_some());
        assert_eq!(source.counts(), (1, 2));

        for _ in 0..100 {
            assert!(cache.renewed(&source, &newest).await.unwrap().is_none());
        }
        assert_eq!(source.counts(), (1, 2));
        pass(31).await;
        source.goes_away(true);
        assert!(cache.renewed(&source, &newest).await.is_err());
        assert!(cache.renewed(&source, &newest).await.unwrap().is_none(), "a failed one counts");
        assert_eq!(source.counts(), (1, 3));
        assert!(cache.learned(&source).await.is_ok(), "what was known stays");
    }
}
