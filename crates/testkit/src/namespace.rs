use std::io;
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
    try_in_namespace(test)
        .inspect_err(|error| skip(&format!("no network namespace can be made: {error}")))
        .ok()
}

/// Runs `work` as [`in_namespace`] does; an error if no namespace can be made.
///
/// # Panics
/// As `work` does.
pub fn try_in_namespace<R: Send>(work: impl FnOnce() -> R + Send) -> io::Result<R> {
    on_thread(|| {
        unshare(CloneFlags::CLONE_NEWNET)?;
        Ok(work())
    })
}

/// Moves the process, which must have one thread only, into a new network namespace. Without the privilege for
/// that it becomes the root of a new user namespace too, where the system lets everybody do so.
pub fn enter_namespace() -> io::Result<()> {
    let both = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET;
    Ok(unshare(CloneFlags::CLONE_NEWNET).or_else(|_| unshare(both))?)
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
