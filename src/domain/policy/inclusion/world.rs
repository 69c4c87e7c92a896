//! What is left of each statement for each kind of resource: its conditions. Whether a call is allowed by the one policy and
//! not by the other is a question of what those say, and is answered by trying the choices that each condition key has (see
//! [`values`]).
//!
//! Variables make this open. A *closed* world gives them values: what is found there is an example. In the *open* world
//! a pattern with a variable may fit whatever it could with some value, and a condition with one may hold or not: what is
//! not found there is not anywhere.
//!
//! [`values`]: super::values

use std::cell::Cell;
use std::collections::HashSet;

use super::problem::{About, Clause, MOST_TRIES, Outcome, Problem, variables};
use super::values::{Choice, by_key};
use super::walk::{Domain, Track, Walk};
use crate::domain::policy::condition::Condition;
use crate::domain::policy::context::Context;
use crate::domain::policy::document::Selection;
use crate::domain::policy::glob::Glob;

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
pub(super) struct World {
    /// For each kind of resource: what each clause asks, and a resource of the kind.
    kinds: Vec<(Vec<Ask>, String)>,
    groups: Vec<Group>,
    atoms: usize,
    base: Context,
    /// Whether what is not found here is nowhere, with these values of the variables.
    pub(super) is_complete: bool,
}

impl World {
    /// With the values of `base` for the variables. A key that a variable names has no other value.
    pub(super) fn closed(problem: &Problem<'_>, base: Context) -> Option<Self> {
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
    pub(super) fn open(problem: &Problem<'_>) -> Option<Self> {
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

    pub(super) fn search(&self, problem: &Problem<'_>, about: &About) -> Outcome {
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
