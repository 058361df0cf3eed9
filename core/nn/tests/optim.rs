//! The optimisers against PyTorch's, and what is ours alone: parts, state, threads, averages.

use scant_abi::{Clock, FlatMut, ParameterInfo, Parameters};
use scant_nn::optim::{Optimizer, OptimizerConfig};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    config: OptimizerConfig,
    values: Vec<f32>,
}

fn info(name: &str, offset: usize, len: usize, decays: bool) -> ParameterInfo {
    ParameterInfo { name: name.to_owned(), dims: vec![len], offset, decays }
}

fn step(
    optimizer: &mut Optimizer,
    values: &mut [f32],
    gradients: &mut [f32],
    layout: &[ParameterInfo],
) -> f64 {
    if optimizer.lacks_layout() {
        optimizer.lay_out(layout).expect("a layout");
    }
    let parameters = Parameters { values: FlatMut::Cpu(values), gradients: FlatMut::Cpu(gradients) };
    optimizer.step(&Clock::default(), parameters).expect("a step")
}

fn wave(values: &[f32], step: usize) -> Vec<f32> {
    values.iter().map(|x| -3.0 * (3.0 * x + step as f32).sin()).collect()
}

#[test]
fn five_steps_are_pytorchs() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("fixtures/optim.json")).expect("cases");
    assert_eq!(cases.len(), 9);
    for case in cases {
        let mut optimizer = Optimizer::new(case.config.clone()).expect("an optimiser");
        let mut values: Vec<f32> = (0..10).map(|i| i as f32 / 5.0 - 0.9).collect();
        for i in 0..5 {
            let mut gradients = wave(&values, i);
            step(&mut optimizer, &mut values, &mut gradients, &[info("encoder.0.weight", 0, 10, true)]);
            assert!(gradients.iter().all(|g| *g == 0.0), "gradients are used up");
        }
        for (ours, theirs) in values.iter().zip(&case.values) {
            assert!((ours - theirs).abs() <= 2e-6, "{:?}: {values:?} against {:?}", case.config, case.values);
        }
    }
}

#[test]
fn decay_is_for_chosen_parts_and_never_for_biases() {
    let config = OptimizerConfig {
        weight_decay: 0.5,
        decay_parts: vec!["encoder".to_owned()],
        ..OptimizerConfig::sgd(0.1, 0.0)
    };
    let layout = [
        info("encoder.0.weight", 0, 1, true),
        info("encoder.0.bias", 1, 1, false),
        info("head.weight", 2, 1, true),
    ];
    let mut values = [1.0; 3];
    step(&mut Optimizer::new(config.clone()).expect("made"), &mut values, &mut [0.0; 3], &layout);
    assert_eq!(values, [0.95, 1.0, 1.0]);
    let unknown = OptimizerConfig { decay_parts: vec!["encodr".to_owned()], ..config };
    let mut optimizer = Optimizer::new(unknown).expect("made");
    let error = optimizer.lay_out(&layout).expect_err("refused");
    assert_eq!(error.to_string(), "optimizer.decay_parts: the model has no part 'encodr'");
}

#[test]
fn a_resumed_optimiser_goes_on_bit_for_bit() {
    for config in [OptimizerConfig::adam(0.01), OptimizerConfig::sgd(0.1, 0.9)] {
        let layout = [info("encoder.weight", 0, 10, true)];
        let mut values: Vec<f32> = (0..10).map(|i| i as f32 / 7.0).collect();
        let mut whole = Optimizer::new(config.clone()).expect("made");
        let mut kept = None;
        for i in 0..6 {
            if i == 3 {
                kept = Some((values.clone(), whole.state("optimizer").expect("a state")));
            }
            let mut gradients = wave(&values, i);
            step(&mut whole, &mut values, &mut gradients, &layout);
        }
        let (mut again, state) = kept.expect("half way");
        let mut resumed = Optimizer::new(config).expect("made");
        resumed.load_state("optimizer", &state).expect("loaded");
        for i in 3..6 {
            let mut gradients = wave(&again, i);
            step(&mut resumed, &mut again, &mut gradients, &layout);
        }
        assert_eq!(values, again);
    }
}

#[test]
fn many_parameters_take_the_same_step_on_any_number_of_threads() {
    let config = OptimizerConfig { clip_norm: Some(1.0), weight_decay: 0.1, ..OptimizerConfig::adam(0.01) };
    let len = 100_003;
    let layout = [info("encoder.weight", 0, 70_001, true), info("encoder.bias", 70_001, len - 70_001, false)];
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let mut values: Vec<f32> = (0..len).map(|i| (i as f32).sin()).collect();
            let mut optimizer = Optimizer::new(config.clone()).expect("made");
            for i in 0..3 {
                let mut gradients = wave(&values, i);
                step(&mut optimizer, &mut values, &mut gradients, &layout);
            }
            values
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(4));
}

#[test]
fn gradients_that_are_not_finite_are_an_error_and_change_nothing() {
    let mut values = [1.0, 2.0];
    let mut optimizer = Optimizer::new(OptimizerConfig::adam(0.1)).expect("made");
    let parameters =
        Parameters { values: FlatMut::Cpu(&mut values), gradients: FlatMut::Cpu(&mut [f32::NAN, 0.0]) };
    optimizer.lay_out(&[info("encoder.weight", 0, 2, true)]).expect("a layout");
    let error = optimizer.step(&Clock::default(), parameters).expect_err("refused");
    assert_eq!(error.kind(), scant_abi::ErrorKind::Numeric);
    assert_eq!(values, [1.0, 2.0]);
}
