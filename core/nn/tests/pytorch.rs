//! Outputs and gradients against PyTorch's (tests/fixtures/ops.py made the numbers).

use safetensors::SafeTensors;
use scant_nn::dfdx::prelude::*;
use scant_nn::ops::{
    self, Activation, BatchNorm, Conv2d, ConvTranspose2d, Convolution, NormMode, Pool, PoolKind, Reduction,
    Rows, Upsampling, Wanted, activate, adaptive_average_pool, batch_norm, bce_with_logits, conv_transpose2d,
    conv2d, cross_entropy, gaussian_kl, linear, mse, pool, soft_cross_entropy, softmax_kl, tensor_weight,
    upsample,
};
use scant_nn::parameters::{FlatBuffer, RunningStatistics, Weight};

type Tape = OwnedTape<f32, Cpu>;

struct Fixtures(&'static [u8]);

impl Fixtures {
    fn open() -> Self {
        Self(include_bytes!("fixtures/ops.safetensors"))
    }

    fn values(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let tensors = SafeTensors::deserialize(self.0).unwrap();
        let tensor = tensors.tensor(name).unwrap_or_else(|_| panic!("no fixture {name}"));
        let values = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        (tensor.shape().to_vec(), values.collect())
    }

    fn get<S: Shape>(&self, name: &str) -> Tensor<S, f32, Cpu> {
        let (dims, values) = self.values(name);
        let mut concrete = S::Concrete::default();
        dims.iter().enumerate().for_each(|(i, d)| concrete[i] = *d);
        Cpu::default().tensor_from_vec(values, S::from_concrete(&concrete).unwrap())
    }

    fn agree(&self, name: &str, found: &[f32]) {
        let (_, wanted) = self.values(name);
        assert_eq!(found.len(), wanted.len(), "{name}");
        let scale = wanted.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
        for (i, (f, w)) in found.iter().zip(&wanted).enumerate() {
            assert!((f - w).abs() <= 1e-4 * scale, "{name}[{i}]: {f}, PyTorch {w}");
        }
    }

    /// Checks the output, and gives the gradients of the case's linear form of it.
    fn output<S: Shape>(&self, name: &str, y: Tensor<S, f32, Cpu, Tape>) -> Gradients<f32, Cpu> {
        self.agree(&format!("{name}.y"), &y.as_vec());
        let len = y.shape().num_elements();
        let form = Cpu::default().tensor_from_vec(self.values(&format!("{name}.form")).1, (len,));
        (ops::reshape(y, (len,)).unwrap() * form).sum::<(), _>().backward()
    }

    fn gradient<S: Shape>(&self, name: &str, gradients: &Gradients<f32, Cpu>, x: &Tensor<S, f32, Cpu>) {
        self.agree(name, &gradients.get(x).as_vec());
    }

    /// A case of one input.
    fn unary<S: Shape, R: Shape>(
        &self,
        name: &str,
        f: impl FnOnce(Tensor<S, f32, Cpu, Tape>) -> scant_abi::Result<Tensor<R, f32, Cpu, Tape>>,
    ) {
        let x: Tensor<S, f32, Cpu> = self.get(&format!("{name}.x"));
        let gradients = self.output(name, f(x.leaky_trace()).unwrap());
        self.gradient(&format!("{name}.dx"), &gradients, &x);
    }
}

type Four = (usize, usize, usize, usize);

#[test]
fn convolutions() {
    let f = Fixtures::open();
    let cases = [
        (3, 1, 1, 1, 1),
        (3, 2, 1, 1, 1),
        (5, 1, 2, 1, 2),
        (3, 1, 2, 2, 1),
        (4, 2, 1, 1, 4),
        (1, 2, 0, 1, 1),
    ];
    for (i, (k, stride, padding, dilation, groups)) in cases.into_iter().enumerate() {
        let name = format!("conv{i}");
        let (x, w) = (f.get::<Four>(&format!("{name}.x")), f.get::<Four>(&format!("{name}.w")));
        let b = f.get::<(usize,)>(&format!("{name}.b"));
        let layer = Conv2d {
            out_channels: 4,
            kernel: (k, k),
            walk: Convolution { stride, padding, dilation, groups },
            activation: Activation::Relu,
        };
        let (traced, weight) = tensor_weight(x.leaky_trace(), w.clone()).unwrap();
        let bias = Weight::Tensor(b.clone());
        let gradients = f.output(&name, conv2d(traced, &layer, &weight, Some(&bias), Wanted::ALL).unwrap());
        f.gradient(&format!("{name}.dx"), &gradients, &x);
        f.gradient(&format!("{name}.dw"), &gradients, &w);
        f.gradient(&format!("{name}.db"), &gradients, &b);
    }
}

#[test]
fn transposed_convolutions() {
    let f = Fixtures::open();
    let cases =
        [(3, 1, 1, 0, 1, 1), (3, 2, 1, 1, 1, 1), (5, 2, 0, 0, 1, 1), (4, 2, 1, 0, 1, 2), (3, 3, 1, 2, 2, 1)];
    for (i, (k, stride, padding, output_padding, dilation, groups)) in cases.into_iter().enumerate() {
        let name = format!("transposed{i}");
        let (x, w) = (f.get::<Four>(&format!("{name}.x")), f.get::<Four>(&format!("{name}.w")));
        let b = f.get::<(usize,)>(&format!("{name}.b"));
        let layer = ConvTranspose2d {
            out_channels: 6,
            kernel: (k, k),
            walk: Convolution { stride, padding, dilation, groups },
            output_padding,
            activation: Activation::Tanh,
        };
        let (traced, weight) = tensor_weight(x.leaky_trace(), w.clone()).unwrap();
        let bias = Weight::Tensor(b.clone());
        let y = conv_transpose2d(traced, &layer, &weight, Some(&bias), Wanted::ALL).unwrap();
        let gradients = f.output(&name, y);
        f.gradient(&format!("{name}.dx"), &gradients, &x);
        f.gradient(&format!("{name}.dw"), &gradients, &w);
        f.gradient(&format!("{name}.db"), &gradients, &b);
    }
}

#[test]
fn linear_layers_and_activations() {
    let f = Fixtures::open();
    let (x, w) = (f.get::<(usize, usize)>("linear.x"), f.get::<(usize, usize)>("linear.w"));
    let b = f.get::<(usize,)>("linear.b");
    let (traced, weight) = tensor_weight(x.leaky_trace(), w.clone()).unwrap();
    let bias = Weight::Tensor(b.clone());
    let y = linear(traced, 9, &weight, Some(&bias), Activation::Elu(1.0), Wanted::ALL).unwrap();
    let gradients = f.output("linear", y);
    f.gradient("linear.dx", &gradients, &x);
    f.gradient("linear.dw", &gradients, &w);
    f.gradient("linear.db", &gradients, &b);
    for (name, activation) in [
        ("relu", Activation::Relu),
        ("leaky", Activation::LeakyRelu(0.1)),
        ("elu", Activation::Elu(1.0)),
        ("sigmoid", Activation::Sigmoid),
        ("tanh", Activation::Tanh),
        ("softplus", Activation::Softplus),
    ] {
        f.unary::<(usize, usize), _>(&format!("act_{name}"), |x| activate(x, activation));
    }
}

#[test]
fn batch_norms() {
    let f = Fixtures::open();
    let layer = BatchNorm { activation: Activation::Relu, ..BatchNorm::default() };
    let running = || RunningStatistics {
        buffer: FlatBuffer::new(&Cpu::default(), vec![0.3, 0.3, 0.3, 1.7, 1.7, 1.7]).unwrap(),
        mean: 0..3,
        variance: 3..6,
    };
    for (train, mode) in [("False", NormMode::Eval), ("True", NormMode::Train)] {
        for add in ["False", "True"] {
            let name = format!("norm_{train}_{add}");
            let x = f.get::<Four>(&format!("{name}.x"));
            let part = |part: &str| f.get::<(usize,)>(&format!("{name}.{part}"));
            let (gain, bias) = (part("gain"), part("bias"));
            let z = (add == "True").then(|| f.get::<Four>(&format!("{name}.z")));
            let running = running();
            let y = batch_norm(
                x.leaky_trace(),
                &layer,
                &Weight::Tensor(gain.clone()),
                &Weight::Tensor(bias.clone()),
                &running,
                mode,
                z.clone(),
                Wanted::ALL,
            );
            let gradients = f.output(&name, y.unwrap());
            f.gradient(&format!("{name}.dx"), &gradients, &x);
            f.gradient(&format!("{name}.dgain"), &gradients, &gain);
            f.gradient(&format!("{name}.dbias"), &gradients, &bias);
            if let Some(z) = z {
                f.gradient(&format!("{name}.dz"), &gradients, &z);
            }
            f.agree(&format!("{name}.mean"), &running.buffer.to_vec()[..3]);
            f.agree(&format!("{name}.variance"), &running.buffer.to_vec()[3..]);
        }
    }
    let layer = BatchNorm::default();
    let x = f.get::<(usize, usize)>("norm_rows.x");
    let (gain, bias) = (f.get::<(usize,)>("norm_rows.gain"), f.get::<(usize,)>("norm_rows.bias"));
    let none: Option<Rows<Cpu>> = None;
    let (g, b) = (Weight::Tensor(gain.clone()), Weight::Tensor(bias.clone()));
    let y = batch_norm(x.leaky_trace(), &layer, &g, &b, &running(), NormMode::TrainFrozen, none, Wanted::ALL);
    let gradients = f.output("norm_rows", y.unwrap());
    f.gradient("norm_rows.dx", &gradients, &x);
    f.gradient("norm_rows.dgain", &gradients, &gain);
    f.gradient("norm_rows.dbias", &gradients, &bias);
}

#[test]
fn pools_and_sizes() {
    use PoolKind::{Average, Max};
    let f = Fixtures::open();
    for (name, kind, kernel, padding, ceil) in [
        ("max0", Max, 2, 0, false),
        ("max1", Max, 3, 1, false),
        ("max2", Max, 3, 0, true),
        ("average0", Average, 2, 0, false),
        ("average1", Average, 3, 1, true),
    ] {
        f.unary::<Four, _>(name, |x| pool(x, &Pool { kind, kernel, stride: 2, padding, ceil }));
    }
    f.unary::<Four, _>("adaptive", |x| adaptive_average_pool(x, (3, 2)));
    f.unary::<Four, _>("nearest", |x| upsample(x, Upsampling::Nearest, (7, 9)));
    f.unary::<Four, _>("bilinear", |x| upsample(x, Upsampling::Bilinear, (7, 9)));
}

#[test]
fn losses() {
    type Two = (usize, usize);
    let f = Fixtures::open();
    f.unary::<Two, ()>("hard", |x| cross_entropy(x, &[0, 4, 2, 2], None, Reduction::Items));
    f.unary::<Two, ()>("soft", |x| soft_cross_entropy(x, &f.get("soft.t"), None, Reduction::Items));
    f.unary::<Two, ()>("bce", |x| bce_with_logits(x, &f.get("bce.t"), Reduction::Values));
    let (x, t) = (f.get::<Two>("mse.x"), f.get::<Two>("mse.t"));
    let gradients = f.output("mse", mse(x.leaky_trace(), t.leaky_trace(), Reduction::Values).unwrap());
    f.gradient("mse.dx", &gradients, &x);
    f.gradient("mse.dt", &gradients, &t);
    let (m, l) = (f.get::<Two>("gaussian.m"), f.get::<Two>("gaussian.l"));
    let gradients =
        f.output("gaussian", gaussian_kl(m.leaky_trace(), l.leaky_trace(), Reduction::Sum).unwrap());
    f.gradient("gaussian.dm", &gradients, &m);
    f.gradient("gaussian.dl", &gradients, &l);
    let (p, q) = (f.get::<Two>("kl.p"), f.get::<Two>("kl.q"));
    let gradients = f.output("kl", softmax_kl(p.leaky_trace(), q.leaky_trace(), Reduction::Items).unwrap());
    f.gradient("kl.dp", &gradients, &p);
    f.gradient("kl.dq", &gradients, &q);
}
