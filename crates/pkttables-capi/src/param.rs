//! What a parameter of a match or target says about itself and about values.

use crate::error::{pktt_error, pktt_status};
use crate::failure::given;
use crate::ffi::{Text, TextArray, c_string, give};
use crate::guard::{get, handle, status, value_or};
use crate::names::{FamilyNumber, family_bits, hook_bits, pktt_family};
use pkttables::model::{Family, Negatable};
use pkttables::registry::{Completion, Descriptor, Param, Scope};
use std::ffi::{CString, c_char};
use std::ptr;

/// A parameter of a match or target, with its description.
#[derive(Debug)]
pub struct pktt_param {
    descriptor: &'static Descriptor,
    pub(crate) param: &'static Param,
    name: CString,
    summary: CString,
    help: CString,
    accepts: CString,
    default: Option<CString>,
    aliases: TextArray,
    excludes: TextArray,
    needs: TextArray,
}

/// Words that a value, or its next part, can be.
#[derive(Debug)]
pub struct pktt_words(Vec<(CString, CString)>);

/// `!` may stand before it.
pub const PKTT_PARAM_NEGATABLE: u32 = 1;
/// It must be given.
pub const PKTT_PARAM_REQUIRED: u32 = 2;
/// It may be given more than once.
pub const PKTT_PARAM_REPEATABLE: u32 = 4;
/// One more word may follow, which does not begin with `-` or `!`; without it the value is empty text.
pub const PKTT_PARAM_OPTIONAL_WORD: u32 = 8;

impl pktt_param {
    pub(crate) fn new(descriptor: &'static Descriptor, param: &'static Param) -> Self {
        Self {
            descriptor,
            param,
            name: c_string(param.name),
            summary: c_string(&param.help.summary()),
            help: c_string(&param.help.text()),
            accepts: c_string(&param.domain.describe()),
            default: param.default.map(c_string),
            aliases: TextArray::new(param.aliases.iter().copied()),
            excludes: TextArray::new(param.excludes.iter().copied()),
            needs: TextArray::new(param.needs.iter().copied()),
        }
    }
}

impl pktt_words {
    fn new<'w>(words: impl Iterator<Item = (&'w str, String)>) -> Self {
        Self(words.map(|(word, help)| (c_string(word), c_string(&help))).collect())
    }
}

/// The option's name, without dashes; NULL for NULL. Lives as long as the parameter.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_name(param: Option<&pktt_param>) -> *const c_char {
    param.map_or(ptr::null(), |param| param.name.as_ptr())
}

/// Further names of the same option, NULL-terminated; NULL for NULL. Lives as long as the parameter.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_aliases(param: Option<&pktt_param>) -> *const *const c_char {
    param.map_or(ptr::null(), |param| param.aliases.as_ptr())
}

/// What it does, in one line; NULL for NULL. Lives as long as the parameter.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_summary(param: Option<&pktt_param>) -> *const c_char {
    param.map_or(ptr::null(), |param| param.summary.as_ptr())
}

/// What it does, in full, with several lines; NULL for NULL. Lives as long as the parameter.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_help(param: Option<&pktt_param>) -> *const c_char {
    param.map_or(ptr::null(), |param| param.help.as_ptr())
}

/// What values it accepts, in words, such as `a port number (0 to 65535) or service name`; `no value` if it takes
/// none; NULL for NULL. Lives as long as the parameter.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_accepts(param: Option<&pktt_param>) -> *const c_char {
    param.map_or(ptr::null(), |param| param.accepts.as_ptr())
}

/// What holds if it is not given; NULL if there is nothing to say, or for NULL. Lives as long as the parameter.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_default(param: Option<&pktt_param>) -> *const c_char {
    param.and_then(|param| param.default.as_ref()).map_or(ptr::null(), |default| default.as_ptr())
}

/// How it may be given: PKTT_PARAM_NEGATABLE, PKTT_PARAM_REQUIRED, PKTT_PARAM_REPEATABLE, PKTT_PARAM_OPTIONAL_WORD;
/// 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_flags(param: Option<&pktt_param>) -> u32 {
    let Some(pktt_param { param, .. }) = param else { return 0 };
    [
        (param.negatable, PKTT_PARAM_NEGATABLE),
        (param.required, PKTT_PARAM_REQUIRED),
        (param.repeatable, PKTT_PARAM_REPEATABLE),
        (param.optional_word, PKTT_PARAM_OPTIONAL_WORD),
    ]
    .into_iter()
    .fold(0, |flags, (holds, flag)| if holds { flags | flag } else { flags })
}

