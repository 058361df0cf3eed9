//! Our numerics against scikit-learn's: same data, two threads each, one process, taking turns; medians.
//!
//! `SCANT_PYTHON=<python with scikit-learn> cargo bench -p scant-evaluators --bench peers [-- <part of a name>]`;
//! `SCANT_REPEATS` says how often each side takes its turn (5). On a machine that others use, `OMP_WAIT_POLICY=PASSIVE`
//! keeps the peer's threads from counting their waiting as work.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use scant_abi::Key;
use scant_evaluators::logistic::Logistic;
use scant_evaluators::neighbors::nearest_neighbors;
use scant_evaluators::silhouette::silhouette;
use scant_evaluators::tsne::Tsne;
use scant_nn::Rows;
use scant_nn::cluster::KMeans;
use serde_json::{Value, json};

const THREADS: usize = 2;

/// One comparison: what our side does with the data gives the objective, and so does the peer of that name.
struct Row {
    name: &'static str,
    peer: &'static str,
    samples: usize,
    width: usize,
    goal: Goal,
    ours: fn(Rows, &[i64], u64) -> Outcome,
}

/// What makes an objective no worse than the peer's.
enum Goal {
    Low,
    Equal,
}

/// What a map of points is worth.
type Score = Box<dyn Fn(&[f32]) -> f64>;

/// What our side reached; points of a map are scored by the same function for both sides.
struct Outcome {
    objective: f64,
    score: Option<Score>,
}

fn number(objective: f64) -> Outcome {
    Outcome { objective, score: None }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let python = std::env::var("SCANT_PYTHON").expect("SCANT_PYTHON names a Python with scikit-learn");
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global().expect("the pool is built once");
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let mut peer = Peer::start(&python, &target);
    for row in rows().iter().filter(|row| wanted.is_empty() || wanted.iter().any(|w| row.name.contains(w))) {
        let result = compare(row, &mut peer, &target);
        println!("{result}");
        append(&target.join("peers.json"), result);
    }
}

fn rows() -> Vec<Row> {
    let kmeans = |rows: Rows, _: &[i64], seed: u64| {
        let settings = KMeans { starts: 20, ..KMeans::new(10) };
        number(settings.fit(rows, Key::new(seed)).expect("the data are good").inertia)
    };
    vec![
        Row {
            name: "k-means 60,000x300, k 10, n_init 20",
            peer: "kmeans",
            samples: 60_000,
            width: 300,
            goal: Goal::Low,
            ours: kmeans,
        },
        Row {
            name: "k-means 60,000x10, k 10, n_init 20",
            peer: "kmeans",
            samples: 60_000,
            width: 10,
            goal: Goal::Low,
            ours: kmeans,
        },
        Row {
            name: "logistic regression 60,000x300",
            peer: "logistic",
            samples: 60_000,
            width: 300,
            goal: Goal::Low,
            ours: |rows, labels, _| {
                let settings = Logistic::new(1.0 / rows.len() as f64);
                number(settings.fit(rows, labels, 10, None).expect("the data are good").objective)
            },
        },
        Row {
            name: "silhouette 10,000x300",
            peer: "silhouette",
            samples: 10_000,
            width: 300,
            goal: Goal::Equal,
            ours: |rows, labels, _| number(silhouette(rows, labels).expect("the data are good")),
        },
        Row {
            name: "200 neighbours of 60,000x300 for 10,000 queries",
            peer: "neighbors",
            samples: 60_000,
            width: 300,
            goal: Goal::Equal,
            ours: |rows, _, _| {
                let found = nearest_neighbors(rows, rows.slice(0, 10_000), 200).expect("the data are good");
                number(found.squares.iter().map(|square| square.sqrt()).sum())
            },
        },
        Row {
            name: "t-SNE 5,000x300",
            peer: "tsne",
            samples: 5_000,
            width: 300,
            goal: Goal::Low,
            ours: |rows, _, _| {
                let layout = Tsne::default().fit(rows).expect("the data are good");
                let (values, width) = (rows.values().to_vec(), rows.width());
                let score = move |points: &[f32]| {
                    let points: Vec<[f32; 2]> = points.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
                    let rows = Rows::new(&values, width).expect("the data are good");
                    Tsne::default().divergence(rows, &points).expect("the data are good")
                };
                Outcome { objective: layout.divergence, score: Some(Box::new(score)) }
            },
        },
    ]
}

