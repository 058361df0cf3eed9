//! A network of two layers, its derivatives written out.

use std::collections::BTreeMap;

use scant_abi::{
    Component, Error, FlatMut, Forward, Model, OutputGradient, OutputInfo, ParameterInfo, Parameters, Pass,
    PassId, Result, Setup, State, Tensor, TensorView, Wants,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TwoLayersConfig {
    /// The width of the embedding.
    width: usize,
    /// Without the head there are no logits.
    head: bool,
}

impl Default for TwoLayersConfig {
    fn default() -> Self {
        Self { width: 8, head: true }
    }
}

/// embedding = relu(encoder.weight x + encoder.bias); logits = head.weight embedding.
#[derive(Clone)]
pub struct TwoLayers {
    inputs: usize,
    width: usize,
    classes: usize,
    values: Vec<f32>,
    gradients: Vec<f32>,
    frozen: Vec<String>,
    /// A running statistic: the mean of all pixels seen in training.
    mean: f32,
    open: BTreeMap<u64, (Vec<f32>, Vec<f32>)>,
    next: u64,
}

impl Component for TwoLayers {
    const NAME: &'static str = "two-layers";
    const SUMMARY: &'static str = "An embedding and logits.";
    type Config = TwoLayersConfig;

    fn new(config: TwoLayersConfig, setup: &Setup) -> Result<Self> {
        if config.width == 0 {
            return Err(Error::config(format!("no width for images of {:?}", setup.image)));
        }
        let (inputs, classes) = (setup.image.iter().product(), if config.head { setup.classes } else { 0 });
        let count = config.width * (inputs + 1 + classes);
        let mut rng = setup.key().rng();
        let values = (0..count).map(|_| rng.normal() * 0.2).collect();
        Ok(Self {
            inputs,
            width: config.width,
            classes,
            values,
            gradients: vec![0.0; count],
            frozen: Vec::new(),
            mean: 0.0,
            open: BTreeMap::new(),
            next: 0,
        })
    }
}

impl TwoLayers {
    fn split(&self) -> (usize, usize) {
        (self.width * self.inputs, self.width * (self.inputs + 1))
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

impl Model for TwoLayers {
    fn outputs(&self) -> Vec<OutputInfo> {
        let mut outputs = vec![OutputInfo { name: "embedding".into(), dims: vec![self.width] }];
        if self.classes > 0 {
            outputs.push(OutputInfo { name: "logits".into(), dims: vec![self.classes] });
        }
        outputs
    }

    fn forward(&mut self, input: TensorView<'_>, options: &Forward<'_>) -> Result<Pass> {
        let (rows, x) = (input.shape().rows(), input.f32()?);
        let (bias, head) = self.split();
        let mut embedding = Vec::with_capacity(rows * self.width);
        let mut logits = Vec::with_capacity(rows * self.classes);
        for x in x.chunks_exact(self.inputs) {
            let weights = self.values[..bias].chunks_exact(self.inputs);
            let row: Vec<f32> =
                weights.zip(&self.values[bias..head]).map(|(w, b)| (dot(w, x) + b).max(0.0)).collect();
            logits.extend(self.values[head..].chunks_exact(self.width).map(|w| dot(w, &row)));
            embedding.extend(row);
        }
        if options.update_statistics {
            self.mean = 0.9 * self.mean + 0.1 * x.iter().sum::<f32>() / x.len() as f32;
        }
        let id = PassId(self.next);
        self.next += 1;
        if options.record {
            self.open.insert(id.0, (x.to_vec(), embedding.clone()));
        }
        let mut outputs = vec![("embedding".to_owned(), Tensor::from_f32(embedding, &[rows, self.width])?)];
        if self.classes > 0 {
            outputs.push(("logits".to_owned(), Tensor::from_f32(logits, &[rows, self.classes])?));
        }
        Ok(Pass { id, outputs })
    }

    fn backward(&mut self, pass: PassId, gradients: &[OutputGradient], _: Wants) -> Result<Option<Tensor>> {
        let (x, embedding) = self.open.remove(&pass.0).ok_or_else(|| Error::shape("no such pass"))?;
        let (bias, head) = self.split();
        let (inputs, width, classes) = (self.inputs, self.width, self.classes);
        let encoder_is_free = !self.frozen.iter().any(|part| part == "encoder");
        for gradient in gradients.iter().filter(|gradient| gradient.output == "logits") {
            for (row, g) in gradient.gradient.f32()?.chunks_exact(classes).enumerate() {
                let row = row + gradient.first_row;
                let (x, e) = (&x[row * inputs..][..inputs], &embedding[row * width..][..width]);
                for (class, g) in g.iter().map(|g| g * gradient.weight).enumerate() {
                    for (unit, active) in e.iter().enumerate() {
                        self.gradients[head + class * width + unit] += g * active;
                        if encoder_is_free && *active > 0.0 {
                            let g = g * self.values[head + class * width + unit];
                            self.gradients[bias + unit] += g;
                            let weights = &mut self.gradients[unit * inputs..][..inputs];
                            weights.iter_mut().zip(x).for_each(|(w, x)| *w += g * x);
                        }
                    }
                }
            }
        }
        Ok(None)
    }

    fn discard(&mut self, pass: PassId) {
        self.open.remove(&pass.0);
    }

    fn parameters(&mut self) -> Result<Parameters<'_>> {
        Ok(Parameters {
            values: FlatMut::Cpu(&mut self.values),
            gradients: FlatMut::Cpu(&mut self.gradients),
        })
    }

    fn layout(&self) -> Vec<ParameterInfo> {
        let (bias, head) = self.split();
        let entry = |name: &str, dims: &[usize], offset| ParameterInfo {
            name: name.into(),
            dims: dims.to_vec(),
            offset,
            decays: true,
        };
        let mut layout = vec![
            entry("encoder.weight", &[self.width, self.inputs], 0),
            entry("encoder.bias", &[self.width], bias),
        ];
        if self.classes > 0 {
            layout.push(entry("head.weight", &[self.classes, self.width], head));
        }
        layout
    }

    fn freeze(&mut self, parts: &[String]) -> Result<()> {
        self.frozen = parts.to_vec();
        Ok(())
    }

    fn state(&self) -> Result<State> {
        let mut state: State = self
            .layout()
            .into_iter()
            .map(|p| Ok((p.name.clone(), Tensor::from_f32(self.values[p.range()].to_vec(), &p.dims)?)))
            .collect::<Result<_>>()?;
        state.insert("encoder.mean".into(), Tensor::scalar(self.mean));
        Ok(state)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        let layout = self.layout();
        for (name, tensor) in state {
            if name == "encoder.mean" {
                self.mean = tensor.f32()?[0];
                continue;
            }
            let info = layout.iter().find(|info| info.name == *name);
            let info = info.ok_or_else(|| Error::shape(format!("there is no parameter '{name}'")))?;
            if tensor.shape()[..] != info.dims[..] {
                return Err(Error::shape(format!("'{name}' is {:?}, not {:?}", info.dims, tensor.shape())));
            }
            self.values[info.range()].copy_from_slice(tensor.f32()?);
        }
        Ok(())
    }

    fn duplicate(&self) -> Result<Box<dyn Model>> {
        Ok(Box::new(self.clone()))
    }
}
