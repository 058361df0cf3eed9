//! Each augmentation against torchvision v2 on tensors: 3x32x32, one thread each, taking turns; medians of images per
//! processor second.
//!
//! `SCANT_PYTHON=<python with torchvision> cargo bench -p scant-augmentations --bench peers [-- <part of a name>]`

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use scant_abi::{Augmentation, Image, Key, Maker, Setup};
use scant_augmentations::PLUGIN;
use serde_json::{Value, json};

const IMAGES: u64 = 256;
const TURNS: usize = 5;
const TURN: f64 = 0.2;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let python = std::env::var("SCANT_PYTHON").expect("SCANT_PYTHON names a Python with torchvision");
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers.json");
    let images: Vec<Image> = (0..IMAGES).map(picture).collect();
    let mut peer = Peer::start(&python);
    println!(
        "{:16} {:>12} {:>12} {:>7} {:>14}",
        "images/s", "ours", "torchvision", "ratio", "same draw x256"
    );
    for entry in (PLUGIN.components)() {
        let Maker::Augmentation(make) = entry.maker else { continue };
        let name = &entry.description.name;
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part)) {
            continue;
        }
        let ours = make(entry.description.defaults, &Setup::default()).expect("the defaults make sense");
        let (mut own, mut each, mut batch) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            own.push(rate(&*ours, &images));
            let answer = peer.ask(&json!({"peer": name, "seconds": TURN}));
            each.push(answer["each"].as_f64().expect("a number"));
            batch.push(answer["batch"].as_f64().expect("a number"));
        }
        let (own, each, batch) = (median(own), median(each), median(batch));
        println!("{name:16} {own:12.0} {each:12.0} {:7.1} {batch:14.0}", own / each);
        append(
            &target,
            json!({
                "name": format!("augment {name}, 3x32x32"), "unit": "images/s", "ours": own, "peer": each,
                "ratio": own / each, "peer_batch_with_one_draw": batch,
            }),
        );
    }
}

fn picture(sample: u64) -> Image {
    let mut rng = Key::new(0).named("picture").fold(sample).rng();
    let pixels = (0..3 * 32 * 32).map(|_| rng.below(256) as f32 / 255.0).collect();
    Image::new(3, 32, 32, pixels).expect("a good shape")
}

/// Images per second, the copy that leaves the original as it is included.
fn rate(augmentation: &dyn Augmentation, images: &[Image]) -> f64 {
    let (start, mut count) = (processor_seconds(), 0);
    loop {
        for image in images {
            let out = augmentation.apply(black_box(image).clone(), Key::new(1).fold(count));
            black_box(out.expect("it applies"));
            count += 1;
        }
        let elapsed = processor_seconds() - start;
        if elapsed > TURN {
            return count as f64 / elapsed;
        }
    }
}

/// The processor time of this thread as Linux keeps it, so that other programs on the machine do not count.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("this benchmark needs Linux");
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.expect("the time on the processor comes first") * 1e-9
}

struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers.py");
        let mut command = Command::new(python);
        for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS"] {
            command.env(name, "1");
        }
        let mut child = command
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("SCANT_PYTHON runs");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, input, output }
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.input, "{request}").expect("the peer listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the peer answers");
        serde_json::from_str(&line).expect("the peer answers with JSON")
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
