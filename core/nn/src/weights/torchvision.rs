//! The names that torchvision gives to the tensors of the networks that we share with it.

use scant_abi::{Error, Result, State, Tensor};

/// A network whose tensors have names in torchvision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// `features.*` and `classifier.*`: AlexNet, VGG, SqueezeNet.
    FeaturesAndClassifier,
    /// `conv1`, `bn1`, `layer1.*` ... and `fc.*`: ResNet.
    ResNet,
}

/// Beside every batch norm torchvision counts the batches it has seen; nothing depends on it.
const COUNTER: &str = "num_batches_tracked";

impl Naming {
    /// `state`, under torchvision's names, under ours: `encoder.*` and `head.*`.
    pub fn ours(self, state: State) -> State {
        let renamed = state.into_iter().filter(|(name, _)| !name.ends_with(COUNTER));
        renamed.map(|(name, tensor)| (self.our_name(&name), tensor)).collect()
    }

    /// `state`, under our names, under torchvision's, so that its `load_state_dict` takes it.
    pub fn theirs(self, state: State) -> Result<State> {
        let mut renamed = State::new();
        for (name, tensor) in state {
            let name = self.their_name(&name)?;
            if let Some(norm) = name.strip_suffix("running_mean") {
                renamed.insert(format!("{norm}{COUNTER}"), Tensor::from_i64(vec![0], &[])?);
            }
            renamed.insert(name, tensor);
        }
        Ok(renamed)
    }

    fn our_name(self, name: &str) -> String {
        let (part, rest) = name.split_once('.').unwrap_or((name, ""));
        match (self, part) {
            (Self::FeaturesAndClassifier, "features") => format!("encoder.{rest}"),
            (Self::FeaturesAndClassifier, "classifier") => format!("head.{rest}"),
            (Self::FeaturesAndClassifier, _) => name.to_owned(),
            (Self::ResNet, "fc") => format!("head.fc.{rest}"),
            (Self::ResNet, _) => format!("encoder.{name}"),
        }
    }

    fn their_name(self, name: &str) -> Result<String> {
        let unknown = || Error::config(format!("torchvision has no name for '{name}'"));
        let (part, rest) = name.split_once('.').ok_or_else(unknown)?;
        match (self, part) {
            (Self::FeaturesAndClassifier, "encoder") => Ok(format!("features.{rest}")),
            (Self::FeaturesAndClassifier, "head") => Ok(format!("classifier.{rest}")),
            (Self::ResNet, "encoder" | "head") => Ok(rest.to_owned()),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for (naming, theirs, ours) in [
            (Naming::FeaturesAndClassifier, "features.3.squeeze.weight", "encoder.3.squeeze.weight"),
            (Naming::FeaturesAndClassifier, "classifier.6.bias", "head.6.bias"),
            (Naming::ResNet, "layer1.0.bn1.running_mean", "encoder.layer1.0.bn1.running_mean"),
            (Naming::ResNet, "fc.weight", "head.fc.weight"),
        ] {
            assert_eq!(naming.our_name(theirs), ours);
            assert_eq!(naming.their_name(ours).expect("known"), theirs);
        }
        assert!(Naming::ResNet.their_name("decoder.0.weight").is_err());
    }
}
