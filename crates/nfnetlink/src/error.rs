use std::fmt;

use crate::errno::Errno;
use crate::extack::ExtendedAck;
use crate::wire::{DecodeError, EncodeError};

/// What can go wrong between a request and its answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller may not do this; nothing was changed. `CAP_NET_ADMIN` in the network namespace is needed.
    #[error("permission denied (you must be root, or have CAP_NET_ADMIN)")]
    PermissionDenied,
    /// The kernel refused a single request.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The kernel refused a batch; nothing of it was applied.
    #[error(transparent)]
    BatchRefused(#[from] BatchRefusal),
    /// A change came between the parts of a dump, so that they do not belong together.
    #[error("the dump was interrupted by a change")]
    DumpInterrupted,
    /// No reply came in time.
    #[error("no reply came in time")]
    Timeout,
    /// Replies were lost because the receive buffer was full (`ENOBUFS`); a batch may or may not have been applied.
    #[error("replies were lost: the receive buffer is too small")]
    RepliesLost,
    /// Events were lost because the receive buffer was full (`ENOBUFS`); what is known must be read again.
    #[error("events were lost: the receive buffer was full")]
    EventsLost,
    /// A datagram was larger than the buffer to receive it (`MSG_TRUNC`).
    #[error("a datagram of {len} bytes was cut to {capacity}")]
    Truncated {
        /// The datagram's length.
        len: usize,
        /// The buffer's.
        capacity: usize,
    },
    /// The socket may not get the send or receive buffer it needs.
    #[error(
        "a {buffer} buffer of {needed} bytes is needed, but only {granted} are allowed \
         (run with CAP_NET_ADMIN, or raise the sysctl {sysctl} to at least {})", needed.div_ceil(2)
    )]
    BufferLimit {
        /// `send` or `receive`.
        buffer: &'static str,
        /// What is needed.
        needed: usize,
        /// What the system grants.
        granted: usize,
        /// The setting that limits it, to twice its value.
        sysctl: &'static str,
    },
    /// A reply of a kind that does not answer the request.
    #[error("unexpected reply of kind {kind:#06x}")]
    UnexpectedReply {
        /// The netlink message type.
        kind: u16,
    },
    /// A reply that cannot be read.
    #[error("malformed reply: {0}")]
    Decode(#[from] DecodeError),
    /// A request that cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A system call failed.
    #[error("{call}: {errno}")]
    System {
        /// The call.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
}

impl Error {
    /// The kernel's error number, where the kernel gave one; of a batch, the first.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::PermissionDenied => Some(Errno::EPERM),
            Self::Refused(refusal) => Some(refusal.errno),
            Self::BatchRefused(batch) => batch.failures.first().map(|failure| failure.refusal.errno),
            Self::System { errno, .. } => Some(*errno),
            _ => None,
        }
    }

    /// Whether the caller lacks the right to do this.
    #[must_use]
    pub const fn is_permission_denied(&self) -> bool {
        matches!(self, Self::PermissionDenied)
    }

    /// Whether a batch came too late: the generation it was bound to is not the present one (`ERESTART`).
    #[must_use]
    pub fn is_generation_changed(&self) -> bool {
        let Self::BatchRefused(batch) = self else { return false };
        let stale =
            |failure: &BatchFailure| failure.tag.is_none() && failure.refusal.errno == Errno::ERESTART;
        batch.failures.iter().any(stale)
    }

    /// A failed system call; `EPERM` and `EACCES` become [`Error::PermissionDenied`].
    #[must_use]
    pub fn system(call: &'static str, errno: Errno) -> Self {
        match errno {
            Errno::EPERM | Errno::EACCES => Self::PermissionDenied,
            errno => Self::System { call, errno },
        }
    }
}

/// The kernel's negative answer to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error number.
    pub errno: Errno,
    /// What the kernel adds, if anything.
    pub extack: Option<Box<ExtendedAck>>,
}

impl Refusal {
    /// A refusal without extended acknowledgement.
    #[must_use]
    pub const fn new(errno: Errno) -> Self {
        Self { errno, extack: None }
    }

    /// The kernel's reason in English.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.extack.as_ref()?.message.as_deref()
    }

    /// Where the offending attribute is, in bytes from the start of the message's netlink header.
    #[must_use]
    pub fn offset(&self) -> Option<u32> {
        self.extack.as_ref()?.offset
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.errno)?;
        if let Some(message) = self.message() {
            write!(f, ": {message}")?;
        }
        if let Some(offset) = self.offset() {
            write!(f, " (attribute at byte {offset})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// All that the kernel said against a batch; there is at least one failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRefusal {
    /// The failures, in the order in which the kernel told them.
    pub failures: Vec<BatchFailure>,
    /// Whether some were lost because the receive buffer was full.
    pub incomplete: bool,
}

impl fmt::Display for BatchRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failures.as_slice() {
            [] => f.write_str("batch refused")?,
            [only] => write!(f, "batch refused: {only}")?,
            [first, rest @ ..] => write!(f, "batch refused: {first}, and {} more", rest.len())?,
        }
        if self.incomplete {
            f.write_str(" (some errors were lost)")?;
        }
        Ok(())
    }
}

impl std::error::Error for BatchRefusal {}

/// One failure within a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchFailure {
    /// The tag of the message that failed; none if the batch as a whole did.
    pub tag: Option<u32>,
    /// Which message of the batch it is, counted from 0: see [`Batch::message`](crate::Batch::message).
    pub index: Option<usize>,
    /// Why.
    pub refusal: Refusal,
}

impl fmt::Display for BatchFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tag) = self.tag {
            write!(f, "message {tag}: ")?;
        }
        write!(f, "{}", self.refusal)
    }
}
