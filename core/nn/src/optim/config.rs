//! What a configuration says about the optimiser.

use scant_abi::{Error, Result, Schedule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rule by which parameters follow their gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// Stochastic gradient descent, with momentum where one is given.
    Sgd,
    /// Adam; weight decay is added to the gradient.
    #[default]
    Adam,
    /// Adam with weight decay apart from the gradient.
    AdamW,
}

/// The optimiser: `{ use = "adam", lr = 1e-3 }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// The rule: sgd, adam or adamw.
    #[serde(rename = "use")]
    pub rule: Rule,
    /// The learning rate, a number or a schedule.
    #[schemars(extend("minimum" = 0))]
    pub lr: Schedule,
    /// sgd: the share of the last step that is kept.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// sgd: look ahead along the momentum (Nesterov).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nesterov: Option<bool>,
    /// adam, adamw: how slowly the averages of the gradient and of its square change; 0.9 and 0.999 where absent.
    #[schemars(inner(range(min = 0, max = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub betas: Option<[f64; 2]>,
    /// adam, adamw: added to the denominator; 1e-8 where absent.
    #[schemars(extend("exclusiveMinimum" = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eps: Option<f64>,
    /// The strength of weight decay; biases and norms never decay.
    #[schemars(range(min = 0))]
    pub weight_decay: f64,
    /// The strength of an L1 penalty on the weights that decay: their signs, times this, are added to the gradient.
    #[schemars(range(min = 0))]
    pub l1: f64,
    /// The parts whose weights decay; all where empty.
    pub decay_parts: Vec<String>,
    /// The greatest Euclidean norm of all gradients together; longer ones are scaled down to it.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub clip_norm: Option<f64>,
    /// The greatest absolute value of a single gradient; greater ones are cut to it.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub clip_value: Option<f64>,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            rule: Rule::Adam,
            lr: Schedule::Constant(1e-3),
            momentum: None,
            nesterov: None,
            betas: None,
            eps: None,
            weight_decay: 0.0,
            l1: 0.0,
            decay_parts: Vec::new(),
            clip_norm: None,
            clip_value: None,
        }
    }
}

impl OptimizerConfig {
    /// Adam with this learning rate.
    pub fn adam(lr: f64) -> Self {
        Self { lr: lr.into(), ..Self::default() }
    }

    /// Stochastic gradient descent with this learning rate and momentum.
    pub fn sgd(lr: f64, momentum: f64) -> Self {
        Self { rule: Rule::Sgd, lr: lr.into(), momentum: Some(momentum), ..Self::default() }
    }

    /// Refuses numbers that make no sense, and settings that belong to another rule.
    pub fn check(&self) -> Result<()> {
        self.lr.check("optimizer.lr")?;
        if let Some(wrong) =
            self.lr.extremes().into_iter().find(|lr| !(0.0..=f64::from(f32::MAX)).contains(lr))
        {
            return Err(Error::config(format!(
                "optimizer.lr: must be from 0 to {:?}, not {wrong:?}",
                f32::MAX
            )));
        }
        let (foreign, rule) = match self.rule {
            Rule::Sgd => ([("betas", self.betas.is_some()), ("eps", self.eps.is_some())], "sgd"),
            Rule::Adam | Rule::AdamW => {
                ([("momentum", self.momentum.is_some()), ("nesterov", self.nesterov.is_some())], "adam")
            }
        };
        if let Some((name, _)) = foreign.iter().find(|(_, given)| *given) {
            return Err(Error::config(format!("optimizer.{name}: {rule} has none; remove it")));
        }
        let share = |name: &str, value: f64| in_range(name, value, (0.0..1.0).contains(&value), "in [0, 1)");
        share("momentum", self.momentum.unwrap_or(0.0))?;
        for beta in self.betas.unwrap_or_default() {
            share("betas", beta)?;
        }
        if self.nesterov == Some(true) && self.momentum.unwrap_or(0.0) == 0.0 {
            return Err(Error::config("optimizer.nesterov: needs a momentum above 0"));
        }
        for (name, value) in [("weight_decay", self.weight_decay), ("l1", self.l1)] {
            in_range(name, value, value >= 0.0, "at least 0")?;
        }
        for (name, value) in
            [("eps", self.eps), ("clip_norm", self.clip_norm), ("clip_value", self.clip_value)]
        {
            let value = value.unwrap_or(1.0);
            in_range(name, value, value > 0.0, "above 0")?;
        }
        Ok(())
    }
}

fn in_range(name: &str, value: f64, good: bool, wanted: &str) -> Result<()> {
    if good && value.is_finite() {
        return Ok(());
    }
    Err(Error::config(format!("optimizer.{name}: must be {wanted}, not {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<OptimizerConfig> {
        let config: OptimizerConfig =
            serde_json::from_str(text).map_err(|error| Error::config(error.to_string()))?;
        config.check().map(|()| config)
    }

    #[test]
    fn it_is_written_as_in_the_documentation() {
        let adam = parse(r#"{"use": "adam", "lr": 0.01}"#).expect("adam");
        assert_eq!(adam, OptimizerConfig::adam(0.01));
        let sgd =
            parse(r#"{"use": "sgd", "lr": {"cosine": {"from": 0.03}}, "momentum": 0.9, "nesterov": true}"#)
                .expect("sgd");
        assert_eq!((sgd.rule, sgd.momentum, sgd.nesterov), (Rule::Sgd, Some(0.9), Some(true)));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (text, message) in [
            (r#"{"use": "adam", "momentum": 0.9}"#, "optimizer.momentum: adam has none; remove it"),
            (r#"{"use": "sgd", "nesterov": true}"#, "optimizer.nesterov: needs a momentum above 0"),
            (r#"{"lr": -1}"#, "optimizer.lr: must be from 0 to 3.4028235e38, not -1.0"),
            (
                r#"{"lr": {"linear": {"from": 0.01, "to": -1}}}"#,
                "optimizer.lr: must be from 0 to 3.4028235e38, not -1.0",
            ),
            (r#"{"clip_norm": 0.0}"#, "optimizer.clip_norm: must be above 0, not 0"),
            (r#"{"betas": [0.9, 1.0]}"#, "optimizer.betas: must be in [0, 1), not 1"),
        ] {
            assert_eq!(parse(text).expect_err("refused").to_string(), message);
        }
        assert!(parse(r#"{"learning_rate": 1}"#).expect_err("refused").to_string().contains("learning_rate"));
    }
}
