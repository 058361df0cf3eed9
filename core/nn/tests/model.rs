//! What the contract promises of a model, kept by networks.

use scant_abi::{ErrorKind, Forward, Key, Model, OutputGradient, Pass, Setup, State, Tensor, Wants};
use scant_nn::network::zoo::{
    AlexNet, Architecture, ConvAutoencoder, ResNet18, SmallCnn, VariationalAutoencoder,
};
use scant_nn::network::{Network, NetworkConfig};
use scant_nn::optim::{Optimizer, OptimizerConfig, Rule};
use scant_nn::weights::{Naming, write};

const IMAGE: [usize; 3] = [1, 8, 8];

fn setup() -> Setup {
    Setup { image: IMAGE, classes: 3, seed: 5, ..Setup::default() }
}

fn network(architecture: &dyn Architecture) -> Network {
    Network::new(&architecture.describe(IMAGE, 3).expect("described"), &setup()).expect("made")
}

fn normed() -> SmallCnn {
    SmallCnn { channels: vec![4, 4], hidden: 6, batch_norm: true, dropout: 0.4, ..SmallCnn::default() }
}

fn images(items: usize) -> Tensor {
    let mut rng = Key::new(9).rng();
    let values = (0..items * 64).map(|_| rng.uniform()).collect();
    Tensor::from_f32(values, &[items, 1, 8, 8]).expect("fits")
}

fn ones(pass: &Pass, output: &str) -> OutputGradient {
    let shape = pass.output(output).expect("there").shape();
    OutputGradient {
        pass: pass.id,
        output: output.to_owned(),
        first_row: 0,
        weight: 1.0,
        gradient: Tensor::from_f32(vec![1.0; shape.count()], &shape).expect("fits"),
    }
}

fn gradients(network: &mut Network) -> Vec<f32> {
    network.parameters().expect("closed").gradients.cpu().expect("cpu").to_vec()
}

fn values(state: &State, name: &str) -> Vec<f32> {
    state[name].f32().expect("f32").to_vec()
}

fn learn(network: &mut Network, key: u64) {
    let pass = network.forward(images(4).view(), &Forward::training(Key::new(key))).expect("a pass");
    let gradient = ones(&pass, "logits");
    network.backward(pass.id, &[gradient], Wants::PARAMETERS).expect("gradients");
}

#[test]
fn several_passes_may_be_open_and_each_has_one_backward() {
    let mut network = network(&normed());
    let options = Forward::training(Key::new(1));
    let first = network.forward(images(4).view(), &options).expect("a pass");
    let second = network.forward(images(3).view(), &options).expect("a pass");
    let refused = network.parameters().expect_err("two are open");
    assert!(refused.to_string().contains("2 recorded passes are open"), "{refused}");
    assert!(network.load_state(&State::new()).is_err());
    let stray = ones(&second, "logits");
    assert!(network.backward(first.id, &[stray], Wants::PARAMETERS).is_err(), "another pass's gradient");
    let gradient = ones(&second, "logits");
    network.backward(second.id, &[gradient], Wants::PARAMETERS).expect("gradients");
    let again = ones(&second, "logits");
    let error = network.backward(second.id, &[again], Wants::PARAMETERS).expect_err("closed");
    assert!(error.to_string().contains("not open"), "{error}");
    assert!(gradients(&mut network).iter().any(|g| *g != 0.0));
    let third = network.forward(images(4).view(), &options).expect("a pass");
    network.discard(third.id);
    network.discard(third.id);
    assert!(network.parameters().is_ok());
    let measured = network.forward(images(4).view(), &Forward::evaluation()).expect("a pass");
    assert!(network.parameters().is_ok(), "a pass for measuring is never open");
    assert_eq!(measured.rows(), 4);
}

#[test]
fn the_inputs_gradient_comes_alone_where_it_is_wanted_alone() {
    let mut network = network(&normed());
    let options = Forward::training(Key::new(1)).with_input_gradient();
    let pass = network.forward(images(4).view(), &options).expect("a pass");
    let gradient = ones(&pass, "logits");
    let of_input =
        network.backward(pass.id, &[gradient], Wants::INPUT).expect("gradients").expect("the input's");
    assert_eq!(*of_input.shape(), [4, 1, 8, 8]);
    assert!(of_input.f32().expect("f32").iter().any(|g| *g != 0.0));
    assert!(gradients(&mut network).iter().all(|g| *g == 0.0), "the parameters' were not wanted");
    learn(&mut network, 1);
    assert!(gradients(&mut network).iter().any(|g| *g != 0.0), "and are again when they are");
    let plain = network.forward(images(4).view(), &Forward::training(Key::new(1))).expect("a pass");
    let gradient = ones(&plain, "logits");
    assert!(
        network.backward(plain.id, &[gradient], Wants::INPUT).is_err(),
        "it was not asked for in forward"
    );
}

