//! Two policies side by side: their statements, sorted by what their actions fit.
//!
//! Calls are sorted into kinds twice: by which statements their action fits, which is done here, and by which statements
//! their resource fits, which a [`World`] does. What variables could stand for is tried in several worlds.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use super::values::{Choices, choices, filled};
use super::walk::{Class, Domain, Track, Walk};
use super::world::World;
use crate::domain::policy::condition::{Condition, Test, Value};
use crate::domain::policy::context::Context;
use crate::domain::policy::document::{Document, Resources, Selection, Statement};
use crate::domain::policy::evaluate::are_about;
use crate::domain::policy::glob::{Glob, Token};
use crate::domain::policy::pattern::Pattern;

/// Clauses looked at in the search for one pair of documents.
pub(super) const MOST_TRIES: usize = 400_000;
/// Sets of values for variables that are tried.
const MOST_WORLDS: usize = 12;

/// A statement of one of the two.
pub(super) struct Clause<'a> {
    pub(super) is_wide: bool,
    pub(super) statement: &'a Statement<Resources>,
    pub(super) resources: Vec<usize>,
    pub(super) conditions: Vec<usize>,
}

/// Both policies.
pub(super) struct Problem<'a> {
    pub(super) clauses: Vec<Clause<'a>>,
    /// Distinct patterns of actions in lower case, and the clauses that name each.
    actions: Vec<(Glob, Vec<usize>)>,
    literal_actions: HashMap<String, usize>,
    /// Places of patterns with wildcards, with what stands before the first.
    wild_actions: Vec<(String, usize)>,
    pub(super) resources: Vec<&'a Pattern>,
    pub(super) conditions: Vec<&'a Condition>,
    pub(super) tries: Cell<usize>,
    /// For each set of values of the variables, what it makes of the problem, once it is asked for.
    worlds: OnceCell<Vec<(Context, OnceCell<Option<World>>)>>,
    /// The choices for conditions that no variable has a part in.
    choices: RefCell<HashMap<Vec<usize>, Choices>>,
    open: OnceCell<Option<World>>,
}

/// The clauses that an action fits, by their place.
pub(super) type About = Vec<bool>;

/// Whether there is a call that the narrow policy allows and the wide one does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There is none.
    None,
    /// This, with any action of the kind.
    Found { resource: String, context: Context },
    /// It could not be told.
    Unknown,
}

impl<'a> Problem<'a> {
    pub(super) fn new(narrow: &'a Document, wide: &'a Document) -> Self {
        let mut problem = Self {
            clauses: Vec::new(),
            actions: Vec::new(),
            literal_actions: HashMap::new(),
            wild_actions: Vec::new(),
            resources: Vec::new(),
            conditions: Vec::new(),
            tries: Cell::new(MOST_TRIES),
            worlds: OnceCell::new(),
            choices: RefCell::default(),
            open: OnceCell::new(),
        };
        let mut resources: HashMap<&Pattern, usize> = HashMap::new();
        let mut actions: HashMap<Glob, usize> = HashMap::new();
        for (is_wide, document) in [(false, narrow), (true, wide)] {
            for statement in &document.statements {
                let clause = problem.clauses.len();
                for glob in patterns(&statement.actions) {
                    let glob = lower(glob);
                    let known = problem.actions.len();
                    let at = *actions.entry(glob.clone()).or_insert(known);
                    if at == known {
                        problem.actions.push((glob, Vec::new()));
                    }
                    let users = &mut problem.actions[at].1;
                    if users.last() != Some(&clause) {
                        users.push(clause);
                    }
                }
                let mut places = Vec::new();
                for pattern in patterns(&statement.scope) {
                    let known = problem.resources.len();
                    let at = *resources.entry(pattern).or_insert(known);
                    if at == known {
                        problem.resources.push(pattern);
                    }
                    places.push(at);
                }
                let conditions = statement.conditions.iter().map(|condition| problem.atom(condition)).collect();
                problem.clauses.push(Clause { is_wide, statement, resources: places, conditions });
            }
        }
        problem.index_actions();
        problem
    }

