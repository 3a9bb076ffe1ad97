use std::panic::resume_unwind;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::skip;

/// Runs `test` on a thread in a new network namespace; programs started by it are in that namespace too.
///
/// The namespace goes away with the thread and whatever it started. Gives nothing if it was skipped.
///
/// # Panics
/// As `test` does, and where [`skip`] does.
pub fn in_namespace<R: Send>(test: impl FnOnce() -> R + Send) -> Option<R> {
    on_thread(|| match unshare(CloneFlags::CLONE_NEWNET) {
        Ok(()) => Some(test()),
        Err(errno) => {
            skip(&format!("no network namespace can be made: {errno}"));
            None
        }
    })
}

/// Runs `test` on a thread that has no capabilities, as an ordinary user would, in the current network namespace.
///
/// # Panics
/// As `test` does, and if the capabilities cannot be given up.
pub fn without_privilege<R: Send>(test: impl FnOnce() -> R + Send) -> R {
    on_thread(|| {
        let none = CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        };
        rustix::thread::set_capabilities(None, none).expect("capabilities can be given up");
        test()
    })
}

fn on_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace() -> std::path::PathBuf {
        std::fs::read_link("/proc/thread-self/ns/net").unwrap()
    }

    #[test]
    fn each_namespace_is_its_own() {
        let outside = namespace();
        let inside = in_namespace(namespace);
        assert_ne!(inside, Some(outside.clone()));
        assert_eq!(namespace(), outside);
    }

    #[test]
    fn without_privilege_there_is_no_namespace_to_be_had() {
        let refused = without_privilege(|| unshare(CloneFlags::CLONE_NEWNET));
        assert_eq!(refused, Err(nix::errno::Errno::EPERM));
    }
}
