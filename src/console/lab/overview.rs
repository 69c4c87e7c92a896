//! A lab at a glance.

use askama::Template;
use axum::response::Response;

use crate::app::LabView;
use crate::console::page;
use crate::console::parts::PersonTag;
use crate::console::shell::{LabHead, Shell, Tab};

#[derive(Template)]
#[template(path = "lab/overview.html", config = "src/console/askama.toml")]
struct Overview<'a> {
    shell: &'a Shell,
    lab: LabHead,
    pis: Vec<PersonTag>,
}

/// What is going on in a lab.
#[must_use]
pub fn overview(shell: &Shell, view: &LabView) -> Response {
    let pis = view.pis.iter().map(|pi| PersonTag::new(&pi.id, pi.name.as_ref(), false));
    page(&Overview { shell, lab: LabHead::new(&view.place, Tab::Overview), pis: pis.collect() })
}
