//! Loading MNIST against PyTorch and torchvision: same files, one process each, taking turns; medians of processor
//! seconds, all threads together, with the wall clock beside them.
//!
//! `SCANT_DATA=<folder with mnist/> SCANT_PYTHON=<python with torchvision> cargo bench -p scant-datasets --bench peers`

use std::fs;
use std::path::Path;
use std::time::Instant;

use flate2::read::GzDecoder;
use scant_abi::{Component, Dataset, Part, Setup};
use scant_datasets::{InMemory, Mnist, MnistConfig};
use scant_peers::{Peer, median, processor_seconds, record, target};
use serde_json::json;

const TURNS: usize = 9;
const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

fn main() {
    let data = std::env::var_os("SCANT_DATA").expect("SCANT_DATA names a folder with mnist/");
    let packed = std::env::split_paths(&data)
        .map(|folder| folder.join("mnist"))
        .find(|folder| folder.is_dir())
        .expect("a folder of SCANT_DATA holds mnist/");
    let plain = tempfile::tempdir_in(target()).expect("the target folder is writable");
    unpack(&packed, plain.path());
    let mut peer = Peer::start(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers.py"), 2);
    for (name, kind, folder) in [
        ("load MNIST from gzip", "gzip", packed.as_path()),
        ("load MNIST from plain files", "plain", plain.path()),
    ] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let own = load(folder);
            let answer = peer.ask(&json!({"peer": kind, "folder": folder}));
            assert_eq!(
                answer["total"].as_u64(),
                Some(own.total),
                "both sides read the same pixels and labels"
            );
            ours.push((own.cpu, own.wall));
            theirs.push((
                answer["cpu"].as_f64().expect("a number"),
                answer["wall"].as_f64().expect("a number"),
            ));
        }
        let cpu = |side: &[(f64, f64)]| median(side.iter().map(|turn| turn.0).collect());
        let wall = |side: &[(f64, f64)]| median(side.iter().map(|turn| turn.1).collect());
        let row = json!({
            "name": name, "unit": "processor seconds", "ours": cpu(&ours), "peer": cpu(&theirs),
            "ratio": cpu(&theirs) / cpu(&ours), "ours_wall": wall(&ours), "peer_wall": wall(&theirs),
        });
        println!("{row}");
        record(row);
    }
}

struct Loaded {
    cpu: f64,
    wall: f64,
    total: u64,
}

fn load(folder: &Path) -> Loaded {
    let setup = Setup { folders: vec![folder.to_path_buf()], ..Setup::default() };
    let config = MnistConfig { folder: Some(folder.to_path_buf()) };
    let (cpu, start) = (processor_seconds(), Instant::now());
    let mut mnist = InMemory::<Mnist>::new(config, &setup).expect("the settings make sense");
    mnist.open().expect("the files are whole");
    let (wall, cpu) = (start.elapsed().as_secs_f64(), processor_seconds() - cpu);
    let total = [Part::Train, Part::Test].into_iter().map(|part| sum(&mnist, part)).sum();
    Loaded { cpu, wall, total }
}

fn sum(mnist: &dyn Dataset, part: Part) -> u64 {
    let labels = mnist.labels(part).expect("it is open");
    let indices: Vec<usize> = (0..labels.len()).collect();
    let mut pixels = vec![0; labels.len() * 784];
    mnist.read(part, &indices, &mut pixels).expect("it is open");
    pixels.into_iter().map(u64::from).sum::<u64>() + labels.into_iter().sum::<i64>() as u64
}

fn unpack(from: &Path, to: &Path) {
    for name in FILES {
        let packed = fs::File::open(from.join(format!("{name}.gz"))).expect("MNIST's files are gzipped");
        let mut plain = fs::File::create(to.join(name)).expect("the target folder is writable");
        std::io::copy(&mut GzDecoder::new(packed), &mut plain).expect("MNIST unpacks");
    }
}
