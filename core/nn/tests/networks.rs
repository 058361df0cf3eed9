//! Every network: sizes against the known ones, outputs and gradients against PyTorch and central differences.

use std::collections::BTreeMap;
use std::path::Path;

use scant_abi::{Device, Forward, Key, Model, OutputGradient, Setup, State, Tensor, Wants};
use scant_nn::network::zoo::*;
use scant_nn::network::{Network, NetworkConfig};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Case {
    name: String,
    config: NetworkConfig,
    image: [usize; 3],
    items: usize,
    train: bool,
}

#[derive(Deserialize)]
struct Expected {
    outputs: BTreeMap<String, [f64; 2]>,
    gradients: BTreeMap<String, [f64; 2]>,
    input: [f64; 2],
    statistics: BTreeMap<String, [f64; 2]>,
}

fn case(name: &str, architecture: &dyn Architecture, image: [usize; 3], train: bool) -> Case {
    let config = architecture.describe(image, 10).expect("a description");
    Case { name: name.to_owned(), config, image, items: 3, train }
}

/// The encoder alone: the fully connected head of VGG has more numbers than a test needs.
fn encoder(mut case: Case) -> Case {
    case.config.parts.truncate(1);
    case
}

#[test]
fn sobel_networks_see_the_edges_of_the_grey_image() {
    let config: NetworkConfig = serde_json::from_value(serde_json::json!({
        "parts": [{ "name": "edges", "layers": ["sobel", { "output": "edges" }] }]
    }))
    .expect("a description");
    let seen = |channels: usize, pixels: Vec<f32>| {
        let image = [channels, 4, 5];
        let setup = Setup { image, batch: 1, ..Setup::default() };
        let mut network: Network = Network::new(&config, &setup).expect("a network");
        let images = Tensor::from_f32(pixels, &[1, channels, 4, 5]).expect("fits");
        let pass = network.forward(images.view(), &Forward::evaluation()).expect("a pass");
        let edges = pass.output("edges").expect("there");
        assert_eq!(edges.shape().to_vec(), [1, 2, 4, 5]);
        edges.f32().expect("numbers").to_vec()
    };
    let mut rng = Key::new(1).rng();
    let colours: Vec<f32> = (0..60).map(|_| rng.normal()).collect();
    let grey = (0..20).map(|at| (colours[at] + colours[20 + at] + colours[40 + at]) / 3.0).collect();
    for (colour, grey) in seen(3, colours).into_iter().zip(seen(1, grey)) {
        assert!((colour - grey).abs() < 1e-5, "{colour} {grey}");
    }
}

