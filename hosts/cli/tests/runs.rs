//! Runs from the command line, with the components that are linked in.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const CONFIGURATION: &str = r#"
name = "trial"
checkpoint = { steps = 3 }
[data]
dataset = "synthetic-digits"
labels = { per_class = 10 }
limit = 400
[model]
use = "small-cnn"
[[stage]]
name = "labels"
trainer = "supervised"
epochs = 2
batch = 40
[[stage]]
name = "smooth"
trainer = { use = "semi-supervised", uratio = 1, ema_m = 0.9 }
epochs = 2
batch = 40
augment = ["shift"]
loss = ["vat"]
freeze = []
"#;

fn scant(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scant"));
    command.args(arguments).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn done(arguments: &[&str], folder: &Path) -> Output {
    scant(arguments, folder).output().expect("started")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn digest(run: &str, folder: &Path) -> String {
    let output = done(&["digest", run], folder);
    assert!(output.status.success(), "{}", text(&output));
    text(&output).split_whitespace().next().expect("a digest").to_owned()
}

/// Waits until the run has written down something.
fn wait_for_records(run: &Path, child: &mut Child) {
    let begun = Instant::now();
    while fs::metadata(run.join("metrics.jsonl")).map_or(0, |file| file.len()) == 0 {
        assert!(child.try_wait().expect("asked").is_none(), "ended before its time");
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing happens");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_run_stopped_by_signals_ends_where_the_untouched_one_ends() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path();
    fs::write(folder.join("trial.toml"), CONFIGURATION).expect("written");
    let whole = done(&["run", "trial.toml", "--out", "whole", "--threads", "1", "--prefetch", "0"], folder);
    assert!(whole.status.success(), "{}", text(&whole));

    for signal in ["TERM", "INT", "KILL"] {
        let mut child = scant(&["run", "trial.toml", "--out", signal], folder).spawn().expect("started");
        wait_for_records(&folder.join(signal), &mut child);
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().expect("sent");
        assert!(sent.success());
        let stopped = child.wait_with_output().expect("ended");
        assert!(!stopped.status.success());
        if signal != "KILL" {
            assert!(text(&stopped).contains(&format!("scant resume {signal}")), "{}", text(&stopped));
            assert!(!text(&stopped).contains("error:"), "{}", text(&stopped));
            assert_eq!(stopped.status.code(), Some(130));
        }
        let resumed = done(&["resume", signal], folder);
        assert!(resumed.status.success(), "{}", text(&resumed));
        assert_eq!(digest("whole", folder), digest(signal, folder), "{signal}");
    }
}

/// Pre-training, and a clustering stage with centroids, targets and an optimiser of their own.
const CLUSTERING: &str = r#"
name = "clusters"
checkpoint = { steps = 2 }
[data]
dataset = { use = "synthetic-digits", train = 400, test = 50 }
labels = "none"
[model]
use = "mlp-autoencoder"
hidden = [64]
[[stage]]
name = "pretrain"
trainer = "autoencoder"
loss = ["mse"]
epochs = 3
batch = 40
[[stage]]
name = "cluster"
trainer = { use = "dec", update_interval = 4 }
loss = ["mse"]
epochs = 4
batch = 20
[[evaluate]]
use = "clustering"
every = 1
"#;

#[test]
fn a_clustering_run_killed_again_and_again_ends_where_the_untouched_one_ends() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path();
    fs::write(folder.join("clusters.toml"), CLUSTERING).expect("written");
    let whole = done(&["run", "clusters.toml", "--out", "whole"], folder);
    assert!(whole.status.success(), "{}", text(&whole));
    let mut child = scant(&["run", "clusters.toml", "--out", "killed"], folder).spawn().expect("started");
    // Once in pre-training, and then wherever the moment falls, mostly while clusters are sought.
    let mut kills = 0;
    wait_for_records(&folder.join("killed"), &mut child);
    for pause in [0, 120, 60, 200, 90] {
        std::thread::sleep(Duration::from_millis(pause));
        if child.try_wait().expect("asked").is_some() {
            break;
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
        kills += 1;
        child = scant(&["resume", "killed"], folder).spawn().expect("started");
    }
    assert!(kills > 0);
    let ended = child.wait_with_output().expect("ended");
    assert!(ended.status.success(), "{}", text(&ended));
    assert_eq!(digest("whole", folder), digest("killed", folder), "after {kills} kills");
}

#[test]
fn check_says_everything_and_run_refuses_it() {
    let place = tempfile::tempdir().expect("a folder");
    let wrong = CONFIGURATION.replace("small-cnn", "smal-cnn").replace("ema_m", "ema");
    fs::write(place.path().join("trial.toml"), wrong).expect("written");
    for command in ["check", "run"] {
        let output = done(&[command, "trial.toml"], place.path());
        assert!(!output.status.success());
        for said in [
            "trial.toml: model",
            "did you mean 'small-cnn'?",
            "stage[1].trainer.ema: unknown key; did you mean 'ema_m'?",
        ] {
            assert!(text(&output).contains(said), "'{said}' is missing from:\n{}", text(&output));
        }
    }
    assert!(!place.path().join("runs").exists());
}

#[test]
fn check_finds_losses_that_a_trainer_would_not_look_at_and_those_that_it_lacks() {
    const REFUSED: &str = "has losses of its own and adds none; remove 'mse' from the stage";
    const WANTED: &str = "the stage lists none; write for example loss = [";
    let stages = [
        ("pseudo-label", "\"mse\"", REFUSED),
        ("fixmatch-attention", "\"mse\"", REFUSED),
        ("end-to-end-clustering", "\"mse\"", REFUSED),
        ("deep-cluster", "\"mse\"", REFUSED),
        ("semi-supervised", "", WANTED),
        ("autoencoder", "", WANTED),
        ("pl-ae", "", WANTED),
    ];
    let mut configuration = CONFIGURATION.split("[[stage]]").next().expect("a head").to_owned();
    for (trainer, loss, _) in stages {
        configuration += &format!(
            "[[stage]]\nname = \"{trainer}\"\ntrainer = \"{trainer}\"\nepochs = 1\nbatch = 8\nloss = [{loss}]\n"
        );
    }
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("trial.toml"), configuration).expect("written");
    let said = text(&done(&["check", "trial.toml", "--set", "plugins=['nowhere']"], place.path()));
    for (number, (_, _, message)) in stages.iter().enumerate() {
        let at = format!("stage[{number}].trainer: ");
        let line = said.lines().find(|line| line.contains(&at)).unwrap_or_default();
        assert!(line.contains(message), "{at}{message} is missing from:\n{said}");
    }
    // A library that is not there hides nothing of this.
    assert!(said.contains("--set plugins: cannot look for plugins in nowhere"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_the_standard_output_is_an_error_and_no_panic() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("trial.toml"), CONFIGURATION).expect("written");
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").expect("the device");
    for arguments in [&["list"][..], &["check", "trial.toml"]] {
        let output = scant(arguments, place.path()).stdout(full()).output().expect("started");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = text(&output);
        assert!(said.starts_with("error: cannot write to the standard output: No space left"), "{said}");
    }
    // A variable that is meant for others may be no text.
    let odd: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
    let output = scant(&["check", "trial.toml"], place.path()).env("ODD", odd).output().expect("started");
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn a_run_that_an_evaluator_could_not_judge_is_kept_and_no_success() {
    let place = tempfile::tempdir().expect("a folder");
    let few = CONFIGURATION.replace("per_class = 10", "count = 1") + "[[evaluate]]\nuse = \"linear-probe\"\n";
    fs::write(place.path().join("trial.toml"), few).expect("written");
    let output = done(&["run", "trial.toml", "--out", "run", "-q"], place.path());
    assert!(!output.status.success(), "{}", text(&output));
    assert!(
        text(&output).contains("1 labelled samples are too few to choose a penalty on"),
        "{}",
        text(&output)
    );
    assert!(text(&output).contains("one evaluation failed; the model is kept"), "{}", text(&output));
    assert!(done(&["digest", "run"], place.path()).status.success());
}

#[test]
fn a_finished_run_is_judged_again_on_any_output() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path();
    let configuration = r#"
        name = "maps"
        data = { dataset = { use = "synthetic-digits", train = 40, test = 20 }, prepare = ["resize:64"] }
        model = { use = "alexnet" }
        stage = [{ trainer = "supervised", epochs = 1, batch = 20 }]
        evaluate = [{ use = "linear-probe", label = "conv3", on = "conv3", l2 = [0.01] }]
    "#;
    fs::write(folder.join("maps.toml"), configuration).expect("written");
    let whole = done(&["run", "maps.toml", "--out", "maps"], folder);
    assert!(whole.status.success() && text(&whole).contains("conv3/top-1"), "{}", text(&whole));

    let again = [
        "evaluate",
        "maps",
        "--by",
        "{ use = \"linear-probe\", on = \"conv5\", l2 = [0.01] }",
        "--by",
        "clustering",
        "--json",
    ];
    let output = done(&again, folder);
    assert!(output.status.success(), "{}", text(&output));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&found[0]["evaluator"], &found[1]["evaluator"]),
        (&"linear-probe".into(), &"clustering".into())
    );
    assert!(found[0]["metrics"].as_array().is_some_and(|metrics| metrics.len() > 10), "{found}");

    let empty = done(&["evaluate", "maps", "--by", "stability"], folder);
    assert!(
        empty.stdout.is_empty() && text(&empty).contains("'stability' found no number"),
        "{}",
        text(&empty)
    );

    let unknown = done(&["evaluate", "maps", "--by", "{ use = \"linear-probe\", on = \"conv9\" }"], folder);
    assert!(!unknown.status.success() && text(&unknown).contains("conv5"), "{}", text(&unknown));
}

#[test]
fn a_comparison_is_written_in_the_form_its_ending_says_and_over_nothing_else() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path();
    let configuration = r#"
        name = "small"
        data = { dataset = { use = "synthetic-digits", train = 40, test = 20 } }
        model = { use = "small-cnn" }
        stage = [{ trainer = "supervised", epochs = 1, batch = 20 }]
        evaluate = [{ use = "classification" }]
    "#;
    fs::write(folder.join("small.toml"), configuration).expect("written");
    let whole = done(&["run", "small.toml", "--out", "small"], folder);
    assert!(whole.status.success(), "{}", text(&whole));
    let compared = |more: &[&str]| {
        let output = done(&[&["compare", "small"], more].concat(), folder);
        (output.status.success(), text(&output))
    };
    let (written, said) = compared(&["--out", "table"]);
    assert!(!written && said.contains("table: the ending says no form"), "{said}");
    let (written, said) = compared(&["--out", "small.toml", "--format", "json"]);
    assert!(!written && said.contains("small.toml is already there, and is no json file"), "{said}");
    assert_eq!(fs::read_to_string(folder.join("small.toml")).expect("read"), configuration);
    let (written, said) = compared(&["--format", "csv", "--against", "expected.toml"]);
    assert!(!written && said.contains("CSV has"), "{said}");
    for _ in 0..2 {
        let (written, said) = compared(&["--out", "table.MD"]);
        assert!(written, "{said}");
    }
    assert!(fs::read_to_string(folder.join("table.MD")).expect("read").contains("### Results"));
}

