//! Loading a plugin's library into a host: each step makes sure that the next one is safe.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use abi_stable::StableAbi;
use abi_stable::library::AbiHeader;
use libloading::Library;

use super::host::Host;
use super::layout;
use super::root::{self, CONTRACT, Header, Interface, MAGIC, SYMBOL};
use super::values::enter;
use crate::{Context, Entry, Error, ErrorKind, Result};

/// A plugin that came out of a library.
pub struct Loaded {
    /// The name of the crate that wrote it.
    pub name: String,
    /// That crate's version.
    pub version: String,
    /// Its components.
    pub components: Vec<Entry>,
}

/// Loads the library at `path`, which stays loaded until the program ends.
///
/// The library's code runs with all rights of this program: load only what you trust.
pub fn load(path: &Path) -> Result<Loaded> {
    check_file(path)?;
    // A bare file name would be looked for in the system's folders.
    let path = path.canonicalize().map_err(|error| unreadable(path, &error))?;
    // SAFETY: the file is a whole library; what its constructors do is the user's trust in it.
    let library = unsafe { Library::new(&path) }
        .map_err(|error| refused(format!("the system cannot load {}: {error}", path.display())))?;
    // SAFETY: a symbol's address is read, not followed.
    let header = unsafe { library.get::<*const Header>(SYMBOL.as_bytes()) }.map(|symbol| *symbol);
    let header = header.map_err(|_| {
        refused(format!(
            "{} is a library but no Scant plugin: it lacks what scant_abi::export! makes",
            path.display()
        ))
    })?;
    // Its code and statics are used from here on, so it is never unloaded.
    std::mem::forget(library);
    // SAFETY: `export!` puts a header there; the magic number is compared before anything else is believed.
    let (name, version) = unsafe { check_header(header) }.context(|| path.display().to_string())?;
    // SAFETY: version and layout were compared, so the header is what this crate calls one.
    let header = unsafe { &*header };
    let root = enter((header.interface.start)(Host::this())).context(|| path.display().to_string())?;
    let components = root.entries.into_iter().map(root::import).collect::<Result<_>>()?;
    Ok(Loaded { name, version, components })
}

/// # Safety
///
/// `header` must be the address of a symbol called [`SYMBOL`].
unsafe fn check_header(header: *const Header) -> Result<(String, String)> {
    // SAFETY: the fields up to `version_len` never change, and no more is read before the version is known to fit.
    unsafe {
        if (*header).magic != MAGIC {
            return Err(refused("it has a symbol of a Scant plugin, but is none".to_owned()));
        }
        let text = |start: *const std::ffi::c_void, len: usize| {
            String::from_utf8_lossy(std::slice::from_raw_parts(start.cast(), len)).into_owned()
        };
        let name = text((*header).name, (*header).name_len);
        let version = text((*header).version, (*header).version_len);
        let [major, minor, patch] = (*header).contract;
        let [our_major, our_minor, our_patch] = CONTRACT;
        let built = format!("plugin {name} {version} was built against");
        if (major, minor) != (our_major, our_minor) {
            return Err(refused(format!(
                "{built} scant-abi {major}.{minor}.{patch}, this host has {our_major}.{our_minor}.{our_patch}: \
                 rebuild the plugin"
            )));
        }
        if !(*header).abi_stable.is_compatible(&AbiHeader::VALUE) {
            return Err(refused(format!("{built} another version of abi_stable: rebuild the plugin")));
        }
        if let Some(differences) = layout::differences(<Interface as StableAbi>::LAYOUT, (*header).layout) {
            return Err(refused(format!(
                "{built} another layout of scant-abi {major}.{minor}: {differences}: rebuild the plugin"
            )));
        }
        Ok((name, version))
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::Plugin, message)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::caused_by(ErrorKind::Plugin, format!("cannot read {}", path.display()), error)
}

/// Refuses a file that cannot be a library, or is not a whole one; nothing of it is loaded.
pub fn check_file(path: &Path) -> Result<()> {
    let shown = path.display();
    let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return Err(refused(format!("{shown} is a folder, not a library")));
    }
    if metadata.len() == 0 {
        return Err(refused(format!("{shown} is empty: build or copy it again")));
    }
    if cfg!(target_os = "linux") {
        let mut start = Vec::new();
        File::open(path)
            .and_then(|file| file.take(64).read_to_end(&mut start))
            .map_err(|error| unreadable(path, &error))?;
        check_elf(&start, metadata.len()).map_err(|problem| refused(format!("{shown} {problem}")))?;
    }
    Ok(())
}

/// Finds out whether the file ends too early: loading such a one kills the program (SIGBUS).
fn check_elf(start: &[u8], length: u64) -> std::result::Result<(), String> {
    if !start.starts_with(b"\x7fELF") {
        return Err("is not a shared library".to_owned());
    }
    let number = |at: usize, size: usize| -> Option<u64> {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(start.get(at..at + size)?);
        Some(u64::from_le_bytes(bytes))
    };
    // The 64-bit, little-endian form. Others are left to the system, which refuses them by their kind.
    if start.get(4..6) != Some(&[2, 1]) && start.len() >= 6 {
        return Ok(());
    }
    let end = || {
        let sections = number(0x28, 8)?;
        sections.checked_add(number(0x3A, 2)? * number(0x3C, 2)?)
    };
    match end() {
        Some(end) if end <= length => Ok(()),
        Some(end) => Err(format!("is cut off at {length} of {end} bytes: build or copy it again")),
        None => Err(format!("is cut off at {length} bytes: build or copy it again")),
    }
}
