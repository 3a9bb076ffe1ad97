use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::core::Core;
use crate::extensions::Extensions;
use crate::socket::EmbeddedSocket;
use crate::state::Ruleset;

/// An nf_tables in the process, which any number of sockets speak to.
///
/// Copies are handles on the same ruleset. Nothing of it is seen outside of the process.
#[derive(Clone, Debug)]
pub struct EmbeddedKernel {
    core: Arc<Mutex<Core>>,
}

impl Default for EmbeddedKernel {
    fn default() -> Self {
        Self::new()
    }
}

impl EmbeddedKernel {
    /// A kernel without any table, which has every xt extension.
    #[must_use]
    pub fn new() -> Self {
        Self::with_extensions(Extensions::all())
    }

    /// A kernel without any table, which has these xt extensions.
    #[must_use]
    pub fn with_extensions(extensions: Extensions) -> Self {
        Self::with(extensions, Ruleset::default())
    }

    pub(crate) fn with(extensions: Extensions, ruleset: Ruleset) -> Self {
        Self { core: Arc::new(Mutex::new(Core::new(extensions, ruleset))) }
    }

    /// Opens a socket to it, with a port of its own.
    #[must_use]
    pub fn connect(&self) -> EmbeddedSocket {
        EmbeddedSocket::new(self.clone(), true)
    }

    /// Opens a socket whose owner may do nothing: every request is refused with `EPERM`.
    #[must_use]
    pub fn connect_unprivileged(&self) -> EmbeddedSocket {
        EmbeddedSocket::new(self.clone(), false)
    }

    /// The generation of the ruleset; it begins with 1 and every commit raises it.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.core().ruleset.generation
    }

    /// What the sockets share. No change is left half done where one of them panics.
    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
