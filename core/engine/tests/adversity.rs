//! What goes wrong around a run: nothing is overwritten, nothing silently begins anew.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{finish, registry, settings};
use scant_engine::run::{
    Event, Nobody, Options, Outcome, RunResult, Settings, Watcher, evaluate, resume, run,
};

/// Stops after some steps, and remembers what it was told.
struct Interrupt {
    left: usize,
    stop: Arc<AtomicBool>,
    notes: Vec<String>,
}

impl Watcher for Interrupt {
    fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Step { .. } => {
                self.left = self.left.saturating_sub(1);
                self.stop.store(self.left == 0, Ordering::Relaxed);
            }
            Event::Note(text) | Event::Warning(text) => self.notes.push((*text).to_owned()),
            _ => {}
        }
    }
}

fn interrupted(settings: &Settings, out: &Path) {
    let stop = Arc::new(AtomicBool::new(false));
    let options = Options { stop: Arc::clone(&stop), ..Options::default() };
    let mut watcher = Interrupt { left: 10, stop, notes: Vec::new() };
    let outcome = run(
        &registry(),
        settings,
        &[out.parent().expect("a parent").to_owned()],
        out,
        &options,
        &mut watcher,
    );
    assert_eq!(outcome.expect("stopped"), Outcome::Interrupted);
}

fn resumed(out: &Path) -> Result<(RunResult, Vec<String>), String> {
    let mut watcher = Interrupt { left: usize::MAX, stop: Arc::default(), notes: Vec::new() };
    match resume(&registry(), out, &Options::default(), &mut watcher).map_err(|error| error.to_string())? {
        Outcome::Finished(result) => Ok((result, watcher.notes)),
        Outcome::Interrupted => Err("interrupted".into()),
    }
}

fn checkpoints(out: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(out.join("checkpoints")).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == extension));
    paths.sort();
    paths
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before() {
    let place = tempfile::tempdir().expect("a folder");
    let whole = finish(&settings(""), &place.path().join("whole"), &Options::default()).expect("finished");
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 4] = [
        ("flipped", |path| {
            let mut bytes = fs::read(path).expect("read");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
            fs::write(path, bytes).expect("written");
        }),
        ("short", |path| {
            let bytes = fs::read(path).expect("read");
            fs::write(path, &bytes[..bytes.len() - 7]).expect("written");
        }),
        ("gone", |path| fs::remove_file(path).expect("removed")),
        ("manifest", |path| fs::write(path.with_extension("json"), "{ half").expect("written")),
    ];
    for (name, damage) in damages {
        let out = place.path().join(name);
        interrupted(&settings(""), &out);
        let files = checkpoints(&out, "safetensors");
        assert_eq!(files.len(), 2);
        damage(&files[1]);
        let (result, notes) = resumed(&out).expect("resumed");
        assert!(notes.iter().any(|note| note.contains("passed over")), "{name}: {notes:?}");
        assert_eq!(result.digest, whole.digest, "{name}");
    }
}

#[test]
fn without_any_whole_checkpoint_nothing_begins_anew() {
    let place = tempfile::tempdir().expect("a folder");
    let out = place.path().join("run");
    interrupted(&settings(""), &out);
    checkpoints(&out, "safetensors").iter().for_each(|path| fs::write(path, "").expect("written"));
    let error = resumed(&out).expect_err("refused");
    assert!(error.contains("none of the 2 checkpoints"), "{error}");
    for extension in ["json", "safetensors"] {
        checkpoints(&out, extension).iter().for_each(|path| fs::remove_file(path).expect("removed"));
    }
    let error = resumed(&out).expect_err("refused");
    assert!(error.contains("cannot go on without them"), "{error}");
}

#[test]
fn a_folder_is_never_overwritten_and_an_edited_configuration_never_resumed() {
    let place = tempfile::tempdir().expect("a folder");
    let out = place.path().join("run");
    interrupted(&settings(""), &out);
    let error = finish(&settings(""), &out, &Options::default()).expect_err("refused").to_string();
    assert!(error.contains("is already there"), "{error}");
    let config = out.join("config.toml");
    let text = fs::read_to_string(&config).expect("read");
    fs::write(&config, text.replace("epochs = 4", "epochs = 5")).expect("written");
    let error = resumed(&out).expect_err("refused");
    assert!(error.contains("was edited after the run began"), "{error}");
    fs::write(&config, text).expect("written");
    resumed(&out).expect("resumed");
}

