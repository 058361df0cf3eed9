//! The layers of a feature extractor, and how a network's description becomes them.

use crate::kernels::Activation;
use crate::kernels::convolution::Convolution;
use crate::network::description::{Conv, Layer};
use crate::ops::{Conv2d, ImageDevice, Pool, PoolKind};
use crate::parameters::{Parameters, Weight};
use scant_abi::{Context, Error, ErrorKind, Result, State};

/// One layer of a feature extractor.
#[derive(Clone, Debug)]
pub enum FeatureLayer<D: ImageDevice> {
    /// A convolution with its weights, which stay as they are.
    Conv {
        /// The layer.
        layer: Conv2d,
        /// Its weights.
        weight: Weight<D>,
        /// Its bias.
        bias: Option<Weight<D>>,
    },
    /// Max-pooling.
    Pool(Pool),
    /// Branches over one input, whose outputs are joined along the channels: SqueezeNet's fire modules.
    Concat(Vec<Vec<FeatureLayer<D>>>),
}

impl<D: ImageDevice> FeatureLayer<D> {
    /// The layers of a part named `part`, with a trained network's numbers: convolutions, ReLU after them, max-pooling,
    /// concatenation; outputs within are passed over.
    pub fn of_part(device: &D, part: &str, layers: &[Layer], state: &State) -> Result<Vec<Self>> {
        of_layers(device, &format!("{part}."), layers, state)
    }
}

fn of_layers<D: ImageDevice>(
    device: &D,
    prefix: &str,
    layers: &[Layer],
    state: &State,
) -> Result<Vec<FeatureLayer<D>>> {
    let mut found: Vec<FeatureLayer<D>> = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let named = |name: &Option<String>| match name {
            Some(name) => format!("{prefix}{name}"),
            None => format!("{prefix}{index}"),
        };
        match layer {
            Layer::Conv(conv) => found.push(of_conv(device, &named(&conv.name), conv, state)?),
            Layer::Relu => match found.last_mut() {
                Some(FeatureLayer::Conv { layer, .. }) => layer.activation = Activation::Relu,
                _ => {
                    return Err(unsupported(&format!("layer {prefix}{index}, a ReLU after no convolution,")));
                }
            },
            Layer::MaxPool(pool) => found.push(FeatureLayer::Pool(Pool {
                kind: PoolKind::Max,
                kernel: pool.kernel,
                stride: pool.stride.unwrap_or(pool.kernel),
                padding: pool.padding,
                ceil: pool.ceil,
            })),
            Layer::Concat(concat) => {
                let own = format!("{}.", named(&concat.name));
                let branches = concat.branches.iter().enumerate().map(|(branch, layers)| {
                    let prefix = if concat.name.is_some() { own.clone() } else { format!("{own}{branch}.") };
                    of_layers(device, &prefix, layers, state)
                });
                found.push(FeatureLayer::Concat(branches.collect::<Result<_>>()?));
            }
            Layer::Output(_) => {}
            _ => return Err(unsupported(&format!("layer {prefix}{index}"))),
        }
    }
    Ok(found)
}

fn unsupported(what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("{what} cannot be computed in a window; convolutions, max-pooling and branches of these can"),
    )
}

fn of_conv<D: ImageDevice>(device: &D, name: &str, conv: &Conv, state: &State) -> Result<FeatureLayer<D>> {
    let numbers = |what: &str, len: Option<usize>| -> Result<Weight<D>> {
        let name = format!("{name}.{what}");
        let tensor =
            state.get(&name).ok_or_else(|| Error::data(format!("the weights lack a tensor for '{name}'")))?;
        let values = tensor.f32().context(|| format!("'{name}'"))?.to_vec();
        let count = values.len();
        if len.is_some_and(|len| len != count) {
            return Err(Error::shape(format!("'{name}' holds {count} numbers, not {len:?}")));
        }
        Ok(Parameters::new(device, values)?.weight(0..count))
    };
    let layer = Conv2d {
        out_channels: conv.out,
        kernel: (conv.kernel, conv.kernel),
        walk: Convolution {
            stride: conv.stride,
            padding: conv.padding,
            dilation: conv.dilation,
            groups: conv.groups,
        },
        activation: Activation::Identity,
    };
    let bias = if conv.bias { Some(numbers("bias", Some(conv.out))?) } else { None };
    Ok(FeatureLayer::Conv { layer, weight: numbers("weight", None)?, bias })
}
