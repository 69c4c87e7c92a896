//! CloudFormation, as far as the stack of a lab's account needs it: managed policies, roles, and inline policies.
//!
//! Whatever a template has beyond that is refused and never passed over: it could be a restriction. As with CloudFormation,
//! what is not in the template stays as it is, and a role that is there already keeps its id.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::accounts::Accounts;
use super::principals::id;
use super::settings::{IamRole, ManagedPolicy, SettingsError};
use super::{SmallAws, locked};

/// Source: AWS CloudFormation User Guide, "Template sections"; the others are not carried out.
const SECTIONS: [&str; 4] = ["AWSTemplateFormatVersion", "Description", "Outputs", "Resources"];

/// A role's longest trust policy, and the longest managed policy; white space is not counted. Source: IAM User Guide,
/// "IAM and AWS STS quotas".
const TRUST_MAX_CHARS: usize = 2_048;
const MANAGED_MAX_CHARS: usize = 6_144;

/// Why there is no stack.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// An account that this AWS does not have.
    #[error("there is no account {0}")]
    NoAccount(String),
    /// Not JSON.
    #[error("the template is not JSON (line {line}, column {column})")]
    Json {
        /// Where it ends to be.
        line: usize,
        /// The same.
        column: usize,
    },
    /// Something in the template that is not there, not allowed, or not carried out here.
    #[error("{at}: {what}")]
    Template {
        /// Where: `Resources.SessionRole`.
        at: String,
        /// What.
        what: String,
    },
    /// What the template describes is no role or no policy.
    #[error("{}", said(.0))]
    Settings(#[from] SettingsError),
}

