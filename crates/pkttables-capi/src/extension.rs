//! What a match or target says about itself.

use crate::error::pktt_error;
use crate::error::pktt_status;
use crate::failure::{Failure, given};
use crate::ffi::{Text, TextArray, c_string, put};
use crate::guard::{get, status, value_or};
use crate::names::{FamilyNumber, KindNumber, family_bits, hook_bits, pktt_family, pktt_kind, table_bits};
use crate::param::pktt_param;
use pkttables::registry::{Descriptor, Require};
use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::ptr;

/// A match or target, with its description.
#[derive(Debug)]
pub struct pktt_extension {
    pub(crate) descriptor: &'static Descriptor,
    name: CString,
    kernel_name: CString,
    summary: CString,
    help: CString,
    aliases: TextArray,
    required_of: TextArray,
    params: Vec<pktt_param>,
}

/// How many of an extension's parameters a rule must give, besides those that are required on their own.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_require {
    /// Any number.
    PKTT_REQUIRE_ANY = 0,
    /// One or more.
    PKTT_REQUIRE_AT_LEAST_ONE = 1,
    /// One and no more.
    PKTT_REQUIRE_EXACTLY_ONE = 2,
    /// One or more of those that pktt_extension_required_of names; the others are free.
    PKTT_REQUIRE_AT_LEAST_ONE_OF = 3,
    /// One and no more of those that pktt_extension_required_of names; the others are free.
    PKTT_REQUIRE_EXACTLY_ONE_OF = 4,
}

/// One kernel layout of an extension.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct pktt_revision {
    /// Its number.
    pub number: u8,
    /// Bytes of the structure, before it is padded to a multiple of eight.
    pub size: usize,
}

impl pktt_extension {
    pub(crate) fn new(descriptor: &'static Descriptor) -> Self {
        let required_of = match descriptor.require {
            Require::AtLeastOneOf(names) | Require::ExactlyOneOf(names) => names,
            Require::Any | Require::AtLeastOne | Require::ExactlyOne => &[],
        };
        Self {
            descriptor,
            name: c_string(descriptor.name),
            kernel_name: c_string(descriptor.xt_name),
            summary: c_string(&descriptor.help.summary()),
            help: c_string(&descriptor.help.text()),
            aliases: TextArray::new(descriptor.aliases.iter().copied()),
            required_of: TextArray::new(required_of.iter().copied()),
            params: descriptor.params.iter().map(|param| pktt_param::new(descriptor, param)).collect(),
        }
    }
}

/// Whether it is a match or a target; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_kind(extension: Option<&pktt_extension>) -> KindNumber {
    extension.map_or(0, |extension| pktt_kind::from(extension.descriptor.kind) as u32)
}

/// The name, as after `-m` or `-j`; NULL for NULL. Lives as long as the extension.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_name(extension: Option<&pktt_extension>) -> *const c_char {
    extension.map_or(ptr::null(), |extension| extension.name.as_ptr())
}

/// The name that the kernel uses; NULL for NULL. Lives as long as the extension.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_kernel_name(extension: Option<&pktt_extension>) -> *const c_char {
    extension.map_or(ptr::null(), |extension| extension.kernel_name.as_ptr())
}

/// Further names that mean the same, NULL-terminated; NULL for NULL. Lives as long as the extension.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_aliases(extension: Option<&pktt_extension>) -> *const *const c_char {
    extension.map_or(ptr::null(), |extension| extension.aliases.as_ptr())
}

/// What it does, in one line; NULL for NULL. Lives as long as the extension.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_summary(extension: Option<&pktt_extension>) -> *const c_char {
    extension.map_or(ptr::null(), |extension| extension.summary.as_ptr())
}

/// What it does, in full, with several lines; NULL for NULL. Lives as long as the extension.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_help(extension: Option<&pktt_extension>) -> *const c_char {
    extension.map_or(ptr::null(), |extension| extension.help.as_ptr())
}

/// The families it exists in, as bits of pktt_family; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_families(extension: Option<&pktt_extension>) -> u32 {
    extension.map_or(0, |extension| family_bits(extension.descriptor.families))
}

