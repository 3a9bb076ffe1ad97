//! The parts of a rule: its header, its matches and its target, each with its parameters.

use crate::ffi::{Strings, c_string, put};
use crate::guard::get;
use crate::names::{KindNumber, pktt_kind};
use pkttables::model::{Header, Negatable, Opaque, protocol};
use pkttables::registry::{Descriptor, Domain, Instance, Kind, Scope, Sink, WriteValue};
use pkttables::text::Words;
use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::ptr;

/// A part of a rule: its header, a match or its target.
#[derive(Debug)]
pub struct pktt_part {
    kind: Option<Kind>,
    name: CString,
    arguments: Vec<pktt_argument>,
    _strings: Strings,
    /// The revision and the bytes of what is not understood.
    opaque: Option<(u8, Box<[u8]>)>,
}

/// A parameter with its value.
#[repr(C)]
#[derive(Debug)]
pub struct pktt_argument {
    /// The parameter's name, without dashes.
    pub name: *const c_char,
    /// The value, without quotes; empty for a parameter that takes none.
    pub value: *const c_char,
    /// Whether `!` stands before the option.
    pub negated: bool,
}

impl pktt_part {
    /// The conditions that need no match, by the long names of their options.
    pub(crate) fn of_header(header: &Header, scope: &Scope) -> Self {
        let mut collected = Collected::new(scope);
        let mut given = |name, condition: Option<(&dyn WriteValue, bool)>| {
            if let Some((value, not)) = condition {
                collected.param(name, not, value);
            }
        };
        given("source", header.source.as_ref().map(|given| (&given.value as &dyn WriteValue, given.not)));
        given(
            "destination",
            header.destination.as_ref().map(|given| (&given.value as &dyn WriteValue, given.not)),
        );
        given(
            "in-interface",
            header.in_interface.as_ref().map(|given| (&given.value as &dyn WriteValue, given.not)),
        );
        given(
            "out-interface",
            header.out_interface.as_ref().map(|given| (&given.value as &dyn WriteValue, given.not)),
        );
        if let Some(Negatable { value, not }) = header.protocol {
            collected.add("protocol", not, &protocol::name(value));
        }
        if let Some(Negatable { not, .. }) = header.fragment {
            collected.add("fragment", not, "");
        }
        collected.into_part(None, "")
    }

    /// A match or target.
    pub(crate) fn of_instance(instance: &dyn Instance, scope: &Scope) -> Self {
        let mut collected = Collected::new(scope);
        instance.params(&mut collected);
        let Descriptor { kind, name, .. } = instance.descriptor();
        collected.into_part(Some(*kind), name)
    }

    /// A match or target that is not understood.
    pub(crate) fn of_opaque(kind: Kind, opaque: &Opaque, scope: &Scope) -> Self {
        let opaque_form = Some((opaque.revision, opaque.info.clone()));
        Self { opaque: opaque_form, ..Collected::new(scope).into_part(Some(kind), &opaque.name) }
    }

    /// A built-in target, which has no parameters.
    pub(crate) fn of_word(word: &str, scope: &Scope) -> Self {
        Collected::new(scope).into_part(Some(Kind::Target), word)
    }
}

/// Parameters as they are told.
struct Collected<'s> {
    scope: &'s Scope,
    arguments: Vec<pktt_argument>,
    strings: Strings,
}

impl<'s> Collected<'s> {
    fn new(scope: &'s Scope) -> Self {
        Self { scope, arguments: Vec::new(), strings: Strings::default() }
    }

    fn add(&mut self, name: &str, negated: bool, value: &str) {
        let (name, value) = (self.strings.keep(name), self.strings.keep(value));
        self.arguments.push(pktt_argument { name, value, negated });
    }

    fn into_part(self, kind: Option<Kind>, name: &str) -> pktt_part {
        let Self { arguments, strings, .. } = self;
        pktt_part { kind, name: c_string(name), arguments, _strings: strings, opaque: None }
    }
}

impl Sink for Collected<'_> {
    fn param(&mut self, name: &'static str, not: bool, value: &dyn WriteValue) {
        let mut saved = String::new();
        if !matches!(value.domain(), Domain::Nothing) {
            value.write_value(&mut saved, self.scope);
        }
        self.add(name, not, &unquoted(&saved));
    }
}

/// The words of a saved value without their quotes.
fn unquoted(saved: &str) -> String {
    let mut words = Words::new();
    if words.read_line(saved, 0).is_err() {
        return saved.into();
    }
    (0..words.len()).filter_map(|index| words.get(index)).collect::<Vec<_>>().join(" ")
}

/// Whether it is a match or a target; 0 for a rule's header, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_part_kind(part: Option<&pktt_part>) -> KindNumber {
    part.and_then(|part| part.kind).map_or(0, |kind| pktt_kind::from(kind) as u32)
}

/// The name of the match or target, verdicts included; empty for a rule's header, NULL for NULL. Lives as long as
/// the part.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_part_name(part: Option<&pktt_part>) -> *const c_char {
    part.map_or(ptr::null(), |part| part.name.as_ptr())
}

/// How many parameters it has that are given; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_part_argument_count(part: Option<&pktt_part>) -> usize {
    part.map_or(0, |part| part.arguments.len())
}

/// One of the parameters that are given, counted from 0; NULL if there are not so many. Lives as long as the part.
///
/// Those of a rule's header are source, destination, in-interface, out-interface, protocol and fragment.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_part_argument_at(part: Option<&pktt_part>, index: usize) -> Option<&pktt_argument> {
    get(None, || part?.arguments.get(index))
}

/// Whether it is a match or target that the library does not know, or of an unknown revision, kept as it is.
///
/// Then `*revision`, `*info` and `*len`, unless they are NULL, become the revision of its kernel structure, its bytes,
/// which live as long as the part, and their number.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_part_is_opaque(
    part: Option<&pktt_part>,
    revision: Option<&mut MaybeUninit<u8>>,
    info: Option<&mut MaybeUninit<*const u8>>,
    len: Option<&mut MaybeUninit<usize>>,
) -> bool {
    let Some((number, bytes)) = part.and_then(|part| part.opaque.as_ref()) else { return false };
    put(revision, *number);
    put(info, bytes.as_ptr());
    put(len, bytes.len());
    true
}