/// An error with what caused it: a person reads it.
fn said(error: &SettingsError) -> String {
    std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

impl SmallAws {
    /// Makes what a template describes in an account, or changes it to that.
    ///
    /// # Errors
    ///
    /// When there is no such account, or the template is none. Nothing is made then.
    pub fn create_stack(&self, account: &str, template: &str) -> Result<(), StackError> {
        if !locked(&self.0.marketplaces).contains_key(account) {
            return Err(StackError::NoAccount(account.to_owned()));
        }
        let parsed = serde_json::from_str(template)
            .map_err(|error| StackError::Json { line: error.line(), column: error.column() })?;
        let stack = Stack::read(account, &parsed)?;
        let now = self.0.clock.now();
        self.0.register.change(|accounts| {
            let roles = stack.roles(accounts, |arn| {
                let first = self.0.seal.role_id(arn);
                if accounts.has_had(&first) { id("AROA", &self.0.random.bytes::<17>()) } else { first }
            });
            accounts.put(&roles, now)
        })?;
        locked(&self.0.stacks).insert(account.to_owned(), template.to_owned());
        Ok(())
    }

    /// The template that was made last in each account, by account: whoever makes them again has the same roles again.
    #[must_use]
    pub fn stacks(&self) -> BTreeMap<String, String> {
        locked(&self.0.stacks).clone()
    }
}

/// What a template describes.
struct Stack {
    /// By logical id.
    policies: BTreeMap<String, ManagedPolicy>,
    /// By logical id.
    roles: BTreeMap<String, StackRole>,
}

struct StackRole {
    arn: String,
    name: String,
    trust: String,
    max_session_seconds: u32,
    /// The ARN of the boundary.
    boundary: Option<String>,
    /// ARNs of managed policies of the template.
    attached: BTreeSet<String>,
    inline: BTreeMap<String, String>,
}

impl Stack {
    fn read(account: &str, template: &Value) -> Result<Self, StackError> {
        let template = Object::of("the template", template)?;
        template.has_no_others(&SECTIONS)?;
        let resources = Object::of("Resources", template.required("Resources")?)?;
        let names = Names::read(account, &resources)?;
        let mut stack = Self { policies: BTreeMap::new(), roles: BTreeMap::new() };
        for (logical, resource) in resources.members() {
            let (kind, properties) = resource_of(&resources, logical, resource)?;
            match kind {
                Kind::Role => drop(stack.roles.insert(logical.clone(), role(&names, logical, &properties)?)),
                Kind::ManagedPolicy => {
                    drop(stack.policies.insert(logical.clone(), managed(&names, logical, &properties)?));
                }
                Kind::Policy => {}
            }
        }
        for (logical, resource) in resources.members() {
            match resource_of(&resources, logical, resource)? {
                (Kind::ManagedPolicy, properties) => {
                    let arn = names.arns[logical].clone();
                    for role in stack.listed(&names, &properties)? {
                        role.attached.insert(arn.clone());
                    }
                }
                (Kind::Policy, properties) => {
                    properties.has_no_others(&["PolicyDocument", "PolicyName", "Roles"])?;
                    let (name, text) = (properties.text("PolicyName")?, properties.document("PolicyDocument", None)?);
                    let roles = stack.listed(&names, &properties)?;
                    if roles.is_empty() {
                        return Err(properties.wrong("Roles", "must name a role"));
                    }
                    for role in roles {
                        role.inline.insert(name.to_owned(), text.clone());
                    }
                }
                (Kind::Role, _) => {}
            }
        }
        for (logical, policy) in &stack.policies {
            let has =
                |role: &StackRole| role.attached.contains(&policy.arn) || role.boundary.as_ref() == Some(&policy.arn);
            if !stack.roles.values().any(has) {
                let what = "no role of the template has this policy".to_owned();
                return Err(StackError::Template { at: format!("Resources.{logical}"), what });
            }
        }
        Outputs::check(&template, &names)?;
        Ok(stack)
    }

    /// The roles in the list `Roles`: those of the template.
    fn listed(&mut self, names: &Names, properties: &Object<'_>) -> Result<Vec<&mut StackRole>, StackError> {
        let Some(list) = properties.get("Roles") else { return Ok(Vec::new()) };
        let list = list.as_array().ok_or_else(|| properties.wrong("Roles", "must be a list"))?;
        let mut wanted = BTreeSet::new();
        for entry in list {
            let name = names.text(properties, "Roles", entry)?;
            if !self.roles.values().any(|role| role.name == name) {
                return Err(properties.wrong("Roles", "names a role that the template does not make"));
            }
            wanted.insert(name);
        }
        Ok(self.roles.values_mut().filter(|role| wanted.contains(&role.name)).collect())
    }

    /// The roles as they will be, beside what each of them has that is not the template's.
    fn roles(&self, accounts: &Accounts, mut new_id: impl FnMut(&str) -> String) -> Vec<IamRole> {
        // A policy that says something else than before is another version.
        let policies: BTreeMap<&str, ManagedPolicy> =
            self.policies.values().map(|policy| (policy.arn.as_str(), accounts.next_version(policy))).collect();
        let of_template = |arn: &String| policies.get(arn.as_str()).cloned();
        let roles = self.roles.values().map(|role| {
            let earlier = accounts.as_given(&role.arn);
            let role_id = earlier.as_ref().map_or_else(|| new_id(&role.arn), |earlier| earlier.role_id.clone());
            let (mut inline_policies, others) =
                earlier.map_or_else(Default::default, |it| (it.inline_policies, it.attached_policies));
            inline_policies.extend(role.inline.clone());
            let others = others.into_iter().filter(|policy| !policies.contains_key(policy.arn.as_str()));
            IamRole {
                arn: role.arn.clone(),
                role_id,
                trust: role.trust.clone(),
                inline_policies,
                attached_policies: role.attached.iter().filter_map(of_template).chain(others).collect(),
                boundary: role.boundary.as_ref().and_then(of_template),
                max_session_seconds: role.max_session_seconds,
            }
        });
        roles.collect()
    }
}

/// The three types that are made here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    ManagedPolicy,
    Role,
    Policy,
}

