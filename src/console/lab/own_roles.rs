//! Making a role of a template, changing what fills it, and ending it.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Response;

use crate::app::{Broker, RoleEnding, RolePreview, Templates};
use crate::console::page;
use crate::console::parts::span;
use crate::console::shell::{LabHead, Shell, Tab};
use crate::domain::lab::{Role, Standing};
use crate::domain::policy::{Gain, Money, PolicyTemplate, TemplateName, action_words};

/// The lengths that a session can be given.
const LENGTHS: [u32; 4] = [900, 1_800, 2_700, 3_600];

/// What is filled in.
#[derive(Clone, Debug, Default)]
pub struct RoleFields {
    /// What the role is to be called.
    pub name: String,
    /// What it is to be made of.
    pub template: String,
    /// The longest session, in seconds.
    pub longest: String,
    /// What fills the template, by name.
    pub values: BTreeMap<String, String>,
}

/// What is wrong with it.
#[derive(Clone, Debug)]
pub struct RoleWrong {
    /// The field; empty when it is about no one of them.
    pub field: String,
    /// A sentence.
    pub says: String,
}

/// What the page of a form is made of.
pub struct RoleForm<'a> {
    /// The lab, and what a role can be made of.
    pub templates: &'a Templates,
    /// What is filled in.
    pub fields: &'a RoleFields,
    /// What is wrong with it.
    pub wrong: Option<&'a RoleWrong>,
    /// What it would be, once enough is filled in.
    pub preview: Option<&'a RolePreview>,
    /// The role that is changed; none for a new one.
    pub role: Option<&'a Role>,
    /// A fresh sign-in that leads back here.
    pub sign_in: String,
}

#[derive(Template)]
#[template(path = "lab/role_new.html", config = "src/console/askama.toml")]
struct Choose<'a> {
    shell: &'a Shell,
    lab: LabHead,
    packs: Vec<(&'a str, Vec<Choice<'a>>)>,
    ended: Vec<Ended<'a>>,
    unknown: Option<&'a str>,
}

/// A template that can be chosen.
struct Choice<'a> {
    name: &'a TemplateName,
    template: &'a PolicyTemplate,
    /// A name that the lab has no role of.
    address: String,
    used_by: Vec<&'a str>,
}

/// A role that can be made again.
struct Ended<'a> {
    role: &'a Role,
    address: String,
}

#[derive(Template)]
#[template(path = "lab/role_form.html", config = "src/console/askama.toml")]
struct Form<'a> {
    shell: &'a Shell,
    lab: LabHead,
    fields: &'a RoleFields,
    wrong: Option<&'a RoleWrong>,
    preview: Option<Look<'a>>,
    role: Option<&'a Role>,
    version: String,
    template: &'a PolicyTemplate,
    inputs: Vec<Input<'a>>,
    lengths: Vec<(u32, String, bool)>,
    may_save: bool,
    sign_in: &'a str,
}

/// One parameter's field.
struct Input<'a> {
    name: &'a str,
    title: &'a str,
    description: &'a str,
    form: &'static str,
    example: &'a str,
    value: &'a str,
    wrong: Option<&'a str>,
}

/// What a role would be, as a part of the page.
struct Look<'a> {
    preview: &'a RolePreview,
    most: usize,
    longest: String,
    newly: Vec<Change<'a>>,
    no_longer: Vec<Change<'a>>,
    is_new: bool,
    takes_sign_in: bool,
}

struct Change<'a> {
    action: &'a str,
    does: Option<&'static str>,
    /// What it is called on, for instance; nothing where there is nothing to tell apart.
    on: Option<&'a str>,
    /// What such a call carries: `s3:prefix results/`.
    with: Vec<String>,
}

fn in_words((key, values): (&str, &[String])) -> String {
    format!("{key} {}", values.join(", "))
}

fn changes<'a>(gains: &'a [Gain]) -> Vec<Change<'a>> {
    let change = |gain: &'a Gain| {
        let Gain { action, example } = gain;
        Change {
            action,
            does: action_words::words(action).map(|words| words.does),
            on: example.as_ref().map(|call| call.resource.as_str()).filter(|resource| *resource != "*"),
            with: example.iter().flat_map(|call| call.context.iter().map(in_words)).collect(),
        }
    };
    gains.iter().map(change).collect()
}

