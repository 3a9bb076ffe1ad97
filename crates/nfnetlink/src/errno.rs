use std::fmt;

/// An error number of the kernel, shown with its name: `ENOENT (No such file or directory)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(i32);

macro_rules! errnos {
    ($($name:ident $text:literal)*) => {
        impl Errno {
            $(
                #[doc = concat!($text, ".")]
                pub const $name: Self = Self(libc::$name);
            )*

            const KNOWN: &[(Self, &'static str, &'static str)] =
                &[$((Self::$name, stringify!($name), $text)),*];
        }
    };
}

errnos! {
    EPERM "Operation not permitted"
    ENOENT "No such file or directory"
    ESRCH "No such process"
    EINTR "Interrupted system call"
    EIO "Input/output error"
    ENXIO "No such device or address"
    E2BIG "Argument list too long"
    EBADF "Bad file descriptor"
    EAGAIN "Resource temporarily unavailable"
    ENOMEM "Cannot allocate memory"
    EACCES "Permission denied"
    EFAULT "Bad address"
    EBUSY "Device or resource busy"
    EEXIST "File exists"
    EXDEV "Invalid cross-device link"
    ENODEV "No such device"
    ENOTDIR "Not a directory"
    EISDIR "Is a directory"
    EINVAL "Invalid argument"
    ENFILE "Too many open files in system"
    EMFILE "Too many open files"
    EFBIG "File too large"
    ENOSPC "No space left on device"
    EROFS "Read-only file system"
    EMLINK "Too many links"
    EDOM "Numerical argument out of domain"
    ERANGE "Numerical result out of range"
    EDEADLK "Resource deadlock avoided"
    ENAMETOOLONG "File name too long"
    ENOSYS "Function not implemented"
    ENOTEMPTY "Directory not empty"
    ELOOP "Too many levels of symbolic links"
    ENODATA "No data available"
    EPROTO "Protocol error"
    EBADMSG "Bad message"
    EOVERFLOW "Value too large for defined data type"
    ERESTART "Interrupted system call should be restarted"
    EMSGSIZE "Message too long"
    ENOPROTOOPT "Protocol not available"
    EPROTONOSUPPORT "Protocol not supported"
    EOPNOTSUPP "Operation not supported"
    EPFNOSUPPORT "Protocol family not supported"
    EAFNOSUPPORT "Address family not supported by protocol"
    EADDRINUSE "Address already in use"
    EADDRNOTAVAIL "Cannot assign requested address"
    ENETDOWN "Network is down"
    ENETUNREACH "Network is unreachable"
    ENOBUFS "No buffer space available"
    ENOTCONN "Transport endpoint is not connected"
    ETIMEDOUT "Connection timed out"
    ECONNREFUSED "Connection refused"
    EALREADY "Operation already in progress"
    EINPROGRESS "Operation now in progress"
    ESTALE "Stale file handle"
    EDQUOT "Disk quota exceeded"
    ECANCELED "Operation canceled"
}

impl Errno {
    /// The error of this number, which is positive (`2` is `ENOENT`).
    #[must_use]
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The name, such as `ENOENT`, if the number is a known one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.known().map(|(name, _)| name)
    }

    /// What the C library says about it, such as `No such file or directory`.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.known().map_or("Unknown error", |(_, text)| text)
    }

    fn known(self) -> Option<(&'static str, &'static str)> {
        Self::KNOWN.iter().find(|(errno, ..)| *errno == self).map(|&(_, name, text)| (name, text))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some((name, text)) => write!(f, "{name} ({text})"),
            None => write!(f, "error {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}

impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers_have_names_and_the_texts_of_the_c_library() {
        assert_eq!(Errno::new(libc::ENOENT).to_string(), "ENOENT (No such file or directory)");
        for (errno, name, text) in Errno::KNOWN {
            let system = std::io::Error::from(*errno).to_string();
            assert_eq!(system, format!("{text} (os error {})", errno.number()), "{name}");
        }
    }

    #[test]
    fn unknown_numbers_are_shown_as_they_are() {
        assert_eq!(Errno::new(524).to_string(), "error 524");
        assert_eq!(format!("{:?}", Errno::new(524)), "Errno(524)");
        assert_eq!(Errno::new(524).name(), None);
    }
}