fn resource_of<'a>(
    resources: &Object<'a>,
    logical: &str,
    resource: &'a Value,
) -> Result<(Kind, Object<'a>), StackError> {
    let resource = Object::of(&format!("{}.{logical}", resources.at), resource)?;
    resource.has_no_others(&["Properties", "Type"])?;
    let kind = match resource.text("Type")? {
        "AWS::IAM::ManagedPolicy" => Kind::ManagedPolicy,
        "AWS::IAM::Role" => Kind::Role,
        "AWS::IAM::Policy" => Kind::Policy,
        _ => return Err(resource.wrong("Type", "is none that this AWS makes: it makes IAM roles and policies")),
    };
    Ok((kind, Object::of(&resource.at, resource.required("Properties")?)?))
}

fn managed(names: &Names, logical: &str, properties: &Object<'_>) -> Result<ManagedPolicy, StackError> {
    properties.has_no_others(&["Description", "ManagedPolicyName", "Path", "PolicyDocument", "Roles"])?;
    Ok(ManagedPolicy {
        arn: names.arns[logical].clone(),
        version_id: "v1".to_owned(),
        document: properties.document("PolicyDocument", Some(MANAGED_MAX_CHARS))?,
    })
}

fn role(names: &Names, logical: &str, properties: &Object<'_>) -> Result<StackRole, StackError> {
    properties.has_no_others(&[
        "AssumeRolePolicyDocument",
        "Description",
        "MaxSessionDuration",
        "Path",
        "PermissionsBoundary",
        "RoleName",
        "Tags",
    ])?;
    let boundary = properties.get("PermissionsBoundary");
    let boundary = boundary.map(|value| names.text(properties, "PermissionsBoundary", value)).transpose()?;
    if boundary.as_ref().is_some_and(|arn| !names.arns.values().any(|known| known == arn)) {
        return Err(properties.wrong("PermissionsBoundary", "is not a policy that the template makes"));
    }
    let seconds = match properties.get("MaxSessionDuration") {
        None => Some(3_600),
        Some(value) => value.as_u64().and_then(|seconds| u32::try_from(seconds).ok()),
    };
    let seconds = seconds.filter(|seconds| (3_600..=43_200).contains(seconds));
    Ok(StackRole {
        arn: names.arns[logical].clone(),
        name: properties.text("RoleName")?.to_owned(),
        trust: properties.document("AssumeRolePolicyDocument", Some(TRUST_MAX_CHARS))?,
        max_session_seconds: seconds.ok_or_else(|| properties.wrong("MaxSessionDuration", "must be 3600 to 43200"))?,
        boundary,
        attached: BTreeSet::new(),
        inline: BTreeMap::new(),
    })
}

/// What `Ref` and `Fn::GetAtt` stand for.
struct Names {
    /// The ARNs of roles and managed policies, by logical id.
    arns: BTreeMap<String, String>,
    /// A role's name or a managed policy's ARN, by logical id. Source: CloudFormation User Guide, "Return values" of each.
    refs: BTreeMap<String, String>,
    /// The attribute that is the ARN, by logical id.
    attributes: BTreeMap<String, &'static str>,
}

impl Names {
    fn read(account: &str, resources: &Object<'_>) -> Result<Self, StackError> {
        let mut names = Self { arns: BTreeMap::new(), refs: BTreeMap::new(), attributes: BTreeMap::new() };
        for (logical, resource) in resources.members() {
            let (kind, properties) = resource_of(resources, logical, resource)?;
            let (member, part, attribute) = match kind {
                Kind::ManagedPolicy => ("ManagedPolicyName", "policy", "PolicyArn"),
                Kind::Role => ("RoleName", "role", "Arn"),
                Kind::Policy => continue,
            };
            let name = properties.text(member)?;
            let path = properties.get("Path").map_or(Some("/"), Value::as_str).filter(|path| is_path(path));
            let path = path.ok_or_else(|| properties.wrong("Path", "must begin and end with a slash"))?;
            let arn = format!("arn:aws:iam::{account}:{part}{path}{name}");
            if names.arns.values().any(|other| *other == arn) {
                return Err(properties.wrong(member, "is that of another resource"));
            }
            let stands_for = if kind == Kind::Role { name.to_owned() } else { arn.clone() };
            names.arns.insert(logical.clone(), arn);
            names.refs.insert(logical.clone(), stands_for);
            names.attributes.insert(logical.clone(), attribute);
        }
        Ok(names)
    }

