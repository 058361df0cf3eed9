//! Plugins: lists of components, linked in or loaded.

use crate::Entry;

/// A crate's list of components.
#[derive(Clone, Copy)]
pub struct Plugin {
    /// The crate's name.
    pub name: &'static str,
    /// The crate's version.
    pub version: &'static str,
    /// Its components.
    pub components: fn() -> Vec<Entry>,
}

/// A plugin that is part of this program or library.
pub struct Linked(pub &'static Plugin);

inventory::collect!(Linked);

/// The plugins linked into this program, by name: the linker's order is nobody's business.
pub fn linked() -> Vec<&'static Plugin> {
    let mut plugins: Vec<&'static Plugin> = inventory::iter::<Linked>().map(|linked| linked.0).collect();
    plugins.sort_by_key(|plugin| plugin.name);
    plugins
}

/// Lists a crate's components, once: `plugin! { loss Ladder, trainer Climber }`.
///
/// The list is registered where the crate is linked in, and is what its library exports (see `export!`).
#[macro_export]
macro_rules! plugin {
    ($($kind:ident $component:ty),* $(,)?) => {
        #[allow(unreachable_pub)]
        /// This crate's components.
        pub static PLUGIN: $crate::Plugin = $crate::Plugin {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            components: || vec![$($crate::Entry::$kind::<$component>()),*],
        };

        $crate::inventory::submit! { $crate::Linked(&PLUGIN) }
    };
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use crate::{Augmentation, Component, Image, Key, Kind, Maker, Result, Setup};

    /// How to brighten.
    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct BrightenConfig {
        /// What is added to each pixel.
        by: f32,
    }

    struct Brighten(f32);

    impl Component for Brighten {
        const NAME: &'static str = "brighten";
        const SUMMARY: &'static str = "Adds a number to each pixel.";
        type Config = BrightenConfig;

        fn new(config: BrightenConfig, _: &Setup) -> Result<Self> {
            Ok(Self(config.by))
        }
    }

    impl Augmentation for Brighten {
        fn apply(&self, mut image: Image, _: Key) -> Result<Image> {
            image.pixels_mut().iter_mut().for_each(|pixel| *pixel += self.0);
            Ok(image)
        }
    }

    plugin! { augmentation Brighten }

    #[test]
    fn a_listed_component_is_described_and_made() {
        let plugin = super::linked().into_iter().find(|p| p.name == "scant-abi").expect("registered");
        let entries = (plugin.components)();
        let [entry] = entries.as_slice() else { panic!("one component") };
        assert_eq!(
            (entry.description.name.as_str(), entry.description.kind),
            ("brighten", Kind::Augmentation)
        );
        assert_eq!(entry.description.defaults, json!({"by": 0.0}));
        assert_eq!(
            entry.description.schema["properties"]["by"]["description"],
            "What is added to each pixel."
        );
        let Maker::Augmentation(make) = &entry.maker else { panic!("an augmentation") };
        let component = make(json!({"by": 0.5}), &Setup::default()).expect("made");
        let image = component.apply(Image::filled(1, 1, 2, 0.25), Key::new(0)).expect("applied");
        assert_eq!(image.pixels(), [0.75, 0.75]);
    }

    #[test]
    fn an_unknown_key_is_refused_by_the_component_itself() {
        let entry = crate::Entry::augmentation::<Brighten>();
        let Maker::Augmentation(make) = &entry.maker else { panic!("an augmentation") };
        let error = make(json!({"buy": 1}), &Setup::default()).err().expect("refused");
        assert!(error.to_string().starts_with("brighten: unknown field `buy`"), "{error}");
    }
}
