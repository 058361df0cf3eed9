//! What benchmarks against other programs share: the other program's process, processor time, and where results go.
//!
//! Everything here panics where something is missing: a benchmark is started by hand and has nothing to rescue.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A Python process that answers each line of JSON on its input with a line of JSON.
pub struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts `script` with the Python that `SCANT_PYTHON` names, its numeric libraries on so many threads.
    pub fn start(script: &Path, threads: usize) -> Self {
        let python =
            std::env::var("SCANT_PYTHON").expect("SCANT_PYTHON names a Python with the peers' libraries");
        let mut command = Command::new(python);
        for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"] {
            command.env(name, threads.to_string());
        }
        // Threads that wait for one another sleep: on a busy machine waiting would count as work.
        command.env("OMP_WAIT_POLICY", "PASSIVE");
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

    /// What the process answers.
    pub fn ask(&mut self, request: &Value) -> Value {
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

/// The parts of names that follow `--` on the command line.
pub fn wanted() -> Vec<String> {
    std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect()
}

/// Whether `name` is one of those wanted; all are where none is named.
pub fn is_wanted(wanted: &[String], name: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()))
}

/// The processor time of all threads as Linux keeps it, so that other programs on the machine do not count.
pub fn processor_seconds() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").expect("this benchmark needs Linux");
    let nanoseconds = threads.flatten().filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() * 1e-9
}

/// The folder in which results lie.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

/// Puts `result` into `target/peers.json`, in the place of an older one of the same `name`.
pub fn record(result: Value) {
    let path = target().join("peers.json");
    let mut all: Vec<Value> = std::fs::read_to_string(&path)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    all.retain(|old| old["name"] != result["name"]);
    all.push(result);
    let text = serde_json::to_string_pretty(&all).expect("JSON is written");
    std::fs::write(path, text).expect("the target folder is writable");
}

/// The middle one of some values, or the mean of the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { 0.5 * (values[middle - 1] + values[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_found() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn time_passes_while_the_processor_works() {
        let start = processor_seconds();
        let mut sum = 0_u64;
        while processor_seconds() - start < 0.002 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(sum > 0);
    }
}
