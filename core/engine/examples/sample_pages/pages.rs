//! A run's page, a failed run's page and a comparison's page from invented numbers.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{GrayImage, ImageFormat, Luma};
use scant_abi::{Artefact, Content, Key, PastMetric, Rng};
use scant_engine::compare::{Budget, DataFacts, Options, Outcome, Predictions, RunSummary, Score, compare};
use scant_engine::report::{Found, RunReport, comparison_page, run_page};
use scant_engine::run::settings::Selection;

const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// Writes the pages to `folder`, and gives their paths.
pub(crate) fn write(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let key = Key::new(7).named("sample-pages");
    let methods = [("PL-AE", 0.93), ("P-AE <perceptual> & \"quoted\"", 0.90), ("B-AE", 0.86)];
    let mut reports = Vec::new();
    for (i, (method, level)) in methods.iter().enumerate() {
        for seed in 0..4 {
            reports.push(report(method, *level, seed, key.fold(i as u64).fold(seed)));
        }
    }
    reports[11].summary.outcome =
        Outcome::Failed("the loss became NaN in epoch 3 of stage 'pre-train'".into());
    let runs: Vec<RunSummary> = reports.iter().map(|report| report.summary.clone()).collect();
    let comparison = compare(&runs, &Options::default()).map_err(|error| error.to_string())?;
    let pages = [
        ("run.html", run_page(&reports[0])),
        ("failed.html", run_page(&reports[11])),
        ("comparison.html", comparison_page(&comparison, &reports, Some(folder))),
    ];
    let mut paths = Vec::new();
    for (name, page) in pages {
        paths.push(folder.join(name));
        std::fs::write(folder.join(name), page)?;
    }
    Ok(paths)
}