#[test]
fn gradients_may_cover_some_rows_and_are_added_by_weight() {
    let mut network = network(&SmallCnn { channels: vec![2], hidden: 0, ..SmallCnn::default() });
    let mut run = |parts: &[(usize, usize, f32)]| {
        let pass = network.forward(images(4).view(), &Forward::training(Key::new(1))).expect("a pass");
        let seeds: Vec<OutputGradient> = parts
            .iter()
            .map(|(first_row, rows, weight)| OutputGradient {
                pass: pass.id,
                output: "logits".to_owned(),
                first_row: *first_row,
                weight: *weight,
                gradient: Tensor::from_f32(vec![1.0; rows * 3], &[*rows, 3]).expect("fits"),
            })
            .collect();
        network.backward(pass.id, &seeds, Wants::PARAMETERS).map(|_| {
            let found = gradients(&mut network);
            network.parameters().expect("closed").gradients.cpu().expect("cpu").fill(0.0);
            found
        })
    };
    let whole = run(&[(0, 4, 2.0)]).expect("gradients");
    let pieces = run(&[(0, 1, 2.0), (1, 3, 1.5), (1, 3, 0.5)]).expect("gradients");
    for (a, b) in whole.iter().zip(&pieces) {
        assert!((a - b).abs() <= 1e-5 * a.abs().max(1.0), "{a} {b}");
    }
    assert_eq!(run(&[(2, 3, 1.0)]).expect_err("beyond the last row").kind(), ErrorKind::Shape);
}

#[test]
fn frozen_parts_neither_learn_nor_decay_nor_collect_statistics() {
    let mut network = network(&normed());
    learn(&mut network, 0);
    network.parameters().expect("closed").gradients.cpu().expect("cpu").fill(0.0);
    let before = network.state().expect("a state");
    network.freeze(&["encoder".to_owned()]).expect("frozen");
    let config = OptimizerConfig { rule: Rule::AdamW, weight_decay: 0.5, ..OptimizerConfig::default() };
    let mut optimizer = Optimizer::new(config).expect("made");
    for key in 0..3 {
        learn(&mut network, key);
        if optimizer.lacks_layout() {
            optimizer.lay_out(&network.layout()).expect("a layout");
        }
        optimizer.step(&Default::default(), network.parameters().expect("closed")).expect("a step");
    }
    let after = network.state().expect("a state");
    for name in before.keys() {
        let same = values(&before, name) == values(&after, name);
        assert_eq!(same, name.starts_with("encoder."), "{name}");
    }
    network.freeze(&[]).expect("thawed");
    learn(&mut network, 0);
    assert_ne!(
        values(&after, "encoder.1.running_mean"),
        values(&network.state().expect("a state"), "encoder.1.running_mean")
    );
    let error = network.freeze(&["encodr".to_owned()]).expect_err("unknown");
    assert_eq!(error.to_string(), "the model has no part 'encodr' to freeze; it has encoder, head");
}

#[test]
fn statistics_learn_only_where_they_may() {
    let mut network = network(&normed());
    let start = network.state().expect("a state");
    let options = Forward::training(Key::new(1));
    for options in [options.without_statistics(), Forward::evaluation()] {
        let pass = network.forward(images(4).view(), &options).expect("a pass");
        network.discard(pass.id);
        assert_eq!(
            values(&start, "encoder.1.running_var"),
            values(&network.state().expect("a state"), "encoder.1.running_var")
        );
    }
    let pass = network.forward(images(4).view(), &options).expect("a pass");
    network.discard(pass.id);
    assert_ne!(
        values(&start, "encoder.1.running_var"),
        values(&network.state().expect("a state"), "encoder.1.running_var")
    );
}

#[test]
fn only_what_is_wanted_is_computed() {
    let mut network = network(&VariationalAutoencoder { embedding: 2, ..VariationalAutoencoder::default() });
    let statistics = |network: &Network| {
        let state = network.state().expect("a state");
        ["encoder.4.running_mean", "decoder.8.running_mean"].map(|name| values(&state, name))
    };
    let [encoder, decoder] = statistics(&network);
    let options = Forward { outputs: &["embedding"], ..Forward::training(Key::new(1)) };
    let pass = network.forward(images(2).view(), &options).expect("a pass");
    network.discard(pass.id);
    assert_eq!(pass.outputs.len(), 1);
    let [encoder_after, decoder_after] = statistics(&network);
    assert_ne!(encoder, encoder_after);
    assert_eq!(decoder, decoder_after, "the decoder has not run");
    let unknown = Forward { outputs: &["embeding"], ..Forward::evaluation() };
    let error = network.forward(images(2).view(), &unknown).expect_err("unknown").to_string();
    assert!(error.contains("no output 'embeding'; it has features, mean, embedding"), "{error}");
}

