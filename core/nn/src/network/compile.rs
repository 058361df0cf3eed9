//! From a description to a plan: sizes, names, places and fused layers.

use scant_abi::{Context, Error, ParameterInfo, Result};

use super::description::{
    BatchNorm, Concat, Conv, ConvTranspose, Layer, Linear, Method, NetworkConfig, Pool, Residual,
};
use super::draw::Drawing;
use super::plan::{Draw, Flow, Node, Op, Plan, Statistic};
use crate::ops::{self, Activation, Convolution, PoolKind, Upsampling};

/// The greatest number of parameters: four times VGG-16's, and a bound on what a typing error may cost.
const PARAMETER_LIMIT: usize = 1 << 29;

/// The plan of `config` for images of `image` (channels, rows, columns).
pub(super) fn compile(config: &NetworkConfig, image: [usize; 3]) -> Result<Plan> {
    if config.parts.is_empty() {
        return Err(Error::config("the network has no parts; describe at least one under 'parts'"));
    }
    if image.contains(&0) {
        return Err(Error::config(format!("images of {image:?} have no pixels")));
    }
    let mut compiler = Compiler {
        plan: Plan::default(),
        pinned: Vec::new(),
        current: 0,
        drawing: Drawing::new(config.init),
    };
    compiler.flow(image.to_vec());
    compiler.pinned[0] = true;
    for part in &config.parts {
        if part.name.is_empty() || part.name.contains('.') || compiler.plan.parts.contains(&part.name) {
            return Err(Error::config(format!(
                "'{}' cannot name a part: names are unique, not empty and without dots",
                part.name
            )));
        }
        compiler.plan.parts.push(part.name.clone());
        if let Some(from) = &part.from {
            compiler.go_to(from).context(|| format!("part '{}'", part.name))?;
        }
        compiler
            .layers(&part.layers, &format!("{}.", part.name))
            .context(|| format!("part '{}'", part.name))?;
    }
    compiler.finish()
}

struct Compiler {
    plan: Plan,
    /// Flows that others read too, so that nothing may be fused into their producer.
    pinned: Vec<bool>,
    current: usize,
    drawing: Drawing,
}

impl Compiler {
    fn finish(mut self) -> Result<Plan> {
        if self.plan.outputs.is_empty() {
            return Err(Error::config("the network has no output; name one by { output = \"...\" }"));
        }
        for (_, flow) in &self.plan.outputs {
            self.plan.flows[*flow].private = false;
        }
        for node in self.plan.nodes.iter().filter(|node| node.op.is_composed()) {
            for input in &node.inputs {
                self.plan.flows[*input].private = false;
            }
        }
        self.plan.flows[0].private = false;
        // Nodes that may hand on the very tensor they get: who can be seen from outside, both can.
        let handing_on = |node: &&Node| node.op.may_hand_on();
        for node in self.plan.nodes.iter().rev().filter(handing_on) {
            self.plan.flows[node.inputs[0]].private &= self.plan.flows[node.output].private;
        }
        for node in self.plan.nodes.iter().filter(handing_on) {
            self.plan.flows[node.output].private &= self.plan.flows[node.inputs[0]].private;
        }
        self.plan.draws = self.drawing.finish();
        Ok(self.plan)
    }

    fn layers(&mut self, layers: &[Layer], prefix: &str) -> Result<()> {
        for (index, layer) in layers.iter().enumerate() {
            let named = |name: &Option<String>| match name {
                Some(name) => format!("{prefix}{name}"),
                None => format!("{prefix}{index}"),
            };
            self.layer(layer, named).context(|| format!("layer {prefix}{index}"))?;
        }
        Ok(())
    }

