//! One step against numbers worked by hand.

use scant_abi::{Component, Loss, Model, Setup};
use scant_autoencoder::Autoencoder;
use scant_nn::ops::Reduction;
use scant_nn::rehearsal::{Rehearsal, SquaredError};
use serde_json::{Value, json};

/// Weights row by row, then biases.
const START: [f32; 6] = [1.0, 0.0, 0.0, -1.0, 0.0, 0.5];

/// The error of the one image (0, 4), seen as (1, 2), and the parameters after a step of gradient descent by 0.1.
fn step(optimizer: Value) -> (f64, Vec<f32>) {
    let seen = |image: &mut [f32], _| image.copy_from_slice(&[1.0, 2.0]);
    let mut image = Rehearsal::new([1, 1, 2], vec![0.0, 4.0], vec![0], 0).with_view("augmented", seen);
    let layers = json!(["flatten", {"linear": {"out": 2}}, {"output": "reconstruction"}]);
    let mut model = image.network(json!({"parts": [{"name": "decoder", "layers": layers}]})).expect("made");
    let parameters = model.parameters().expect("no pass is open");
    parameters.values.cpu().expect("on the CPU").copy_from_slice(&START);
    let setup = Setup { losses: vec!["mse".to_owned()], ..image.setup(model.outputs(), 1) };
    let config = serde_json::from_value(json!({"optimizer": optimizer})).expect("a configuration");
    let mut trainer = Autoencoder::new(config, &setup).expect("a trainer");
    let mut losses: [(&str, f32, Box<dyn Loss>); 1] =
        [("mse", 1.0, Box::new(SquaredError(Reduction::Values)))];
    let report = image.train(&mut trainer, &mut model, &mut losses, (1, 1)).expect("trained");
    assert_eq!(report[1].0, "mse");
    let learnt = model.parameters().expect("no pass is open").values.cpu().expect("on the CPU").to_vec();
    (report[1].1, learnt)
}

fn close(found: &[f32], expected: [f32; 6]) {
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {expected:?}");
}

#[test]
fn a_step_goes_down_the_slope_of_the_squared_error() {
    // Made of (1, 2) is (1, -3/2), of which (0, 4) is wanted: differences (1, -11/2), whose squares have the mean 125/8.
    let (error, learnt) = step(json!({"use": "sgd", "lr": 0.1}));
    assert!((error - 125.0 / 8.0).abs() < 1e-6, "{error}");
    // The mean over two pixels has the slopes 1 and -11/2 for them: times 1 and 2 for the weights.
    close(&learnt, [0.9, -0.2, 0.55, 0.1, -0.1, 1.05]);
}

#[test]
fn the_sparse_penalty_adds_the_signs_of_weights_and_not_of_biases() {
    let (_, learnt) = step(json!({"use": "sgd", "lr": 0.1, "l1": 0.5}));
    // The step without it, and 0.1 * 0.5 towards zero where a weight is not zero.
    close(&learnt, [0.85, -0.2, 0.55, 0.15, -0.1, 1.05]);
}