/// The deepest networks are compared in evaluation: with batch statistics of a dozen values, single precision decides
/// on which side of zero some activation lies, and with it one part in a hundred of the gradients above.
fn cases() -> Vec<Case> {
    let dry = |dropout: usize| vec![0.0; dropout];
    let dae = |layout| DenoisingAutoencoder { layout, dropout: dry(2), ..Default::default() };
    let vae = |layout, head| VariationalAutoencoder { layout, embedding: 5, head, ..Default::default() };
    let small = |batch_norm, attention| SmallCnn { batch_norm, attention, ..Default::default() };
    let wide = |attention| WideResNet { depth: 10, width: 1, attention, slope: 0.1, ..Default::default() };
    vec![
        case("small-cnn", &small(false, false), [1, 12, 12], true),
        case("small-cnn-norm-attention", &small(true, true), [3, 8, 8], true),
        case("cnn-004", &SmallCnn { dropout: 0.0, ..SmallCnn::source_004() }, [1, 28, 28], true),
        case("conv-autoencoder", &ConvAutoencoder::default(), [1, 28, 28], true),
        case(
            "conv-autoencoder-64",
            &ConvAutoencoder64 { embedding: 20, ..Default::default() },
            [3, 64, 64],
            true,
        ),
        case(
            "mlp-autoencoder",
            &MlpAutoencoder { hidden: vec![50, 70], ..Default::default() },
            [1, 8, 8],
            true,
        ),
        case("dae-pooled", &dae(DenoisingLayout::Pooled), [1, 16, 16], true),
        case(
            "dae-pooled-mlp",
            &DenoisingAutoencoder { head: Head::Mlp, ..dae(DenoisingLayout::Pooled) },
            [3, 8, 8],
            false,
        ),
        case("dae-strided", &dae(DenoisingLayout::Strided), [3, 16, 16], true),
        case("dae-grey", &dae(DenoisingLayout::Grey), [1, 28, 28], true),
        case("vae-pooled", &vae(VariationalLayout::Pooled, Head::Linear), [3, 8, 8], false),
        case("vae-strided", &vae(VariationalLayout::Strided, Head::Mlp), [3, 16, 16], false),
        encoder(case("alexnet", &AlexNet { dropout: 0.0, ..Default::default() }, [3, 64, 64], true)),
        encoder(case("vgg16-bn", &Vgg16Bn { dropout: 0.0, ..Default::default() }, [3, 32, 32], false)),
        case("resnet18", &ResNet18::default(), [3, 64, 64], false),
        case("resnet18-small", &ResNet18 { small_images: true, ..Default::default() }, [3, 16, 16], false),
        case("resnet15", &ResNet15::default(), [1, 28, 28], true),
        encoder(case(
            "standard-classifier",
            &StandardClassifier { dropout: dry(3), ..Default::default() },
            [1, 16, 16],
            true,
        )),
        case("wide-resnet", &wide(false), [3, 16, 16], true),
        case("wide-resnet-attention", &wide(true), [3, 16, 16], true),
        case("squeezenet", &SqueezeNet { dropout: 0.0, ..Default::default() }, [3, 48, 48], true),
    ]
}

fn wave(count: usize, phase: f64) -> impl Iterator<Item = f64> {
    (0..count).map(move |i| (i as f64 * 0.7391 + phase).sin())
}

fn phase_of(name: &str) -> f64 {
    name.bytes().enumerate().map(|(i, b)| (i as u64 + 1) * u64::from(b)).sum::<u64>() as f64 * 0.01
}

/// The formula of networks.py.
fn formula(network: &Network) -> State {
    let norms: Vec<String> = network
        .state()
        .expect("a state")
        .keys()
        .filter_map(|name| name.strip_suffix(".running_mean").map(str::to_owned))
        .collect();
    let mut state = State::new();
    for info in network.layout() {
        let values = wave(info.range().len(), phase_of(&info.name));
        let layer = info.name.rsplit_once('.').expect("a layer").0;
        let is_norm = norms.iter().any(|norm| norm == layer);
        let values: Vec<f32> = if info.name.ends_with(".bias") {
            values.map(|v| (0.1 * v) as f32).collect()
        } else if is_norm {
            values.map(|v| (1.0 + 0.1 * v) as f32).collect()
        } else {
            let inputs: usize = info.dims[1..].iter().product();
            let scale = (3.0 / inputs as f64).sqrt();
            values.map(|v| (v * scale) as f32).collect()
        };
        state.insert(info.name.clone(), Tensor::from_f32(values, &info.dims).expect("fits"));
    }
    state
}

fn drawn(case: &Case) -> Network {
    let setup = Setup { image: case.image, classes: 10, device: Device::Cpu, ..Setup::default() };
    Network::new(&case.config, &setup).expect("a network")
}

fn network(case: &Case) -> Network {
    let mut network = drawn(case);
    let state = formula(&network);
    network.load_state(&state).expect("loaded");
    network
}

fn images(case: &Case) -> Tensor {
    let [c, h, w] = case.image;
    let values = wave(case.items * c * h * w, 0.3).map(|v| (0.5 + 0.5 * v) as f32).collect();
    Tensor::from_f32(values, &[case.items, c, h, w]).expect("fits")
}

fn options(case: &Case) -> Forward<'static> {
    Forward { train: case.train, ..Forward::training(Key::new(1)).with_input_gradient() }
}