    /// The place of a condition; the same for one that asks the same.
    fn atom(&mut self, condition: &'a Condition) -> usize {
        let same = |other: &&Condition| other.test == condition.test && other.key.eq_ignore_ascii_case(&condition.key);
        self.conditions.iter().position(same).unwrap_or_else(|| {
            self.conditions.push(condition);
            self.conditions.len() - 1
        })
    }

    fn index_actions(&mut self) {
        for (at, (glob, _)) in self.actions.iter().enumerate() {
            match literal(glob) {
                Some(text) => drop(self.literal_actions.insert(text, at)),
                None => self.wild_actions.push((start(glob), at)),
            }
        }
    }

    /// The clauses that an action fits, given in lower case.
    pub(super) fn about(&self, action: &str) -> About {
        let wild = self
            .wild_actions
            .iter()
            .filter(|(start, at)| action.starts_with(start) && self.actions[*at].0.matches(action));
        let patterns = wild.map(|(_, at)| *at).chain(self.literal_actions.get(action).copied());
        self.naming(patterns.flat_map(|at| self.actions[at].1.iter().copied()))
    }

    /// What actions are about that these clauses name.
    fn naming(&self, clauses: impl IntoIterator<Item = usize>) -> About {
        let is_all_but = |clause: &Clause<'_>| matches!(clause.statement.actions, Selection::AllBut(_));
        let mut about: About = self.clauses.iter().map(is_all_but).collect();
        for clause in clauses {
            about[clause] = !is_all_but(&self.clauses[clause]);
        }
        about
    }

    /// Every kind of action, each once, with one that has it in lower case; `None` when that is too much work.
    pub(super) fn kinds_of_action(&self) -> Option<Vec<(About, String)>> {
        let tracks: Vec<Track> = self.actions.iter().map(|(glob, _)| Track::exact(glob)).collect();
        let groups = self.actions.iter().map(|(_, clauses)| clauses.clone()).collect();
        let classes = Walk::new(tracks, groups, Domain::Action).classes()?;
        Some(classes.into_iter().map(|Class { fits, text }| (self.naming(fits), text)).collect())
    }