#[test]
fn the_key_decides_dropout_and_sampling() {
    let mut network = network(&VariationalAutoencoder { embedding: 2, ..VariationalAutoencoder::default() });
    let mut run = |options: Forward<'_>| {
        let pass = network.forward(images(2).view(), &options.without_statistics()).expect("a pass");
        network.discard(pass.id);
        pass.output("reconstruction").expect("there").f32().expect("f32").to_vec()
    };
    let training = |key| Forward::training(Key::new(key));
    assert_eq!(run(training(1)), run(training(1)));
    assert_ne!(run(training(1)), run(training(2)));
    assert_eq!(run(Forward::evaluation()), run(Forward { key: Key::new(3), ..Forward::evaluation() }));
}

#[test]
fn the_same_bits_come_from_any_number_of_threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let mut network = network(&ConvAutoencoder::default());
            let pass = network.forward(images(33).view(), &Forward::training(Key::new(1))).expect("a pass");
            let seeds = [ones(&pass, "reconstruction"), ones(&pass, "logits")];
            network.backward(pass.id, &seeds, Wants::PARAMETERS).expect("gradients");
            gradients(&mut network)
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(4));
}

#[test]
fn a_copy_goes_its_own_way_and_state_brings_a_part_back() {
    let mut network = network(&normed());
    let copy = network.duplicate().expect("a copy");
    let before = copy.state().expect("a state");
    let mut optimizer = Optimizer::new(OptimizerConfig::adam(0.1)).expect("made");
    learn(&mut network, 1);
    optimizer.lay_out(&network.layout()).expect("a layout");
    optimizer.step(&Default::default(), network.parameters().expect("closed")).expect("a step");
    assert_eq!(values(&before, "head.1.weight"), values(&copy.state().expect("a state"), "head.1.weight"));
    let moved = network.state().expect("a state");
    assert_ne!(values(&before, "head.1.weight"), values(&moved, "head.1.weight"));
    let encoder: State =
        copy.state().expect("a state").into_iter().filter(|(name, _)| name.starts_with("encoder.")).collect();
    network.load_state(&encoder).expect("loaded");
    let mixed = network.state().expect("a state");
    assert_eq!(values(&before, "encoder.0.weight"), values(&mixed, "encoder.0.weight"));
    assert_eq!(values(&moved, "head.1.weight"), values(&mixed, "head.1.weight"));
    let wrong = State::from([("encoder.0.weight".to_owned(), Tensor::scalar(1.0))]);
    let error = network.load_state(&wrong).expect_err("refused").to_string();
    assert!(error.starts_with("'encoder.0.weight' is of [4, 1, 3, 3] here"), "{error}");
    let unknown = State::from([("encoder.9.weight".to_owned(), Tensor::scalar(1.0))]);
    assert_eq!(
        network.load_state(&unknown).expect_err("refused").to_string(),
        "the model has no 'encoder.9.weight'"
    );
}

#[test]
fn the_seed_decides_the_start_and_parts_start_alike_in_other_networks() {
    let state = |seed: u64, hidden: usize| {
        let config = SmallCnn { hidden, ..SmallCnn::default() }.describe(IMAGE, 3).expect("described");
        let network: Network = Network::new(&config, &Setup { seed, ..setup() }).expect("made");
        network.state().expect("a state")
    };
    assert_eq!(values(&state(1, 8), "encoder.0.weight"), values(&state(1, 8), "encoder.0.weight"));
    assert_ne!(values(&state(1, 8), "encoder.0.weight"), values(&state(2, 8), "encoder.0.weight"));
    assert_eq!(values(&state(1, 8), "encoder.0.weight"), values(&state(1, 16), "encoder.0.weight"));
    // He's deviation: sqrt(2 / 9) for the nine inputs of the first convolution.
    let first = values(&state(1, 8), "encoder.0.weight");
    let deviation = (first.iter().map(|w| w * w).sum::<f32>() / first.len() as f32).sqrt();
    assert!((deviation - (2.0f32 / 9.0).sqrt()).abs() < 0.08, "{deviation}");
}

