//! Our side of each row: a closure that runs one training step.

use scant_abi::{Clock, Error, Forward, Key, Model, OutputGradient, Pass, Result, Tensor, TensorView, Wants};
use scant_nn::adapt::{differentiate, differentiate_two, tensor};
use scant_nn::dfdx::prelude::Cpu;
use scant_nn::kernels::gemm::{Matrix, multiply_threaded};
use scant_nn::network::shorthand::{linear, output, part};
use scant_nn::network::zoo::{
    Architecture, ConvAutoencoder, ConvAutoencoder64, Head, MlpAutoencoder, ResNet18, VariationalAutoencoder,
    WideResNet,
};
use scant_nn::network::{Init, Layer, Network, NetworkConfig};
use scant_nn::ops::{self, Activation, Conv2d, Convolution, Images, Pool, PoolKind, Reduction};
use scant_nn::optim::{Optimizer, OptimizerConfig};
use scant_nn::parameters::Parameters;
use scant_nn::window::{FeatureLayer, WindowedFeatures};

/// Name and batch of every row; `peer.py` knows the same names.
pub(crate) const ROWS: [(&str, usize); 9] = [
    ("conv-autoencoder-28/16", 16),
    ("conv-autoencoder-28/128", 128),
    ("beta-vae-32", 256),
    ("wide-resnet-28-2", 64),
    ("autoencoder-64", 100),
    ("autoencoder-64-perceptual", 100),
    ("mlp", 256),
    ("mlp-autoencoder", 256),
    ("resnet-18", 64),
];

/// Products and sums of the product that stands for the machine's peak.
pub(crate) const GEMM_OPERATIONS: f64 = 2.0 * 1024.0 * 1024.0 * 1024.0;

pub(crate) type Step = Box<dyn FnMut() -> Result<()>>;

/// The step of a row.
pub(crate) fn step(row: &str) -> Result<Step> {
    let batch = ROWS.iter().find(|(name, _)| *name == row).map_or(0, |(_, batch)| *batch);
    let pixels = ["reconstruction"];
    match row {
        "gemm" => Ok(gemm()),
        "conv-autoencoder-28/16" | "conv-autoencoder-28/128" => {
            let config = ConvAutoencoder { head: Head::None, ..ConvAutoencoder::default() };
            reconstruct(config, [1, 28, 28], batch, pixels, squares)
        }
        "beta-vae-32" => {
            let config = VariationalAutoencoder { head: Head::None, ..VariationalAutoencoder::default() };
            variational(config, [3, 32, 32], batch)
        }
        "autoencoder-64" => {
            let config = ConvAutoencoder64 { head: Head::None, ..ConvAutoencoder64::default() };
            reconstruct(config, [3, 64, 64], batch, pixels, squares)
        }
        "autoencoder-64-perceptual" => {
            let config = ConvAutoencoder64 { head: Head::None, ..ConvAutoencoder64::default() };
            reconstruct(config, [3, 64, 64], batch, pixels, perceptual()?)
        }
        "mlp-autoencoder" => {
            let config = MlpAutoencoder { head: Head::None, ..MlpAutoencoder::default() };
            reconstruct(config, [1, 28, 28], batch, pixels, squares)
        }
        "mlp" => classify(Mlp, [1, 28, 28], batch, OptimizerConfig::adam(1e-3)),
        "wide-resnet-28-2" => {
            classify(WideResNet::default(), [3, 32, 32], batch, OptimizerConfig::sgd(0.03, 0.9))
        }
        "resnet-18" => classify(ResNet18::default(), [3, 64, 64], batch, OptimizerConfig::sgd(0.03, 0.9)),
        other => Err(Error::config(format!("there is no row '{other}'"))),
    }
}

/// DEC's encoder with its last layer as logits: 784-500-500-2000-10.
struct Mlp;

impl Architecture for Mlp {
    fn describe(&self, _: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        let mut layers = vec![Layer::Flatten];
        for features in [500, 500, 2000] {
            layers.extend([linear(features).into(), Layer::Relu]);
        }
        layers.extend([linear(classes).into(), output("logits")]);
        Ok(NetworkConfig { parts: vec![part("encoder", layers)], init: Init::He })
    }
}

fn gemm() -> Step {
    let (a, b, mut c) = (vec![0.5; 1 << 20], vec![0.5; 1 << 20], vec![0.0; 1 << 20]);
    Box::new(move || {
        multiply_threaded(&mut c, Matrix::new(&a, 1024, 1024), Matrix::new(&b, 1024, 1024), false);
        Ok(())
    })
}

/// A network with its optimiser and a batch of noise.
struct Training {
    network: Network,
    optimizer: Optimizer,
    images: Vec<f32>,
    shape: [usize; 4],
}

impl Training {
    fn new(
        architecture: impl Architecture,
        image: [usize; 3],
        batch: usize,
        optimizer: OptimizerConfig,
    ) -> Result<Self> {
        let config = architecture.describe(image, 10)?;
        let network = Network::with_device(&config, image, Cpu::default(), Key::new(1))?;
        let [c, h, w] = image;
        let mut rng = Key::new(2).rng();
        let images = (0..batch * c * h * w).map(|_| rng.uniform()).collect();
        Ok(Self { network, optimizer: Optimizer::new(optimizer)?, images, shape: [batch, c, h, w] })
    }

