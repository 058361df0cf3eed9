//! How much of an epoch is not the trainer's step, with the smallest models there are.
//!
//! `cargo bench -p scant --bench epoch_overhead`

use std::path::PathBuf;

use scant_engine::Registry;
use scant_engine::run::{Nobody, Options, Record, RunFolder, Settings, run};
// Naming a crate is what keeps its registration in the program.
use scant_augmentations as _;
use scant_autoencoder as _;
use scant_datasets as _;
use scant_losses as _;
use scant_networks as _;
use scant_supervised as _;

const DATA: &str = r#"
name = "overhead"
[data]
dataset = "synthetic-digits"
"#;

const MODELS: [(&str, &str); 3] = [
    (
        "small-cnn, 100 a batch",
        "[model]\nuse = 'small-cnn'\n[[stage]]\ntrainer = 'supervised'\nbatch = 100\n",
    ),
    (
        "conv-autoencoder, 16",
        "[model]\nuse = 'conv-autoencoder'\n[[stage]]\ntrainer = 'autoencoder'\nloss = ['mse']\nbatch = 16\n",
    ),
    (
        "conv-autoencoder, 128",
        "[model]\nuse = 'conv-autoencoder'\n[[stage]]\ntrainer = 'autoencoder'\nloss = ['mse']\nbatch = 128\n",
    ),
];

fn main() -> scant_abi::Result<()> {
    let registry = Registry::linked()?;
    let place = tempfile::tempdir().map_err(|e| scant_abi::Error::data(e.to_string()))?;
    println!("{:<40}{:>12}{:>12}{:>10}", "model and augmentation", "epoch, s", "steps, s", "rest");
    let augmentations = [("none", "[]"), ("shift, rotate", "['shift', 'rotate']")];
    for ((model, stage), (augmentation, augment)) in
        MODELS.into_iter().flat_map(|model| augmentations.map(|augmentation| (model, augmentation)))
    {
        let name = format!("{model}; {augmentation}");
        let text = format!("{DATA}{stage}name = 'train'\nepochs = 6\naugment = {augment}\n");
        let settings: Settings =
            toml::from_str(&text).map_err(|error| scant_abi::Error::config(error.to_string()))?;
        let out = place.path().join(&name);
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
        println!("{name:<40}{seconds:>12.3}{steps:>12.3}{:>9.2}%", 100.0 * (1.0 - steps / seconds));
    }
    Ok(())
}
