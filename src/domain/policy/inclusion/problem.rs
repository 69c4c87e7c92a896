//! Two policies side by side, as what each statement of them says to each kind of call.
//!
//! Calls are sorted into kinds twice: by which statements their action fits, and by which statements their resource fits.
//! What is left of a statement then is its conditions. Whether a call is allowed by the one policy and not by the other
//! is a question of what those say, and is answered by trying the choices that each condition key has (see [`values`]).
//!
//! Variables make this open. A *closed* world gives them values: what is found there is an example. In the *open* world
//! a pattern with a variable may fit whatever it could with some value, and a condition with one may hold or not: what is
//! not found there is not anywhere.
//!
//! [`values`]: super::values

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use super::values::{Choice, Choices, by_key, choices, filled};
use super::walk::{Class, Domain, Track, Walk};
use crate::domain::policy::condition::{Condition, Test, Value};
use crate::domain::policy::context::Context;
use crate::domain::policy::document::{Document, Resources, Selection, Statement};
use crate::domain::policy::evaluate::are_about;
use crate::domain::policy::glob::{Glob, Token};
use crate::domain::policy::pattern::Pattern;

/// Clauses looked at in the search for one pair of documents.
const MOST_TRIES: usize = 400_000;
/// Sets of values for variables that are tried.
const MOST_WORLDS: usize = 12;

/// A statement of one of the two.
pub(super) struct Clause<'a> {
    pub(super) is_wide: bool,
    pub(super) statement: &'a Statement<Resources>,
    resources: Vec<usize>,
    conditions: Vec<usize>,
}