    fn layer(&mut self, layer: &Layer, named: impl Fn(&Option<String>) -> String) -> Result<()> {
        match layer {
            Layer::Conv(conv) => self.conv(conv, &named(&conv.name)),
            Layer::ConvTranspose(conv) => self.conv_transpose(conv, &named(&conv.name)),
            Layer::Linear(linear) => self.linear(linear, &named(&linear.name)),
            Layer::BatchNorm(norm) => self.batch_norm(norm, &named(&norm.name)),
            Layer::Relu => self.activate(Activation::Relu),
            Layer::LeakyRelu(slope) => {
                positive("leaky-relu", *slope)?;
                self.activate(Activation::LeakyRelu(*slope))
            }
            Layer::Elu(alpha) => {
                positive("elu", *alpha)?;
                self.activate(Activation::Elu(*alpha))
            }
            Layer::Sigmoid => self.activate(Activation::Sigmoid),
            Layer::Tanh => self.activate(Activation::Tanh),
            Layer::Softplus => self.activate(Activation::Softplus),
            Layer::MaxPool(pool) => self.pool(PoolKind::Max, pool),
            Layer::AveragePool(pool) => self.pool(PoolKind::Average, pool),
            Layer::AdaptiveAveragePool(side) => self.adaptive_pool(*side),
            Layer::Upsample(up) => {
                let [c, h, w] = self.image()?;
                if up.factor == 0 {
                    return Err(Error::config("upsample: the factor must be at least 1"));
                }
                let to = (h * up.factor, w * up.factor);
                let method = match up.method {
                    Method::Nearest => Upsampling::Nearest,
                    Method::Bilinear => Upsampling::Bilinear,
                };
                self.node(Op::Upsample { method, to }, vec![c, to.0, to.1])
            }
            Layer::Dropout(p) => {
                if !(0.0..1.0).contains(p) {
                    return Err(Error::config(format!("dropout: {p} is no probability below 1")));
                }
                let dims = self.dims().to_vec();
                self.node(Op::Dropout(*p), dims)
            }
            Layer::Pad([top, bottom, left, right]) => {
                let [c, h, w] = self.image()?;
                let side = |size: usize, a: isize, b: isize| {
                    size.checked_add_signed(a).and_then(|s| s.checked_add_signed(b)).filter(|s| *s > 0)
                };
                let size = side(h, *top, *bottom).zip(side(w, *left, *right));
                let size =
                    size.ok_or_else(|| Error::config(format!("pad: nothing is left of {h}x{w} pixels")))?;
                self.node(Op::Place { offset: (*top, *left), size }, vec![c, size.0, size.1])
            }
            Layer::Flatten => self.flatten(),
            Layer::Reshape(dims) => self.reshape(dims.to_vec()),
            Layer::Sobel => {
                let [_, h, w] = self.image()?;
                self.node(Op::Sobel, vec![2, h, w])
            }
            Layer::Residual(residual) => self.residual(residual, &format!("{}.", named(&residual.name))),
            Layer::Concat(concat) => self.concat(concat, &format!("{}.", named(&concat.name))),
            Layer::Output(name) => self.output(name),
            Layer::From(name) => self.go_to(name),
            Layer::Multiply(name) => {
                let map = self.find(name)?;
                let [c, h, w] = self.image()?;
                if self.plan.flows[map].dims != [1, h, w] {
                    return Err(Error::config(format!(
                        "multiply: '{name}' is of {:?}, but [1, {h}, {w}] is needed",
                        self.plan.flows[map].dims
                    )));
                }
                self.node_of(Op::Multiply, vec![self.current, map], vec![c, h, w])
            }
            Layer::SumChannels => {
                let [_, h, w] = self.image()?;
                self.node(Op::SumChannels, vec![1, h, w])
            }
            Layer::Sample(sample) => {
                let (mean, log_variance) = (self.find(&sample.mean)?, self.find(&sample.log_variance)?);
                let dims = self.plan.flows[mean].dims.clone();
                if dims.len() != 1 || dims != self.plan.flows[log_variance].dims {
                    return Err(Error::config("sample: mean and log_variance must be rows of one length"));
                }
                self.node_of(Op::Sample, vec![mean, log_variance], dims)
            }
        }
    }

