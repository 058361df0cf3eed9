//! One step against numbers worked by hand.

use scant_abi::{Component, Model};
use scant_nn::rehearsal::Rehearsal;
use scant_supervised::Supervised;
use serde_json::json;

#[test]
fn a_step_is_the_mean_over_the_batch_down_the_slope_of_cross_entropy() {
    // Images 2 and 0, both of class 1, and logits (0, x ln 3 / 2): probabilities (1/4, 3/4) and (1/2, 1/2).
    let mut images = Rehearsal::new([1, 1, 1], vec![2.0, 0.0], vec![1, 1], 2);
    let layers = json!(["flatten", {"linear": {"out": 2}}, {"output": "logits"}]);
    let mut model = images.network(json!({"parts": [{"name": "head", "layers": layers}]})).expect("made");
    let slope = 3f32.ln() / 2.0;
    let parameters = model.parameters().expect("no pass is open");
    parameters.values.cpu().expect("on the CPU").copy_from_slice(&[0.0, slope, 0.0, 0.0]);
    let config = serde_json::from_value(json!({"optimizer": {"use": "sgd", "lr": 1.0}})).expect("known");
    let mut trainer = Supervised::new(config, &images.setup(model.outputs(), 2)).expect("a trainer");
    let report = images.train(&mut trainer, &mut model, &mut [], (1, 1)).expect("trained");

    // The mean of ln 4/3 and ln 2; of the second image both classes are as likely, and the first of them is not its own.
    let cross_entropy = (8f64 / 3.0).ln() / 2.0;
    let expected = [("loss", cross_entropy), ("cross-entropy", cross_entropy), ("top-1", 0.5)];
    assert_eq!(report.len(), expected.len(), "{report:?}");
    for ((name, value), (expected_name, expected)) in report.iter().zip(expected) {
        assert!(name == expected_name && (value - expected).abs() < 1e-6, "{report:?}");
    }
    // Logits' gradients are (1/4, -1/4) / 2 and (1/2, -1/2) / 2: times 2 and 0 for the weights, summed for the biases.
    let expected = [-0.25, slope + 0.25, -0.375, 0.375];
    let learnt = model.parameters().expect("no pass is open").values.cpu().expect("on the CPU");
    assert!(learnt.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{learnt:?} {expected:?}");
}
