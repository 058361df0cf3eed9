//! Every component there is, by name, whether linked in or loaded.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use scant_abi::{
    Augmentation, Context, Dataset, Description, Entry, Error, Evaluator, Kind, Loss, Make, Maker, Model,
    Result, Setup, Trainer,
};
use serde_json::Value;

use crate::checked::Checked;
use crate::{schema, suggest};

/// Where a component comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The crate that wrote it.
    pub plugin: String,
    /// The crate's version.
    pub version: String,
    /// The library it was loaded from; nothing where it is linked in.
    pub library: Option<PathBuf>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.plugin, self.version)?;
        match &self.library {
            Some(path) => write!(f, " ({})", path.display()),
            None => f.write_str(" (linked in)"),
        }
    }
}

/// A component with its origin.
#[derive(Clone)]
pub struct Registered {
    /// What it is and how it is made.
    pub entry: Entry,
    /// Where it comes from.
    pub origin: Origin,
}

impl Registered {
    /// What is known of it without making one.
    pub fn description(&self) -> &Description {
        &self.entry.description
    }
}

/// All components by name.
#[derive(Clone, Default)]
pub struct Registry {
    components: BTreeMap<String, Registered>,
    origins: Vec<Origin>,
}

impl Registry {
    /// The components that are linked into this program.
    pub fn linked() -> Result<Self> {
        let mut registry = Self::default();
        for plugin in scant_abi::linked() {
            let origin =
                Origin { plugin: plugin.name.to_owned(), version: plugin.version.to_owned(), library: None };
            registry.add((plugin.components)(), origin)?;
        }
        Ok(registry)
    }

    /// Adds the components of one plugin, all of them or, where a name is taken, none.
    pub fn add(&mut self, entries: Vec<Entry>, origin: Origin) -> Result<()> {
        let mut names: Vec<&str> = entries.iter().map(|entry| entry.description.name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::new(
                scant_abi::ErrorKind::Plugin,
                format!("{origin} lists the component '{}' twice: rename one", twice[0]),
            ));
        }
        if let Some(taken) = names.iter().find_map(|name| self.components.get(*name)) {
            return Err(Error::new(
                scant_abi::ErrorKind::Plugin,
                format!(
                    "both {} and {origin} claim the component name '{}': rename one, or leave out one plugin",
                    taken.origin,
                    taken.description().name
                ),
            ));
        }
        self.components.extend(
            entries
                .into_iter()
                .map(|entry| (entry.description.name.clone(), Registered { entry, origin: origin.clone() })),
        );
        self.origins.push(origin);
        Ok(())
    }

    /// All components, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Registered> {
        self.components.values()
    }

    /// The components of one kind, by name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Registered> {
        self.iter().filter(move |registered| registered.description().kind == kind)
    }

    /// The plugins whose components these are, in the order in which they were added.
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// The component called `name`; the nearest name is suggested where there is none.
    pub fn find(&self, name: &str) -> Result<&Registered> {
        self.components.get(name).ok_or_else(|| {
            let hint = match suggest::nearest(name, self.components.keys().map(String::as_str)) {
                Some(near) => format!("did you mean '{near}'?"),
                None => "`scant list` shows all there are".to_owned(),
            };
            Error::config(format!("there is no component '{name}'; {hint}"))
        })
    }

    /// The component of this kind called `name`; the nearest of its kind is suggested where there is none.
    pub fn get(&self, kind: Kind, name: &str) -> Result<&Registered> {
        match self.components.get(name) {
            Some(registered) if registered.description().kind == kind => Ok(registered),
            Some(other) => Err(Error::config(format!(
                "'{name}' is not of kind {kind} but of kind {}; {}",
                other.description().kind,
                suggest::hint(name, self.names(kind))
            ))),
            None => Err(Error::config(format!(
                "there is no component '{name}' of kind {kind}; {}",
                suggest::hint(name, self.names(kind))
            ))),
        }
    }

    fn names(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.of_kind(kind).map(|registered| registered.description().name.as_str())
    }

    /// What is wrong with this configuration of the component, which stands at `path` in a file: nothing if empty.
    pub fn check(&self, kind: Kind, name: &str, config: &Value, path: &str) -> Result<Vec<schema::Problem>> {
        let description = self.get(kind, name)?.description();
        Ok(if config.is_null() { Vec::new() } else { schema::check(&description.schema, config, path) })
    }

    /// Makes the data set called `name`.
    pub fn make_dataset(&self, name: &str, config: Value, setup: &Setup) -> Result<Box<dyn Dataset>> {
        self.make(Kind::Dataset, name, config, setup, |maker| match maker {
            Maker::Dataset(make) => Some(make),
            _ => None,
        })
    }

    /// Makes the augmentation called `name`.
    pub fn make_augmentation(
        &self,
        name: &str,
        config: Value,
        setup: &Setup,
    ) -> Result<Box<dyn Augmentation>> {
        self.make(Kind::Augmentation, name, config, setup, |maker| match maker {
            Maker::Augmentation(make) => Some(make),
            _ => None,
        })
    }

    /// Makes the model called `name`; what it puts out is from then on held against what it declares.
    pub fn make_model(&self, name: &str, config: Value, setup: &Setup) -> Result<Box<dyn Model>> {
        let model = self.make(Kind::Model, name, config, setup, |maker| match maker {
            Maker::Model(make) => Some(make),
            _ => None,
        })?;
        Ok(Box::new(Checked::new(model, format!("model '{name}'"))))
    }

    /// Makes the loss called `name`.
    pub fn make_loss(&self, name: &str, config: Value, setup: &Setup) -> Result<Box<dyn Loss>> {
        self.make(Kind::Loss, name, config, setup, |maker| match maker {
            Maker::Loss(make) => Some(make),
            _ => None,
        })
    }

    /// Makes the trainer called `name`.
    pub fn make_trainer(&self, name: &str, config: Value, setup: &Setup) -> Result<Box<dyn Trainer>> {
        self.make(Kind::Trainer, name, config, setup, |maker| match maker {
            Maker::Trainer(make) => Some(make),
            _ => None,
        })
    }

    /// Makes the evaluator called `name`.
    pub fn make_evaluator(&self, name: &str, config: Value, setup: &Setup) -> Result<Box<dyn Evaluator>> {
        self.make(Kind::Evaluator, name, config, setup, |maker| match maker {
            Maker::Evaluator(make) => Some(make),
            _ => None,
        })
    }

    fn make<T: ?Sized>(
        &self,
        kind: Kind,
        name: &str,
        config: Value,
        setup: &Setup,
        pick: impl FnOnce(&Maker) -> Option<&Make<T>>,
    ) -> Result<Box<T>> {
        let registered = self.get(kind, name)?;
        let problems = self.check(kind, name, &config, "")?;
        if !problems.is_empty() {
            let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return Err(Error::config(format!("{kind} '{name}': {}", all.join("; "))));
        }
        let make = pick(&registered.entry.maker).ok_or_else(|| {
            Error::new(
                scant_abi::ErrorKind::Plugin,
                format!("{} describes '{name}' as {kind} but makes something else", registered.origin),
            )
        })?;
        make(config, setup).context(|| format!("{kind} '{name}' of {}", registered.origin))
    }
}