#[test]
fn a_data_file_that_is_gone_or_other_data_are_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("images.bin");
    fs::write(&file, "here").expect("written");
    let mut settings = settings("");
    settings.data.dataset = serde_json::from_value(serde_json::json!({"use": "blobs", "file": "images.bin"}))
        .expect("a data set");
    let out = place.path().join("run");
    interrupted(&settings, &out);
    fs::remove_file(&file).expect("removed");
    let error = resumed(&out).expect_err("refused");
    assert!(error.contains("there is no file 'images.bin'"), "{error}");

    fs::write(&file, "here").expect("written");
    let splits = out.join("splits.json");
    let text = fs::read_to_string(&splits).expect("read");
    fs::write(&splits, text.replace("\"test-labels\": \"", "\"test-labels\": \"0")).expect("written");
    let error = resumed(&out).expect_err("refused");
    assert!(error.contains("the data is not what the run began with (test-labels differ)"), "{error}");
    fs::write(&splits, text).expect("written");
    fs::write(&file, "others").expect("written");
    let error = resumed(&out).expect_err("refused");
    assert!(error.contains("the data is not what the run began with (images differ)"), "{error}");

    // Data may have moved: where they are now is said when the run goes on.
    fs::remove_file(&file).expect("removed");
    let moved = place.path().join("elsewhere");
    fs::create_dir(&moved).expect("made");
    fs::write(moved.join("images.bin"), "here").expect("written");
    let options = Options { folders: vec![moved.clone()], ..Options::default() };
    let outcome = resume(&registry(), &out, &options, &mut Nobody).expect("resumed");
    assert!(matches!(outcome, Outcome::Finished(_)));
    assert!(
        evaluate(&registry(), &out, Vec::new(), &[]).expect_err("refused").to_string().contains("images.bin")
    );
    evaluate(&registry(), &out, Vec::new(), &[moved]).expect("judged");
}

#[test]
fn an_evaluator_that_fails_at_the_end_takes_nothing_from_the_run() {
    let place = tempfile::tempdir().expect("a folder");
    // The last of the four epochs is the end, whether or not the evaluator is due after it.
    for (number, every) in [None, Some(4)].into_iter().enumerate() {
        let out = place.path().join(number.to_string());
        let mut settings = settings("");
        let block = serde_json::json!({"use": "accuracy", "label": "sulks", "fails": true, "every": every});
        settings.evaluate.push(serde_json::from_value(block).expect("an evaluator"));
        let result = finish(&settings, &out, &Options::default()).expect("finished");
        assert_eq!(result.unjudged, ["evaluator 'sulks': it does not want to"]);
        let by_others = result.metrics.iter().all(|metric| metric.evaluator == "accuracy");
        assert!(by_others && !result.metrics.is_empty());
        let judged = evaluate(&registry(), &out, Vec::new(), &[]).expect("judged");
        assert!(judged[0].1.is_ok() && judged[1].1.is_err());
    }
}

#[test]
fn only_a_finished_run_is_judged() {
    let place = tempfile::tempdir().expect("a folder");
    let refused = |out: &Path| evaluate(&registry(), out, Vec::new(), &[]).expect_err("refused").to_string();
    let (stopped, broken) = (place.path().join("stopped"), place.path().join("broken"));
    interrupted(&settings(""), &stopped);
    assert!(refused(&stopped).contains("has not come to its end"), "{}", refused(&stopped));
    assert!(refused(&stopped).contains("`scant resume "), "{}", refused(&stopped));
    let mut failing = settings("");
    failing.stage[0].trainer =
        serde_json::from_value(serde_json::json!({"use": "sgd", "nan_at": 10})).expect("a trainer");
    finish(&failing, &broken, &Options::default()).expect_err("stopped");
    let error = refused(&broken);
    assert!(error.contains("has failed") && error.contains("stage 'train', epoch 3, step 2"), "{error}");
}

