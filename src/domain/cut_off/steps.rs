//! How far a cut-off has got, and what keeps somebody from new credentials meanwhile.

use chrono::{DateTime, Utc};

use crate::domain::id::ParseError;

/// Whether a session of before the cut-off was seen to be denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialSeen {
    /// It was not tried yet, or not seen yet.
    NotYet,
    /// At this moment, for the first time.
    At(DateTime<Utc>),
    /// It cannot be tried: the lab has no role with a call that AWS answers, or no session could be had for it.
    CannotTell,
    /// AWS still carried the call out when the broker stopped trying. Not a proof of anything: AWS applies a policy here
    /// and there at different times.
    NotSeen,
}

impl DenialSeen {
    /// The word in the database, beside the moment.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotYet => "not-yet",
            Self::At(_) => "seen",
            Self::CannotTell => "cannot-tell",
            Self::NotSeen => "not-seen",
        }
    }

    /// Of the word and the moment beside it.
    ///
    /// # Errors
    ///
    /// When they are none.
    pub fn of(word: &str, at: Option<DateTime<Utc>>) -> Result<Self, ParseError> {
        match (word, at) {
            ("not-yet", None) => Ok(Self::NotYet),
            ("seen", Some(at)) => Ok(Self::At(at)),
            ("cannot-tell", None) => Ok(Self::CannotTell),
            ("not-seen", None) => Ok(Self::NotSeen),
            _ => Err(ParseError::new("denial of a cut-off", "one of its words")),
        }
    }
}

/// A step of a cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOffStepName {
    /// Nothing is issued any more.
    IssuingStopped,
    /// AWS has taken the deny.
    DenyWritten,
    /// AWS gave it back as it was written.
    DenyReadBack,
    /// A session of before it was seen to be denied.
    DenialSeen,
}

/// A step of a cut-off, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOffStep {
    /// Which.
    pub name: CutOffStepName,
    /// When; nothing when it is still to come, or will not.
    pub at: Option<DateTime<Utc>>,
    /// How it is, in a sentence.
    pub says: &'static str,
}

/// How far a cut-off has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOffSteps {
    /// When nothing was issued any more.
    pub stopped_at: DateTime<Utc>,
    /// When AWS had taken the deny.
    pub written_at: Option<DateTime<Utc>>,
    /// When AWS gave it back as it was written.
    pub read_back_at: Option<DateTime<Utc>>,
    /// Whether somebody was seen to be denied.
    pub denial: DenialSeen,
}

impl CutOffSteps {
    /// Whether AWS has it. It still may take minutes until all of AWS goes by it.
    #[must_use]
    pub const fn is_at_aws(&self) -> bool {
        self.read_back_at.is_some()
    }

    /// Each step: when it was, and how it is in words. What is still to come has no time yet.
    #[must_use]
    pub fn told(&self) -> [CutOffStep; 4] {
        let step = |name, at, says| CutOffStep { name, at, says };
        let (seen_at, seen) = match self.denial {
            DenialSeen::At(at) => (Some(at), "AWS denied a session of the broker's own that was cut off with them."),
            DenialSeen::NotYet if self.read_back_at.is_none() => (None, "Still to come: a session that is denied."),
            DenialSeen::NotYet => (None, "Still to come: AWS carries calls of before out. It may take minutes."),
            DenialSeen::CannotTell => (None, "No role of the lab has a call to try it with, or it was tried too late."),
            DenialSeen::NotSeen => (None, "AWS still carried a call out when the broker stopped trying."),
        };
        [
            step(CutOffStepName::IssuingStopped, Some(self.stopped_at), "Nothing is issued to them any more."),
            match self.written_at {
                Some(at) => step(CutOffStepName::DenyWritten, Some(at), "AWS has taken the deny."),
                None => step(CutOffStepName::DenyWritten, None, "Still to come: AWS takes the deny."),
            },
            match self.read_back_at {
                Some(at) => step(CutOffStepName::DenyReadBack, Some(at), "AWS gave the deny back as it was written."),
                None => step(CutOffStepName::DenyReadBack, None, "Still to come: AWS gives the deny back."),
            },
            step(CutOffStepName::DenialSeen, seen_at, seen),
        ]
    }

    /// Whether there is nothing more to be waited for.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.read_back_at.is_some() && !matches!(self.denial, DenialSeen::NotYet)
    }
}