#[test]
fn weights_with_torchvisions_names_are_taken_over_and_other_classes_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = [3, 32, 32];
    let make = |seed, classes| -> Network {
        let config = ResNet18 { small_images: true, ..ResNet18::default() }
            .describe(image, classes)
            .expect("described");
        Network::new(&config, &Setup { image, classes, seed, ..Setup::default() }).expect("made")
    };
    let source = make(1, 3).state().expect("a state");
    let path = folder.path().join("resnet.safetensors");
    write(&path, &Naming::ResNet.theirs(source).expect("named")).expect("written");
    let source = make(1, 3).state().expect("a state");
    let mut same = make(2, 3);
    assert!(same.load_weights(&path, Naming::ResNet).expect("loaded").is_empty());
    assert_eq!(values(&source, "head.fc.weight"), values(&same.state().expect("a state"), "head.fc.weight"));
    let mut other = make(2, 7);
    let left_out = other.load_weights(&path, Naming::ResNet).expect("loaded");
    assert_eq!(left_out, ["head.fc.bias", "head.fc.weight"]);
    let name = "encoder.layer2.0.downsample.0.weight";
    assert_eq!(values(&source, name), values(&other.state().expect("a state"), name));
    let mut grey = network(&SmallCnn::default());
    let error = grey.load_weights(&path, Naming::ResNet).expect_err("refused").to_string();
    assert!(error.contains("does not fit this network: the model has no 'encoder.bn1.bias'"), "{error}");
}

#[test]
fn a_description_is_read_from_a_configuration_and_its_faults_are_named() {
    let text = r#"{ "parts": [
        { "name": "encoder", "layers": [
            { "conv": { "out": 4, "kernel": 3, "padding": 1, "bias": false } }, { "batch-norm": {} }, "relu",
            { "residual": { "body": [ { "conv": { "out": 4, "kernel": 3, "padding": 1 } }, { "batch-norm": {} } ] } }, "relu",
            { "max-pool": { "kernel": 2 } }, "flatten", { "output": "embedding" } ] },
        { "name": "head", "layers": [ { "dropout": 0.1 }, { "linear": { "out": 3 } }, { "output": "logits" } ] } ] }"#;
    let config: NetworkConfig = serde_json::from_str(text).expect("a description");
    let mut network: Network = Network::new(&config, &setup()).expect("made");
    let names: Vec<String> = network.layout().into_iter().map(|info| info.name).collect();
    assert_eq!(names[..4], ["encoder.0.weight", "encoder.1.weight", "encoder.1.bias", "encoder.3.0.weight"]);
    learn(&mut network, 1);
    for (wrong, message) in [
        (r#"{ "parts": [] }"#, "the network has no parts"),
        (r#"{ "parts": [{ "name": "encoder", "layers": ["relu"] }] }"#, "the network has no output"),
        (
            r#"{ "parts": [{ "name": "encoder", "layers": [{ "conv": { "out": 4, "kernel": 9 } }] }] }"#,
            "part 'encoder': layer encoder.0: a kernel that reaches over 9 pixels does not fit on 8",
        ),
        (
            r#"{ "parts": [{ "name": "encoder", "layers": ["flatten", { "conv": { "out": 4, "kernel": 1 } }] }] }"#,
            "it needs images, and gets rows of 64 features",
        ),
        (
            r#"{ "parts": [{ "name": "encoder", "from": "image", "layers": ["relu"] }] }"#,
            "there is no output 'image' before this layer",
        ),
        (
            r#"{ "parts": [{ "name": "encoder", "layers": [{ "linear": { "out": 99999999999 } }] }] }"#,
            "beyond 536870912 parameters",
        ),
    ] {
        let config: NetworkConfig = serde_json::from_str(wrong).expect("a description");
        let error = Network::<scant_nn::dfdx::tensor::Cpu>::new(&config, &setup())
            .err()
            .expect("refused")
            .to_string();
        assert!(error.contains(message), "{error}");
    }
    assert!(serde_json::from_str::<NetworkConfig>(r#"{ "part": [] }"#).is_err());
}

#[test]
fn images_of_another_size_are_an_error() {
    let mut network = network(&normed());
    let wrong = Tensor::from_f32(vec![0.0; 2 * 49], &[2, 1, 7, 7]).expect("fits");
    let error = network.forward(wrong.view(), &Forward::evaluation()).expect_err("refused").to_string();
    assert_eq!(error, "the model takes images of [1, 8, 8] in batches, not [2, 1, 7, 7]");
    let large = AlexNet::default().describe([3, 16, 16], 10).expect("described");
    let error = large.layout([3, 16, 16]).expect_err("too small").to_string();
    assert!(error.contains("part 'encoder'"), "{error}");
}
