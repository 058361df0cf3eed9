//! GFLOP/s of the convolution kernels beside the machine's own GEMM: `cargo bench -p scant-nn --bench kernels`.

use scant_nn::kernels::convolution::{ConvShape, Convolution, forward, input_gradient, weight_gradient};
use scant_nn::kernels::gemm::{Matrix, multiply_threaded};
use scant_nn::kernels::{Activation, simd};
use std::time::Instant;

/// Seconds of processor time that this process has used, from the scheduler's own count where the system has one.
fn processor_time() -> Option<f64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let of_task = |task: std::io::Result<std::fs::DirEntry>| -> Option<f64> {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    Some(tasks.filter_map(of_task).sum::<f64>() * 1e-9)
}

/// The shortest of fifteen runs, in seconds: what other work on the machine disturbed least. One thread's time is
/// that of the processor, so that waiting for it does not count.
fn shortest(threads: usize, mut run: impl FnMut()) -> f64 {
    run();
    let start = Instant::now();
    let now = || processor_time().filter(|_| threads == 1).unwrap_or_else(|| start.elapsed().as_secs_f64());
    let times = (0..15).map(|_| {
        let before = now();
        run();
        now() - before
    });
    times.fold(f64::INFINITY, f64::min)
}

fn main() {
    let count = std::env::var("SCANT_THREADS").ok().and_then(|t| t.parse().ok()).unwrap_or(2);
    scant_abi::start_threads(count).expect("threads");
    println!("{} threads, {}", count, simd::name());
    for (m, k, n) in [(1024, 1024, 1024), (256, 784, 500), (256, 500, 2000), (500, 256, 784)] {
        let (a, b, mut c) = (vec![0.5; m * k], vec![0.5; k * n], vec![0.0; m * n]);
        let time = shortest(count, || {
            multiply_threaded(&mut c, Matrix::new(&a, m, k), Matrix::new(&b, n, k).transposed(), false);
        });
        println!("gemm {m}x{k}x{n}: {:.0} GFLOP/s", 2e-9 * (m * k * n) as f64 / time);
    }
    let walk = |stride, padding| Convolution { stride, padding, ..Convolution::default() };
    let shapes = [
        ((64, 32, 32, 32), 32, (3, 3), walk(1, 1)),
        ((64, 64, 16, 16), 64, (3, 3), walk(1, 1)),
        ((64, 128, 8, 8), 128, (3, 3), walk(1, 1)),
        ((64, 256, 4, 4), 256, (3, 3), walk(1, 1)),
        ((64, 512, 2, 2), 512, (3, 3), walk(1, 1)),
        ((64, 3, 64, 64), 64, (7, 7), walk(2, 3)),
        ((128, 16, 14, 14), 32, (3, 3), walk(2, 1)),
        ((128, 1, 28, 28), 16, (3, 3), walk(1, 1)),
        ((256, 32, 16, 16), 64, (4, 4), walk(2, 1)),
        ((64, 64, 32, 32), 128, (1, 1), walk(1, 0)),
    ];
    for (x, out, kernel, walk) in shapes {
        let s = ConvShape::new(x, out, kernel, walk).expect("sizes that fit");
        let (x, w) = (vec![0.5; s.input_len()], vec![0.5; s.weight_len()]);
        let (mut y, mut dx) = (vec![0.5; s.output_len()], vec![0.5; s.input_len()]);
        let mut dw = vec![0.0; s.weight_len()];
        let rate = |time: f64| 1e-9 * s.operations() as f64 / time;
        let one = rate(shortest(count, || forward(&s, &x, &w, None, Activation::Identity, &mut y)));
        let two = rate(shortest(count, || input_gradient(&s, &y, &w, &mut dx, false)));
        let three = rate(shortest(count, || weight_gradient(&s, &x, &y, &mut dw)));
        let name = format!("{}x{}x{}x{}", s.batch, s.channels, s.height, s.width);
        println!("{name} -> {out}, {kernel:?}/{}: {one:.0} {two:.0} {three:.0} GFLOP/s", walk.stride);
    }
}
