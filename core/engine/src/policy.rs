//! Augmentations put together in a configuration, out of components from any library:
//!
//! - `"rotate"`: a component with its defaults; `{ use = "rotate", degrees = 30 }`: with settings;
//! - a list: one after another (an empty one changes nothing);
//! - `{ one_of = [...] }`: one of these, each equally likely;
//! - `{ p = 0.5, then = ... }`: that, with probability `p`;
//! - `{ pairs = [...] }`: two different ones of these, in random order.
//!
//! Any element may be any of these again.

use std::sync::Arc;

use scant_abi::{Augmentation, Image, Key, Result};
use serde_json::{Map, Value};

use crate::schema::{Problem, join};
use crate::suggest;

type Built = std::result::Result<Arc<dyn Augmentation>, Vec<Problem>>;

/// Makes the component of this name with these settings (an object), which stand at this path in the file.
pub type Resolve<'a> = dyn Fn(&str, &Value, &str) -> Built + 'a;

/// The one augmentation that `value`, which stands at `path` in the configuration, describes; or everything that is
/// wrong with it.
pub fn build(value: &Value, path: &str, resolve: &Resolve) -> Built {
    match value {
        Value::String(name) => resolve(name, &Value::Object(Map::new()), path),
        Value::Array(items) => Ok(Arc::new(Sequence(build_all(items, path, resolve)?))),
        Value::Object(map) => build_object(map, path, resolve),
        other => Err(vec![problem(
            path,
            format!("must be a name, a list or a table such as {{ one_of = [...] }}, not {other}"),
        )]),
    }
}

/// The augmentation that changes nothing.
pub fn nothing() -> Arc<dyn Augmentation> {
    Arc::new(Sequence(Vec::new()))
}

fn build_object(map: &Map<String, Value>, path: &str, resolve: &Resolve) -> Built {
    if let Some(name) = map.get("use") {
        let Some(name) = name.as_str() else {
            let place = join(path, "use");
            return Err(vec![problem(&place, format!("must be a component's name, not {name}"))]);
        };
        let mut settings = map.clone();
        settings.remove("use");
        return resolve(name, &Value::Object(settings), path);
    }
    if map.contains_key("one_of") {
        let children = elements(map, "one_of", 1, path, resolve)?;
        return Ok(Arc::new(OneOf(children)));
    }
    if map.contains_key("pairs") {
        let children = elements(map, "pairs", 2, path, resolve)?;
        return Ok(Arc::new(Pairs(children)));
    }
    if map.contains_key("p") || map.contains_key("then") {
        return maybe(map, path, resolve);
    }
    const FORMS: [&str; 5] = ["use", "one_of", "pairs", "p", "then"];
    let hint = map.keys().find_map(|key| {
        suggest::nearest(key, FORMS).map(|near| format!("; did you mean '{near}' instead of '{key}'?"))
    });
    Err(vec![problem(
        path,
        format!(
            "must have the key `use`, `one_of` or `pairs`, or `p` and `then`{}",
            hint.unwrap_or_default()
        ),
    )])
}

