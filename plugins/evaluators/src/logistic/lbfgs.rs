//! L-BFGS for smooth convex functions (Nocedal and Wright, 2006, algorithm 7.5).

use std::collections::VecDeque;

/// How many steps are remembered.
const MEMORY: usize = 10;

/// Where the minimisation ended.
pub(super) struct Minimum {
    pub(super) point: Vec<f64>,
    pub(super) value: f64,
    pub(super) steps: usize,
}

/// A smooth convex function.
pub(super) trait Function {
    /// Its value and gradient at `point`.
    fn value_and_gradient(&self, point: &[f64]) -> (f64, Vec<f64>);

    /// Multiplies a gradient with a guess of the inverse of the function's curvature.
    fn precondition(&self, gradient: &mut [f64]);
}

/// Steps down from `point` until no component of the gradient exceeds `tolerance`, no step goes down, or `steps`
/// are done.
pub(super) fn minimize(
    mut point: Vec<f64>,
    steps: usize,
    tolerance: f64,
    function: &impl Function,
) -> Minimum {
    let (mut value, mut gradient) = function.value_and_gradient(&point);
    let mut memory: VecDeque<Pair> = VecDeque::with_capacity(MEMORY);
    for step in 0..steps {
        if gradient.iter().all(|g| g.abs() <= tolerance) {
            return Minimum { point, value, steps: step };
        }
        let direction = direction(&gradient, &memory, function);
        let slope = dot(&direction, &gradient);
        let mut length = 1.0;
        let next = loop {
            let trial: Vec<f64> = point.iter().zip(&direction).map(|(x, d)| x + length * d).collect();
            let (trial_value, trial_gradient) = function.value_and_gradient(&trial);
            // The first condition of Wolfe; on a convex function shortening by a parabola's minimum finds it.
            if trial_value <= value + 1e-4 * length * slope {
                break Some((trial, trial_value, trial_gradient));
            }
            let parabola = -0.5 * slope * length * length / (trial_value - value - slope * length);
            length = parabola.clamp(0.1 * length, 0.5 * length);
            if length * norm(&direction) <= 1e-12 * norm(&point).max(1e-3) {
                break None;
            }
        };
        let Some((next_point, next_value, next_gradient)) = next else {
            return Minimum { point, value, steps: step };
        };
        let pair = Pair::new([&next_point, &point], [&next_gradient, &gradient], function);
        if pair.curvature > 1e-12 * pair.guess {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back(pair);
        }
        (point, value, gradient) = (next_point, next_value, next_gradient);
    }
    Minimum { point, value, steps }
}

/// One remembered step: how the point moved, and the gradient with it.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    curvature: f64,
    /// What the guess makes of the change: its scale against the true curvature.
    guess: f64,
}

impl Pair {
    fn new(
        [next, point]: [&[f64]; 2],
        [next_gradient, gradient]: [&[f64]; 2],
        function: &impl Function,
    ) -> Self {
        let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>();
        let (step, change) = (difference(next, point), difference(next_gradient, gradient));
        let curvature = dot(&step, &change);
        let mut guessed = change.clone();
        function.precondition(&mut guessed);
        let guess = dot(&change, &guessed);
        Self { step, change, curvature, guess }
    }
}

/// The gradient, bent by the remembered curvature, downwards.
fn direction(gradient: &[f64], memory: &VecDeque<Pair>, function: &impl Function) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut weights = Vec::with_capacity(memory.len());
    for pair in memory.iter().rev() {
        let weight = dot(&pair.step, &direction) / pair.curvature;
        add(&mut direction, -weight, &pair.change);
        weights.push(weight);
    }
    function.precondition(&mut direction);
    if let Some(last) = memory.back() {
        let scale = last.curvature / last.guess;
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for (pair, weight) in memory.iter().zip(weights.iter().rev()) {
        let other = dot(&pair.change, &direction) / pair.curvature;
        add(&mut direction, weight - other, &pair.step);
    }
    direction
}

fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, x)| *to += factor * x);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Valley;

    const CURVATURES: [f64; 3] = [1.0, 100.0, 1e4];

    impl Function for Valley {
        fn value_and_gradient(&self, x: &[f64]) -> (f64, Vec<f64>) {
            let value = x.iter().zip(CURVATURES).map(|(x, c)| 0.5 * c * (x - 3.0).powi(2)).sum();
            (value, x.iter().zip(CURVATURES).map(|(x, c)| c * (x - 3.0)).collect())
        }

        fn precondition(&self, _: &mut [f64]) {}
    }

    #[test]
    fn a_long_valley_is_followed_to_its_end() {
        let found = minimize(vec![0.0; 3], 100, 1e-9, &Valley);
        assert!(found.point.iter().all(|x| (x - 3.0).abs() < 1e-8), "{:?} {}", found.point, found.steps);
    }
}
