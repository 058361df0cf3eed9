//! Each evaluator as a run meets it: made from a configuration, shown splits, asked for its findings.

use scant_abi::{
    Component, Content, Evaluation, Evaluator, Findings, Key, Maker, OutputInfo, PastMetric, Result, Setup,
    Split, Tensor,
};
use scant_evaluators::{Classification, ClassificationConfig, PLUGIN};
use serde_json::{Value, json};

const CLASSES: usize = 3;

fn make(name: &str, config: Value) -> Result<Box<dyn Evaluator>> {
    make_with(45, name, config)
}

/// An evaluator of a run in which training sees so many labels.
fn make_with(labelled: usize, name: &str, config: Value) -> Result<Box<dyn Evaluator>> {
    make_in(&Setup { labelled, classes: CLASSES, epochs: 10, ..Setup::default() }, name, config)
}

fn make_in(setup: &Setup, name: &str, config: Value) -> Result<Box<dyn Evaluator>> {
    let entry =
        (PLUGIN.components)().into_iter().find(|entry| entry.description.name == name).expect("listed");
    let Maker::Evaluator(make) = entry.maker else { panic!("{name} is no evaluator") };
    make(config, setup)
}

/// A split with separate groups as embeddings, logits that mostly agree, small images and their reconstructions.
fn split(name: &str, samples: usize) -> Split {
    let mut rng = Key::new(8).named(name).rng();
    let labels: Vec<i64> = (0..samples).map(|i| (i % CLASSES) as i64).collect();
    let mut noise = |count: usize| (0..count).map(|_| rng.normal()).collect::<Vec<f32>>();
    let (mut embedding, mut logits) = (noise(samples * 4), noise(samples * CLASSES));
    let images: Vec<f32> = noise(samples * 12).iter().map(|x| x.abs().min(1.0)).collect();
    for (i, &label) in labels.iter().enumerate() {
        embedding[i * 4 + label as usize] += 8.0;
        logits[i * CLASSES + label as usize] += 4.0;
    }
    let tensor = |values: Vec<f32>, dims: &[usize]| Tensor::from_f32(values, dims).expect("a tensor");
    let groups = labels.iter().map(|label| (label + 1) % 3).collect();
    Split {
        name: name.to_owned(),
        labelled: (0..samples).map(|i| name == "train" && i < samples / 2).collect(),
        outputs: vec![
            ("embedding".into(), tensor(embedding, &[samples, 4])),
            ("logits".into(), tensor(logits, &[samples, CLASSES])),
            ("reconstruction".into(), tensor(images.iter().map(|x| 0.5 * x).collect(), &[samples, 3, 2, 2])),
            ("input".into(), tensor(images, &[samples, 3, 2, 2])),
            ("assignment".into(), Tensor::from_i64(groups, &[samples]).expect("a tensor")),
        ],
        labels,
    }
}

fn evaluation() -> Evaluation {
    Evaluation {
        splits: vec![split("train", 90), split("test", 45)],
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        history: Vec::new(),
        key: Key::new(0),
    }
}

fn judge(name: &str, config: Value, evaluation: &Evaluation) -> Findings {
    make(name, config).and_then(|mut evaluator| evaluator.evaluate(evaluation)).expect("findings")
}

fn refused(name: &str, config: Value, evaluation: &Evaluation) -> String {
    let judged = make(name, config).and_then(|mut evaluator| evaluator.evaluate(evaluation));
    judged.expect_err("refused").to_string()
}

fn value(findings: &Findings, split: &str, name: &str) -> f64 {
    let found = findings.metrics.iter().find(|metric| metric.split == split && metric.name == name);
    found.unwrap_or_else(|| panic!("no {name} of {split}: {:?}", findings.metrics)).value
}