#[cfg(test)]
mod tests {
    use scant_abi::{Component, Image, Key};

    use super::*;

    struct Same;

    impl Component for Same {
        const NAME: &'static str = "same";
        const SUMMARY: &'static str = "Leaves an image as it is.";
        type Config = Nothing;

        fn new(_: Nothing, _: &Setup) -> Result<Self> {
            Ok(Self)
        }
    }

    impl Augmentation for Same {
        fn apply(&self, image: Image, _: Key) -> Result<Image> {
            Ok(image)
        }
    }

    /// No parameters.
    #[derive(Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    fn origin(plugin: &str) -> Origin {
        Origin { plugin: plugin.to_owned(), version: "1.0.0".to_owned(), library: None }
    }

    fn registry() -> Registry {
        let mut registry = Registry::default();
        registry.add(vec![Entry::augmentation::<Same>()], origin("first")).expect("added");
        registry
    }

    #[test]
    fn a_component_is_made_by_name() {
        let setup = Setup::default();
        let made = registry().make_augmentation("same", Value::Null, &setup).expect("made");
        let image = Image::filled(1, 1, 1, 0.5);
        assert_eq!(made.apply(image.clone(), Key::new(0)).expect("applied"), image);
    }

    #[test]
    fn an_unknown_name_kind_or_key_is_answered_with_what_there_is() {
        let registry = registry();
        let error = |kind, name| registry.get(kind, name).err().expect("refused").to_string();
        assert_eq!(
            error(Kind::Augmentation, "sane"),
            "there is no component 'sane' of kind augmentation; did you mean 'same'?"
        );
        assert_eq!(
            error(Kind::Loss, "same"),
            "'same' is not of kind loss but of kind augmentation; there is none"
        );
        let config = serde_json::json!({"much": 1});
        let error = registry.make_augmentation("same", config, &Setup::default()).err().expect("refused");
        assert_eq!(error.to_string(), "augmentation 'same': much: unknown key; this takes no parameters");
    }

    #[test]
    fn a_second_claimant_is_refused_with_both_origins() {
        let mut registry = registry();
        let error = registry.add(vec![Entry::augmentation::<Same>()], origin("second")).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "both first 1.0.0 (linked in) and second 1.0.0 (linked in) claim the component name 'same': \
             rename one, or leave out one plugin"
        );
        assert_eq!(registry.origins().len(), 1);
    }
}
