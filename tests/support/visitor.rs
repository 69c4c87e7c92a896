//! A person at a browser without scripts: keeps cookies, follows redirects across broker and provider, fills in forms.
//!
//! Redirects are followed by hand, so that a test can look at every hop. Cookies belong to a host and not to a port, as
//! in every real browser: broker and provider on one machine do see each other's.

use std::collections::BTreeMap;

use url::Url;

/// More hops than any sign-in has.
const MOST_REDIRECTS: usize = 20;

/// One person's browser.
pub(crate) struct Visitor {
    agent: ureq::Agent,
    cookies: Vec<Cookie>,
    stop_before: Option<String>,
}

#[derive(Clone, Debug)]
struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
}

/// What the visitor looks at.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Every request on the way here, the last one included: its URL and its status.
    pub(crate) trail: Vec<(Url, u16)>,
}

/// A form on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) action: Url,
    pub(crate) is_post: bool,
    /// Name and value of what would be sent without pressing a particular button.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) buttons: Vec<Button>,
}

/// A button that sends its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Button {
    pub(crate) text: String,
    /// Name and value that pressing it adds.
    pub(crate) field: Option<(String, String)>,
}

impl Visitor {
    /// A fresh browser.
    pub(crate) fn new() -> Self {
        let settings = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(super::PATIENCE))
            .build();
        Self { agent: settings.into(), cookies: Vec::new(), stop_before: None }
    }

    /// Stops in front of any URL that starts so, such as a helper's loopback address: the page then is the redirect, and
    /// [`Page::location`] says where to.
    pub(crate) fn stop_before(&mut self, prefix: &str) {
        self.stop_before = Some(prefix.to_owned());
    }

    /// The value of a cookie that would be sent to this URL.
    pub(crate) fn cookie(&self, url: &Url, name: &str) -> Option<String> {
        self.cookies_for(url).find(|cookie| cookie.name == name).map(|cookie| cookie.value.clone())
    }

    /// Has a cookie from now on, as if this site had set it.
    pub(crate) fn hold(&mut self, site: &str, name: &str, value: &str) {
        self.keep(&Url::parse(site).unwrap(), &format!("{name}={value}; Path=/"));
    }

    /// Opens a URL and follows where it leads.
    pub(crate) fn open(&mut self, url: &str) -> Page {
        self.travel(Url::parse(url).unwrap_or_else(|e| panic!("{url}: {e}")), None)
    }

    /// Sends a form as it stands, with these fields set, pressing no particular button.
    pub(crate) fn submit(&mut self, form: &Form, fields: &[(&str, &str)]) -> Page {
        let mut sent = form.fields.clone();
        for (name, value) in fields {
            sent.retain(|(existing, _)| existing != name);
            sent.push(((*name).to_owned(), (*value).to_owned()));
        }
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&sent).finish();
        if form.is_post {
            return self.travel(form.action.clone(), Some(encoded));
        }
        let mut url = form.action.clone();
        url.set_query(Some(&encoded));
        self.travel(url, None)
    }

    /// Presses the first button whose text or value is, or starts with, `label`.
    ///
    /// # Panics
    ///
    /// When the page has no such button.
    pub(crate) fn press(&mut self, page: &Page, label: &str) -> Page {
        let forms = page.forms();
        let (form, button) =
            find_button(&forms, label).unwrap_or_else(|| panic!("no button {label:?} at {}:\n{}", page.url, page.body));
        let extra = button.field.as_ref().map(|(name, value)| (name.as_str(), value.as_str()));
        self.submit(form, extra.as_slice())
    }

    /// Opens a URL and signs in as `person` wherever that leads: at node oidc-provider's pages by their fields, at any
    /// other provider by a button that names the person. Stops at the first page that asks for neither; its trail is the
    /// whole way.
    pub(crate) fn sign_in(&mut self, url: &str, person: &str) -> Page {
        let page = self.open(url);
        self.continue_sign_in(page, person)
    }

    /// The same from a page that is open already.
    pub(crate) fn continue_sign_in(&mut self, mut page: Page, person: &str) -> Page {
        for _ in 0..5 {
            let forms = page.forms();
            let asked = |prompt: &str| {
                let is_asked =
                    |form: &&Form| form.fields.iter().any(|(name, value)| name == "prompt" && value == prompt);
                forms.iter().find(is_asked)
            };
            let before = std::mem::take(&mut page.trail);
            let mut next = if let Some(form) = asked("login") {
                self.submit(form, &[("login", person), ("password", "any")])
            } else if let Some(form) = asked("consent") {
                self.submit(form, &[])
            } else if find_button(&forms, person).is_some() {
                self.press(&page, person)
            } else {
                page.trail = before;
                return page;
            };
            next.trail.splice(0..0, before);
            page = next;
        }
        panic!("still asked to sign in at {}", page.url);
    }

    fn travel(&mut self, mut url: Url, mut form: Option<String>) -> Page {
        let mut trail = Vec::new();
        for _ in 0..MOST_REDIRECTS {
            let mut page = self.request(&url, form.as_deref());
            trail.push((url.clone(), page.status));
            let next = page.location().filter(|_| (300..400).contains(&page.status));
            let stop = |next: &Url| self.stop_before.as_ref().is_some_and(|prefix| next.as_str().starts_with(prefix));
            match next {
                Some(next) if !stop(&next) => {
                    // 307 and 308 repeat the request; the others become a GET.
                    if !matches!(page.status, 307 | 308) {
                        form = None;
                    }
                    url = next;
                }
                _ => {
                    page.trail = trail;
                    return page;
                }
            }
        }
        panic!("redirected in a circle: {trail:?}");
    }

    fn request(&mut self, url: &Url, form: Option<&str>) -> Page {
        let cookies: Vec<_> = self.cookies_for(url).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        let mut request = http::Request::builder().uri(url.as_str()).header("accept", "text/html");
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let answer = match form {
            Some(form) => {
                let origin = url.origin().ascii_serialization();
                let request = request.method("POST").header("content-type", "application/x-www-form-urlencoded");
                self.agent.run(request.header("origin", origin).body(form.to_owned()).unwrap())
            }
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.unwrap_or_else(|e| panic!("{url}: {e}"));
        let headers: Vec<_> = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        for (_, cookie) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            self.keep(url, cookie);
        }
        let status = answer.status().as_u16();
        let body = answer.body_mut().read_to_string().unwrap_or_default();
        Page { url: url.clone(), status, headers, body, trail: Vec::new() }
    }

    fn keep(&mut self, url: &Url, header: &str) {
        let mut parts = header.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let attributes: BTreeMap<String, &str> = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let folder = url.path().rsplit_once('/').map_or("/", |(folder, _)| folder);
        let folder = if folder.is_empty() { "/" } else { folder };
        let path = attributes.get("path").filter(|path| path.starts_with('/')).map_or(folder, |path| path);
        let host = url.host_str().unwrap_or_default();
        self.cookies.retain(|kept| (kept.host.as_str(), kept.path.as_str(), kept.name.as_str()) != (host, path, name));
        let is_over = attributes.get("max-age").is_some_and(|age| age.parse::<i64>().is_ok_and(|age| age <= 0))
            || attributes.get("expires").is_some_and(|when| when.contains(" 1970 "));
        if !is_over {
            let [host, path, name, value] = [host, path, name, value].map(str::to_owned);
            self.cookies.push(Cookie { host, path, name, value });
        }
    }

    fn cookies_for<'a>(&'a self, url: &'a Url) -> impl Iterator<Item = &'a Cookie> {
        self.cookies.iter().filter(|cookie| {
            let below = url.path().strip_prefix(cookie.path.as_str());
            let is_below =
                below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.path.ends_with('/'));
            url.host_str() == Some(cookie.host.as_str()) && is_below
        })
    }
}

