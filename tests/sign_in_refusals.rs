//! A provider that plays every trick there is, and what comes of each.
//!
//! Every case has a benign twin, which differs from it in that one thing and signs in: what refuses the trick does not
//! refuse everybody. A refused sign-in is a clean page with a reference; under that reference the ledger has the reason,
//! and the log has it in one line. `table.txt` has all of the cases, what comes of them and why.

mod answers;
mod callbacks;
mod groups;
mod headers;
mod id_tokens;
mod logout;
mod sessions;
pub(crate) mod stage;
pub(crate) mod table;
mod texts;
mod tokens;

use lodge::domain::sign_in::SignInRefusal;
use lodge::oidc::Settings;

use crate::support::evil_provider::Lie;
use stage::Stage;

/// What comes of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nobody is signed in, and this is why.
    Refused(SignInRefusal),
    /// It is harmless: the person is signed in, and the home page says this.
    SignsIn(&'static str),
}

/// A trick and its benign twin.
struct Case {
    /// The line of the checklist that it belongs to, and its number there.
    id: &'static str,
    what: &'static str,
    lies: Vec<Lie>,
    settings: fn(&mut Settings),
    twin: Twin,
    outcome: Outcome,
    /// How often the token endpoint is asked.
    token_calls: usize,
    /// The page that begins it.
    begin: &'static str,
}

/// The same without the trick.
struct Twin {
    what: &'static str,
    lies: Vec<Lie>,
    settings: fn(&mut Settings),
    says: &'static str,
}

/// What the home page says of the one person that there is, when nothing is wrong.
const STUDENT: &str = "vision-students";

impl Case {
    fn new(id: &'static str, what: &'static str, outcome: Outcome, lies: impl Into<Vec<Lie>>) -> Self {
        let settings = |_: &mut Settings| {};
        let twin = Twin { what: "the truth", lies: Vec::new(), settings, says: STUDENT };
        Self { id, what, lies: lies.into(), settings, twin, outcome, token_calls: 1, begin: "/auth/campus/start" }
    }

    /// A trick that signs nobody in.
    fn refused(id: &'static str, what: &'static str, why: SignInRefusal, lies: impl Into<Vec<Lie>>) -> Self {
        Self::new(id, what, Outcome::Refused(why), lies)
    }

    /// What looks like a trick and may be.
    fn harmless(id: &'static str, what: &'static str, says: &'static str, lies: impl Into<Vec<Lie>>) -> Self {
        Self::new(id, what, Outcome::SignsIn(says), lies)
    }

    /// The twin, where it is not simply the truth.
    fn twin(mut self, what: &'static str, lies: impl Into<Vec<Lie>>) -> Self {
        self.twin.what = what;
        self.twin.lies = lies.into();
        self
    }

    /// What the home page says of the twin.
    fn twin_says(mut self, says: &'static str) -> Self {
        self.twin.says = says;
        self
    }

    /// Both happen at a connection with these settings.
    fn with(mut self, settings: fn(&mut Settings)) -> Self {
        self.settings = settings;
        self.twin.settings = settings;
        self
    }

    /// The twin is the same at a connection with these settings.
    fn but_with(mut self, what: &'static str, settings: fn(&mut Settings)) -> Self {
        self.twin = Twin { what, lies: self.lies.clone(), settings, says: STUDENT };
        self
    }

    /// It is found out before the code is traded.
    fn untraded(mut self) -> Self {
        self.token_calls = 0;
        self
    }

    /// Both begin with this page.
    fn begun_at(mut self, page: &'static str) -> Self {
        self.begin = page;
        self
    }

    /// What is wrong with how both are answered.
    fn flaw(&self) -> Option<String> {
        let twin = Stage::with(self.twin.settings);
        let flaw = twin.sign_in_flaw(self.begin, &self.twin.lies, self.twin.says);
        if let Some(flaw) = flaw {
            return Some(format!("{} {}: its twin, {}: {flaw}", self.id, self.what, self.twin.what));
        }
        // What the broker has heard from the twin, it would not hear again.
        let is_heard_once = self.lies.iter().chain(&self.twin.lies).any(Lie::is_kept);
        let is_elsewhere = !std::ptr::fn_addr_eq(self.settings, self.twin.settings);
        let other = (is_heard_once || is_elsewhere).then(|| Stage::with(self.settings));
        let flaw = other.as_ref().unwrap_or(&twin).flaw(self);
        flaw.map(|flaw| format!("{} {}: {flaw}", self.id, self.what))
    }
}

/// Plays all of them.
fn play(cases: &[Case]) {
    let flaws: Vec<String> = cases.iter().filter_map(Case::flaw).collect();
    assert!(flaws.is_empty(), "{} of {}:\n{}", flaws.len(), cases.len(), flaws.join("\n"));
}