#[test]
fn classification_reports_metrics_tables_and_predictions() {
    let findings = judge("classification", json!({}), &evaluation());
    let accuracy = value(&findings, "test", "top-1");
    assert!(accuracy > 0.9 && (accuracy + value(&findings, "test", "error") - 1.0).abs() < 1e-12);
    assert!(value(&findings, "train", "calibration-error") < 0.2);
    assert!(
        findings
            .artefacts
            .iter()
            .any(|a| a.name == "confusion-test" && matches!(a.content, Content::Confusion { .. }))
    );
    assert!(findings.artefacts.iter().any(|a| a.name == "by-class-train"));
    assert_eq!(findings.predictions[1].1.len(), 45);
}

#[test]
fn what_are_no_scores_of_the_classes_is_not_classified() {
    let outputs = vec![OutputInfo { name: "embedding".to_owned(), dims: vec![4] }];
    let setup = Setup { outputs, classes: CLASSES, ..Setup::default() };
    let config = ClassificationConfig { on: "embedding".to_owned(), ..ClassificationConfig::default() };
    let early = Classification::new(config, &setup).expect_err("refused").to_string();
    let late = refused("classification", json!({"on": "embedding"}), &evaluation());
    for said in [early, late] {
        assert!(said.starts_with("on: 'embedding' has 4 numbers for each sample, and there are 3"), "{said}");
    }
    let logits = refused("classification", json!({"probabilities": true}), &evaluation());
    assert!(logits.contains("'logits' of split 'train': the numbers of sample 0 are no prob"), "{logits}");
    let mut evaluation = evaluation();
    for split in &mut evaluation.splits {
        let rows = split.labels.len();
        let shares = vec![1.0 / CLASSES as f32; rows * CLASSES];
        split.outputs[1].1 = Tensor::from_f32(shares, &[rows, CLASSES]).expect("a tensor");
    }
    let found = judge("classification", json!({"probabilities": true}), &evaluation);
    assert!(value(&found, "test", "calibration-error") < 1e-6);
}

#[test]
fn samples_without_a_class_are_predicted_but_not_judged() {
    let mut evaluation = evaluation();
    evaluation.splits[1].labels[7..].fill(-1);
    let findings = judge("classification", json!({}), &evaluation);
    let Some(Content::Confusion { counts, .. }) =
        findings.artefacts.iter().find(|a| a.name == "confusion-test").map(|a| &a.content)
    else {
        panic!("no confusion")
    };
    assert_eq!(counts.iter().flatten().sum::<u64>(), 7);
    assert_eq!(findings.predictions[1].1.len(), 45);
}

#[test]
fn probes_tell_separate_groups_apart() {
    for (name, config) in [
        ("linear-probe", json!({})),
        ("linear-probe", json!({"l2": [0.01], "standardize": false, "labels": "all"})),
        ("knn-probe", json!({"neighbors": 5})),
        ("knn-probe", json!({})),
    ] {
        let findings = judge(name, config, &evaluation());
        assert_eq!(value(&findings, "test", "top-1"), 1.0, "{name}");
        assert_eq!(findings.predictions.last().expect("predictions").0, "test");
    }
}

#[test]
fn a_probe_sees_no_label_that_training_did_not() {
    let mut evaluation = evaluation();
    // The labels that training may not see are wrong: a probe that looked at them would learn nonsense.
    let train = &mut evaluation.splits[0];
    for i in 0..train.labels.len() {
        if !train.labelled[i] {
            train.labels[i] = 0;
        }
    }
    for name in ["linear-probe", "knn-probe"] {
        assert_eq!(value(&judge(name, json!({}), &evaluation), "test", "top-1"), 1.0, "{name}");
    }
    evaluation.splits[0].labelled.fill(false);
    let error = make("linear-probe", json!({})).and_then(|mut e| e.evaluate(&evaluation)).unwrap_err();
    assert!(error.to_string().contains("no label that the probe may see"), "{error}");
    // What the configuration shows already is said before anything is trained.
    for name in ["linear-probe", "knn-probe"] {
        let error = make_with(0, name, json!({})).err().expect("refused").to_string();
        assert!(error.contains("`data.labels` leaves no label that the probe may see"), "{error}");
        assert!(make_with(0, name, json!({"labels": "all"})).is_ok());
        let setup =
            Setup { labelled: 45, classes: CLASSES, splits: vec!["test".to_owned()], ..Setup::default() };
        let error = make_in(&setup, name, json!({})).err().expect("refused").to_string();
        assert!(error.contains("it needs the split 'train' and is shown only test"), "{error}");
    }
    let setup = Setup { splits: vec!["train".to_owned()], ..Setup::default() };
    let error = make_in(&setup, "embedding-map", json!({})).err().expect("refused").to_string();
    assert!(error.contains("it needs the split 'test' and is shown only train"), "{error}");
}

