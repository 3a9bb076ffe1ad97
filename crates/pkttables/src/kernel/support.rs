use super::connection::Kernel;
use super::error::KernelError;
use super::revisions;
use crate::model::Family;
use crate::registry::Descriptor;
use nfnetlink::{Errno, Transport};

/// Whether a kernel has an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Support {
    /// It does; this is the newest revision that it and this library know.
    Revision(u8),
    /// It has the extension or may have it, but in no revision that is known here, or it does not have it at all.
    Missing,
    /// It has no nft_compat, and so none of the extensions that are no expressions of nf_tables.
    NoCompat,
}

impl<T: Transport> Kernel<T> {
    /// Asks whether the kernel has an extension for rules of `family`.
    ///
    /// An extension with a native form ([`Descriptor::from_native`]) may work without this.
    pub fn support(&mut self, descriptor: &Descriptor, family: Family) -> Result<Support, KernelError> {
        for revision in descriptor.revisions(family) {
            let name = descriptor.xt_name;
            match revisions::question(&mut self.connection, descriptor.kind, name, family, revision.number) {
                Ok(()) => return Ok(Support::Revision(revision.number)),
                Err(error) => match error.errno() {
                    Some(Errno::ENOENT | Errno::EPROTONOSUPPORT) => {}
                    // What nfnetlink says of a subsystem that it does not know.
                    Some(Errno::EINVAL | Errno::EOPNOTSUPP) => return Ok(Support::NoCompat),
                    _ => return Err(error.into()),
                },
            }
        }
        Ok(Support::Missing)
    }
}
