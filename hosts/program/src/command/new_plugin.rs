//! `scant new-plugin NAME`

use std::path::{Path, PathBuf};

use scant_abi::{Error, ErrorKind, Result};

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

pub(crate) fn run(args: Args) -> Result<()> {
    let Args { name, scant } = args;
    check_name(&name)?;
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
    println!(
        "Wrote {name}: a loss to start from, with a test. Next:\n  cd {name}\n  cargo test\n  cargo build --release\n  \
         scant describe {name} --plugin-dir target/release"
    );
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
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
    use super::*;

    #[test]
    fn names_are_words_joined_by_hyphens() {
        assert_eq!(camel("my-method-2"), "MyMethod2");
        for bad in ["", "My", "a--b", "2x", "a_b", "../a", "a-"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
