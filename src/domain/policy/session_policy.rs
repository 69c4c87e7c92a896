//! The session policy: what goes to STS with every `AssumeRole`.

use sha2::{Digest, Sha256};

/// "The plaintext that you use for both inline and managed session policies can't exceed 2,048 characters" (STS API
/// reference, `AssumeRole`, `Policy`). White space counts, so what we send has none.
pub const SESSION_POLICY_MAX_CHARS: usize = 2_048;

/// The policy that goes with an `AssumeRole`. There is no way to make an empty one, and no `AssumeRole` without one:
/// STS gives a session without a session policy the whole role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPolicy(String);

impl SessionPolicy {
    /// The policy with this text, or how many characters it has when STS would not take it.
    pub(in crate::domain) fn of(text: String) -> Result<Self, usize> {
        let chars = text.chars().count();
        if chars > SESSION_POLICY_MAX_CHARS { Err(chars) } else { Ok(Self(text)) }
    }

    /// The minified JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the text, in hexadecimal: what the ledger keeps.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }
}