#[test]
fn without_the_last_checkpoint_the_stage_s_own_model_is_judged_and_never_an_earlier_one() {
    let place = tempfile::tempdir().expect("a folder");
    for (number, rule) in ["select = 'last'", "select = 'best-on-validation'"].into_iter().enumerate() {
        let out = place.path().join(number.to_string());
        let result = finish(&settings(rule), &out, &Options::default()).expect("finished");
        let kept = result.metrics.iter().find(|metric| metric.split == "test").expect("on test").value.0;
        let last = checkpoints(&out, "safetensors").pop().expect("a checkpoint");
        fs::write(&last, "").expect("damaged");
        fs::remove_file(last.with_extension("json")).expect("removed");
        let alone = serde_json::from_value(serde_json::json!({"use": "accuracy", "annotations": false}));
        let judged = evaluate(&registry(), &out, vec![alone.expect("an evaluator")], &[])
            .expect("judged from the file");
        let findings = judged[0].1.as_ref().expect("findings");
        assert_eq!(
            findings.metrics.iter().find(|m| m.split == "test").map(|m| m.value),
            Some(kept),
            "{rule}"
        );
        // What a loss says of the samples is not in the model's file.
        let error = evaluate(&registry(), &out, Vec::new(), &[]).expect_err("refused").to_string();
        assert!(error.contains("is lost") && error.contains("reads 'counted'"), "{error}");
        fs::remove_file(out.join("stages/train.safetensors")).expect("removed");
        let error = evaluate(&registry(), &out, Vec::new(), &[]).expect_err("refused").to_string();
        assert!(error.contains("does not hold the run's last checkpoint"), "{error}");
    }
}

#[test]
fn evaluators_of_what_is_not_there_are_refused_before_anything_is_trained() {
    let place = tempfile::tempdir().expect("a folder");
    let out = place.path().join("run");
    let mut settings = settings("");
    settings.data.dataset =
        serde_json::from_value(serde_json::json!({"use": "blobs", "test": 0})).expect("a data set");
    let error = finish(&settings, &out, &Options::default()).expect_err("refused").to_string();
    assert!(error.contains("evaluate[0]: the data have no test image"), "{error}");
    assert!(!out.exists());
    settings.evaluate[0].splits = vec!["train".into()];
    finish(&settings, &out, &Options::default()).expect("finished");
}

#[test]
fn a_second_process_is_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let out = place.path().join("run");
    interrupted(&settings(""), &out);
    let lock = fs::File::create(out.join("lock")).expect("opened");
    lock.lock().expect("locked");
    let error = resumed(&out).expect_err("refused");
    assert!(error.contains("another process is at work"), "{error}");
    drop(lock);
    resumed(&out).expect("resumed");
}

#[test]
fn a_folder_that_may_not_be_written_is_said_to_be_so() {
    let place = tempfile::tempdir().expect("a folder");
    let closed = place.path().join("closed");
    fs::create_dir(&closed).expect("made");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).expect("closed");
    // The superuser may write everywhere; then there is nothing to see.
    if fs::write(closed.join("trial"), "").is_ok() {
        return;
    }
    let error = finish(&settings(""), &closed.join("run"), &Options::default()).expect_err("refused");
    assert!(error.to_string().contains("choose a folder that may be written to"), "{error}");
}

#[test]
fn a_disk_that_is_full_leaves_the_checkpoint_before() {
    let place = tempfile::tempdir().expect("a folder");
    let whole = finish(&settings(""), &place.path().join("whole"), &Options::default()).expect("finished");
    let out = place.path().join("run");
    interrupted(&settings(""), &out);
    // What is written aside goes nowhere, as on a full disk.
    let names = ["s000-e000003-t00000000.safetensors", "s000-e000003-t00000000.json"];
    for name in names {
        let aside = out.join("checkpoints").join(format!("{name}.tmp"));
        std::os::unix::fs::symlink("/dev/full", &aside).expect("linked");
        let before = checkpoints(&out, "json");
        let error = resumed(&out).expect_err("stopped");
        assert!(error.contains("make room") && error.contains("checkpoints"), "{error}");
        assert_eq!(checkpoints(&out, "json"), before);
        assert!(out.join("failure.json").is_file());
    }
    assert_eq!(resumed(&out).expect("resumed").0.digest, whole.digest);
    assert!(!out.join("failure.json").exists());
}

#[test]
fn a_finished_run_is_left_as_it_is() {
    let place = tempfile::tempdir().expect("a folder");
    let out = place.path().join("run");
    let first = finish(&settings(""), &out, &Options::default()).expect("finished");
    let before = fs::read(out.join("metrics.jsonl")).expect("read");
    let again = resume(&registry(), &out, &Options::default(), &mut Nobody).expect("nothing to do");
    assert_eq!(again, Outcome::Finished(first));
    assert_eq!(fs::read(out.join("metrics.jsonl")).expect("read"), before);
}