/// The tables it may stand in, as bits of pktt_table; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_tables(extension: Option<&pktt_extension>) -> u32 {
    extension.map_or(0, |extension| table_bits(extension.descriptor.tables))
}

/// The hooks from which the rule may be reached, as bits of pktt_hook; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_hooks(extension: Option<&pktt_extension>) -> u32 {
    extension.map_or(0, |extension| hook_bits(extension.descriptor.hooks))
}

/// The transport protocols one of which the rule must name with `-p`: how many there are; 0 if any protocol will do.
/// `*protocols`, unless it is NULL, becomes their numbers, which live for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_protocols(
    extension: Option<&pktt_extension>,
    protocols: Option<&mut MaybeUninit<*const u8>>,
) -> usize {
    let numbers = extension.map_or(&[][..], |extension| extension.descriptor.protocols);
    put(protocols, numbers.as_ptr());
    numbers.len()
}

/// How many of the parameters a rule must give; PKTT_REQUIRE_ANY for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_require(extension: Option<&pktt_extension>) -> pktt_require {
    match extension.map(|extension| extension.descriptor.require) {
        None | Some(Require::Any) => pktt_require::PKTT_REQUIRE_ANY,
        Some(Require::AtLeastOne) => pktt_require::PKTT_REQUIRE_AT_LEAST_ONE,
        Some(Require::ExactlyOne) => pktt_require::PKTT_REQUIRE_EXACTLY_ONE,
        Some(Require::AtLeastOneOf(_)) => pktt_require::PKTT_REQUIRE_AT_LEAST_ONE_OF,
        Some(Require::ExactlyOneOf(_)) => pktt_require::PKTT_REQUIRE_EXACTLY_ONE_OF,
    }
}

/// The parameters that pktt_extension_require is about, NULL-terminated; empty if it is about all; NULL for NULL.
/// Lives as long as the extension.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_required_of(extension: Option<&pktt_extension>) -> *const *const c_char {
    extension.map_or(ptr::null(), |extension| extension.required_of.as_ptr())
}

/// Tells one of the kernel layouts that a family uses, counted from 0, the newest first.
///
/// PKTT_END if there are not so many; PKTT_ERROR_ARGUMENT for NULL or no family.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_revision(
    extension: Option<&pktt_extension>,
    family: FamilyNumber,
    index: usize,
    revision: Option<&mut MaybeUninit<pktt_revision>>,
) -> pktt_status {
    let mut found = None;
    let done = status(None, || {
        let extension = given(extension, "extension")?;
        found = extension.descriptor.revisions(pktt_family::read(family)?).nth(index);
        Ok(())
    });
    match found {
        Some(layout) => put(revision, pktt_revision { number: layout.number, size: layout.size }),
        None if done == pktt_status::PKTT_OK => return pktt_status::PKTT_END,
        None => {}
    }
    done
}

/// How many parameters it has; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_param_count(extension: Option<&pktt_extension>) -> usize {
    extension.map_or(0, |extension| extension.params.len())
}

/// One of its parameters, counted from 0, in the order in which they are printed; NULL if there are not so many.
/// Lives as long as the extension.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_param_at(
    extension: Option<&pktt_extension>,
    index: usize,
) -> Option<&pktt_param> {
    get(None, || extension?.params.get(index))
}

/// The parameter that rules of `family` call `name`, without dashes. Aliases are found too.
///
/// Lives as long as the extension. NULL, with PKTT_ERROR_NOT_FOUND or PKTT_ERROR_ARGUMENT, if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extension_find_param<'e>(
    extension: Option<&'e pktt_extension>,
    name: Text<'_>,
    family: FamilyNumber,
    error: Option<&mut pktt_error>,
) -> Option<&'e pktt_param> {
    value_or(error, None, || {
        let extension = given(extension, "extension")?;
        let (name, family) = (name.get("name")?, pktt_family::read(family)?);
        let missing =
            || Failure::not_found(format!("{} has no parameter called {name}", extension.descriptor.name));
        let found = extension.descriptor.param(name, family).ok_or_else(missing)?;
        Ok(extension.params.iter().find(|param| ptr::eq(param.param, found)))
    })
}
