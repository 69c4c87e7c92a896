//! Looking changes nothing: a link, a picture or a browser that fetches ahead does nothing to anybody.

use lodge::http::routes::ROUTES;

use super::{difference, is_get, right, rows};
use crate::routes::Stage;
use crate::support::databases::Kind;

/// What is written at a look, with the reason.
const WRITES: [(&str, &str); 1] = [(
    "/auth/{connection}/callback",
    "the provider's answer to a sign-in, which is taken once, and noted when it is not",
)];

#[test]
fn no_look_changes_a_row() {
    let stage = Stage::on(Kind::Sqlite);
    let looks = ROUTES.iter().filter(is_get).filter(|route| WRITES.iter().all(|(path, _)| *path != route.path));
    let all: Vec<_> = looks.map(|route| (route, right(&stage, route))).collect();
    let before = rows(&stage);
    assert!(before.len() > 50, "{}", before.len());

    for (route, (caller, request)) in &all {
        for ask in [request.by(&stage, caller).page(), request.by(&stage, caller)] {
            let page = ask.send();
            assert!(request.answers.contains(&page.status), "{}: {}", route.path, page.status);
        }
        assert_eq!(difference(&before, &rows(&stage)), [""; 0], "{}", route.path);
    }
    assert!(all.len() >= 30, "{}", all.len());
}

#[test]
fn a_row_that_changes_is_noticed() {
    let stage = Stage::on(Kind::Sqlite);
    let before = rows(&stage);
    stage.caller(crate::routes::Who::Member);

    assert!(difference(&before, &rows(&stage)).iter().any(|row| row.starts_with("+ browser_session: ")));
}
