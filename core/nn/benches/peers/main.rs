//! Training steps beside PyTorch's, in one run: `SCANT_PYTHON=python3 cargo bench -p scant-nn --bench peers`.
//!
//! Each row has two processes that live for the whole row, ours and PyTorch's, and are timed in turns, so that other
//! work on the machine meets both. The medians go to `target/peers.json`; names after `--` choose rows.
//!
//! On a machine that others use, `SCANT_CLOCK=processor SCANT_THREADS=1` counts the processor's time instead of the
//! wall clock's: threads that wait for each other on busy cores would otherwise measure the others' work.

mod rows;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

/// Turns of each process.
const ROUNDS: usize = 9;

fn main() -> Result<(), Failure> {
    let threads = std::env::var("SCANT_THREADS").unwrap_or_else(|_| "2".to_owned());
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [verb, row] = arguments.as_slice()
        && verb == "serve"
    {
        scant_abi::start_threads(threads.parse()?)?;
        return serve(row);
    }
    let python = std::env::var("SCANT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let chosen = |name: &str| arguments.is_empty() || arguments.iter().any(|a| name.contains(a.as_str()));
    let clock = std::env::var("SCANT_CLOCK").unwrap_or_else(|_| "wall".to_owned());
    let mut results = Vec::new();
    println!("images/s, {threads} threads          ours      peer  ratio  GFLOP/s  of GEMM  MiB ours/peer");
    for (name, batch) in rows::ROWS.iter().filter(|(name, _)| chosen(name)) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer.py");
        let mut ours = Server::start(Command::new(std::env::current_exe()?).args(["serve", name]), &threads)?;
        let mut peer = Server::start(Command::new(&python).args([script, name]), &threads)?;
        let mut gemm =
            Server::start(Command::new(std::env::current_exe()?).args(["serve", "gemm"]), &threads)?;
        let operations: f64 = peer.ask("operations")?.parse()?;
        let steps = |server: &mut Server| -> Result<usize, Failure> {
            server.ask("go 1")?;
            let once: f64 = server.ask("go 1")?.parse()?;
            Ok((0.25 / once).ceil().clamp(1.0, 50.0) as usize)
        };
        let (our_steps, peer_steps) = (steps(&mut ours)?, steps(&mut peer)?);
        let (mut our_times, mut peer_times, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            our_times.push(ours.ask(&format!("go {our_steps}"))?.parse::<f64>()?);
            peer_times.push(peer.ask(&format!("go {peer_steps}"))?.parse::<f64>()?);
            rates.push(rows::GEMM_OPERATIONS / gemm.ask("go 5")?.parse::<f64>()?);
        }
        let (our_time, peer_time, peak) = (median(our_times), median(peer_times), median(rates));
        let (our_memory, peer_memory) = (ours.end()?, peer.end()?);
        gemm.end()?;
        let rate = |time: f64| *batch as f64 / time;
        let speed = operations / our_time;
        println!(
            "{name:30} {:9.0} {:9.0}  {:5.2}  {:7.0}  {:6.0}%  {our_memory:.0} / {peer_memory:.0}",
            rate(our_time),
            rate(peer_time),
            peer_time / our_time,
            speed * 1e-9,
            100.0 * speed / peak,
        );
        results.push(serde_json::json!({
            "name": format!("nn/{name}"), "ours": rate(our_time), "peer": rate(peer_time), "ratio": peer_time / our_time,
            "unit": "images/s", "threads": threads, "clock": clock, "gflops": speed * 1e-9, "gemm_gflops": peak * 1e-9,
            "memory_mib": our_memory, "peer_memory_mib": peer_memory,
        }));
    }
    write_results(results)
}

/// Puts these rows into `target/peers.json` in place of rows of the same names.
fn write_results(results: Vec<serde_json::Value>) -> Result<(), Failure> {
    let target = std::env::current_exe()?.ancestors().nth(3).ok_or("no target folder")?.join("peers.json");
    let old = std::fs::read_to_string(&target).unwrap_or_else(|_| "[]".to_owned());
    let mut all: Vec<serde_json::Value> = serde_json::from_str(&old)?;
    all.retain(|row| results.iter().all(|new| new["name"] != row["name"]));
    all.extend(results);
    std::fs::write(target, serde_json::to_string_pretty(&all)?)?;
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A process that runs steps on request.
struct Server {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    fn start(command: &mut Command, threads: &str) -> Result<Self, Failure> {
        let child =
            command.env("SCANT_THREADS", threads).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|e| format!("cannot start {command:?}: {e}"))?;
        let requests = child.stdin.take().ok_or("no stdin")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        Ok(Self { child, requests, answers })
    }

    fn ask(&mut self, request: &str) -> Result<String, Failure> {
        writeln!(self.requests, "{request}")?;
        let mut answer = String::new();
        if self.answers.read_line(&mut answer)? == 0 {
            return Err(format!("the process ended at '{request}'").into());
        }
        Ok(answer.trim().to_owned())
    }

    /// Ends the process; gives its peak memory in MiB.
    fn end(mut self) -> Result<f64, Failure> {
        let memory = self.ask("memory")?.parse()?;
        drop(self.requests);
        self.child.wait()?;
        Ok(memory)
    }
}

fn serve(row: &str) -> Result<(), Failure> {
    let mut step = rows::step(row)?;
    let start = Instant::now();
    let by_processor = std::env::var("SCANT_CLOCK").is_ok_and(|clock| clock == "processor");
    let now = || if by_processor { processor_time() } else { start.elapsed().as_secs_f64() };
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let answer = match line.split_once(' ') {
            Some(("go", count)) => {
                let count: usize = count.parse()?;
                let start = now();
                for _ in 0..count {
                    step()?;
                }
                (now() - start) / count as f64
            }
            _ => peak_memory(),
        };
        println!("{answer}");
    }
    Ok(())
}

/// Seconds of processor time that the threads of this process have used, by the scheduler's count.
fn processor_time() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of_task = |task: std::fs::DirEntry| -> Option<f64> {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    };
    tasks.filter_map(of_task).sum::<f64>() * 1e-9
}

/// The most memory that this process has held, in MiB.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}
