//! Which version of the library this is.

use crate::ffi;
use std::ffi::c_char;

/// The major version of this header.
pub const PKTT_VERSION_MAJOR: u32 = 0;
/// The minor version of this header.
pub const PKTT_VERSION_MINOR: u32 = 1;
/// The patch level of this header.
pub const PKTT_VERSION_PATCH: u32 = 0;

/// The version of the library that the program runs with, such as `0.1.0`. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// The version of the library that the program runs with as a number: 65536 times the major, 256 times the minor
/// version, and the patch level. `pktt_version_number() == PKTT_VERSION_MAJOR << 16 | PKTT_VERSION_MINOR << 8 |
/// PKTT_VERSION_PATCH` where header and library are the same.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_version_number() -> u32 {
    PKTT_VERSION_MAJOR << 16 | PKTT_VERSION_MINOR << 8 | PKTT_VERSION_PATCH
}

/// Frees text that a function gave with the words that it is to be freed so; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_string_free(text: *mut c_char) {
    ffi::take(text);
}