/// Both policies.
pub(super) struct Problem<'a> {
    pub(super) clauses: Vec<Clause<'a>>,
    /// Distinct patterns of actions in lower case, and the clauses that name each.
    actions: Vec<(Glob, Vec<usize>)>,
    literal_actions: HashMap<String, usize>,
    /// Places of patterns with wildcards, with what stands before the first.
    wild_actions: Vec<(String, usize)>,
    resources: Vec<&'a Pattern>,
    conditions: Vec<&'a Condition>,
    tries: Cell<usize>,
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
    fn choices(&self, atoms: &[usize], base: &Context) -> Choices {
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

    fn variables(&self) -> impl Iterator<Item = &str> {
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
fn variables(condition: &Condition) -> impl Iterator<Item = &str> {
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

/// What a clause asks besides its action, of one kind of resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Ask {
    /// It is not about this resource at all.
    never: bool,
    /// All of these.
    all: Vec<usize>,
    /// One of these, when there are any.
    any: Vec<usize>,
    /// None of these.
    none: Vec<usize>,
}

/// Atoms that are decided together: conditions on one key, or one thing that variables leave open.
struct Group {
    key: Option<String>,
    atoms: Vec<usize>,
    choices: Vec<Choice>,
}

/// The problem with all that variables do to it settled, one way or the other.
///
/// Its atoms are the conditions, then for each resource pattern whether it fits, then whether it has all its values.
struct World {
    /// For each kind of resource: what each clause asks, and a resource of the kind.
    kinds: Vec<(Vec<Ask>, String)>,
    groups: Vec<Group>,
    atoms: usize,
    base: Context,
    /// Whether what is not found here is nowhere, with these values of the variables.
    is_complete: bool,
}

impl World {
    /// With the values of `base` for the variables. A key that a variable names has no other value.
    fn closed(problem: &Problem<'_>, base: Context) -> Option<Self> {
        let globs: Vec<Option<Glob>> = problem.resources.iter().map(|pattern| pattern.resolve(&base)).collect();
        let mut clauses = vec![Vec::new(); globs.len()];
        for (number, clause) in problem.clauses.iter().enumerate() {
            clause.resources.iter().for_each(|at| clauses[*at].push(number));
        }
        let filled: Vec<Glob> = globs.iter().map(|glob| glob.clone().unwrap_or_default()).collect();
        let kinds = kinds_of_resource(&filled, clauses)?;
        let ask = |number: usize, clause: &Clause<'_>, fits: &[usize]| {
            let has_all_values = clause.resources.iter().all(|at| globs[*at].is_some());
            let fits = fits.binary_search(&number).is_ok();
            let is_about = fits == matches!(clause.statement.scope, Selection::Only(_));
            Ask { never: !(has_all_values && is_about), all: clause.conditions.clone(), ..Ask::default() }
        };
        let mut is_complete = true;
        let fixed: Vec<String> = problem.variables().map(str::to_lowercase).collect();
        let mut groups = Vec::new();
        for atoms in by_key(problem.conditions.iter().copied().enumerate()) {
            let conditions: Vec<&Condition> = atoms.iter().map(|at| problem.conditions[*at]).collect();
            let key = conditions[0].key.clone();
            let choices = if fixed.contains(&key.to_lowercase()) {
                is_complete = false;
                let holds = conditions.iter().map(|condition| condition.holds(&base)).collect();
                vec![Choice { values: base.values(&key).unwrap_or_default().to_vec(), holds }]
            } else {
                let (choices, all) = problem.choices(&atoms, &base);
                is_complete &= all;
                choices
            };
            groups.push(Group { key: Some(key), atoms, choices });
        }
        let atoms = problem.conditions.len();
        Some(Self { kinds: asks(problem, kinds, ask)?, groups, atoms, base, is_complete })
    }

    /// With whatever variables could make of it, possible or not.
    fn open(problem: &Problem<'_>) -> Option<Self> {
        let (conditions, resources) = (problem.conditions.len(), problem.resources.len());
        let globs: Vec<Glob> = problem.resources.iter().map(|pattern| pattern.widest()).collect();
        let is_open: Vec<bool> = problem.resources.iter().map(|pattern| pattern.variables().next().is_some()).collect();
        let ask = |_: usize, clause: &Clause<'_>, fits: &[usize]| {
            let mut ask = Ask { all: clause.conditions.clone(), ..Ask::default() };
            ask.all.extend(clause.resources.iter().filter(|at| is_open[**at]).map(|at| conditions + resources + at));
            let (open, certain): (Vec<usize>, Vec<usize>) =
                clause.resources.iter().filter(|at| fits.binary_search(at).is_ok()).partition(|at| is_open[**at]);
            let open: Vec<usize> = open.into_iter().map(|at| conditions + at).collect();
            match clause.statement.scope {
                Selection::Only(_) if !certain.is_empty() => {}
                Selection::Only(_) => (ask.never, ask.any) = (open.is_empty(), open),
                Selection::AllBut(_) => (ask.never, ask.none) = (!certain.is_empty(), open),
            }
            ask
        };
        let mut groups = Vec::new();
        let is_settled = |condition: &Condition| variables(condition).next().is_none();
        let settled = problem.conditions.iter().copied().enumerate().filter(|(_, condition)| is_settled(condition));
        let mut free: Vec<usize> = (conditions..conditions + 2 * resources).collect();
        free.extend((0..conditions).filter(|at| !is_settled(problem.conditions[*at])));
        for atoms in by_key(settled) {
            match problem.choices(&atoms, &Context::new()) {
                (choices, true) => groups.push(Group { key: None, atoms, choices }),
                (_, false) => free.extend(atoms),
            }
        }
        groups.extend(free.into_iter().map(|atom| {
            let choices = [true, false].map(|holds| Choice { values: Vec::new(), holds: vec![holds] }).to_vec();
            Group { key: None, atoms: vec![atom], choices }
        }));
        let apart = (0..resources).map(|at| vec![at]).collect();
        let kinds = asks(problem, kinds_of_resource(&globs, apart)?, ask)?;
        Some(Self { kinds, groups, atoms: conditions + 2 * resources, base: Context::new(), is_complete: true })
    }

    fn search(&self, problem: &Problem<'_>, about: &About) -> Outcome {
        let mut is_certain = true;
        for (asks, resource) in &self.kinds {
            let clauses: Vec<(&Clause<'_>, &Ask)> = (problem.clauses.iter().zip(asks).zip(about))
                .filter(|((_, ask), is_about)| **is_about && !ask.never)
                .map(|(clause, _)| clause)
                .collect();
            let spent = problem.tries.get().saturating_sub(clauses.len() + 1);
            problem.tries.set(spent);
            if spent == 0 {
                return Outcome::Unknown;
            }
            if !clauses.iter().any(|(clause, _)| !clause.is_wide && clause.statement.allows) {
                continue;
            }
            let mut holds = vec![None; self.atoms];
            let mut chosen = Vec::new();
            let question = Question { clauses: &clauses, groups: self.relevant(&clauses), tries: &problem.tries };
            match question.search(0, &mut holds, &mut chosen) {
                Some(true) => {
                    let context = chosen.iter().fold(self.base.clone(), |context, (key, values)| {
                        key.iter().fold(context, |context, key| context.with_values(key, values.iter().cloned()))
                    });
                    return Outcome::Found { resource: resource.clone(), context };
                }
                Some(false) => {}
                None => is_certain = false,
            }
        }
        if is_certain { Outcome::None } else { Outcome::Unknown }
    }

    /// The groups that these clauses ask for.
    fn relevant(&self, clauses: &[(&Clause<'_>, &Ask)]) -> Vec<&Group> {
        let mut asked = vec![false; self.atoms];
        for (_, ask) in clauses {
            for atom in ask.all.iter().chain(&ask.any).chain(&ask.none) {
                asked[*atom] = true;
            }
        }
        self.groups.iter().filter(|group| group.atoms.iter().any(|atom| asked[*atom])).collect()
    }
}

/// The kinds of resource, `*` among them, each with the groups that it fits and one that has it.
fn kinds_of_resource(globs: &[Glob], groups: Vec<Vec<usize>>) -> Option<Vec<(Vec<usize>, String)>> {
    let fitting = (0..globs.len()).filter(|at| globs[*at].matches("*"));
    let mut star: Vec<usize> = fitting.flat_map(|at| groups[at].iter().copied()).collect();
    star.sort_unstable();
    let tracks = globs.iter().map(Track::exact).collect();
    let classes = Walk::new(tracks, groups, Domain::Arn).classes()?.into_iter().map(|class| (class.fits, class.text));
    Some(classes.chain([(star, "*".to_owned())]).collect())
}

/// What each clause asks of each kind of resource; kinds of which all clauses ask the same are one.
fn asks(
    problem: &Problem<'_>,
    kinds: Vec<(Vec<usize>, String)>,
    ask: impl Fn(usize, &Clause<'_>, &[usize]) -> Ask,
) -> Option<Vec<(Vec<Ask>, String)>> {
    if kinds.len().saturating_mul(problem.clauses.len()) > MOST_TRIES {
        return None;
    }
    let mut seen: HashSet<Vec<Ask>> = HashSet::new();
    let mut found = Vec::new();
    for (fits, text) in kinds {
        let asks: Vec<Ask> = problem.clauses.iter().enumerate().map(|(at, clause)| ask(at, clause, &fits)).collect();
        if seen.insert(asks.clone()) {
            found.push((asks, text));
        }
    }
    Some(found)
}

/// What is asked of one kind of action on one kind of resource.
struct Question<'a> {
    clauses: &'a [(&'a Clause<'a>, &'a Ask)],
    groups: Vec<&'a Group>,
    tries: &'a Cell<usize>,
}

type Chosen = Vec<(Option<String>, Vec<String>)>;

impl Question<'_> {
    /// Whether some choices make the narrow policy allow and the wide one not; `None` when that takes too long.
    fn search(&self, at: usize, holds: &mut [Option<bool>], chosen: &mut Chosen) -> Option<bool> {
        let left = self.tries.get().checked_sub(self.clauses.len() + 1)?;
        self.tries.set(left);
        match (self.is_allowed(false, holds), self.is_allowed(true, holds)) {
            (Some(true), Some(false)) => return Some(true),
            (Some(false), _) | (_, Some(true)) => return Some(false),
            _ => {}
        }
        let Some(group) = self.groups.get(at) else { return Some(false) };
        let mut answer = Some(false);
        for choice in &group.choices {
            for (atom, value) in group.atoms.iter().zip(&choice.holds) {
                holds[*atom] = Some(*value);
            }
            chosen.push((group.key.clone(), choice.values.clone()));
            match self.search(at + 1, holds, chosen) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => answer = None,
            }
            chosen.pop();
        }
        for atom in &group.atoms {
            holds[*atom] = None;
        }
        answer
    }

    /// What one policy says, as far as it is decided.
    fn is_allowed(&self, wide: bool, holds: &[Option<bool>]) -> Option<bool> {
        let said = |allows: bool| {
            let clauses = self.clauses.iter().filter(|(clause, _)| clause.is_wide == wide);
            or(clauses.filter(|(clause, _)| clause.statement.allows == allows).map(|(_, ask)| ask.is_met(holds)))
        };
        match (said(true), said(false)) {
            (Some(false), _) | (_, Some(true)) => Some(false),
            (Some(true), Some(false)) => Some(true),
            _ => None,
        }
    }
}

impl Ask {
    fn is_met(&self, holds: &[Option<bool>]) -> Option<bool> {
        let all = or(self.all.iter().map(|atom| holds[*atom].map(|holds| !holds))).map(|fails| !fails);
        let any = if self.any.is_empty() { Some(true) } else { or(self.any.iter().map(|atom| holds[*atom])) };
        let none = or(self.none.iter().map(|atom| holds[*atom])).map(|some| !some);
        match (all, any, none) {
            (Some(false), ..) | (_, Some(false), _) | (.., Some(false)) => Some(false),
            (Some(true), Some(true), Some(true)) => Some(true),
            _ => None,
        }
    }
}

/// Whether one of them is true, as far as they are decided.
fn or(values: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut answer = Some(false);
    for value in values {
        match value {
            Some(true) => return Some(true),
            Some(false) => {}
            None => answer = None,
        }
    }
    answer
}
