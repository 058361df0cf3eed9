//! Networks as data: what a configuration says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network: parts, each a list of layers, run one after another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// The parts, such as encoder, decoder and head.
    pub parts: Vec<Part>,
    /// How weights are drawn at the start.
    pub init: Init,
}

/// Layers that are frozen, carried over and named together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The name; parameters' names start with it.
    pub name: String,
    /// The output that the first layer takes; by default what the part before gave, or the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The layers in order.
    pub layers: Vec<Layer>,
}

/// How weights are drawn at the start; biases are zero unless stated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// Normal, keeping the variance through each layer: twice the gain where an activation of the ReLU family follows.
    #[default]
    He,
    /// Uniform in ±sqrt(6 / inputs).
    HeUniform,
    /// Uniform in ±sqrt(6 / (inputs + outputs)) (Glorot), Keras' default.
    Glorot,
    /// Uniform in ±1 / sqrt(inputs), biases too: PyTorch's default.
    Pytorch,
}

/// One step of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Convolution.
    Conv(Conv),
    /// Transposed convolution.
    ConvTranspose(ConvTranspose),
    /// Fully connected layer.
    Linear(Linear),
    /// Batch normalisation.
    BatchNorm(BatchNorm),
    /// max(x, 0).
    Relu,
    /// x where positive, else this times x.
    LeakyRelu(f32),
    /// x where positive, else this times (exp(x) - 1).
    Elu(f32),
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// ln(1 + exp(x)).
    Softplus,
    /// The maximum of each window.
    MaxPool(Pool),
    /// The mean of each window.
    AveragePool(Pool),
    /// The means of this many windows a side, which together cover the image.
    AdaptiveAveragePool(#[schemars(range(min = 1))] usize),
    /// A larger image.
    Upsample(Upsample),
    /// Sets values to zero with this probability, in training alone.
    Dropout(#[schemars(range(min = 0), extend("exclusiveMaximum" = 1))] f32),
    /// Zeros above, below, left and right; negative numbers cut.
    Pad([isize; 4]),
    /// Images become rows.
    Flatten,
    /// Rows become images of these channels, rows and columns.
    Reshape(#[schemars(inner(range(min = 1)))] [usize; 3]),
    /// Horizontal and vertical Sobel filter of the grey image.
    Sobel,
    /// The sum of two branches.
    Residual(Residual),
    /// The channels of several branches, one after another.
    Concat(Concat),
    /// Gives what there is at this place a name; it becomes an output of the network.
    Output(String),
    /// Goes on from a named output.
    From(String),
    /// Multiplies by a named output of one channel, pixel by pixel.
    Multiply(String),
    /// The sum of all channels.
    SumChannels,
    /// Draws from the normal distribution with these named mean and logarithm of the variance; the mean when measuring.
    Sample(Sample),
}

/// A convolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    /// Channels put out.
    #[schemars(range(min = 1))]
    pub out: usize,
    /// Rows and columns of the kernel.
    #[schemars(range(min = 1))]
    pub kernel: usize,
    /// Pixels from one place of the kernel to the next.
    #[schemars(range(min = 1))]
    #[serde(default = "one")]
    pub stride: usize,
    /// Zeros on each side.
    #[serde(default)]
    pub padding: usize,
    /// Pixels from one element of the kernel to the next.
    #[schemars(range(min = 1))]
    #[serde(default = "one")]
    pub dilation: usize,
    /// Groups of channels that do not see each other.
    #[schemars(range(min = 1))]
    #[serde(default = "one")]
    pub groups: usize,
    /// Whether a number is added to each channel.
    #[serde(default = "yes")]
    pub bias: bool,
    /// The name of its parameters; its place in the part by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A transposed convolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvTranspose {
    /// Channels put out.
    #[schemars(range(min = 1))]
    pub out: usize,
    /// Rows and columns of the kernel.
    #[schemars(range(min = 1))]
    pub kernel: usize,
    /// The enlargement.
    #[schemars(range(min = 1))]
    #[serde(default = "one")]
    pub stride: usize,
    /// Pixels cut from each side.
    #[serde(default)]
    pub padding: usize,
    /// Rows and columns added at the far ends.
    #[serde(default)]
    pub output_padding: usize,
    /// Whether a number is added to each channel.
    #[serde(default = "yes")]
    pub bias: bool,
    /// The name of its parameters; its place in the part by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A fully connected layer; images are flattened first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// Features put out.
    #[schemars(range(min = 1))]
    pub out: usize,
    /// Whether a number is added to each feature.
    #[serde(default = "yes")]
    pub bias: bool,
    /// The name of its parameters; its place in the part by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Batch normalisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// The share of a batch in the new running statistics.
    #[schemars(range(min = 0, max = 1))]
    #[serde(default = "tenth")]
    pub momentum: f32,
    /// Added to the variance.
    #[schemars(range(min = 0))]
    #[serde(default = "epsilon")]
    pub eps: f32,
    /// The name of its parameters; its place in the part by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Pooling over square windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Rows and columns of a window.
    #[schemars(range(min = 1))]
    pub kernel: usize,
    /// Pixels from one window to the next; the kernel's by default.
    #[schemars(range(min = 1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
    /// Pixels around the image.
    #[serde(default)]
    pub padding: usize,
    /// Whether a last window that only begins inside counts.
    #[serde(default)]
    pub ceil: bool,
}

/// Enlarging images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upsample {
    /// How many times as many rows and columns.
    #[schemars(range(min = 1))]
    pub factor: usize,
    /// How pixels between pixels are found.
    #[serde(default)]
    pub method: Method,
}

/// How pixels between pixels are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The nearest pixel.
    #[default]
    Nearest,
    /// Linear in both directions.
    Bilinear,
}

/// Two branches that are added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// The layers of the first branch.
    pub body: Vec<Layer>,
    /// The layers of the second; none: what came in.
    #[serde(default)]
    pub shortcut: Vec<Layer>,
    /// What its layers' names start with; its place in the part by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Branches whose channels stand one after another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Concat {
    /// The layers of each branch.
    pub branches: Vec<Vec<Layer>>,
    /// What its layers' names start with; its place in the part by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The outputs that describe a normal distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The mean.
    pub mean: String,
    /// The logarithm of the variance.
    pub log_variance: String,
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

fn tenth() -> f32 {
    0.1
}

fn epsilon() -> f32 {
    1e-5
}