    /// Forward, the loss's gradients, backward, and a step of the optimiser.
    fn step(
        &mut self,
        outputs: &[&str],
        loss: impl FnOnce(&Pass, TensorView) -> Result<Vec<(&'static str, Tensor)>>,
    ) -> Result<()> {
        let images = TensorView::of_f32(&self.images, &self.shape)?;
        let options = Forward { outputs, ..Forward::training(Key::new(3)) };
        let pass = self.network.forward(images, &options)?;
        let gradients = loss(&pass, images)?.into_iter().map(|(output, gradient)| OutputGradient {
            pass: pass.id,
            output: output.to_owned(),
            first_row: 0,
            weight: 1.0,
            gradient,
        });
        let gradients: Vec<_> = gradients.collect();
        self.network.backward(pass.id, &gradients, Wants::PARAMETERS)?;
        if self.optimizer.lacks_layout() {
            self.optimizer.lay_out(&self.network.layout())?;
        }
        let clock = Clock { stage: 0, epoch: 0, epochs: 1, step: 0, steps: 1 };
        self.optimizer.step(&clock, self.network.parameters()?)?;
        Ok(())
    }
}

fn squares(reconstruction: TensorView, images: TensorView) -> Result<Tensor> {
    let target: Images<Cpu> = tensor(images)?;
    let (_, gradient) = differentiate(reconstruction, |x| ops::mse(x, target, Reduction::Values))?;
    Ok(gradient)
}

fn reconstruct(
    architecture: impl Architecture,
    image: [usize; 3],
    batch: usize,
    outputs: [&'static str; 1],
    loss: impl Fn(TensorView, TensorView) -> Result<Tensor> + 'static,
) -> Result<Step> {
    let mut training = Training::new(architecture, image, batch, OptimizerConfig::adam(1e-3))?;
    Ok(Box::new(move || {
        training
            .step(&outputs, |pass, images| Ok(vec![(outputs[0], loss(pass.output(outputs[0])?, images)?)]))
    }))
}

fn classify(
    architecture: impl Architecture,
    image: [usize; 3],
    batch: usize,
    optimizer: OptimizerConfig,
) -> Result<Step> {
    let mut training = Training::new(architecture, image, batch, optimizer)?;
    let classes: Vec<usize> = (0..batch).map(|i| i % 10).collect();
    Ok(Box::new(move || {
        training.step(&["logits"], |pass, _| {
            let (_, gradient) = differentiate::<(usize, usize)>(pass.output("logits")?, |x| {
                ops::cross_entropy(x, &classes, None, Reduction::Items)
            })?;
            Ok(vec![("logits", gradient)])
        })
    }))
}

fn variational(architecture: impl Architecture, image: [usize; 3], batch: usize) -> Result<Step> {
    let mut training = Training::new(architecture, image, batch, OptimizerConfig::adam(1e-3))?;
    Ok(Box::new(move || {
        training.step(&["reconstruction_logits", "mean", "log_variance"], |pass, images| {
            let target: Images<Cpu> = tensor(images)?;
            let (_, pixels) = differentiate(pass.output("reconstruction_logits")?, |x| {
                ops::bce_with_logits(x, &target, Reduction::Items)
            })?;
            let latent = differentiate_two::<(usize, usize), (usize, usize)>(
                pass.output("mean")?,
                pass.output("log_variance")?,
                |mean, log_variance| ops::gaussian_kl(mean, log_variance, Reduction::Items),
            )?;
            let [mean, log_variance] = latent.1;
            Ok(vec![("reconstruction_logits", pixels), ("mean", mean), ("log_variance", log_variance)])
        })
    }))
}

/// The squared difference of AlexNet's features after its second convolution, of images padded to 224x224.
fn perceptual() -> Result<impl Fn(TensorView, TensorView) -> Result<Tensor>> {
    let device = Cpu::default();
    let convolution = |key: u64, inputs: usize, out_channels, kernel, stride, padding| -> Result<_> {
        let mut rng = Key::new(key).rng();
        let len = out_channels * inputs * kernel * kernel;
        let bound = (6.0 / (inputs * kernel * kernel) as f32).sqrt();
        let weights = (0..len).map(|_| rng.range(-bound, bound)).collect();
        let layer = Conv2d {
            out_channels,
            kernel: (kernel, kernel),
            walk: Convolution { stride, padding, ..Convolution::default() },
            activation: Activation::Relu,
        };
        let weight = Parameters::new(&device, weights)?.weight(0..len);
        let bias = Parameters::new(&device, vec![0.1; out_channels])?.weight(0..out_channels);
        Ok(FeatureLayer::Conv { layer, weight, bias: Some(bias) })
    };
    let pool = Pool { kind: PoolKind::Max, kernel: 3, stride: 2, padding: 0, ceil: false };
    let layers =
        vec![convolution(1, 3, 64, 11, 4, 2)?, FeatureLayer::Pool(pool), convolution(2, 64, 192, 5, 1, 2)?];
    let extractor = WindowedFeatures::new(&device, layers, (3, 64, 64), (80, 80), (224, 224))?;
    Ok(move |reconstruction: TensorView, images: TensorView| {
        let wanted = extractor.features(tensor(images)?)?;
        let (_, gradient) =
            differentiate(reconstruction, |x| ops::mse(extractor.features(x)?, wanted, Reduction::Items))?;
        Ok(gradient)
    })
}