impl Choice<'_> {
    /// What a template can do with money, in a few words; nothing when it can do nothing.
    fn money(template: &PolicyTemplate) -> Option<&'static str> {
        match template.money() {
            Money::None => None,
            Money::Promises => Some("can promise money"),
            Money::Pays => Some("can pay at once"),
        }
    }
}

/// The address of the form for a role of this template.
fn new_address(lab: &LabHead, template: &TemplateName, role: Option<&Role>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("template", template.as_str());
    if let Some(role) = role {
        query.append_pair("name", role.name.as_str());
        query.append_pair("longest", &role.max_duration.seconds().to_string());
        for (name, value) in &role.parameters {
            query.append_pair(&format!("p-{name}"), value);
        }
    }
    format!("/labs/{}/roles/new?{}", lab.name, query.finish())
}

/// The page on which a role is made or changed; which template, when none is chosen yet.
#[must_use]
pub fn role_form(broker: &Broker, shell: &Shell, form: RoleForm<'_>) -> Response {
    let RoleForm { templates, fields, wrong, preview, role, sign_in } = form;
    let lab = LabHead::new(&templates.place, Tab::Roles);
    let chosen = fields.template.parse().ok().and_then(|name| broker.policies.get(&name));
    let Some(template) = chosen else {
        return choose(shell, lab, templates, Some(fields.template.as_str()).filter(|name| !name.is_empty()));
    };
    let wrong_at = |field: &str| wrong.filter(|wrong| wrong.field == field).map(|wrong| wrong.says.as_str());
    let inputs = template.parameters().iter().map(|(name, parameter)| Input {
        name,
        title: &parameter.title,
        description: &parameter.description,
        form: parameter.kind.form(),
        example: &parameter.example,
        value: fields.values.get(name).map_or("", String::as_str),
        wrong: wrong_at(&format!("p-{name}")),
    });
    let longest = fields.longest.parse().unwrap_or(3_600);
    let preview = preview.map(|preview| Look {
        preview,
        most: RolePreview::MOST_CHARS,
        longest: span(preview.role.max_duration.seconds()),
        newly: changes(&preview.widening.gains),
        no_longer: changes(&preview.widening.losses),
        is_new: preview.before.is_none(),
        takes_sign_in: preview.takes_fresh_sign_in,
    });
    page(&Form {
        shell,
        may_save: templates.place.standing == Standing::Pi,
        lab,
        fields,
        wrong,
        preview,
        role,
        version: role.map_or_else(String::new, Role::version),
        template,
        inputs: inputs.collect(),
        lengths: LENGTHS.map(|seconds| (seconds, span(seconds), seconds == longest)).into(),
        sign_in: &sign_in,
    })
}

fn choose(shell: &Shell, lab: LabHead, templates: &Templates, unknown: Option<&str>) -> Response {
    let mut packs: Vec<(&str, Vec<Choice<'_>>)> = Vec::new();
    for (name, template) in &templates.templates {
        let pack = name.pack();
        let used_by = templates.roles.iter().filter(|role| role.template == *name).map(|role| role.name.as_str());
        let choice = Choice { name, template, address: new_address(&lab, name, None), used_by: used_by.collect() };
        match packs.last_mut() {
            Some((last, choices)) if *last == pack => choices.push(choice),
            _ => packs.push((pack, vec![choice])),
        }
    }
    let is_there = |role: &&Role| templates.templates.iter().any(|(name, _)| *name == role.template);
    let ended = templates.ended.iter().filter(is_there);
    let ended = ended.map(|role| Ended { role, address: new_address(&lab, &role.template, Some(role)) }).collect();
    page(&Choose { shell, lab, packs, ended, unknown })
}

#[derive(Template)]
#[template(path = "lab/role_end.html", config = "src/console/askama.toml")]
struct End<'a> {
    shell: &'a Shell,
    lab: LabHead,
    ending: &'a RoleEnding,
    version: String,
    may_save: bool,
}

/// The page that asks whether a role is to be ended.
#[must_use]
pub fn role_end(shell: &Shell, ending: &RoleEnding) -> Response {
    page(&End {
        shell,
        lab: LabHead::new(&ending.place, Tab::Roles),
        version: ending.role.version(),
        may_save: ending.place.standing == Standing::Pi,
        ending,
    })
}
