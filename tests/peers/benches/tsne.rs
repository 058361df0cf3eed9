//! Our t-SNE beside the crate bhtsne, its tree and its grid: same samples, two threads, taking turns; medians.
//!
//! `cargo bench -p scant-peers --bench tsne`. All layouts are scored by the same exact function.

use std::time::Instant;

use bhtsne::tSNE;
use scant_abi::Key;
use scant_evaluators::tsne::Tsne;
use scant_nn::Rows;
use scant_peers::median;

const SAMPLES: usize = 5_000;
const WIDTH: usize = 300;
const CLASSES: usize = 10;
const TURNS: usize = 3;

/// Steps that the crate's authors give it by default.
const EPOCHS: usize = 1_000;

/// Who lays the samples out, and how.
type Side<'a> = (&'a str, &'a dyn Fn() -> Vec<[f32; 2]>);

fn main() {
    scant_abi::start_threads(2).expect("threads");
    let values = samples();
    let rows = Rows::new(&values, WIDTH).expect("samples");
    let vectors: Vec<&[f32]> = values.chunks_exact(WIDTH).collect();
    let sides: [Side; 3] = [
        ("ours", &|| Tsne::default().fit(rows).expect("a layout").points),
        ("bhtsne, tree (theta 0.5)", &|| {
            points(
                tSNE::<f32, &[f32], 2>::new(&vectors)
                    .perplexity(30.0)
                    .epochs(EPOCHS)
                    .barnes_hut(0.5, distance),
            )
        }),
        ("bhtsne, grid", &|| {
            points(tSNE::<f32, &[f32], 2>::new(&vectors).perplexity(30.0).epochs(EPOCHS).fit_sne(distance))
        }),
    ];
    let mut results = sides.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..TURNS {
        for ((_, lay_out), (times, divergences)) in sides.iter().zip(&mut results) {
            let begun = Instant::now();
            let points = lay_out();
            times.push(begun.elapsed().as_secs_f64());
            divergences.push(Tsne::default().divergence(rows, &points).expect("a divergence"));
        }
    }
    for ((name, _), (times, divergences)) in sides.iter().zip(results) {
        println!("{name:26} {:6.2} s, divergence {:.4}", median(times), median(divergences));
    }
}

fn points(layout: &mut tSNE<'_, f32, &[f32], 2>) -> Vec<[f32; 2]> {
    layout.embedding().chunks_exact(2).map(|point| [point[0], point[1]]).collect()
}

fn distance(a: &&[f32], b: &&[f32]) -> f32 {
    a.iter().zip(*b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
}

/// Classes around centres of their own, of twenty factors each, mixed into all features, with noise.
fn samples() -> Vec<f32> {
    const FACTORS: usize = 20;
    let mut rng = Key::new(42).named("peers").rng();
    let mut draw = |count: usize, scale: f32| (0..count).map(|_| scale * rng.normal()).collect::<Vec<f32>>();
    let centres = draw(CLASSES * FACTORS, 0.6);
    let mixing = draw(FACTORS * WIDTH, 1.0 / (FACTORS as f32).sqrt());
    let latent = draw(SAMPLES * FACTORS, 1.0);
    let mut values = draw(SAMPLES * WIDTH, 0.4);
    for (i, row) in values.chunks_exact_mut(WIDTH).enumerate() {
        for f in 0..FACTORS {
            let z = centres[i % CLASSES * FACTORS + f] + latent[i * FACTORS + f];
            row.iter_mut().zip(&mixing[f * WIDTH..]).for_each(|(x, m)| *x += z * m);
        }
    }
    values
}
