//! What holds for the workspace as a whole: who may know whom, and that no plugin ships unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use scant_tests::{bare, cargo, libraries, root, run, scant};
use serde_json::Value;

/// The packages of the workspace: for each, its folder and the packages of the workspace it is built on.
fn packages() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages").iter().map(|package| {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let manifest = text(&package["manifest_path"]);
        let folder = Path::new(&manifest).parent().and_then(|path| path.strip_prefix(root()).ok());
        let folder = folder.expect("in the repository").display().to_string();
        // What a package only tests with does not bind its users.
        let needed = package["dependencies"].as_array().into_iter().flatten().filter(|d| d["kind"] != "dev");
        (text(&package["name"]), (folder, needed.map(|d| text(&d["name"])).collect::<BTreeSet<_>>()))
    });
    let mut packages: BTreeMap<_, _> = packages.collect();
    let members: BTreeSet<String> = packages.keys().cloned().collect();
    for (_, needed) in packages.values_mut() {
        needed.retain(|name| members.contains(name));
    }
    packages
}

#[test]
fn dependencies_point_one_way() {
    let packages = packages();
    let plugins: BTreeSet<&str> = packages
        .iter()
        .filter(|(_, (folder, _))| folder.starts_with("plugins/") && !folder.ends_with("/library"))
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(plugins.len() >= 3, "{plugins:?}");
    for (name, (folder, needed)) in &packages {
        let is_plugins = |needed: &str| plugins.contains(needed);
        let allowed = |needed: &str| match folder.as_str() {
            "core/abi" => false,
            "core/nn" | "core/engine" => needed == "scant-abi",
            "hosts/program" => ["scant-abi", "scant-engine"].contains(&needed),
            // It asks scant-nn what device there is.
            "hosts/cli" => ["scant-program", "scant-nn"].contains(&needed) || is_plugins(needed),
            "hosts/bare" => needed == "scant-program",
            folder if folder.ends_with("/library") => {
                needed == "scant-abi" || format!("{needed}-library") == *name
            }
            folder if folder.starts_with("plugins/") => ["scant-abi", "scant-nn"].contains(&needed),
            _ => ["scant-abi", "scant-engine"].contains(&needed),
        };
        let wrong: Vec<&String> = needed.iter().filter(|needed| !allowed(needed)).collect();
        assert!(wrong.is_empty(), "{folder} may not depend on {wrong:?}");
    }
}

#[test]
fn only_one_module_names_abi_stable() {
    let output = Command::new("grep")
        .current_dir(root())
        .args(["-rl", "--include=*.rs", "abi_stable::", "core", "hosts", "plugins"])
        .output()
        .expect("grep starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let outside: Vec<&str> = text.lines().filter(|path| !path.starts_with("core/abi/src/ffi/")).collect();
    assert_eq!(outside, Vec::<&str>::new());
}

/// The components that a host lists.
fn listed(host: &Path, arguments: &[&OsStr]) -> Vec<Value> {
    let said = run(host, ["list".as_ref(), "--json".as_ref()].iter().chain(arguments));
    assert!(said.succeeded, "{}", said.stderr);
    serde_json::from_str(&said.stdout).expect("JSON")
}

#[test]
fn every_folder_of_plugins_is_linked_in_and_has_a_library() {
    let linked = listed(scant(), &[]);
    let origins: BTreeSet<&str> =
        linked.iter().filter_map(|component| component["origin"].as_str()?.split(' ').next()).collect();
    let packages = packages();
    for entry in std::fs::read_dir(root().join("plugins")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let folder = format!("plugins/{}", path.file_name().expect("a name").display());
        let named =
            |folder: &str| packages.iter().find(|(_, (at, _))| at == folder).map(|(name, _)| name.as_str());
        let name = named(&folder).unwrap_or_else(|| panic!("{folder} is no member of the workspace"));
        assert!(origins.contains(name), "{name} is not in `scant list`: name it in hosts/cli/src/main.rs");
        assert!(named(&format!("{folder}/library")).is_some(), "{folder} has no library/");
    }
}

#[test]
fn loaded_or_linked_in_the_components_are_the_same() {
    let without_origin = |mut components: Vec<Value>| {
        components.iter_mut().for_each(|component| component["origin"] = Value::Null);
        components
    };
    let loaded = listed(bare(), &["--plugin-dir".as_ref(), libraries().as_ref()]);
    assert!(loaded.iter().all(|component| component["origin"].as_str().is_some_and(|at| at.contains("(/"))));
    let (loaded, linked) = (without_origin(loaded), without_origin(listed(scant(), &[])));
    assert!(linked.len() > 30, "{} components", linked.len());
    assert_eq!(loaded, linked);
}
