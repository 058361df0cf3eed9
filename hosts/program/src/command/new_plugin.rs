//! `scant new-plugin NAME`

use std::path::{Path, PathBuf};

use scant_abi::{Error, ErrorKind, Result};
use scant_engine::Registry;

use crate::Session;
use crate::output::say;

/// What it is called, and where Scant's crates lie.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The plugin's name: lower case, words joined by hyphens; also that of its first component
    name: String,

    /// The folder with Scant's source; the one this program was built from where absent
    #[arg(long, value_name = "FOLDER")]
    scant: Option<PathBuf>,
}

const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("new_plugin/crate.toml.txt")),
    ("src/lib.rs", include_str!("new_plugin/crate.rs.txt")),
    ("library/Cargo.toml", include_str!("new_plugin/library.toml.txt")),
    ("library/lib.rs", include_str!("new_plugin/library.rs.txt")),
    (".gitignore", "/target\n"),
];

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let Args { name, scant } = args;
    check_name(&name, &session.registry)?;
    let scant = source(scant)?;
    let folder = Path::new(&name);
    if folder.exists() {
        return Err(Error::config(format!("there is a '{name}' here already: choose another name")));
    }
    for (path, text) in FILES {
        let text = text
            .replace("{{name}}", &name)
            .replace("{{crate}}", &name.replace('-', "_"))
            .replace("{{type}}", &camel(&name))
            .replace("{{scant}}", &scant.display().to_string());
        write(&folder.join(path), &text)?;
    }
    say!(
        "Wrote {name}: a loss to start from, with a test. Next:\n  cd {name}\n  cargo test\n  cargo build --release\n  \
         scant describe {name} --plugin-dir target/release"
    )?;
    Ok(())
}

/// Words of the language, and crates that every program has: a crate of such a name cannot be built, or not be named.
const TAKEN_BY_RUST: &str = "abstract alloc as async await become box break const continue core crate do dyn else enum \
    extern false final fn for gen if impl in let loop macro match mod move mut override priv proc-macro pub ref return self \
    static std struct super test trait true try type typeof unsafe unsized use virtual where while yield";

/// What the crate itself is built with.
const TAKEN_BY_ITSELF: [&str; 4] = ["scant-abi", "scant-nn", "schemars", "serde"];

fn check_name(name: &str, registry: &Registry) -> Result<()> {
    check_form(name)?;
    let taken = |by: &str| {
        Err(Error::config(format!("a plugin cannot be called '{name}', which {by}: choose another name")))
    };
    if TAKEN_BY_RUST.split_whitespace().any(|word| word == name) {
        return taken("is a word or a crate of Rust's own");
    }
    if TAKEN_BY_ITSELF.contains(&name) {
        return taken("is a crate that every plugin is built with");
    }
    match registry.iter().find(|one| one.description().name == name) {
        Some(one) => {
            taken(&format!("names a component already, the {} of {}", one.description().kind, one.origin))
        }
        None => Ok(()),
    }
}

fn check_form(name: &str) -> Result<()> {
    let words_are_good = name
        .split('-')
        .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
    match words_are_good && name.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => Ok(()),
        false => Err(Error::config(format!(
            "'{name}' is no plugin's name: lower-case letters and digits, words joined by hyphens, a letter first"
        ))),
    }
}

fn source(given: Option<PathBuf>) -> Result<PathBuf> {
    let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    match folder.canonicalize() {
        Ok(folder) if folder.join("core/abi/Cargo.toml").is_file() => Ok(folder),
        _ => Err(Error::config(format!(
            "Scant's source is not in {}: give its folder with --scant",
            folder.display()
        ))),
    }
}

fn camel(name: &str) -> String {
    let words = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect()
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|error| Error::caused_by(ErrorKind::Io, format!("cannot write {}", path.display()), &error))
}

#[cfg(test)]
mod tests {
    use scant_abi::{Component, Entry, Evaluation, Evaluator, Findings, Reading, Setup};
    use scant_engine::Origin;

    use super::*;

    #[test]
    fn names_are_words_joined_by_hyphens() {
        assert_eq!(camel("my-method-2"), "MyMethod2");
        for bad in ["", "My", "a--b", "2x", "a_b", "../a", "a-"] {
            assert!(check_form(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_cannot_be_built_or_are_taken_are_refused_and_say_by_what() {
        let mut registry = Registry::default();
        let origin = Origin { plugin: "mine".into(), version: "0.1.0".into(), library: None };
        registry.add(vec![Entry::evaluator::<Nothing>()], origin).expect("added");
        for (name, by) in [
            ("fn", "is a word or a crate of Rust's own"),
            ("std", "is a word or a crate of Rust's own"),
            ("test", "is a word or a crate of Rust's own"),
            ("scant-abi", "is a crate that every plugin is built with"),
            ("nothing", "names a component already, the evaluator of mine 0.1.0"),
        ] {
            let said = check_name(name, &registry).expect_err("refused").to_string();
            assert!(said.starts_with(&format!("a plugin cannot be called '{name}', which {by}")), "{said}");
        }
        // The names of things that the crate imports are good ones: its own end in Loss and Config.
        for name in ["config", "loss", "model", "error", "result", "setup", "tensor", "component", "vec"] {
            check_name(name, &registry).expect(name);
        }
        let count = |text: &str| FILES[1].1.matches(text).count();
        assert_eq!(count("{{type}}"), count("{{type}}Loss") + count("{{type}}Config"));
    }

    struct Nothing;

    impl Component for Nothing {
        const NAME: &'static str = "nothing";
        const SUMMARY: &'static str = "Finds nothing.";
        type Config = ();

        fn new((): (), _: &Setup) -> Result<Self> {
            Ok(Self)
        }
    }

    impl Evaluator for Nothing {
        fn reads(&self) -> Vec<Reading> {
            Vec::new()
        }

        fn evaluate(&mut self, _: &Evaluation) -> Result<Findings> {
            Ok(Findings::default())
        }
    }
}