fn report(method: &str, level: f64, seed: u64, key: Key) -> RunReport {
    let mut rng = key.rng();
    let top1 = level + 0.01 * f64::from(rng.normal());
    let metric = |name: &str, split: &str, value: f64, higher_is_better: bool| Score {
        by: "linear-probe".into(),
        name: name.into(),
        split: split.into(),
        value,
        higher_is_better: Some(higher_is_better),
    };
    let truth: Vec<i64> = (0..2000).map(|i| i % 10).collect();
    let said = truth.iter().map(|c| if rng.chance(top1 as f32) { *c } else { (c + 2) % 10 }).collect();
    let summary = RunSummary {
        folder: format!("runs/{}-{seed}", method.split(' ').next().unwrap_or(method).to_lowercase()),
        method: method.into(),
        seed,
        outcome: Outcome::Finished,
        configuration: serde_json::Value::Null,
        digest: None,
        data: DataFacts {
            dataset: "fashion-mnist".into(),
            labels: serde_json::json!({ "per_class": 25 }),
            hashes: BTreeMap::from([("labelled".into(), format!("{:064x}", seed + 0x00ab_cdef_1234))]),
            samples: BTreeMap::from([
                ("labelled".into(), 250),
                ("unlabelled".into(), 59_750),
                ("test".into(), 10_000),
            ]),
        },
        selection: if method == "B-AE" { Selection::Oracle } else { Selection::Last },
        scores: vec![
            metric("top-1", "test", top1, true),
            metric("f1", "test", top1 - 0.002, true),
            metric("nmi", "test", top1 - 0.11, true),
            metric("calibration-error", "test", 0.031 + 0.004 * f64::from(rng.uniform()), false),
            metric("top-1", "train", (top1 + 0.03).min(1.0), true),
            metric("nmi", "train", top1 - 0.09, true),
        ],
        predictions: vec![Predictions { by: "linear-probe".into(), split: "test".into(), said, truth }],
        budget: Budget { epochs: 50, images: 3_000_000, seconds: 1830.0, peak_bytes: Some(812 << 20) },
    };
    RunReport {
        stages: vec!["pre-train".into(), "cluster".into()],
        history: history(top1, &mut rng),
        artefacts: artefacts(&mut rng, top1),
        configuration: CONFIGURATION.replace("PL-AE", method),
        environment: [
            ("scant", "0.1.0"),
            ("processor", "an invented one"),
            ("threads", "8"),
            ("system", "Linux"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        summary,
    }
}

fn history(top1: f64, rng: &mut Rng) -> Vec<PastMetric> {
    let mut history = Vec::new();
    for (stage, epochs, scale) in [(0, 30, 3.6e5), (1, 20, 20.0)] {
        for epoch in 0..epochs {
            let age = epoch as f64 + 30.0 * stage as f64;
            let noise = f64::from(rng.normal());
            let mut add = |split: &str, name: &str, value| {
                let by = if split.is_empty() { "" } else { "linear-probe" }.into();
                history.push(PastMetric { stage, epoch, by, split: split.into(), name: name.into(), value });
            };
            add("", "loss", scale * (-0.2 * epoch as f64).exp() + 1.0 + 0.1 * noise.abs());
            add("", "learning-rate", 1e-3 * (1.0 - age / 60.0));
            add("train", "top-1", (top1 + 0.03 - 0.5 * (-0.15 * age).exp() + 0.004 * noise).min(1.0));
            add("test", "top-1", top1 - 0.5 * (-0.15 * age).exp() + 0.008 * noise);
            add("test", "nmi", top1 - 0.11 - 0.4 * (-0.1 * age).exp() + 0.01 * noise);
        }
    }
    history
}

fn artefacts(rng: &mut Rng, top1: f64) -> Vec<Found> {
    let classes: Vec<String> = CLASSES.map(str::to_owned).to_vec();
    let count = |rng: &mut Rng, i: usize, j: usize| match i == j {
        true => (1000.0 * top1) as u64 - rng.below(60) as u64,
        false if rng.chance(0.5) => rng.below(24) as u64,
        false => 0,
    };
    let counts = (0..10).map(|i| (0..10).map(|j| count(rng, i, j)).collect()).collect();
    let labels: Vec<i64> = (0..3000).map(|i| i % 10).collect();
    let around = |class: i64, rng: &mut Rng| {
        let angle = class as f32 * 0.63;
        let far = if class % 2 == 0 { 30.0 } else { 18.0 };
        [far * angle.cos() + 3.0 * rng.normal(), far * angle.sin() + 3.0 * rng.normal()]
    };
    let points = labels.iter().map(|class| around(*class, rng)).collect();
    let sizes: Vec<f64> = (0..10).map(|_| 900.0 + rng.below(240) as f64).collect();
    let accuracy: Vec<[f64; 2]> = (1..=50)
        .map(|epoch| [f64::from(epoch), 100.0 * top1 + 0.02 * f64::from(epoch) + f64::from(rng.normal())])
        .collect();
    let artefact = |name: &str, caption: &str, content| Found {
        stage: 1,
        by: "linear-probe".into(),
        artefact: Artefact { name: name.into(), caption: caption.into(), content },
    };
    let rows = classes
        .iter()
        .map(|name| vec![name.clone(), "0.9312".into(), "0.9121".into(), "1000".into()])
        .collect();
    vec![
        artefact(
            "confusion-matrix",
            "linear probe on the test split",
            Content::Confusion { classes: classes.clone(), counts },
        ),
        artefact(
            "embedding-map",
            "t-SNE of 3,000 embeddings",
            Content::Scatter { classes: classes.clone(), points, labels },
        ),
        artefact(
            "reconstructions",
            "above the images, beneath what the decoder makes of them",
            Content::Picture { png: picture(rng) },
        ),
        artefact(
            "cluster-sizes",
            "samples in each cluster",
            Content::Bars { names: (0..10).map(|i| i.to_string()).collect(), values: sizes },
        ),
        artefact(
            "stability",
            "accuracy by epoch and its line of best fit",
            Content::Curve {
                x_name: "epoch".into(),
                y_name: "accuracy".into(),
                points: accuracy,
                fit: Some([0.02, 100.0 * top1]),
            },
        ),
        artefact(
            "by-class-test",
            "each class for itself",
            Content::Table {
                columns: ["class", "precision", "recall", "samples"].map(str::to_owned).to_vec(),
                rows,
            },
        ),
    ]
}

/// Rings of growing size, two rows of ten.
fn picture(rng: &mut Rng) -> Vec<u8> {
    let picture = GrayImage::from_fn(280, 56, |x, y| {
        let (dy, dx) = ((y % 28) as f32 - 13.5, (x % 28) as f32 - 13.5);
        let ring = (dy.hypot(dx) - 3.0 - (x / 28) as f32).abs();
        let noise = if y >= 28 { 0.25 * rng.uniform() } else { 0.0 };
        Luma([(255.0 * ((2.0 - ring).clamp(0.0, 1.0) * 0.9 + noise).min(1.0)) as u8])
    });
    let mut png = Vec::new();
    picture.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).expect("memory takes whatever is written");
    png
}

const CONFIGURATION: &str = r#"name = "pl-ae-fashion"
label = "PL-AE"
seed = 0

[data]
dataset = "fashion-mnist"
labels  = { per_class = 25 }
prepare = ["resize:32", "rgb", "tile:2x2"]

[[stage]]
trainer   = "pl-ae"
epochs    = 30
batch     = 100
optimizer = { use = "adam", lr = 1e-3 }
augment   = { one_of = ["rotate", "affine", "crop", "cutout", "noise", "a-very-long-name-that-does-not-fit-on-a-phone"] }
"#;