impl Page {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{} is no JSON: {e}: {}", self.url, self.body))
    }

    /// Where a redirect points.
    pub(crate) fn location(&self) -> Option<Url> {
        self.url.join(self.header("location")?).ok()
    }

    /// The text that a person reads: no tags, white space as one space.
    pub(crate) fn text(&self) -> String {
        text_of(&self.body)
    }

    /// The links, with their text.
    pub(crate) fn links(&self) -> Vec<(String, Url)> {
        let mut found = Vec::new();
        for (tag, after) in tags(&self.body) {
            let Some(href) = tag.attribute("href").filter(|_| tag.name == "a") else { continue };
            let text = after.split_once("</a").map_or("", |(text, _)| text);
            if let Ok(url) = self.url.join(&href) {
                found.push((text_of(text), url));
            }
        }
        found
    }

    /// The forms, in order.
    pub(crate) fn forms(&self) -> Vec<Form> {
        let mut forms: Vec<Form> = Vec::new();
        let mut is_inside = false;
        for (tag, after) in tags(&self.body) {
            match tag.name.as_str() {
                "form" => {
                    let action = tag.attribute("action").unwrap_or_default();
                    let action = if action.is_empty() { Ok(self.url.clone()) } else { self.url.join(&action) };
                    let is_post = tag.attribute("method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
                    let action = action.unwrap_or_else(|e| panic!("a form at {} points nowhere: {e}", self.url));
                    forms.push(Form { action, is_post, fields: Vec::new(), buttons: Vec::new() });
                    is_inside = true;
                }
                "/form" => is_inside = false,
                "input" | "button" | "textarea" | "select" if is_inside => {
                    if let Some(form) = forms.last_mut() {
                        form.add(&tag, after);
                    }
                }
                _ => {}
            }
        }
        forms
    }
}

