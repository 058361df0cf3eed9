//! What a plugin's library shows to a host: a header, and behind it the list of components.

use std::ffi::c_void;

use abi_stable::StableAbi;
use abi_stable::library::AbiHeader;
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{RBox, RStr, RString, RVec};
use abi_stable::type_layout::TypeLayout;

use super::guard::{Who, caught, remember_places_of_panics};
use super::host::{Host, adopt};
use super::values::{AbiResult, enter, leave, pack, unpack};
use super::{augmentation, dataset, evaluator, loss, model, trainer};
use crate::{Entry, Error, ErrorKind, Kind, Maker, Plugin, Result, Setup};

/// The name of the symbol under which a library shows its [`Header`].
pub(super) const SYMBOL: &str = "SCANT_PLUGIN";

pub(super) const MAGIC: [u8; 16] = *b"scant plugin 001";

/// The version of the contract, that is of this crate.
pub const CONTRACT: [u32; 3] = [
    number(env!("CARGO_PKG_VERSION_MAJOR")),
    number(env!("CARGO_PKG_VERSION_MINOR")),
    number(env!("CARGO_PKG_VERSION_PATCH")),
];

const fn number(text: &str) -> u32 {
    let mut value = 0;
    let mut i = 0;
    while i < text.len() {
        value = value * 10 + (text.as_bytes()[i] - b'0') as u32;
        i += 1;
    }
    value
}

/// The first thing a host reads of a library; `export!` makes it.
///
/// The fields up to `version_len` never change: they say whether the rest may be read.
#[repr(C)]
pub struct Header {
    pub(super) magic: [u8; 16],
    pub(super) contract: [u32; 3],
    pub(super) name: *const c_void,
    pub(super) name_len: usize,
    pub(super) version: *const c_void,
    pub(super) version_len: usize,
    pub(super) abi_stable: AbiHeader,
    pub(super) layout: &'static TypeLayout,
    pub(super) interface: Interface,
}

// SAFETY: nothing in a header ever changes.
unsafe impl Sync for Header {}

/// What the layout check covers: everything that can be reached from here.
#[repr(C)]
#[derive(StableAbi)]
pub(super) struct Interface {
    pub(super) start: extern "C" fn(host: Host) -> AbiResult<Root>,
}

impl Header {
    /// The header of a library that holds `plugin`.
    pub const fn new(plugin: &'static Plugin, start: extern "C" fn(Host) -> AbiResult<Root>) -> Self {
        Self {
            magic: MAGIC,
            contract: CONTRACT,
            name: plugin.name.as_ptr().cast(),
            name_len: plugin.name.len(),
            version: plugin.version.as_ptr().cast(),
            version_len: plugin.version.len(),
            abi_stable: AbiHeader::VALUE,
            layout: <Interface as StableAbi>::LAYOUT,
            interface: Interface { start },
        }
    }
}

/// A library's list of components.
#[repr(C)]
#[derive(StableAbi)]
pub struct Root {
    pub(super) entries: RVec<AbiEntry>,
}

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiEntry {
    /// JSON.
    pub(super) description: RString,
    pub(super) maker: MakerBox,
}

#[repr(C, u8)]
#[derive(StableAbi)]
pub(super) enum AbiComponent {
    Dataset(dataset::DatasetBox),
    Augmentation(augmentation::AugmentationBox),
    Model(model::ModelBox),
    Loss(loss::LossBox),
    Trainer(trainer::TrainerBox),
    Evaluator(evaluator::EvaluatorBox),
}