/// The gradients of the mean of each output times a wave: the scalar that networks.py differentiates.
fn seeds(pass: &scant_abi::Pass) -> Vec<OutputGradient> {
    let seed = |(number, (name, output)): (usize, &(String, Tensor))| {
        let count = output.shape().count();
        let values = wave(count, 0.5 * number as f64).map(|v| v as f32 / count as f32).collect();
        OutputGradient {
            pass: pass.id,
            output: name.clone(),
            first_row: 0,
            weight: 1.0,
            gradient: Tensor::from_f32(values, &output.shape()).expect("fits"),
        }
    };
    pass.outputs.iter().enumerate().map(seed).collect()
}

fn probe(values: &[f32], phase: f64) -> [f64; 2] {
    let dot = values.iter().zip(wave(values.len(), phase)).map(|(v, w)| f64::from(*v) * w).sum();
    [dot, values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt()]
}

/// What is wrong with `values`, if anything is.
fn fault(what: &str, values: &[f32], phase: f64, expected: [f64; 2], floor: f64) -> Option<String> {
    let found = probe(values, phase);
    let off = found.iter().zip(&expected).map(|(ours, theirs)| (ours - theirs).abs()).fold(0.0, f64::max);
    (off > 1e-4 * expected[1] + floor).then(|| format!("{what}: {found:?} against {expected:?}"))
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn outputs_gradients_and_statistics_are_pytorchs() {
    let cases = cases();
    if std::env::var_os("SCANT_WRITE_FIXTURES").is_some() {
        let text = serde_json::to_string(&cases).expect("text");
        std::fs::write(fixture("networks.json"), text).expect("written");
    }
    let text = std::fs::read_to_string(fixture("networks.json")).expect("the descriptions");
    let described: Vec<Case> = serde_json::from_str(&text).expect("cases");
    assert_eq!(described, cases, "descriptions have changed: write the fixtures again");
    let text = std::fs::read_to_string(fixture("networks_expected.json")).expect("what PyTorch gives");
    let expected: BTreeMap<String, Expected> = serde_json::from_str(&text).expect("numbers");
    let mut faults: Vec<String> = Vec::new();
    for case in &cases {
        let name = &case.name;
        let expected = &expected[name];
        let mut network = network(case);
        let pass = network.forward(images(case).view(), &options(case)).expect("a pass");
        for (output, values) in &pass.outputs {
            let values = values.f32().expect("f32");
            faults.extend(fault(&format!("{name}: {output}"), values, 0.1, expected.outputs[output], 1e-6));
        }
        let seeds = seeds(&pass);
        let wants = Wants { parameters: true, input: true };
        let of_input = network.backward(pass.id, &seeds, wants).expect("gradients").expect("the input's");
        // The gradient of weights before a batch norm is small against its own rounding: hold it against the greatest.
        let floor = 1e-6 * expected.gradients.values().map(|g| g[1]).fold(0.0, f64::max);
        faults.extend(fault(
            &format!("{name}: input"),
            of_input.f32().expect("f32"),
            0.4,
            expected.input,
            floor,
        ));
        let layout = network.layout();
        let gradients = network.parameters().expect("closed").gradients.cpu().expect("cpu").to_vec();
        for info in &layout {
            let theirs = expected.gradients.get(&info.name).copied().unwrap_or_default();
            let what = format!("{name}: gradient of {}", info.name);
            faults.extend(fault(&what, &gradients[info.range()], 0.2, theirs, floor));
        }
        let state = network.state().expect("a state");
        for (statistic, theirs) in &expected.statistics {
            let values = state[statistic].f32().expect("f32");
            faults.extend(fault(&format!("{name}: {statistic}"), values, 0.1, *theirs, 1e-6));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn gradients_are_the_slopes_of_central_differences() {
    for case in cases() {
        // Without batch statistics, so that a step along one part moves nothing else.
        let case = Case { train: false, items: 2, ..case };
        let mut network = drawn(&case);
        let input = images(&case);
        let pass = network.forward(input.view(), &options(&case)).expect("a pass");
        let seeds = seeds(&pass);
        network.backward(pass.id, &seeds, Wants::PARAMETERS).expect("gradients");
        let layout = network.layout();
        let gradients = network.parameters().expect("closed").gradients.cpu().expect("cpu").to_vec();
        let start = network.parameters().expect("closed").values.cpu().expect("cpu").to_vec();
        let mut value = |values: &[f32]| {
            network.parameters().expect("closed").values.cpu().expect("cpu").copy_from_slice(values);
            let options = Forward { outputs: &[], ..Forward::evaluation() };
            let pass = network.forward(input.view(), &options).expect("a pass");
            let parts = pass.outputs.iter().enumerate().map(|(number, (_, output))| {
                let values = output.f32().expect("f32");
                probe(values, 0.5 * number as f64)[0] / values.len() as f64
            });
            parts.sum::<f64>()
        };
        // A few parameters of each network: walk along each one's own gradient, where the slope is its norm.
        for info in layout.iter().step_by(layout.len().div_ceil(3)) {
            let gradient = &gradients[info.range()];
            let norm = probe(gradient, 0.0)[1];
            let size = probe(&start[info.range()], 0.0)[1].max(0.1);
            let mut slope = |step: f64| {
                let mut moved = |sign: f64| {
                    let mut values = start.clone();
                    for (v, g) in values[info.range()].iter_mut().zip(gradient) {
                        *v += (sign * step * size * f64::from(*g) / norm.max(1e-30)) as f32;
                    }
                    value(&values)
                };
                (moved(1.0) - moved(-1.0)) / (2.0 * step * size)
            };
            // Long steps meet kinks, short ones rounding: where the kinks are is not known beforehand.
            let slopes = [1e-2, 1e-3, 1e-4].map(&mut slope);
            let slope = slopes.into_iter().min_by(|a, b| (a - norm).abs().total_cmp(&(b - norm).abs()));
            let slope = slope.expect("three");
            let scale = probe(&gradients, 0.0)[1];
            assert!(
                (slope - norm).abs() <= 0.02 * norm + 1e-3 * scale,
                "{}: {}: slope {slope}, gradient {norm}",
                case.name,
                info.name
            );
        }
    }
}

#[test]
fn sizes_are_the_known_ones() {
    let count = |architecture: &dyn Architecture, image, classes| {
        let config = architecture.describe(image, classes).expect("a description");
        let layout = config.layout(image).expect("a layout");
        layout.last().map_or(0, |info| info.range().end)
    };
    let large = [3, 224, 224];
    assert_eq!(count(&AlexNet::default(), large, 1000), 61_100_840);
    assert_eq!(count(&Vgg16Bn::default(), large, 1000), 138_365_992);
    assert_eq!(count(&ResNet18::default(), large, 1000), 11_689_512);
    assert_eq!(count(&SqueezeNet::default(), large, 1000), 1_248_424);
    assert_eq!(count(&WideResNet::default(), [3, 32, 32], 10), 1_467_610);
    // 784-500-500-2000-10 and back: DEC's auto-encoder.
    let mlp = MlpAutoencoder { head: Head::None, ..MlpAutoencoder::default() };
    assert_eq!(count(&mlp, [1, 28, 28], 10), 3_330_794);
    // Source 004, by hand: 80 + 292 in, 148 + 296 + 73 out.
    let plain = ConvAutoencoder { head: Head::None, ..ConvAutoencoder::default() };
    assert_eq!(count(&plain, [1, 28, 28], 10), 889);
    // 15 convolutions in the thesis' ResNet, 28 in WRN-28 beside the three of its shortcuts.
    let convolutions = |architecture: &dyn Architecture| {
        let config = architecture.describe([3, 32, 32], 10).expect("a description");
        config.layout([3, 32, 32]).expect("a layout").iter().filter(|info| info.dims.len() == 4).count()
    };
    assert_eq!(convolutions(&ResNet15::default()), 15);
    assert_eq!(convolutions(&WideResNet::default()), 25 + 3);
}
