//! The refresh token in the keyring of the operating system: the feature `keyring`, which nobody gets who does not build
//! it in.
//!
//! Only the refresh token goes there; the session file has everything else. No call here ever has a prompt shown: an AWS
//! tool may be what asks, in a job that nobody looks at. A keyring that is locked is a failure that says so, and a
//! machine without one keeps the token where it would be without this feature.
//!
//! The library would have a locked keyring unlocked, which asks the person; so it is looked at first where that can be.

use keyring::{Entry, Error};
use zeroize::Zeroizing;

use super::broker_url::BrokerUrl;

/// What the keyring shows as the owner of the entry.
const SERVICE: &str = "lodge";

/// Why the keyring is not used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyringFailure {
    /// A person has to unlock it.
    #[error("the keyring is locked, and lodge never asks for its password; unlock it by signing in to your desktop")]
    Locked,
    /// There is none, or it does not do what it should.
    #[error("there is no keyring to use here ({0}); the token stays in the session file, which only you can read")]
    Unusable(String),
}

/// Keeps the refresh token of the session with this broker, in place of the one before.
pub(crate) fn put(broker: &BrokerUrl, token: &str) -> Result<(), KeyringFailure> {
    lock::look()?;
    put_into(&entry(broker)?, token)
}

/// The refresh token of the session with this broker; none when the keyring has none.
pub(crate) fn get(broker: &BrokerUrl) -> Result<Option<Zeroizing<String>>, KeyringFailure> {
    lock::look()?;
    get_from(&entry(broker)?)
}

/// Takes the refresh token away; it is no failure when there is none.
pub(crate) fn delete(broker: &BrokerUrl) -> Result<(), KeyringFailure> {
    lock::look()?;
    match entry(broker)?.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(failure(&error)),
    }
}

fn entry(broker: &BrokerUrl) -> Result<Entry, KeyringFailure> {
    Entry::new(SERVICE, broker.as_str()).map_err(|error| failure(&error))
}

fn put_into(entry: &Entry, token: &str) -> Result<(), KeyringFailure> {
    entry.set_password(token).map_err(|error| failure(&error))
}

fn get_from(entry: &Entry) -> Result<Option<Zeroizing<String>>, KeyringFailure> {
    match entry.get_password() {
        Ok(token) => Ok(Some(Zeroizing::new(token))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(failure(&error)),
    }
}

/// What the library reports, without what it read: a password that is no text comes with its error.
fn failure(error: &Error) -> KeyringFailure {
    match error {
        Error::NoStorageAccess(_) => KeyringFailure::Locked,
        Error::BadEncoding(_) => KeyringFailure::Unusable("what it holds is no token".to_owned()),
        Error::PlatformFailure(why) => KeyringFailure::Unusable(why.to_string()),
        _ => KeyringFailure::Unusable("it does not answer as one".to_owned()),
    }
}

#[cfg(target_os = "linux")]
mod lock {
    use secret_service::blocking::SecretService;
    use secret_service::{EncryptionType, Error};

    use super::KeyringFailure;

    /// Whether the keyring could be used without a person.
    pub(super) fn look() -> Result<(), KeyringFailure> {
        let unusable = |error: Error| KeyringFailure::Unusable(error.to_string());
        let service = SecretService::connect(EncryptionType::Dh).map_err(unusable)?;
        let collection = service.get_default_collection().map_err(unusable)?;
        if collection.is_locked().map_err(unusable)? { Err(KeyringFailure::Locked) } else { Ok(()) }
    }
}

#[cfg(not(target_os = "linux"))]
mod lock {
    use super::KeyringFailure;

    /// The systems that are not Linux unlock it when somebody signs in there.
    pub(super) fn look() -> Result<(), KeyringFailure> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use keyring::mock::MockCredential;

    use super::*;

    const TOKEN: &str = "canary-refresh-token";

    fn entry_that(fails: Option<Error>) -> Entry {
        let credential = MockCredential::default();
        if let Some(error) = fails {
            credential.set_error(error);
        }
        Entry::new_with_credential(Box::new(credential))
    }

    #[test]
    fn what_is_put_is_got_and_nothing_is_no_failure() {
        let entry = entry_that(None);

        assert_eq!(get_from(&entry), Ok(None));
        put_into(&entry, "before").unwrap();
        put_into(&entry, TOKEN).unwrap();
        assert_eq!(get_from(&entry).unwrap().unwrap().as_str(), TOKEN);
    }

    #[test]
    fn a_locked_keyring_is_told_from_none_and_no_failure_shows_a_token() {
        let locked = || Error::NoStorageAccess("locked".into());
        assert_eq!(get_from(&entry_that(Some(locked()))), Err(KeyringFailure::Locked));
        assert_eq!(put_into(&entry_that(Some(locked())), TOKEN), Err(KeyringFailure::Locked));

        let none = put_into(&entry_that(Some(Error::PlatformFailure("no bus".into()))), TOKEN).unwrap_err();
        assert!(none.to_string().contains("(no bus); the token stays in the session file"), "{none}");

        let odd = get_from(&entry_that(Some(Error::BadEncoding(TOKEN.into())))).unwrap_err();
        assert!(!format!("{odd} {odd:?}").contains("canary"), "{odd:?}");
    }

    /// Where no session bus is, as on a cluster, the token stays where it is without the feature.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_machine_without_a_keyring_says_so_at_once_and_asks_nobody() {
        let broker: BrokerUrl = "https://lodge.example.edu".parse().unwrap();

        // A desktop that runs the tests may have one; what it holds for this broker is nobody's.
        match get(&broker) {
            Ok(found) => assert_eq!(found, None),
            Err(failure) => assert!(matches!(failure, KeyringFailure::Locked | KeyringFailure::Unusable(_))),
        }
    }
}