#[abi_stable::sabi_trait]
pub(super) trait AbiMaker {
    fn make(&self, config: RStr<'_>, setup: RVec<u8>) -> AbiResult<AbiComponent>;
}

pub(super) type MakerBox = AbiMaker_TO<'static, RBox<()>>;

struct ExportedMaker {
    maker: Maker,
    who: Who,
}

impl AbiMaker for ExportedMaker {
    fn make(&self, config: RStr<'_>, setup: RVec<u8>) -> AbiResult<AbiComponent> {
        let made = caught(|| make(&self.maker, &self.who, &config, &setup)).unwrap_or_else(|message| {
            Err(Error::new(ErrorKind::Panic, format!("{} panicked in its constructor: {message}", self.who)))
        });
        leave(made)
    }
}

fn make(maker: &Maker, who: &Who, config: &str, setup: &[u8]) -> Result<AbiComponent> {
    let config = serde_json::from_str(config)
        .map_err(|error| Error::caused_by(ErrorKind::Plugin, "cannot read the configuration", &error))?;
    let setup: Setup = unpack(setup)?;
    let who = who.clone();
    Ok(match maker {
        Maker::Dataset(make) => AbiComponent::Dataset(dataset::export(make(config, &setup)?, who)),
        Maker::Augmentation(make) => {
            AbiComponent::Augmentation(augmentation::export(make(config, &setup)?, who))
        }
        Maker::Model(make) => AbiComponent::Model(model::export(make(config, &setup)?, who)),
        Maker::Loss(make) => AbiComponent::Loss(loss::export(make(config, &setup)?, who)),
        Maker::Trainer(make) => AbiComponent::Trainer(trainer::export(make(config, &setup)?, who)),
        Maker::Evaluator(make) => AbiComponent::Evaluator(evaluator::export(make(config, &setup)?, who)),
    })
}

/// The list of a plugin's components, once its library has taken over what the host lends it.
pub fn start(plugin: &'static Plugin, host: Host) -> AbiResult<Root> {
    remember_places_of_panics();
    let listed = caught(|| {
        adopt(host);
        (plugin.components)().into_iter().map(|entry| export(entry, plugin)).collect::<Result<_>>()
    });
    leave(match listed {
        Ok(entries) => entries.map(|entries| Root { entries }),
        Err(message) => Err(Error::new(
            ErrorKind::Panic,
            format!("plugin {} panicked while it listed its components: {message}", plugin.name),
        )),
    })
}

fn export(entry: Entry, plugin: &Plugin) -> Result<AbiEntry> {
    let Entry { description, maker } = entry;
    let who = Who::Component {
        kind: description.kind,
        name: description.name.as_str().into(),
        plugin: format!("{} {}", plugin.name, plugin.version).into(),
    };
    let description = serde_json::to_string(&description)
        .map_err(|error| Error::caused_by(ErrorKind::Plugin, format!("cannot describe {who}"), &error))?;
    let maker = AbiMaker_TO::from_value(ExportedMaker { maker, who }, TD_Opaque);
    Ok(AbiEntry { description: description.into(), maker })
}

/// A maker of another library.
struct ImportedMaker(MakerBox);

// SAFETY: the other side is an `ExportedMaker`, made of a `Maker` (`Send + Sync`) and names.
unsafe impl Send for ImportedMaker {}
// SAFETY: as above.
unsafe impl Sync for ImportedMaker {}

impl ImportedMaker {
    fn make(&self, config: &serde_json::Value, setup: &Setup) -> Result<AbiComponent> {
        enter(self.0.make(config.to_string().as_str().into(), pack(setup)?))
    }
}

macro_rules! makers {
    ($kind:expr, $maker:ident: $($variant:ident $import:expr),*) => {
        match $kind {
            $(Kind::$variant => Maker::$variant(std::sync::Arc::new(move |config, setup| {
                match $maker.make(&config, setup)? {
                    AbiComponent::$variant(component) => $import(component),
                    _ => Err(Error::new(
                        ErrorKind::Plugin,
                        concat!("the plugin made something else than it says: ", stringify!($variant)),
                    )),
                }
            }))),*
        }
    };
}

/// A component of another library as it stands in this program's registry.
pub(super) fn import(entry: AbiEntry) -> Result<Entry> {
    let description: crate::Description = serde_json::from_str(&entry.description).map_err(|error| {
        Error::caused_by(ErrorKind::Plugin, "cannot understand a component's description", &error)
    })?;
    let maker = ImportedMaker(entry.maker);
    let maker = makers!(description.kind, maker:
        Dataset |component| Ok(dataset::import(component)),
        Augmentation |component| Ok(augmentation::import(component)),
        Model |component| Ok(Box::new(model::ImportedModel::own(component)?) as _),
        Loss loss::import,
        Trainer trainer::import,
        Evaluator evaluator::import
    );
    Ok(Entry { description, maker })
}

/// A plugin's components behind the wrappers of the boundary, though no library is loaded: what crossing costs and does,
/// without what another binary adds.
#[doc(hidden)]
pub fn crossed(plugin: &'static Plugin) -> Result<Vec<Entry>> {
    (plugin.components)().into_iter().map(|entry| import(export(entry, plugin)?)).collect()
}

/// Makes a library that a host can load, of a crate that lists its components with `plugin!`.
///
/// Use it in a crate of its own of type `cdylib`, with nothing else in it: where it stood in the plugin's crate, two
/// plugins could not be linked into one host.
#[macro_export]
macro_rules! export {
    ($plugin:ident) => {
        #[cfg(panic = "abort")]
        compile_error!(
            "a plugin must be built with panic = \"unwind\": its panics are turned into errors of the host"
        );

        /// What the host looks for in this library.
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub static SCANT_PLUGIN: $crate::ffi::Header = {
            extern "C" fn start(host: $crate::ffi::Host) -> $crate::ffi::AbiResult<$crate::ffi::Root> {
                $crate::ffi::start(&$plugin::PLUGIN, host)
            }
            $crate::ffi::Header::new(&$plugin::PLUGIN, start)
        };
    };
}