    fn conv(&mut self, conv: &Conv, name: &str) -> Result<()> {
        let [c, h, w] = self.image()?;
        let layer = ops::Conv2d {
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
        let shape = layer.shape((1, c, h, w))?;
        let area = conv.kernel * conv.kernel;
        let (inputs, outputs) = (shape.depth(), conv.out / conv.groups * area);
        let dims = [conv.out, c / conv.groups, conv.kernel, conv.kernel];
        let weight = self.weight(name, &dims, inputs as f32, outputs as f32)?;
        let bias = self.bias(name, conv.out, conv.bias)?;
        self.node(Op::Conv { layer, weight, bias }, vec![conv.out, shape.out_height, shape.out_width])
    }

    fn conv_transpose(&mut self, conv: &ConvTranspose, name: &str) -> Result<()> {
        let [c, h, w] = self.image()?;
        let layer = ops::ConvTranspose2d {
            out_channels: conv.out,
            kernel: (conv.kernel, conv.kernel),
            walk: Convolution { stride: conv.stride, padding: conv.padding, ..Convolution::default() },
            output_padding: conv.output_padding,
            activation: Activation::Identity,
        };
        let shape = layer.shape((1, c, h, w))?;
        // Each output pixel sees one in stride² of the kernel's elements.
        let seen = (conv.kernel * conv.kernel) as f32 / (conv.stride * conv.stride) as f32;
        let dims = [c, conv.out, conv.kernel, conv.kernel];
        let weight = self.weight(name, &dims, c as f32 * seen, conv.out as f32 * seen)?;
        let bias = self.bias(name, conv.out, conv.bias)?;
        self.node(Op::ConvTranspose { layer, weight, bias }, vec![conv.out, shape.height, shape.width])
    }

    fn linear(&mut self, linear: &Linear, name: &str) -> Result<()> {
        self.flatten()?;
        let inputs = self.dims()[0];
        let weight = self.weight(name, &[linear.out, inputs], inputs as f32, linear.out as f32)?;
        let bias = self.bias(name, linear.out, linear.bias)?;
        let op = Op::Linear { outputs: linear.out, weight, bias, activation: Activation::Identity };
        self.node(op, vec![linear.out])
    }

    fn batch_norm(&mut self, norm: &BatchNorm, name: &str) -> Result<()> {
        let dims = self.dims().to_vec();
        let channels = dims[0];
        let gain = self.parameter(&format!("{name}.weight"), &[channels], false, Draw::Constant(1.0))?;
        let bias = self.parameter(&format!("{name}.bias"), &[channels], false, Draw::Constant(0.0))?;
        let mean = self.statistic(&format!("{name}.running_mean"), channels);
        let variance = self.statistic(&format!("{name}.running_var"), channels);
        let layer =
            ops::BatchNorm { epsilon: norm.eps, momentum: norm.momentum, activation: Activation::Identity };
        self.node(Op::BatchNorm { layer, gain, bias, mean, variance }, dims)
    }

    fn activate(&mut self, activation: Activation) -> Result<()> {
        if matches!(activation, Activation::Relu | Activation::LeakyRelu(_) | Activation::Elu(_)) {
            self.drawing.rectified();
        }
        if !self.pinned[self.current]
            && let Some(last) = self.plan.nodes.last_mut()
            && last.output == self.current
            && let Some(place @ Activation::Identity) = last.op.activation()
        {
            *place = activation;
            return Ok(());
        }
        let dims = self.dims().to_vec();
        self.node(Op::Activate(activation), dims)
    }

    fn pool(&mut self, kind: PoolKind, pool: &Pool) -> Result<()> {
        let [c, h, w] = self.image()?;
        let stride = pool.stride.unwrap_or(pool.kernel);
        let side = |size| {
            crate::kernels::pool::Windows::sliding(size, pool.kernel, stride, pool.padding, pool.ceil)
                .map(|windows| windows.count())
        };
        let dims = vec![c, side(h)?, side(w)?];
        let layer = ops::Pool { kind, kernel: pool.kernel, stride, padding: pool.padding, ceil: pool.ceil };
        self.node(Op::Pool(layer), dims)
    }

    fn adaptive_pool(&mut self, side: usize) -> Result<()> {
        let [c, ..] = self.image()?;
        if side == 0 {
            return Err(Error::config("adaptive-average-pool: there must be at least one window"));
        }
        self.node(Op::AdaptiveAveragePool(side), vec![c, side, side])
    }

    fn flatten(&mut self) -> Result<()> {
        match self.dims() {
            [_] => Ok(()),
            dims => self.reshape(vec![dims.iter().product()]),
        }
    }

    fn reshape(&mut self, dims: Vec<usize>) -> Result<()> {
        let (have, want): (usize, usize) = (self.dims().iter().product(), dims.iter().product());
        if have != want {
            return Err(Error::config(format!("reshape: {:?} does not fill {dims:?}", self.dims())));
        }
        self.node(Op::Reshape, dims)
    }

    fn residual(&mut self, residual: &Residual, prefix: &str) -> Result<()> {
        let start = self.current;
        self.pinned[start] = true;
        // Under a name of their own both branches share one prefix, so that torchvision's names can be given.
        let own = if residual.name.is_some() { prefix.to_owned() } else { format!("{prefix}shortcut.") };
        self.layers(&residual.shortcut, &own)?;
        let shortcut = self.current;
        self.pinned[shortcut] = true;
        self.current = start;
        self.layers(&residual.body, prefix)?;
        let body = self.current;
        let dims = self.dims().to_vec();
        if dims != self.plan.flows[shortcut].dims {
            return Err(Error::config(format!(
                "residual: the body gives {dims:?}, the shortcut {:?}",
                self.plan.flows[shortcut].dims
            )));
        }
        if !self.pinned[body]
            && let Some(Node { op: Op::BatchNorm { layer, .. }, inputs, output, .. }) =
                self.plan.nodes.last_mut()
            && layer.activation == Activation::Identity
            && *output == body
            && inputs.len() == 1
        {
            inputs.push(shortcut);
            return Ok(());
        }
        self.node_of(Op::Add(Activation::Identity), vec![body, shortcut], dims)
    }

    /// Each branch is placed into the rows of an image whose rows are channels; the images are added.
    fn concat(&mut self, concat: &Concat, prefix: &str) -> Result<()> {
        let start = self.current;
        self.pinned[start] = true;
        let mut branches = Vec::new();
        for (index, branch) in concat.branches.iter().enumerate() {
            self.current = start;
            self.layers(
                branch,
                &if concat.name.is_some() { prefix.to_owned() } else { format!("{prefix}{index}.") },
            )?;
            let dims = self.image()?;
            branches.push((self.current, dims));
        }
        let Some((_, [_, h, w])) = branches.first().copied() else {
            return Err(Error::config("concat: there are no branches"));
        };
        if branches.iter().any(|(_, dims)| dims[1..] != [h, w]) {
            return Err(Error::config("concat: the branches' images differ in size"));
        }
        let total: usize = branches.iter().map(|(_, dims)| dims[0]).sum();
        let (mut first, mut sum) = (0, None);
        for (flow, [c, ..]) in branches {
            self.current = flow;
            self.node(Op::Reshape, vec![1, c, h * w])?;
            let size = (total, h * w);
            self.node(Op::Place { offset: (first as isize, 0), size }, vec![1, size.0, size.1])?;
            if let Some(sum) = sum {
                self.node_of(
                    Op::Add(Activation::Identity),
                    vec![sum, self.current],
                    vec![1, size.0, size.1],
                )?;
            }
            sum = Some(self.current);
            first += c;
        }
        self.node(Op::Reshape, vec![total, h, w])
    }

    fn output(&mut self, name: &str) -> Result<()> {
        if name.is_empty() || name == scant_abi::INPUT || self.plan.outputs.iter().any(|(n, _)| n == name) {
            return Err(Error::config(format!("'{name}' cannot name an output here")));
        }
        self.pinned[self.current] = true;
        self.plan.outputs.push((name.to_owned(), self.current));
        Ok(())
    }

    fn go_to(&mut self, name: &str) -> Result<()> {
        self.current = match name {
            scant_abi::INPUT => 0,
            _ => self.find(name)?,
        };
        self.drawing.forget();
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize> {
        self.plan.outputs.iter().find(|(n, _)| n == name).map(|(_, flow)| *flow).ok_or_else(|| {
            let known: Vec<&str> = self.plan.outputs.iter().map(|(n, _)| n.as_str()).collect();
            Error::config(format!(
                "there is no output '{name}' before this layer; there are [{}]",
                known.join(", ")
            ))
        })
    }

    fn node(&mut self, op: Op, dims: Vec<usize>) -> Result<()> {
        self.node_of(op, vec![self.current], dims)
    }

    fn node_of(&mut self, op: Op, inputs: Vec<usize>, dims: Vec<usize>) -> Result<()> {
        if dims.contains(&0) {
            return Err(Error::config(format!("it gives {dims:?}, which is empty")));
        }
        let output = self.flow(dims);
        self.plan.nodes.push(Node { op, part: self.plan.parts.len() - 1, inputs, output });
        self.current = output;
        Ok(())
    }

    fn flow(&mut self, dims: Vec<usize>) -> usize {
        self.plan.flows.push(Flow { dims, private: true });
        self.pinned.push(false);
        self.plan.flows.len() - 1
    }

    fn dims(&self) -> &[usize] {
        &self.plan.flows[self.current].dims
    }

    fn image(&self) -> Result<[usize; 3]> {
        self.dims().try_into().map_err(|_| {
            Error::config(format!(
                "it needs images, and gets rows of {} features; reshape them",
                self.dims()[0]
            ))
        })
    }

    fn weight(
        &mut self,
        name: &str,
        dims: &[usize],
        inputs: f32,
        outputs: f32,
    ) -> Result<std::ops::Range<usize>> {
        let draw = self.drawing.weight(inputs, outputs);
        let range = self.parameter(&format!("{name}.weight"), dims, true, draw)?;
        Ok(range)
    }

    fn bias(&mut self, name: &str, len: usize, wanted: bool) -> Result<Option<std::ops::Range<usize>>> {
        if !wanted {
            return Ok(None);
        }
        let draw = self.drawing.bias();
        self.parameter(&format!("{name}.bias"), &[len], false, draw).map(Some)
    }

    fn parameter(
        &mut self,
        name: &str,
        dims: &[usize],
        decays: bool,
        draw: Draw,
    ) -> Result<std::ops::Range<usize>> {
        if self.plan.parameters.iter().any(|info| info.name == name) {
            return Err(Error::config(format!(
                "two parameters are called '{name}'; give the layers other names"
            )));
        }
        let offset = self.plan.parameter_count();
        let count = dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        if count.is_none_or(|n| n == 0 || n > PARAMETER_LIMIT - offset) {
            return Err(Error::config(format!(
                "'{name}' of {dims:?} is empty or beyond {PARAMETER_LIMIT} parameters"
            )));
        }
        let info = ParameterInfo { name: name.to_owned(), dims: dims.to_vec(), offset, decays };
        let range = info.range();
        self.plan.parameters.push(info);
        self.drawing.push(draw);
        Ok(range)
    }

    fn statistic(&mut self, name: &str, len: usize) -> std::ops::Range<usize> {
        let start = self.plan.statistic_count();
        self.plan.statistics.push(Statistic { name: name.to_owned(), range: start..start + len });
        start..start + len
    }
}

fn positive(what: &str, value: f32) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::config(format!("{what}: {value} must be above 0")))
}