#[test]
fn clusters_are_found_or_taken_from_the_model() {
    for config in
        [json!({}), json!({"assignment": "assignment"}), json!({"assignment": "logits", "on": "logits"})]
    {
        let findings = judge("clustering", config, &evaluation());
        for name in ["acc", "nmi", "ari", "purity"] {
            assert!(value(&findings, "test", name) > 0.8, "{name}");
        }
        assert!(value(&findings, "test", "silhouette") > 0.3);
        assert!(findings.artefacts.iter().any(|a| a.name == "cluster-sizes-test"));
        let right = findings.predictions[1].1.iter().enumerate().filter(|(i, said)| (i % 3) as i64 == **said);
        assert!(right.count() > 36);
    }
}

#[test]
fn a_collapsed_model_has_no_silhouette_and_is_no_error() {
    let mut evaluation = evaluation();
    for split in &mut evaluation.splits {
        let rows = split.labels.len();
        split.outputs[4].1 = Tensor::from_i64(vec![0; rows], &[rows]).expect("a tensor");
    }
    let findings = judge("clustering", json!({"assignment": "assignment"}), &evaluation);
    assert!((value(&findings, "test", "acc") - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!(value(&findings, "test", "nmi"), 0.0);
    assert!(findings.metrics.iter().all(|metric| metric.name != "silhouette"));
}

#[test]
fn a_map_shows_every_point_twice() {
    let findings = judge("embedding-map", json!({"points": 30, "steps": 100}), &evaluation());
    let names: Vec<&str> = findings.artefacts.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["t-sne-test", "pca-test"]);
    for artefact in &findings.artefacts {
        let Content::Scatter { points, labels, .. } = &artefact.content else { panic!("a scatter") };
        assert_eq!((points.len(), labels.len()), (30, 30));
        assert!(points.iter().flatten().all(|x| x.is_finite()));
    }
}

#[test]
fn reconstructions_become_a_picture() {
    let findings = judge("reconstructions", json!({"images": 5, "columns": 3}), &evaluation());
    assert!(value(&findings, "test", "reconstruction-error") > 0.0);
    let Content::Picture { png } = &findings.artefacts[0].content else { panic!("a picture") };
    let picture = image::load_from_memory(png).expect("a PNG").to_rgb8();
    // Two lines of pairs, three side by side, 2x2 images enlarged to 64.
    assert_eq!(picture.dimensions(), (3 * 66 + 2, 4 * 66 + 2));
    // The reconstruction is half as bright as the image above it.
    let (above, below) = (picture.get_pixel(2, 2)[0], picture.get_pixel(2, 2 + 66)[0]);
    assert!(above.abs_diff(2 * below) <= 1, "{above} {below}");
}

#[test]
fn stability_is_a_line_through_the_epochs() {
    let mut evaluation = evaluation();
    assert!(judge("stability", json!({}), &evaluation).metrics.is_empty());
    evaluation.history = (0..10)
        .map(|epoch| PastMetric {
            stage: 0,
            epoch,
            by: "classification".to_owned(),
            split: "test".to_owned(),
            name: "top-1".to_owned(),
            value: 0.90 + 0.002 * epoch as f64,
        })
        .collect();
    let findings = judge("stability", json!({}), &evaluation);
    assert!((value(&findings, "test", "m") - 0.2).abs() < 1e-9);
    assert!((value(&findings, "test", "k") - 89.8).abs() < 1e-9);
    assert!(value(&findings, "test", "fluctuation") < 1e-9);
    let by_slope = findings.metrics.iter().find(|metric| metric.name == "m").expect("found");
    assert_eq!(by_slope.higher_is_better, None, "nobody is better by its slope");
    // What training reports has no split, and is nothing that could be followed.
    let loss = PastMetric { by: String::new(), split: String::new(), ..evaluation.history[0].clone() };
    evaluation.history.push(loss);
    // A run that has had all its epochs has nothing to wait for.
    let wrong = |config: Value| refused("stability", config, &evaluation);
    let said = wrong(json!({"metric": "nmi"}));
    assert!(said.contains("No epoch reported 'nmi' on 'test': write every = 1"), "{said}");
    assert!(said.ends_with("were these: top-1, by classification, on test"), "{said}");
    assert!(wrong(json!({"split": "train"})).contains("'top-1' on 'train'"));
    assert!(wrong(json!({"on_stage": 1})).contains("'top-1' on 'test'"));
    evaluation.history.retain(|past| past.epoch < 9);
    let nothing = judge("stability", json!({"metric": "nmi"}), &evaluation);
    assert!(nothing.metrics.is_empty());
    let [said] = nothing.artefacts.as_slice() else { panic!("one thing to look at") };
    assert!(
        said.caption.starts_with("No epoch reported 'nmi' on 'test': write every = 1"),
        "{}",
        said.caption
    );
    let rows = vec![vec!["classification/top-1".to_owned(), "test".to_owned()]];
    let columns = vec!["metric".to_owned(), "split".to_owned()];
    assert_eq!(said.content, Content::Table { columns, rows });
}

#[test]
fn stability_follows_one_evaluator_of_several() {
    let mut evaluation = evaluation();
    let past = |by: &str, epoch: usize, value: f64| PastMetric {
        stage: 0,
        epoch,
        by: by.to_owned(),
        split: "test".to_owned(),
        name: "top-1".to_owned(),
        value,
    };
    // The probe speaks first, but only every other epoch.
    for epoch in 0..10 {
        if epoch % 2 == 0 {
            evaluation.history.push(past("linear-probe", epoch, 0.5 - 0.01 * epoch as f64));
        }
        evaluation.history.push(past("classification", epoch, 0.9 + 0.002 * epoch as f64));
    }
    let slope = |config: Value| value(&judge("stability", config, &evaluation), "test", "m");
    assert!((slope(json!({})) - 0.2).abs() < 1e-9);
    assert!((slope(json!({"evaluator": "classification"})) - 0.2).abs() < 1e-9);
    assert!((slope(json!({"evaluator": "linear-probe"})) + 1.0).abs() < 1e-9);
    let findings = judge("stability", json!({"evaluator": "linear-probe"}), &evaluation);
    assert_eq!(findings.artefacts[0].caption, "linear-probe/top-1 on test by epoch");
    let unknown = refused("stability", json!({"evaluator": "knn-probe"}), &evaluation);
    assert!(unknown.contains("reported 'knn-probe/top-1' on 'test'"), "{unknown}");
}

#[test]
fn one_class_and_one_sample_are_judged() {
    let one_class = |samples: usize| {
        let mut split = split("test", samples);
        split.labels.fill(1);
        split
    };
    for samples in [1, 20] {
        let mut evaluation = evaluation();
        evaluation.splits[1] = one_class(samples);
        for (name, metric) in [
            ("classification", "top-1"),
            ("linear-probe", "balanced-accuracy"),
            ("knn-probe", "f1-macro"),
            ("clustering", "purity"),
        ] {
            let share = value(&judge(name, json!({}), &evaluation), "test", metric);
            assert!((0.0..=1.0).contains(&share), "{name} of {samples}: {metric} {share}");
        }
    }
    // Few points are laid out; one has no direction to lie in, and costs no run.
    for (samples, pictures) in [(1, 0), (2, 2), (3, 2), (20, 2)] {
        let mut evaluation = evaluation();
        evaluation.splits[1] = one_class(samples);
        let findings = judge("embedding-map", json!({}), &evaluation);
        assert_eq!(findings.artefacts.len(), pictures, "{samples}");
    }
    // A probe that has seen one class says that class.
    let mut evaluation = evaluation();
    evaluation.splits[0].labels.fill(2);
    for name in ["linear-probe", "knn-probe"] {
        let findings = judge(name, json!({}), &evaluation);
        assert!(findings.predictions.last().expect("said").1.iter().all(|&class| class == 2), "{name}");
    }
}

#[test]
fn any_named_output_can_be_probed() {
    let mut evaluation = evaluation();
    for split in &mut evaluation.splits {
        let (samples, labels) = (split.labels.len(), split.labels.clone());
        let mut rng = Key::new(3).named(&split.name).rng();
        let mut maps = |strength: f32| {
            let mut maps: Vec<f32> = (0..samples * 24).map(|_| rng.normal()).collect();
            labels.iter().enumerate().for_each(|(i, &label)| maps[i * 24 + label as usize] += strength);
            Tensor::from_f32(maps, &[samples, 6, 2, 2]).expect("a tensor")
        };
        let (early, late) = (maps(1.0), maps(12.0));
        split.outputs.extend([("conv3".to_owned(), early), ("conv5".to_owned(), late)]);
    }
    let top1 = |on: &str| value(&judge("linear-probe", json!({ "on": on }), &evaluation), "test", "top-1");
    assert!(top1("conv5") > 0.95 && top1("conv5") > top1("conv3"), "{} {}", top1("conv3"), top1("conv5"));
    let unknown = make("linear-probe", json!({"on": "conv9"})).and_then(|mut e| e.evaluate(&evaluation));
    assert!(unknown.unwrap_err().to_string().contains("conv5"));
}

#[test]
fn nan_outputs_are_refused_with_their_place() {
    let mut evaluation = evaluation();
    let mut values = vec![0.0; 45 * 4];
    values[9] = f32::NAN;
    evaluation.splits[1].outputs[0].1 = Tensor::from_f32(values, &[45, 4]).expect("a tensor");
    let mut logits = vec![0.0; 45 * CLASSES];
    logits[7] = f32::INFINITY;
    evaluation.splits[1].outputs[1].1 = Tensor::from_f32(logits, &[45, CLASSES]).expect("a tensor");
    let error = make("classification", json!({})).and_then(|mut e| e.evaluate(&evaluation)).unwrap_err();
    assert!(error.to_string().contains("'logits' of split 'test'"), "{error}");
    for name in ["linear-probe", "knn-probe", "clustering", "embedding-map"] {
        let error = make(name, json!({})).and_then(|mut e| e.evaluate(&evaluation)).unwrap_err().to_string();
        assert!(
            error.contains("'embedding' of split 'test'") && error.contains("sample 2, column 1 is NaN"),
            "{error}"
        );
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    for (name, config) in [
        ("linear-probe", json!({"l2": []})),
        ("linear-probe", json!({"held_out": 1.5})),
        ("knn-probe", json!({"temperature": 0.0})),
        ("knn-probe", json!({"neighbors": 0})),
        ("clustering", json!({"starts": 0})),
        ("embedding-map", json!({"points": 1_000_000})),
        ("embedding-map", json!({"split": "tset"})),
        ("reconstructions", json!({"split": "all"})),
        ("stability", json!({"split": "Test"})),
        ("reconstructions", json!({"columns": 0})),
        ("classification", json!({"one": "logits"})),
    ] {
        assert!(make(name, config.clone()).is_err(), "{name} {config}");
    }
}
