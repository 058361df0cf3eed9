//! The plan: a description with all sizes worked out, layers fused, and a place for each parameter.

use std::ops::Range;

use scant_abi::ParameterInfo;

use crate::ops::{self, Activation, Upsampling};

/// What a node does.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Conv {
        layer: ops::Conv2d,
        weight: Range<usize>,
        bias: Option<Range<usize>>,
    },
    ConvTranspose {
        layer: ops::ConvTranspose2d,
        weight: Range<usize>,
        bias: Option<Range<usize>>,
    },
    Linear {
        outputs: usize,
        weight: Range<usize>,
        bias: Option<Range<usize>>,
        activation: Activation,
    },
    /// With a second input, that one is added before the activation.
    BatchNorm {
        layer: ops::BatchNorm,
        gain: Range<usize>,
        bias: Range<usize>,
        mean: Range<usize>,
        variance: Range<usize>,
    },
    Activate(Activation),
    Add(Activation),
    Pool(ops::Pool),
    AdaptiveAveragePool(usize),
    Upsample {
        method: Upsampling,
        to: (usize, usize),
    },
    Place {
        offset: (isize, isize),
        size: (usize, usize),
    },
    Dropout(f32),
    Reshape,
    Sobel,
    Multiply,
    SumChannels,
    Sample,
}

impl Op {
    /// Whether the node's own numbers are trained.
    pub(super) fn has_parameters(&self) -> bool {
        matches!(
            self,
            Self::Conv { .. } | Self::ConvTranspose { .. } | Self::Linear { .. } | Self::BatchNorm { .. }
        )
    }

    /// Whether dfdx's own operations read its inputs, which must then be known to dfdx's gradients.
    pub(super) fn is_composed(&self) -> bool {
        matches!(self, Self::Multiply | Self::SumChannels | Self::Sample)
    }

    /// Whether what it gives may be the tensor that it got.
    pub(super) fn may_hand_on(&self) -> bool {
        matches!(self, Self::Reshape | Self::Dropout(_) | Self::Sample)
    }

    /// The activation at its end, if it can have one.
    pub(super) fn activation(&mut self) -> Option<&mut Activation> {
        match self {
            Self::Conv { layer, .. } => Some(&mut layer.activation),
            Self::ConvTranspose { layer, .. } => Some(&mut layer.activation),
            Self::Linear { activation, .. } | Self::Add(activation) => Some(activation),
            Self::BatchNorm { layer, .. } => Some(&mut layer.activation),
            _ => None,
        }
    }
}

/// One operation of the network.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) part: usize,
    pub(super) inputs: Vec<usize>,
    pub(super) output: usize,
}

/// What flows between nodes.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// The extents of one sample: channels, rows, columns, or features.
    pub(super) dims: Vec<usize>,
    /// Read by nobody but our own operations: not an output, nor read by dfdx's.
    pub(super) private: bool,
}

/// A running statistic's name and place.
#[derive(Clone, Debug)]
pub(super) struct Statistic {
    pub(super) name: String,
    pub(super) range: Range<usize>,
}

/// Everything about a network but its numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) nodes: Vec<Node>,
    /// The first is the input.
    pub(super) flows: Vec<Flow>,
    pub(super) outputs: Vec<(String, usize)>,
    pub(super) parts: Vec<String>,
    pub(super) parameters: Vec<ParameterInfo>,
    pub(super) statistics: Vec<Statistic>,
    /// How each parameter is drawn at the start.
    pub(super) draws: Vec<Draw>,
}

/// How a parameter is drawn at the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Draw {
    Constant(f32),
    Normal(f32),
    Uniform(f32),
}

impl Plan {
    pub(super) fn parameter_count(&self) -> usize {
        self.parameters.last().map_or(0, |info| info.range().end)
    }

    pub(super) fn statistic_count(&self) -> usize {
        self.statistics.last().map_or(0, |statistic| statistic.range.end)
    }
}
