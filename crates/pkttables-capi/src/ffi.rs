//! What crosses the border: text, bytes and results, between C's pointers and Rust's references.
//!
//! All `unsafe` blocks of the crate stand here. Handles need none: an `Option<&T>`, `Option<&mut T>` or
//! `Option<Box<T>>` is a pointer that may be NULL.

use crate::failure::Failure;
use std::ffi::{CStr, CString, c_char};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// `const char *`: NUL-terminated text of the caller's, or NULL.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(*const c_char, PhantomData<&'a CStr>);

/// `const uint8_t *`: bytes of the caller's, whose number comes beside it; may be NULL if there are none.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(*const u8, PhantomData<&'a [u8]>);

/// `const char *`: text of the caller's that need not end with a NUL, whose length comes beside it; may be NULL if
/// there is none.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Chars<'a>(Bytes<'a>);

/// `const char *const *`: an array of text of the caller's, whose length comes beside it; may be NULL if empty.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Words<'a>(*const Text<'a>, PhantomData<&'a [Text<'a>]>);

impl<'a> Text<'a> {
    /// The text, or why it cannot be used; `what` names the argument.
    pub(crate) fn get(self, what: &'static str) -> Result<&'a str, Failure> {
        self.optional(what)?.ok_or_else(|| Failure::null(what))
    }

    /// The text, which may be left out.
    pub(crate) fn optional(self, what: &'static str) -> Result<Option<&'a str>, Failure> {
        if self.0.is_null() {
            return Ok(None);
        }
        // SAFETY: only C makes a `Text`; by the header, what is not NULL is NUL-terminated and stays as it is during
        // the call.
        let text = unsafe { CStr::from_ptr(self.0) };
        text.to_str().map(Some).map_err(|_| Failure::argument(format!("{what} is not UTF-8")))
    }
}

impl<'a> Bytes<'a> {
    /// Bytes that are lent to C, with their number beside.
    pub(crate) const fn of(bytes: &'a [u8]) -> Self {
        Self(bytes.as_ptr(), PhantomData)
    }

    /// No bytes.
    pub(crate) const fn null() -> Self {
        Self(std::ptr::null(), PhantomData)
    }

    /// The bytes, or why they cannot be used; `what` names the argument.
    pub(crate) fn get(self, len: usize, what: &'static str) -> Result<&'a [u8], Failure> {
        check_array(self.0, len, what)?;
        if len == 0 {
            return Ok(&[]);
        }
        // SAFETY: only C makes a `Bytes`; by the header, as many bytes as it says can be read there and stay as they
        // are during the call.
        Ok(unsafe { std::slice::from_raw_parts(self.0, len) })
    }

    /// So many bytes; none for NULL.
    pub(crate) fn array<const N: usize>(self) -> Option<[u8; N]> {
        if self.0.is_null() {
            return None;
        }
        self.get(N, "bytes").ok()?.try_into().ok()
    }
}

impl<'a> Chars<'a> {
    /// The bytes of the text, or why they cannot be used; `what` names the argument.
    pub(crate) fn get(self, len: usize, what: &'static str) -> Result<&'a [u8], Failure> {
        self.0.get(len, what)
    }
}

impl<'a> Words<'a> {
    /// The words, or why they cannot be used; `what` names the argument.
    pub(crate) fn get(self, len: usize, what: &'static str) -> Result<Vec<&'a str>, Failure> {
        check_array(self.0, len, what)?;
        if len == 0 {
            return Ok(Vec::new());
        }
        // SAFETY: only C makes a `Words`; by the header, as many pointers as it says can be read there, and a `Text`
        // is such a pointer.
        let words = unsafe { std::slice::from_raw_parts(self.0, len) };
        words.iter().map(|word| word.get(what)).collect()
    }
}

fn check_array<T>(pointer: *const T, len: usize, what: &'static str) -> Result<(), Failure> {
    if len > 0 && pointer.is_null() {
        return Err(Failure::null(what));
    }
    if len > isize::MAX as usize / size_of::<T>() || !pointer.is_aligned() {
        return Err(Failure::argument(format!("{what} is no array of this length")));
    }
    Ok(())
}

/// Takes back text that was given away by [`give`].
pub(crate) fn take(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: by the header, it was given by a function that says so, all of which call `give`, and is given back
        // once.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// Gives text to the caller, who gives it back to [`take`].
pub(crate) fn give(text: &str) -> *mut c_char {
    c_string(text).into_raw()
}

/// Text for C; a NUL within, which C cannot have, becomes U+FFFD.
pub(crate) fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_else(|_| CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default())
}

/// Writes a result to where the caller wants it; nowhere if that is NULL.
pub(crate) fn put<T>(out: Option<&mut MaybeUninit<T>>, value: T) {
    if let Some(out) = out {
        out.write(value);
    }
}

/// Text kept for C, that is lent out as pointers.
#[derive(Debug, Default)]
pub(crate) struct Strings(Vec<CString>);

impl Strings {
    /// Keeps a copy as long as these strings are kept.
    pub(crate) fn keep(&mut self, text: &str) -> *const c_char {
        let text = c_string(text);
        let pointer = text.as_ptr();
        self.0.push(text);
        pointer
    }

    /// The same, NULL if there is none.
    pub(crate) fn keep_some(&mut self, text: Option<&str>) -> *const c_char {
        text.map_or(std::ptr::null(), |text| self.keep(text))
    }

    /// Forgets all; what was lent out is not to be used any more.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// A NULL-terminated array of text that is lent out.
#[derive(Debug)]
pub(crate) struct TextArray {
    _strings: Strings,
    pointers: Vec<*const c_char>,
}

impl TextArray {
    pub(crate) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut strings = Strings::default();
        let mut pointers: Vec<_> = texts.into_iter().map(|text| strings.keep(text)).collect();
        pointers.push(std::ptr::null());
        Self { _strings: strings, pointers }
    }

    pub(crate) fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }
}
