//! How much of an epoch is not the trainer's step, with the smallest model there is.
//!
//! `cargo bench -p scant --bench epoch_overhead`

use std::path::PathBuf;

use scant_engine::Registry;
use scant_engine::run::{Nobody, Options, Record, RunFolder, Settings, run};
// Naming a crate is what keeps its registration in the program.
use scant_augmentations as _;
use scant_datasets as _;
use scant_losses as _;
use scant_networks as _;
use scant_supervised as _;

const CONFIGURATION: &str = r#"
name = "overhead"
[data]
dataset = "synthetic-digits"
[model]
use = "small-cnn"
[[stage]]
name = "train"
trainer = "supervised"
epochs = 6
batch = 100
"#;

fn main() -> scant_abi::Result<()> {
    let registry = Registry::linked()?;
    let place = tempfile::tempdir().map_err(|e| scant_abi::Error::data(e.to_string()))?;
    println!("{:<24}{:>12}{:>12}{:>10}", "augmentation", "epoch, s", "steps, s", "rest");
    for (name, augment) in [("none", "[]"), ("shift, rotate", "[\"shift\", \"rotate\"]")] {
        let text = format!("{CONFIGURATION}augment = {augment}\n");
        let settings: Settings =
            toml::from_str(&text).map_err(|error| scant_abi::Error::config(error.to_string()))?;
        let out = place.path().join(name);
        run(&registry, &settings, &[PathBuf::from(".")], &out, &Options::default(), &mut Nobody)?;
        let mut epochs: Vec<(f64, f64)> = RunFolder::open(&out)?
            .records()?
            .iter()
            .filter_map(|record| match record {
                // The first epoch warms the caches.
                Record::Epoch(epoch) if epoch.epoch > 0 => Some((epoch.seconds, epoch.step_seconds)),
                _ => None,
            })
            .collect();
        epochs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (seconds, steps) = epochs[epochs.len() / 2];
        println!("{name:<24}{seconds:>12.3}{steps:>12.3}{:>9.2}%", 100.0 * (1.0 - steps / seconds));
    }
    Ok(())
}