fn compare(row: &Row, peer: &mut Peer, target: &Path) -> Value {
    let (x, y) = embeddings(row.samples, row.width);
    let (x_file, y_file) = (target.join("peers-x.bin"), target.join("peers-y.bin"));
    write_numbers(&x_file, x.iter().flat_map(|v| v.to_le_bytes()));
    write_numbers(&y_file, y.iter().flat_map(|v| v.to_le_bytes()));
    let repeats = std::env::var("SCANT_REPEATS").ok().and_then(|n| n.parse().ok()).unwrap_or(5_u64);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for seed in 0..repeats {
        let (start, processor) = (Instant::now(), processor_seconds());
        let outcome = (row.ours)(Rows::new(&x, row.width).expect("the data are good"), &y, seed);
        ours.push([start.elapsed().as_secs_f64(), outcome.objective, processor_seconds() - processor]);
        let answer = peer.ask(&json!({
            "peer": row.peer, "x": x_file, "y": y_file, "width": row.width, "seed": seed,
        }));
        let objective = match outcome.score {
            Some(score) => score(&peer.points()),
            None => answer["objective"].as_f64().expect("a number"),
        };
        let number = |name: &str| answer[name].as_f64().expect("a number");
        theirs.push([number("seconds"), objective, number("processor")]);
    }
    let middle = |side: &[[f64; 3]], k: usize| median(side.iter().map(|s| s[k]).collect());
    let (a, b) = (middle(&ours, 1), middle(&theirs, 1));
    let no_worse = match row.goal {
        Goal::Low => a <= b * (1.0 + 1e-6),
        Goal::Equal => (a - b).abs() <= 1e-6 * b.abs(),
    };
    json!({
        "name": row.name,
        "ours": middle(&ours, 0),
        "peer": middle(&theirs, 0),
        "ratio": middle(&theirs, 0) / middle(&ours, 0),
        "our_processor": middle(&ours, 2),
        "peer_processor": middle(&theirs, 2),
        "repeats": repeats,
        "our_objective": a,
        "peer_objective": b,
        "no_worse": no_worse,
    })
}

/// Ten overlapping classes around a curved sheet of few factors, with noise in every column: like embeddings.
fn embeddings(samples: usize, width: usize) -> (Vec<f32>, Vec<i64>) {
    let factors = 20.min(width);
    let mut rng = Key::new(42).named("peers").rng();
    let mut draw = |count: usize, scale: f32| (0..count).map(|_| scale * rng.normal()).collect::<Vec<f32>>();
    let centres = draw(10 * factors, 0.6);
    let mixing = draw(factors * width, 1.0 / (factors as f32).sqrt());
    let latent = draw(samples * factors, 1.0);
    let mut x = draw(samples * width, 0.4);
    let mut y = Vec::with_capacity(samples);
    for (i, row) in x.chunks_exact_mut(width).enumerate() {
        let class = i % 10;
        y.push(class as i64);
        for f in 0..factors {
            let z = centres[class * factors + f] + latent[i * factors + f];
            row.iter_mut().zip(&mixing[f * width..]).for_each(|(x, m)| *x += z * m);
        }
    }
    (x, y)
}

/// The processor time of this process so far, which other programs on the machine disturb less than the clock.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    points: PathBuf,
}

impl Peer {
    fn start(python: &str, target: &Path) -> Self {
        let points = target.join("peers-points.bin");
        let mut command = Command::new(python);
        for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"] {
            command.env(name, THREADS.to_string());
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers.py");
        let mut child = command
            .args([&script, &points])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("SCANT_PYTHON runs");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, input, output, points }
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.input, "{request}").expect("the peer listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the peer answers");
        serde_json::from_str(&line).expect("the peer answers with JSON")
    }

    fn points(&self) -> Vec<f32> {
        let bytes = std::fs::read(&self.points).expect("the peer wrote its points");
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The peer ends by itself when its input closes; this only makes sure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn append(path: &Path, result: Value) {
    let mut all: Vec<Value> = std::fs::read_to_string(path)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    all.retain(|old| old["name"] != result["name"]);
    all.push(result);
    let text = serde_json::to_string_pretty(&all).expect("JSON is written");
    std::fs::write(path, text).expect("the target folder is writable");
}

fn write_numbers(path: &Path, bytes: impl Iterator<Item = u8>) {
    std::fs::write(path, bytes.collect::<Vec<u8>>()).expect("the target folder is writable");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { 0.5 * (values[middle - 1] + values[middle]) }
}