impl Form {
    fn add(&mut self, tag: &Tag, after: &str) {
        let kind = tag.attribute("type").unwrap_or_default().to_ascii_lowercase();
        let value = tag.attribute("value").unwrap_or_default();
        let field = tag.attribute("name").map(|name| (name, value.clone()));
        match (tag.name.as_str(), kind.as_str()) {
            ("button", "" | "submit") => {
                let text = after.split_once("</button").map_or("", |(text, _)| text);
                self.buttons.push(Button { text: text_of(text), field });
            }
            ("input", "submit") => self.buttons.push(Button { text: value, field }),
            ("button", _) => {}
            ("input", "checkbox" | "radio") if tag.attribute("checked").is_none() => {}
            _ => self.fields.extend(field),
        }
    }
}

fn find_button<'a>(forms: &'a [Form], label: &str) -> Option<(&'a Form, &'a Button)> {
    let all = || forms.iter().flat_map(|form| form.buttons.iter().map(move |button| (form, button)));
    let value = |button: &Button| button.field.as_ref().map_or(String::new(), |(_, value)| value.clone());
    all()
        .find(|(_, button)| button.text == label || value(button) == label)
        .or_else(|| all().find(|(_, button)| button.text.starts_with(label)))
}

struct Tag {
    /// In lower case; `/form` for an end.
    name: String,
    inside: String,
}

impl Tag {
    fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.inside.as_str();
        while !rest.trim_start().is_empty() {
            rest = rest.trim_start().trim_start_matches('/');
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let (value, after) = match after.trim_start().strip_prefix('=').map(str::trim_start) {
                None => ("", after),
                Some(given) => match given.chars().next().filter(|quote| matches!(quote, '"' | '\'')) {
                    Some(quote) => given[1..].split_once(quote).unwrap_or((&given[1..], "")),
                    None => given.split_at(given.find(char::is_whitespace).unwrap_or(given.len())),
                },
            };
            if name.eq_ignore_ascii_case(wanted) {
                return Some(decoded(value));
            }
            rest = after;
        }
        None
    }
}

/// Every tag, with what follows it.
fn tags(html: &str) -> Vec<(Tag, &str)> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let end = tag_end(rest);
        let (tag, after) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
        let split = tag.find(|c: char| c.is_whitespace()).unwrap_or(tag.len());
        let name = tag[..split].to_ascii_lowercase();
        found.push((Tag { name, inside: tag[split..].to_owned() }, after));
        rest = after;
    }
    found
}

