//! The C API as a program in C calls it: the functions are declared here anew, from the header.
#![expect(unsafe_code, reason = "the functions of a C library can be called in no other way")]

use std::ffi::{CStr, c_char, c_void};

// For its symbols.
use pkttables_capi as _;

type Handle = *mut c_void;

unsafe extern "C" {
    fn pktt_error_new() -> Handle;
    fn pktt_error_free(error: Handle);
    fn pktt_error_message(error: Handle) -> *const c_char;
    fn pktt_error_count(error: Handle) -> usize;
    fn pktt_error_problem(error: Handle, index: usize) -> Handle;
    fn pktt_ruleset_parse(
        family: u32,
        text: *const c_char,
        len: usize,
        file: *const c_char,
        counters: bool,
        error: Handle,
    ) -> Handle;
    fn pktt_ruleset_text(ruleset: Handle, counters: bool, error: Handle) -> *mut c_char;
    fn pktt_ruleset_free(ruleset: Handle);
    fn pktt_ruleset_table_at(ruleset: Handle, index: usize) -> u32;
    fn pktt_ruleset_chain_at(ruleset: Handle, table: u32, index: usize) -> Handle;
    fn pktt_chain_rule_at(chain: Handle, index: usize) -> Handle;
    fn pktt_rule_text(rule: Handle) -> *const c_char;
    fn pktt_rule_target(rule: Handle) -> Handle;
    fn pktt_rule_match_at(rule: Handle, index: usize) -> Handle;
    fn pktt_part_argument_at(part: Handle, index: usize) -> Handle;
    fn pktt_string_free(text: *mut c_char);
}

/// A save file of IPv4, read through the C API, walked through, printed, and read again.
pub fn c_api(text: &[u8]) {
    // SAFETY: the handles come from the library, are used as the header says, and are freed once.
    unsafe {
        let error = pktt_error_new();
        let ruleset = parse(text, error);
        if ruleset.is_null() {
            assert!(!CStr::from_ptr(pktt_error_message(error)).is_empty());
            (0..=pktt_error_count(error)).for_each(|index| _ = pktt_error_problem(error, index));
        } else {
            walk(ruleset);
            let text = pktt_ruleset_text(ruleset, true, error);
            pktt_ruleset_free(parse(CStr::from_ptr(text).to_bytes(), error));
            pktt_string_free(text);
        }
        pktt_ruleset_free(ruleset);
        pktt_error_free(error);
    }
}

fn parse(text: &[u8], error: Handle) -> Handle {
    // SAFETY: the text is as long as is said.
    unsafe { pktt_ruleset_parse(1, text.as_ptr().cast(), text.len(), c"fuzz".as_ptr(), true, error) }
}

/// Asks for everything up to what is not there.
unsafe fn walk(ruleset: Handle) {
    // SAFETY: the ruleset lives, and so does what it lends.
    unsafe {
        let tables = (0..).map(|index| pktt_ruleset_table_at(ruleset, index)).take_while(|table| *table != 0);
        for chain in tables.flat_map(|table| all(move |index| pktt_ruleset_chain_at(ruleset, table, index))) {
            for rule in all(|index| pktt_chain_rule_at(chain, index)) {
                let _ = CStr::from_ptr(pktt_rule_text(rule)).to_bytes();
                let _ = all(|index| pktt_part_argument_at(pktt_rule_target(rule), index)).count();
                for part in all(|index| pktt_rule_match_at(rule, index)) {
                    let _ = all(|index| pktt_part_argument_at(part, index)).count();
                }
            }
        }
    }
}

fn all(at: impl Fn(usize) -> Handle) -> impl Iterator<Item = Handle> {
    (0..).map(at).take_while(|handle| !handle.is_null())
}
