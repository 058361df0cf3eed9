//! t-SNE to the plane (van der Maaten and Hinton, 2008), with exact forces.
//!
//! All pairs are looked at, many at a time in vector registers: up to tens of thousands of points that is faster
//! than a tree or a grid, and nothing is approximated.

mod affinity;
mod forces;

use rayon::prelude::*;
use scant_abi::{Error, Result};
use scant_nn::Rows;

use crate::pca::principal_components;
use affinity::Affinities;
use forces::repulsion;

/// The most points: beyond, the exact forces take minutes.
pub const MOST_POINTS: usize = 20_000;

/// The first steps exaggerate attraction, so that clusters come together before they push each other apart.
const EXAGGERATED: usize = 100;

/// By how much: the first paper's factor. The 12 that is usual today draws samples without sharp clusters together
/// into one point, and the steps that are meant to sort them are lost.
const EXAGGERATION: f32 = 4.0;

/// The share of a step's movement that the next one keeps.
const MOMENTUM: f32 = 0.8;

/// How to lay out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tsne {
    /// The effective number of neighbours of each point.
    pub perplexity: f64,
    /// The number of steps, of which the first 100 exaggerate attraction.
    pub steps: usize,
}

/// A layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The points in the plane.
    pub points: Vec<[f32; 2]>,
    /// The divergence of the plane's neighbourhoods from those of the samples; less is better.
    pub divergence: f64,
}

impl Default for Tsne {
    fn default() -> Self {
        Self { perplexity: 30.0, steps: 750 }
    }
}

impl Tsne {
    /// Lays `rows` out, starting from their first two principal components.
    pub fn fit(&self, rows: Rows) -> Result<Layout> {
        let affinities = self.affinities(rows)?;
        let mut state = State::new(start(rows)?);
        let rate = (rows.len() as f32 / 12.0).max(50.0);
        for step in 0..self.steps {
            let factor = if step < EXAGGERATED { EXAGGERATION } else { 1.0 };
            state.step(&affinities, factor, MOMENTUM, rate);
        }
        let divergence = affinities.divergence(&state.x, &state.y);
        let points = state.x.iter().zip(&state.y).map(|(&x, &y)| [x, y]).collect();
        Ok(Layout { points, divergence })
    }

    /// The divergence of any layout of `rows`.
    pub fn divergence(&self, rows: Rows, points: &[[f32; 2]]) -> Result<f64> {
        let x: Vec<f32> = points.iter().map(|p| p[0]).collect();
        let y: Vec<f32> = points.iter().map(|p| p[1]).collect();
        Ok(self.affinities(rows)?.divergence(&x, &y))
    }

    fn affinities(&self, rows: Rows) -> Result<Affinities> {
        if rows.len() > MOST_POINTS {
            return Err(Error::config(format!(
                "t-SNE of {} points would take minutes: ask for at most {MOST_POINTS}",
                rows.len()
            )));
        }
        if !(self.perplexity >= 1.0 && self.perplexity < rows.len() as f64) {
            return Err(Error::config(format!(
                "perplexity {} is not between 1 and the number of points, {}",
                self.perplexity,
                rows.len()
            )));
        }
        Affinities::new(rows, self.perplexity)
    }
}

/// The first two principal components, small.
fn start(rows: Rows) -> Result<[Vec<f32>; 2]> {
    let count = rows.width().min(2);
    let found = principal_components(rows, count)?;
    let scale = 1e-4 / found.variances[0].sqrt().max(f64::MIN_POSITIVE);
    let axis = |k: usize| {
        let one = found.coordinates.chunks_exact(count);
        one.map(|c| c.get(k).map_or(0.0, |v| (v * scale) as f32)).collect()
    };
    Ok([axis(0), axis(1)])
}

/// The points on their way.
struct State {
    x: Vec<f32>,
    y: Vec<f32>,
    velocity: Vec<[f32; 2]>,
    gains: Vec<[f32; 2]>,
}

impl State {
    fn new([x, y]: [Vec<f32>; 2]) -> Self {
        let count = x.len();
        Self { x, y, velocity: vec![[0.0; 2]; count], gains: vec![[1.0; 2]; count] }
    }

    fn step(&mut self, affinities: &Affinities, factor: f32, momentum: f32, rate: f32) {
        let pushed = repulsion(&self.x, &self.y);
        let total: f64 = pushed.iter().map(|push| f64::from(push[2])).sum();
        let share = (1.0 / total) as f32;
        let pulled = affinities.attraction(&self.x, &self.y);
        let moves = self.velocity.par_iter_mut().zip(&mut self.gains).zip(pushed.par_iter().zip(&pulled));
        moves.with_min_len(1024).for_each(|((velocity, gains), (push, pull))| {
            for k in 0..2 {
                let gradient = 4.0 * (factor * pull[k] - share * push[k]);
                // Who keeps going one way goes faster.
                let turns = velocity[k] * gradient < 0.0;
                gains[k] = if turns { gains[k] + 0.2 } else { (gains[k] * 0.8).max(0.01) };
                velocity[k] = momentum * velocity[k] - rate * gains[k] * gradient;
            }
        });
        self.x.iter_mut().zip(&self.velocity).for_each(|(x, v)| *x += v[0]);
        self.y.iter_mut().zip(&self.velocity).for_each(|(y, v)| *y += v[1]);
    }
}