fn maybe(map: &Map<String, Value>, path: &str, resolve: &Resolve) -> Built {
    let mut problems = strangers(map, &["p", "then"], path);
    let probability = match map.get("p").map(|p| (p, p.as_f64())) {
        Some((_, Some(p))) if (0.0..=1.0).contains(&p) => p as f32,
        wrong => {
            problems.push(match wrong {
                Some((p, _)) => {
                    problem(&join(path, "p"), format!("must be a probability from 0 to 1, not {p}"))
                }
                None => problem(&join(path, "p"), "is missing".to_owned()),
            });
            0.0
        }
    };
    let place = join(path, "then");
    let child = match map.get("then") {
        Some(then) => build(then, &place, resolve),
        None => Err(vec![problem(&place, "is missing".to_owned())]),
    };
    match child {
        Ok(child) if problems.is_empty() => Ok(Arc::new(Maybe { probability, child })),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

/// The augmentations listed under `key`, which must be the table's only one.
fn elements(
    map: &Map<String, Value>,
    key: &str,
    least: usize,
    path: &str,
    resolve: &Resolve,
) -> std::result::Result<Vec<Arc<dyn Augmentation>>, Vec<Problem>> {
    let place = join(path, key);
    let mut problems = strangers(map, &[key], path);
    let built = match &map[key] {
        Value::Array(items) => {
            if items.len() < least {
                let what = format!("needs {least} or more elements, not {}", items.len());
                problems.push(problem(&place, what));
            }
            build_all(items, &place, resolve)
        }
        other => Err(vec![problem(&place, format!("must be a list of augmentations, not {other}"))]),
    };
    match built {
        Ok(children) if problems.is_empty() => Ok(children),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

fn build_all(
    items: &[Value],
    path: &str,
    resolve: &Resolve,
) -> std::result::Result<Vec<Arc<dyn Augmentation>>, Vec<Problem>> {
    let (mut children, mut problems) = (Vec::new(), Vec::new());
    for (i, item) in items.iter().enumerate() {
        match build(item, &format!("{path}[{i}]"), resolve) {
            Ok(child) => children.push(child),
            Err(more) => problems.extend(more),
        }
    }
    if problems.is_empty() { Ok(children) } else { Err(problems) }
}

fn strangers(map: &Map<String, Value>, known: &[&str], path: &str) -> Vec<Problem> {
    let unknown = map.keys().filter(|key| !known.contains(&key.as_str()));
    unknown
        .map(|key| {
            let hint = suggest::hint(key, known.iter().copied());
            problem(&join(path, key), format!("unknown key; {hint}"))
        })
        .collect()
}

fn problem(path: &str, message: String) -> Problem {
    Problem { path: path.to_owned(), message }
}

// Each child gets a key of its own, by its place, so that two of the same name draw different numbers.

struct Sequence(Vec<Arc<dyn Augmentation>>);

impl Augmentation for Sequence {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        (0..).zip(&self.0).try_fold(image, |image, (place, child)| child.apply(image, key.fold(place)))
    }
}

struct OneOf(Vec<Arc<dyn Augmentation>>);

impl Augmentation for OneOf {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        let chosen = key.rng().below(self.0.len());
        self.0[chosen].apply(image, key.fold(chosen as u64))
    }
}

struct Maybe {
    probability: f32,
    child: Arc<dyn Augmentation>,
}

impl Augmentation for Maybe {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        if key.rng().chance(self.probability) { self.child.apply(image, key.fold(0)) } else { Ok(image) }
    }
}

struct Pairs(Vec<Arc<dyn Augmentation>>);

impl Augmentation for Pairs {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        let mut rng = key.rng();
        let first = rng.below(self.0.len());
        // One of the others: those from `first` on move up by one.
        let second = rng.below(self.0.len() - 1);
        let second = if second >= first { second + 1 } else { second };
        let image = self.0[first].apply(image, key.fold(first as u64))?;
        self.0[second].apply(image, key.fold(second as u64))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    /// Writes its letter, and after it a number out of its key, to the end of the row of pixels.
    struct Letter(char);

    impl Augmentation for Letter {
        fn apply(&self, image: Image, key: Key) -> Result<Image> {
            let mut pixels = image.into_pixels();
            pixels.extend([self.0 as u32 as f32, key.rng().uniform()]);
            Image::new(1, 1, pixels.len(), pixels)
        }
    }

    fn resolve(name: &str, config: &Value, path: &str) -> Built {
        let mut problems = Vec::new();
        for key in config.as_object().unwrap().keys().filter(|key| *key != "degrees") {
            problems.push(problem(&join(path, key), "unknown key".to_owned()));
        }
        match name.chars().next() {
            Some(letter) if name.len() == 1 && problems.is_empty() => Ok(Arc::new(Letter(letter))),
            Some(_) if name.len() == 1 => Err(problems),
            _ => Err(vec![problem(path, format!("there is no component '{name}'"))]),
        }
    }

    /// The letters that a policy writes for a key, and the numbers.
    fn written(policy: &Value, seed: u64) -> (String, Vec<f32>) {
        let built = build(policy, "augment", &resolve).unwrap_or_else(|problems| panic!("{problems:?}"));
        let out = built.apply(Image::filled(1, 1, 0, 0.0), Key::new(seed)).unwrap().into_pixels();
        let letters = out.iter().step_by(2).map(|&code| char::from(code as u8)).collect();
        (letters, out.into_iter().skip(1).step_by(2).collect())
    }

    fn counts(policy: &Value) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        (0..1200).for_each(|seed| *counts.entry(written(policy, seed).0).or_default() += 1);
        counts
    }

    fn problems(policy: &Value) -> Vec<String> {
        let problems = build(policy, "stage[0].augment", &resolve).err().expect("refused");
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_list_is_a_sequence_and_nests() {
        assert_eq!(written(&json!("a"), 0).0, "a");
        assert_eq!(written(&json!([]), 0).0, "");
        assert_eq!(written(&json!(["a", ["b", "c"], {"use": "d", "degrees": 3}]), 0).0, "abcd");
    }

    #[test]
    fn each_place_draws_its_own_numbers() {
        let (_, numbers) = written(&json!(["a", "a", ["a", "a"]]), 1);
        let mut distinct: Vec<u32> = numbers.iter().map(|number| number.to_bits()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 4, "{numbers:?}");
        assert_eq!(written(&json!(["a", "a"]), 1), written(&json!(["a", "a"]), 1));
    }

    #[test]
    fn choices_are_equally_likely() {
        let seen = counts(&json!({"one_of": ["a", "b", ["c", "d"]]}));
        assert_eq!(seen.keys().collect::<Vec<_>>(), ["a", "b", "cd"]);
        assert!(seen.values().all(|count| (330..470).contains(count)), "{seen:?}");
    }

    #[test]
    fn a_probability_is_kept() {
        let seen = counts(&json!({"p": 0.25, "then": "a"}));
        assert!((250..350).contains(&seen["a"]), "{seen:?}");
        assert_eq!(counts(&json!({"p": 0, "then": "a"})).keys().collect::<Vec<_>>(), [""]);
        assert_eq!(counts(&json!({"p": 1, "then": "a"})).keys().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn pairs_are_different_and_come_in_both_orders() {
        let seen = counts(&json!({"pairs": ["a", "b", "c"]}));
        assert_eq!(seen.keys().collect::<Vec<_>>(), ["ab", "ac", "ba", "bc", "ca", "cb"]);
        assert!(seen.values().all(|count| (150..250).contains(count)), "{seen:?}");
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let policy = json!([
            "rotat",
            {"one_of": ["a", {"use": "b", "degree": 3}], "weights": [1, 2]},
            {"p": 1.5, "then": {"pairs": ["a"]}},
            {"then": "nothing"},
            {"one_off": ["a"]},
            {"use": 3},
            {"one_of": "a"},
            7
        ]);
        assert_eq!(
            problems(&policy),
            [
                "stage[0].augment[0]: there is no component 'rotat'",
                "stage[0].augment[1].weights: unknown key; there are one_of",
                "stage[0].augment[1].one_of[1].degree: unknown key",
                "stage[0].augment[2].p: must be a probability from 0 to 1, not 1.5",
                "stage[0].augment[2].then.pairs: needs 2 or more elements, not 1",
                "stage[0].augment[3].p: is missing",
                "stage[0].augment[3].then: there is no component 'nothing'",
                "stage[0].augment[4]: must have the key `use`, `one_of` or `pairs`, or `p` and `then`; \
                 did you mean 'one_of' instead of 'one_off'?",
                "stage[0].augment[5].use: must be a component's name, not 3",
                "stage[0].augment[6].one_of: must be a list of augmentations, not \"a\"",
                "stage[0].augment[7]: must be a name, a list or a table such as { one_of = [...] }, not 7",
            ]
        );
        assert_eq!(
            problems(&json!({"one_of": []})),
            ["stage[0].augment.one_of: needs 1 or more elements, not 0"]
        );
    }
}
