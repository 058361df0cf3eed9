//! What a check has found wrong so far.

use scant_abi::Error;

use crate::schema::Problem;

/// What is wrong: known before, and found here.
pub(super) struct Found<'a> {
    pub(super) known: &'a [Problem],
    pub(super) problems: Vec<Problem>,
}

impl Found<'_> {
    pub(super) fn add(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(Problem { path: path.to_owned(), message: message.into() });
    }

    /// Takes the problem out of a result; an error says its own path, which is looked for in its text.
    pub(super) fn keep<T>(&mut self, path: &str, result: scant_abi::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(path, said(&error, path))).ok()
    }

    /// As [`Found::keep`]; what is wrong there already is not said in other words.
    pub(super) fn keep_new<T>(&mut self, path: &str, result: scant_abi::Result<T>) -> Option<T> {
        match result {
            Err(error) if self.is_told(path, &error) => None,
            result => self.keep(path, result),
        }
    }

    /// Whether the error of what stands at `path`, made without its wrong keys, is no news.
    pub(super) fn is_told(&self, path: &str, error: &Error) -> bool {
        let text = error.to_string();
        // A wrong key that must be there is missing once it is taken out.
        let repeats = |problem: &Problem| text.contains("is missing") || text.contains(&problem.message);
        self.all().any(|problem| {
            is_within(path, &problem.path) || is_within(&problem.path, path) && repeats(problem)
        })
    }

    fn all(&self) -> impl Iterator<Item = &Problem> {
        self.known.iter().chain(&self.problems)
    }

    /// Takes what has not been said yet.
    pub(super) fn extend_unknown(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems.into_iter().filter(|problem| !self.known.contains(problem)));
    }

    /// Whether something is wrong at `path`, within it or around it.
    pub(super) fn is_known(&self, path: &str) -> bool {
        self.all().any(|problem| is_within(&problem.path, path) || is_within(path, &problem.path))
    }
}

/// Whether `inner` is `outer` or stands within it.
fn is_within(inner: &str, outer: &str) -> bool {
    let rest = inner.strip_prefix(outer).filter(|_| !outer.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What an error says that its place does not say already: neither its path nor who made what.
pub(super) fn said(error: &Error, path: &str) -> String {
    let mut parts: Vec<&str> =
        std::iter::once(error.message()).chain(error.causes().iter().map(String::as_str)).collect();
    let mut component = "";
    while let [first, _, ..] = parts.as_slice() {
        let made = first.strip_prefix("cannot make '").and_then(|rest| rest.strip_suffix('\''));
        if *first != path && made.is_none() && !first.ends_with("(linked in)") {
            break;
        }
        component = made.unwrap_or(component);
        parts.remove(0);
    }
    let text = parts.join(": ");
    [path, component]
        .into_iter()
        .filter(|prefix| !prefix.is_empty())
        .find_map(|prefix| text.strip_prefix(prefix)?.strip_prefix(": "))
        .unwrap_or(&text)
        .to_owned()
}