    /// A text, or one of the two functions that stand for one.
    fn text(&self, of: &Object<'_>, member: &str, value: &Value) -> Result<String, StackError> {
        if let Some(text) = value.as_str() {
            return Ok(text.to_owned());
        }
        let call = value.as_object().filter(|call| call.len() == 1).and_then(|call| call.iter().next());
        let found = match call {
            Some((name, Value::String(logical))) if name == "Ref" => self.refs.get(logical),
            Some((name, Value::Array(parts))) if name == "Fn::GetAtt" => match &parts[..] {
                [Value::String(logical), Value::String(attribute)] => self.attribute(logical, attribute),
                _ => None,
            },
            Some((name, Value::String(text))) if name == "Fn::GetAtt" => {
                text.split_once('.').and_then(|(logical, attribute)| self.attribute(logical, attribute))
            }
            _ => None,
        };
        let wrong = || of.wrong(member, "must be a text, or `Ref` or `Fn::GetAtt` of a resource of the template");
        found.cloned().ok_or_else(wrong)
    }

    fn attribute(&self, logical: &str, attribute: &str) -> Option<&String> {
        self.arns.get(logical).filter(|_| self.attributes.get(logical).is_some_and(|known| *known == attribute))
    }
}

fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.ends_with('/')
}

/// What a stack says of itself: nobody reads it here, and what it refers to must be there.
struct Outputs;

impl Outputs {
    fn check(template: &Object<'_>, names: &Names) -> Result<(), StackError> {
        let Some(outputs) = template.get("Outputs") else { return Ok(()) };
        let outputs = Object::of("Outputs", outputs)?;
        for (name, output) in outputs.members() {
            let output = Object::of(&format!("Outputs.{name}"), output)?;
            output.has_no_others(&["Description", "Value"])?;
            names.text(&output, "Value", output.required("Value")?)?;
        }
        Ok(())
    }
}

/// A JSON object, and where in the template it stands.
struct Object<'a> {
    at: String,
    members: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    fn of(at: &str, value: &'a Value) -> Result<Self, StackError> {
        let wrong = || StackError::Template { at: at.to_owned(), what: "must be an object".to_owned() };
        Ok(Self { at: at.to_owned(), members: value.as_object().ok_or_else(wrong)? })
    }

    fn wrong(&self, member: &str, what: &str) -> StackError {
        StackError::Template { at: self.at.clone(), what: format!("`{member}` {what}") }
    }

    fn members(&self) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.members.iter()
    }

    fn get(&self, member: &str) -> Option<&'a Value> {
        self.members.get(member)
    }

    fn required(&self, member: &str) -> Result<&'a Value, StackError> {
        self.get(member).ok_or_else(|| self.wrong(member, "is missing"))
    }

    fn text(&self, member: &str) -> Result<&'a str, StackError> {
        self.required(member)?.as_str().ok_or_else(|| self.wrong(member, "must be a text"))
    }

    /// A policy document as IAM would be given it. CloudFormation would put values into one; ours are written out.
    fn document(&self, member: &str, most: Option<usize>) -> Result<String, StackError> {
        let text = self.required(member)?.to_string();
        let chars = text.chars().filter(|c| !c.is_whitespace()).count();
        match most {
            Some(most) if chars > most => Err(self.wrong(member, &format!("has more than {most} characters"))),
            _ => Ok(text),
        }
    }

    fn has_no_others(&self, known: &[&str]) -> Result<(), StackError> {
        match self.members.keys().find(|member| !known.contains(&member.as_str())) {
            None => Ok(()),
            Some(member) => Err(self.wrong(member, "is not carried out by this AWS")),
        }
    }
}
