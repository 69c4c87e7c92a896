//! One HTTP request exactly as a test wants it: no cookies, no redirects, no headers but those it names.

use url::Url;

use super::PATIENCE;
use super::visitor::Page;

/// A request that is being put together.
pub(crate) struct Ask {
    method: &'static str,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

/// Any method, without a body.
pub(crate) fn ask(method: &'static str, url: &str) -> Ask {
    let body = matches!(method, "POST" | "PUT" | "PATCH").then(String::new);
    Ask { method, url: url.to_owned(), headers: Vec::new(), body }
}

/// `GET`.
pub(crate) fn get(url: &str) -> Ask {
    Ask { method: "GET", url: url.to_owned(), headers: Vec::new(), body: None }
}

/// `POST` without a body.
pub(crate) fn post(url: &str) -> Ask {
    Ask { method: "POST", url: url.to_owned(), headers: Vec::new(), body: Some(String::new()) }
}

/// `POST` of a form.
pub(crate) fn post_form(url: &str, fields: &[(&str, &str)]) -> Ask {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    post(url).header("content-type", "application/x-www-form-urlencoded").body(&body)
}

/// What a stranger could tell two answers apart by: everything but the request's own id, the time, and whether the
/// connection was closed, which is so when the answer was there before all of the body was.
pub(crate) fn public(page: &Page) -> (u16, Vec<(String, String)>, &str) {
    let told = page.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "x-request-id" | "date" | "connection"));
    (page.status, told.cloned().collect(), &page.body)
}

impl Ask {
    /// Adds a header; a name may come more than once.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Asks as a browser does: for a page.
    pub(crate) fn page(self) -> Self {
        self.header("accept", "text/html")
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    /// Sets a body of JSON.
    pub(crate) fn json(self, body: &serde_json::Value) -> Self {
        self.header("content-type", "application/json").body(&body.to_string())
    }

    /// Sends it.
    pub(crate) fn send(self) -> Page {
        let settings = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .build();
        let mut request = http::Request::builder().method(self.method).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let agent = ureq::Agent::from(settings);
        let answer = match self.body {
            Some(body) => agent.run(request.body(body).unwrap()),
            None => agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.unwrap_or_else(|e| panic!("{}: {e}", self.url));
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Page {
            url: Url::parse(&self.url).unwrap(),
            status: answer.status().as_u16(),
            headers: answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
            body: answer.body_mut().read_to_string().unwrap_or_default(),
            trail: Vec::new(),
        }
    }
}