#[test]
fn one_of_several_methods_is_run_alone() {
    let place = tempfile::tempdir().expect("a folder");
    let several = r#"
name = "two"
[data]
dataset = "synthetic-digits"
labels = { per_class = 2 }
limit = 100
[model]
use = "small-cnn"
[[method]]
name = "First"
[[method.stage]]
trainer = "supervised"
epochs = 1
batch = 20
[[method]]
name = "Second"
[[method.stage]]
trainer = "supervised"
epochs = 2
batch = 20
"#;
    fs::write(place.path().join("two.toml"), several).expect("written");
    let output = done(&["run", "two.toml", "--method", "Second", "--out", "second"], place.path());
    assert!(output.status.success(), "{}", text(&output));
    let metrics =
        fs::read_to_string(place.path().join("second/metrics.jsonl")).expect("one run, not a suite");
    assert_eq!(metrics.lines().filter(|line| line.contains("\"epoch\"")).count(), 2, "{metrics}");
    let output = done(&["run", "two.toml", "--method", "First", "--out", "second"], place.path());
    assert!(text(&output).contains("second is already there: `scant resume` it"), "{}", text(&output));
    assert!(!output.status.success());
    let output = done(&["run", "two.toml", "--method", "Secnod", "--out", "none"], place.path());
    assert!(
        text(&output).contains("there is no method 'Secnod'; did you mean 'Second'?"),
        "{}",
        text(&output)
    );
    assert!(!output.status.success() && !place.path().join("none").exists());
}
