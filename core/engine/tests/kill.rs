//! kill -9 at random moments: whatever is killed ends where the run that nobody touched ends.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{finish, registry};
use scant_abi::Key;
use scant_engine::run::{Nobody, Options, Outcome, Settings, digest, resume, run};

const KILLS: usize = 36;

/// A stage of each kind: streams and views, balanced groups with frozen parts, a new model that takes a part over.
const STAGES: &str = r#"
name = "killed"
select = "best-on-validation"
checkpoint = { steps = 2 }
[data]
dataset = "blobs"
labels = { per_class = 20 }
validation = { per_class = 10 }
[model]
use = "two-layers"
[[stage]]
name = "pretrain"
trainer = { use = "sgd", unlabelled = true, sleep = 4 }
epochs = 2
batch = 12
augment = "jitter"
loss = ["cross-entropy"]
[[stage]]
name = "tune"
trainer = { use = "sgd", grouped = true, sleep = 4 }
epochs = 2
batch = 12
loss = ["cross-entropy"]
freeze = ["encoder"]
[[stage]]
name = "again"
trainer = { use = "sgd", sleep = 4 }
epochs = 3
batch = 12
loss = ["cross-entropy"]
model = "two-layers"
take = { encoder = "pretrain" }
[[evaluate]]
use = "accuracy"
every = 1
"#;

const FOLDER: &str = "SCANT_TEST_RUN_FOLDER";

fn settings() -> Settings {
    toml::from_str(STAGES).expect("a configuration")
}

/// What the killed processes do; as a test of its own it does nothing.
#[test]
fn child() {
    let Some(out) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let options = Options { threads: 2, prefetch: 4, ..Options::default() };
    let outcome = match out.join("config.toml").is_file() {
        true => resume(&registry(), &out, &options, &mut Nobody),
        false => run(&registry(), &settings(), &[], &out, &options, &mut Nobody),
    };
    assert!(matches!(outcome, Ok(Outcome::Finished(_))), "{outcome:?}");
}

fn start(out: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "child"])
        .env(FOLDER, out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started")
}

#[test]
fn killed_runs_end_bit_for_bit_where_the_untouched_one_ends() {
    let place = tempfile::tempdir().expect("a folder");
    let whole = finish(&settings(), &place.path().join("whole"), &Options::default()).expect("finished");
    let begun = Instant::now();
    let (mut kills, mut runs) = (0, 0);
    let mut rng = Key::new(9).rng();
    while kills < KILLS {
        let out = place.path().join(runs.to_string());
        runs += 1;
        // Some runs are killed once, some over and over.
        let mut left = 1 + rng.below(12);
        loop {
            let mut child = start(&out);
            if left == 0 {
                assert!(child.wait().expect("ended").success());
                break;
            }
            left -= 1;
            std::thread::sleep(Duration::from_millis(10 + rng.below(190) as u64));
            if child.try_wait().expect("asked").is_some() {
                break;
            }
            child.kill().expect("killed");
            child.wait().expect("ended");
            kills += 1;
        }
        assert_eq!(digest(&out).expect("finished"), whole.digest, "run {runs}, {kills} kills so far");
        assert!(begun.elapsed() < Duration::from_secs(240), "{kills} kills took too long");
    }
}
