//! What a role is to somebody, as a picture. The words for it always stand beside it: nobody has to tell shapes or colours
//! apart.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::app::Holding;

/// A small picture, without words.
#[derive(Clone, Copy, Debug, Template)]
#[template(
    source = r#"<svg class="glyph {{ self.class() }}" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">{% match holding %}{% when Holding::Has %}<circle cx="10" cy="10" r="9"/><path class="cut" d="M5.8 10.4l2.8 2.8 5.6-6"/>{% when Holding::WithMfa %}<circle cx="10" cy="10" r="9"/><path class="cut" d="M7.6 9.4V7.6a2.4 2.4 0 0 1 4.8 0v1.8M6.4 9.4h7.2v4.8H6.4z"/>{% when Holding::Approval %}<circle class="ring" cx="10" cy="10" r="8" stroke-dasharray="3.2 2.2"/><path class="line" d="M7.6 8a2.4 2.4 0 1 1 3.4 2.2c-.7.3-1 .8-1 1.5M10 14v.2"/>{% when Holding::OldGroups %}<circle class="ring" cx="10" cy="10" r="8"/><path class="line" d="M10 5.6V10l2.8 2"/>{% endmatch %}</svg>"#,
    ext = "html"
)]
pub(super) struct Glyph {
    holding: Holding,
}

impl HtmlSafe for Glyph {}

impl Glyph {
    pub(super) const fn new(holding: Holding) -> Self {
        Self { holding }
    }

    const fn class(self) -> &'static str {
        match self.holding {
            Holding::Has | Holding::WithMfa => "has",
            Holding::Approval => "waits",
            Holding::OldGroups => "old",
        }
    }
}

/// What it means, after "they".
pub(super) const fn words(holding: Holding) -> &'static str {
    match holding {
        Holding::Has => "has it",
        Holding::WithMfa => "has it with a second factor",
        Holding::Approval => "waits for approval",
        Holding::OldGroups => "has to sign in again",
    }
}