/// How many words follow the option; several are given as one value, with a space between them. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_word_count(param: Option<&pktt_param>) -> usize {
    param.map_or(0, |param| param.param.words)
}

/// The families it exists in, as bits of pktt_family; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_families(param: Option<&pktt_param>) -> u32 {
    param.map_or(0, |param| family_bits(param.param.families))
}

/// The hooks from which a rule with it may be reached, as bits of pktt_hook; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_hooks(param: Option<&pktt_param>) -> u32 {
    param.map_or(0, |param| hook_bits(param.param.hooks))
}

/// The parameters that may not be given with it, NULL-terminated; NULL for NULL. Lives as long as the parameter.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_excludes(param: Option<&pktt_param>) -> *const *const c_char {
    param.map_or(ptr::null(), |param| param.excludes.as_ptr())
}

/// The parameters that must be given with it, NULL-terminated; NULL for NULL. Lives as long as the parameter.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_needs(param: Option<&pktt_param>) -> *const *const c_char {
    param.map_or(ptr::null(), |param| param.needs.as_ptr())
}

/// Whether it takes a value: PKTT_OK, or PKTT_ERROR_VALUE and in `error` why not and what it takes.
///
/// `negated` says that `!` stands before the option. `protocol` is the transport protocol that the rule names, on
/// which some values depend, and 0 if it names none. PKTT_ERROR_ARGUMENT if another argument makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_check(
    param: Option<&pktt_param>,
    value: Text<'_>,
    negated: bool,
    family: FamilyNumber,
    protocol: u8,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let param = given(param, "param")?;
        let protocol = (protocol != 0).then_some(Negatable { value: protocol, not: false });
        let scope = Scope { family: pktt_family::read(family)?, protocol };
        let value = value.get("value")?;
        match param.descriptor.why_refused(param.param, value, negated, &scope) {
            None => Ok(()),
            Some(refusal) => Err(refusal.into()),
        }
    })
}

/// A value that it accepts, made from the description alone. The same `seed` gives the same value, and 0 the simplest.
///
/// To be freed with pktt_string_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_sample(
    param: Option<&pktt_param>,
    family: FamilyNumber,
    seed: u64,
    error: Option<&mut pktt_error>,
) -> *mut c_char {
    value_or(error, ptr::null_mut(), || {
        let param = given(param, "param")?;
        let mut state = seed;
        let sample = param.param.domain.sample(pktt_family::read(family)?, &mut |below| {
            if seed == 0 { 0 } else { draw(&mut state) % below.max(1) }
        });
        Ok(give(&sample))
    })
}

/// SplitMix64.
const fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// The words that values, or parts of values, can be, where they can be named one by one; else none.
///
/// To be freed with pktt_words_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_choices(
    param: Option<&pktt_param>,
    family: FamilyNumber,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_words>> {
    handle(error, || {
        let param = given(param, "param")?;
        let choices = param.param.domain.choices(pktt_family::read(family)?);
        Ok(pktt_words::new(choices.into_iter().map(|choice| (choice.name, choice.meaning()))))
    })
}

/// What `begun`, the beginning of a value, can be continued to, as far as that can be listed. Each word is the whole
/// value up to its end.
///
/// To be freed with pktt_words_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_param_complete(
    param: Option<&pktt_param>,
    begun: Text<'_>,
    family: FamilyNumber,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_words>> {
    handle(error, || {
        let param = given(param, "param")?;
        let family: Family = pktt_family::read(family)?;
        let completions = param.param.domain.complete(begun.get("begun")?, family);
        Ok(pktt_words::new(completions.iter().map(|Completion { text, help }| (&**text, help.clone()))))
    })
}

/// How many words there are; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_words_count(words: Option<&pktt_words>) -> usize {
    words.map_or(0, |words| words.0.len())
}

/// One of the words, counted from 0; NULL if there are not so many. Lives as long as `words`.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_words_at(words: Option<&pktt_words>, index: usize) -> *const c_char {
    get(ptr::null(), || {
        words.and_then(|words| words.0.get(index)).map_or(ptr::null(), |(word, _)| word.as_ptr())
    })
}

/// What one of the words means, counted from 0; empty if that is not known, NULL if there are not so many. Lives as
/// long as `words`.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_words_help(words: Option<&pktt_words>, index: usize) -> *const c_char {
    get(ptr::null(), || {
        words.and_then(|words| words.0.get(index)).map_or(ptr::null(), |(_, help)| help.as_ptr())
    })
}

/// Frees words; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_words_free(words: Option<Box<pktt_words>>) {
    drop(words);
}