/// Where a tag's `>` is; one inside quotes does not count.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (index, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return index,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    tag.len()
}

fn text_of(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        rest = tag.get(tag_end(tag) + 1..).unwrap_or_default();
        for unread in ["style", "script"] {
            if tag.starts_with(unread) {
                rest = rest.split_once(&format!("</{unread}")).map_or("", |(_, after)| after);
                rest = rest.split_once('>').map_or("", |(_, after)| after);
            }
        }
    }
    text.push_str(rest);
    decoded(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// HTML's character references, as far as templates write them.
fn decoded(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        result.push_str(before);
        let Some((name, tail)) = after.split_once(';').filter(|(name, _)| name.len() <= 8) else {
            result.push('&');
            rest = after;
            continue;
        };
        let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
        let character = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some(' '),
            _ => match name.strip_prefix('#') {
                Some(code) if code.starts_with(['x', 'X']) => number(&code[1..], 16),
                Some(code) => number(code, 10),
                None => None,
            },
        };
        if let Some(character) = character {
            result.push(character);
            rest = tail;
        } else {
            result.push('&');
            rest = after;
        }
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><style>form > b {}</style><h1>Who &amp; what</h1>
        <!-- <form action="/hidden"></form> -->
        <form method="POST" action="/choose?a=1&amp;b=2">
          <input type="hidden" name="state" value='x"y&#x27;z'><input type=checkbox name=off><input type=checkbox name=on checked value=1>
          <button name="person" value="student">Sam <b>Student</b></button>
          <button name="person" value="pi" title="a > b">Pat</button><button type="button">Nothing</button>
        </form>
        <form><input name=q><input type=submit value="Search"></form><a href="/next">Next&nbsp;page</a>"#;

    fn page() -> Page {
        let url = Url::parse("http://127.0.0.1:1/start/here").unwrap();
        Page { url, status: 200, headers: Vec::new(), body: PAGE.to_owned(), trail: Vec::new() }
    }

    #[test]
    fn forms_links_and_text_are_read_as_a_browser_does() {
        let forms = page().forms();

        assert_eq!(forms.len(), 2, "a form in a comment is none");
        assert_eq!(forms[0].action.as_str(), "http://127.0.0.1:1/choose?a=1&b=2");
        assert!(forms[0].is_post && !forms[1].is_post);
        assert_eq!(forms[0].fields, [("state".into(), "x\"y'z".into()), ("on".into(), "1".into())]);
        assert_eq!(forms[0].buttons.len(), 2);
        assert_eq!(forms[0].buttons[0].text, "Sam Student");
        assert_eq!(find_button(&forms, "pi").unwrap().1.text, "Pat");
        assert_eq!(find_button(&forms, "Search").unwrap().0, &forms[1]);
        assert_eq!(page().links(), [("Next page".into(), Url::parse("http://127.0.0.1:1/next").unwrap())]);
        assert_eq!(page().text(), "Who & what Sam Student Pat Nothing Next page");
    }

    #[test]
    fn cookies_keep_to_their_host_and_path_and_not_to_a_port() {
        let mut visitor = Visitor::new();
        let url = |text: &str| Url::parse(text).unwrap();

        visitor.keep(&url("http://127.0.0.1:1/a/b"), "one=1; Path=/; HttpOnly; SameSite=Lax");
        visitor.keep(&url("http://127.0.0.1:1/a/b"), "two=2=2");

        assert_eq!(visitor.cookie(&url("http://127.0.0.1:2/x"), "one").as_deref(), Some("1"));
        assert_eq!(visitor.cookie(&url("http://localhost:1/x"), "one"), None);
        assert_eq!(visitor.cookie(&url("http://127.0.0.1:1/a/c"), "two").as_deref(), Some("2=2"));
        assert_eq!(visitor.cookie(&url("http://127.0.0.1:1/ab"), "two"), None);

        visitor.keep(&url("http://127.0.0.1:1/"), "one=; Max-Age=0; Path=/");
        assert_eq!(visitor.cookie(&url("http://127.0.0.1:1/x"), "one"), None);
    }
}
