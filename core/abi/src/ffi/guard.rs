//! Where panics stop: every call into a component, and its end, goes through a guard.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use super::values::{AbiResult, leave};
use crate::{Error, ErrorKind, Kind, Result};

/// Of whom errors speak.
#[derive(Clone)]
pub(super) enum Who {
    /// A component of a plugin.
    Component {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: Arc<str>,
        /// The plugin, with its version.
        plugin: Arc<str>,
    },
    /// Something that is lent for one call.
    Lent(&'static str),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component { kind, name, plugin } => write!(f, "{kind} '{name}' of plugin {plugin}"),
            Self::Lent(what) => f.write_str(what),
        }
    }
}

/// A component that may panic without anybody beyond noticing more than an error.
///
/// After its first panic nobody knows what state it is in, so it is not called again.
pub(super) struct Guarded<C> {
    component: ManuallyDrop<C>,
    who: Who,
    panicked: OnceLock<String>,
}

impl<C> Guarded<C> {
    pub(super) fn new(component: C, who: Who) -> Self {
        Self { component: ManuallyDrop::new(component), who, panicked: OnceLock::new() }
    }

    pub(super) fn who(&self) -> &Who {
        &self.who
    }

    /// Runs `call` on what the guarded pointer points to.
    pub(super) fn read<T>(&self, method: &str, call: impl FnOnce(&C::Target) -> Result<T>) -> AbiResult<T>
    where
        C: Deref,
    {
        let component = &*self.component;
        leave(guard(&self.who, &self.panicked, method, || call(component)))
    }

    /// As `read`, where the component may change.
    pub(super) fn change<'s, T>(
        &'s mut self,
        method: &str,
        call: impl FnOnce(&'s mut C::Target) -> Result<T>,
    ) -> AbiResult<T>
    where
        C: DerefMut,
    {
        let component = &mut *self.component;
        leave(guard(&self.who, &self.panicked, method, || call(component)))
    }
}

fn guard<T>(
    who: &Who,
    panicked: &OnceLock<String>,
    method: &str,
    call: impl FnOnce() -> Result<T>,
) -> Result<T> {
    if let Some(message) = panicked.get() {
        return Err(Error::new(ErrorKind::Panic, format!("{who} cannot be used after its panic: {message}")));
    }
    caught(call).unwrap_or_else(|message| {
        let error = Error::new(ErrorKind::Panic, format!("{who} panicked in `{method}`: {message}"));
        // Of several threads that panic at once the first is remembered.
        let _ = panicked.set(message);
        Err(error)
    })
}

impl<C> Drop for Guarded<C> {
    fn drop(&mut self) {
        // SAFETY: the component is touched by nothing after this.
        if let Err(message) = caught(|| unsafe { ManuallyDrop::drop(&mut self.component) }) {
            log::error!("{} panicked while it was dropped: {message}", self.who);
        }
    }
}

/// Runs `call`; its panic becomes the panic's message.
pub(super) fn caught<T>(call: impl FnOnce() -> T) -> std::result::Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let message = text(&*payload);
        // A payload's own drop may panic too.
        std::mem::forget(payload);
        match PLACE.take() {
            Some(place) => format!("{message} ({place})"),
            None => message,
        }
    })
}

fn text(payload: &(dyn Any + Send)) -> String {
    let known = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    known.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

thread_local! {
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes this library's panics quiet: their place is kept for the error that they become.
pub(super) fn remember_places_of_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
        PLACE.with(|kept| *kept.borrow_mut() = place);
    }));
}