    /// Looks for a call that only the narrow policy allows, of any action that fits these clauses.
    pub(super) fn outcome(&self, about: &About) -> Outcome {
        let allows = |(clause, is_about): (&Clause<'_>, &bool)| *is_about && !clause.is_wide && clause.statement.allows;
        if !self.clauses.iter().zip(about).any(allows) {
            return Outcome::None;
        }
        let worlds = self.worlds.get_or_init(|| self.bases().into_iter().map(|base| (base, OnceCell::new())).collect());
        let mut is_certain = !self.has_variables();
        for (base, world) in worlds {
            let Some(world) = world.get_or_init(|| World::closed(self, base.clone())) else {
                is_certain = false;
                continue;
            };
            match world.search(self, about) {
                Outcome::None => is_certain &= world.is_complete,
                Outcome::Unknown => is_certain = false,
                found @ Outcome::Found { .. } => return found,
            }
        }
        if is_certain {
            return Outcome::None;
        }
        match self.open.get_or_init(|| World::open(self)).as_ref().map(|world| world.search(self, about)) {
            Some(Outcome::None) => Outcome::None,
            _ => Outcome::Unknown,
        }
    }

    /// The choices for these conditions, all on one key.
    pub(super) fn choices(&self, atoms: &[usize], base: &Context) -> Choices {
        let conditions: Vec<&Condition> = atoms.iter().map(|at| self.conditions[*at]).collect();
        if conditions.iter().any(|condition| variables(condition).next().is_some()) {
            return choices(&conditions, base);
        }
        let mut known = self.choices.borrow_mut();
        known.entry(atoms.to_vec()).or_insert_with(|| choices(&conditions, &Context::new())).clone()
    }

    /// Whether these clauses allow a call in the narrow policy and not in the wide one.
    pub(super) fn differs(&self, about: &About, resource: &str, context: &Context) -> bool {
        let mut allowed = [false; 2];
        let mut denied = [false; 2];
        for clause in self.clauses.iter().zip(about).filter(|(_, is_about)| **is_about).map(|(clause, _)| clause) {
            let Statement { allows, scope, conditions, .. } = clause.statement;
            if are_about(scope, resource, context) && conditions.iter().all(|condition| condition.holds(context)) {
                let said = if *allows { &mut allowed } else { &mut denied };
                said[usize::from(clause.is_wide)] = true;
            }
        }
        let [narrow, wide] = [0, 1].map(|of| allowed[of] && !denied[of]);
        narrow && !wide
    }

    /// The patterns of resources, each once.
    pub(super) fn resources(&self) -> impl Iterator<Item = &Pattern> {
        self.resources.iter().copied()
    }

    fn has_variables(&self) -> bool {
        self.variables().next().is_some()
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let of_resources = self.resources.iter().flat_map(|pattern| pattern.variables());
        of_resources.chain(self.conditions.iter().flat_map(|condition| variables(condition)))
    }

    /// What the variables are tried with: nothing, words that the policies themselves use, and a word of its own.
    fn bases(&self) -> Vec<Context> {
        let mut keys: Vec<&str> = self.variables().collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return vec![Context::new()];
        }
        let with = |word: &str| keys.iter().fold(Context::new(), |context, key| context.with(key, word));
        let mut bases = vec![with("example"), Context::new()];
        bases.extend(self.words().iter().map(|word| with(word)));
        bases.extend(keys.iter().map(|key| with("example").with_values(key, [])));
        bases.truncate(MOST_WORLDS);
        bases
    }

    /// Words that a variable could stand for so that it makes a difference.
    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for condition in &self.conditions {
            let Test::Compare { values, .. } = &condition.test else { continue };
            for value in values {
                let (Value::Text { pattern, .. } | Value::Arn(pattern)) = value else { continue };
                words.push(filled(&pattern.widest(), "example"));
            }
        }
        for pattern in self.resources.iter().filter(|pattern| pattern.variables().next().is_none()) {
            let text = filled(&pattern.widest(), "/");
            words.extend(text.split([':', '/']).skip(5).filter(|word| !word.is_empty()).map(str::to_owned));
        }
        let mut seen = HashSet::new();
        words.retain(|word| word != "example" && seen.insert(word.clone()));
        words.truncate(MOST_WORLDS / 2);
        words
    }
}

/// The condition keys that a condition compares with.
pub(super) fn variables(condition: &Condition) -> impl Iterator<Item = &str> {
    let values = if let Test::Compare { values, .. } = &condition.test { values.as_slice() } else { &[] };
    values.iter().flat_map(|value| match value {
        Value::Text { pattern, .. } | Value::Arn(pattern) => pattern.variables().collect::<Vec<_>>(),
        Value::Bool(_) | Value::Date(..) | Value::Number(..) => Vec::new(),
    })
}

fn patterns<T>(selection: &Selection<T>) -> &[T] {
    let (Selection::Only(patterns) | Selection::AllBut(patterns)) = selection;
    patterns
}

fn lower(glob: &Glob) -> Glob {
    let lower = |token: &Token| match token {
        Token::Char(c) => Token::Char(c.to_ascii_lowercase()),
        wildcard => *wildcard,
    };
    glob.tokens().iter().map(lower).collect()
}

/// The text that a pattern without wildcards is.
pub(super) fn literal(glob: &Glob) -> Option<String> {
    let start = start(glob);
    (start.chars().count() == glob.tokens().len()).then_some(start)
}

/// What stands before the first wildcard.
fn start(glob: &Glob) -> String {
    let characters = glob.tokens().iter().map_while(|token| if let Token::Char(c) = token { Some(*c) } else { None });
    characters.collect()
}
