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
    fn pktt_kernel_open_embedded(state: *const c_char, error: Handle) -> Handle;
    fn pktt_kernel_free(kernel: Handle);
    fn pktt_kernel_read(kernel: Handle, family: u32, table: u32, error: Handle) -> Handle;
    fn pktt_kernel_commit(kernel: Handle, transaction: Handle, error: Handle) -> u32;
    fn pktt_kernel_apply(kernel: Handle, ruleset: Handle, scope: Handle, error: Handle) -> u32;
    fn pktt_rule_parse(family: u32, text: *const c_char, error: Handle) -> Handle;
    fn pktt_rule_free(rule: Handle);
    fn pktt_transaction_new(family: u32, error: Handle) -> Handle;
    fn pktt_transaction_free(transaction: Handle);
    fn pktt_transaction_append(t: Handle, table: u32, chain: *const c_char, rule: Handle, e: Handle) -> u32;
    fn pktt_transaction_insert(
        t: Handle,
        table: u32,
        chain: *const c_char,
        number: usize,
        rule: Handle,
        e: Handle,
    ) -> u32;
    fn pktt_transaction_delete_number(
        t: Handle,
        table: u32,
        chain: *const c_char,
        number: usize,
        e: Handle,
    ) -> u32;
    fn pktt_transaction_flush(t: Handle, table: u32, chain: *const c_char, e: Handle) -> u32;
    fn pktt_transaction_zero(t: Handle, table: u32, chain: *const c_char, e: Handle) -> u32;
    fn pktt_transaction_new_chain(t: Handle, table: u32, chain: *const c_char, e: Handle) -> u32;
    fn pktt_transaction_rename_chain(
        t: Handle,
        table: u32,
        chain: *const c_char,
        name: *const c_char,
        e: Handle,
    ) -> u32;
    fn pktt_transaction_delete_chain(t: Handle, table: u32, chain: *const c_char, e: Handle) -> u32;
    fn pktt_transaction_set_counters(
        t: Handle,
        table: u32,
        chain: *const c_char,
        policy: u32,
        packets: u64,
        bytes: u64,
        e: Handle,
    ) -> u32;
}

/// Edits of an embedded kernel, a line each: a letter that says what, a digit for the table, a digit for a number, the
/// chain up to a blank, and a rule or a name. An empty line commits. What is read in the end can be applied again.
pub fn c_edits(bytes: &[u8]) {
    // SAFETY: the handles come from the library, are used as the header says, and are freed once; all text ends.
    unsafe {
        let error = pktt_error_new();
        let kernel = pktt_kernel_open_embedded(std::ptr::null(), error);
        let mut edits = pktt_transaction_new(1, error);
        for line in bytes.split(|byte| *byte == b'\n').take(64) {
            if line.is_empty() {
                let _ = pktt_kernel_commit(kernel, edits, error);
                pktt_transaction_free(edits);
                edits = pktt_transaction_new(1, error);
            } else {
                edit(edits, line, error);
            }
        }
        let _ = pktt_kernel_commit(kernel, edits, error);
        pktt_transaction_free(edits);
        let ruleset = pktt_kernel_read(kernel, 1, 0, error);
        assert!(!ruleset.is_null(), "what an embedded kernel has can be read");
        let applied = pktt_kernel_apply(kernel, ruleset, std::ptr::null_mut(), error);
        assert_eq!(applied, 0, "{:?}", CStr::from_ptr(pktt_error_message(error)));
        pktt_ruleset_free(ruleset);
        pktt_kernel_free(kernel);
        pktt_error_free(error);
    }
}

/// Adds one edit, whatever the line says.
unsafe fn edit(edits: Handle, line: &[u8], error: Handle) {
    let (&[what, table, number, ref rest @ ..], false) = (line, line.contains(&0)) else { return };
    let (table, number) = (1 << (table % 6), usize::from(number.wrapping_sub(b'0')));
    let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
    let text = |bytes: &[u8]| std::ffi::CString::new(bytes).unwrap_or_default();
    let (chain, other) = (text(&rest[..end]), text(rest.get(end + 1..).unwrap_or_default()));
    let (chain, other) = (chain.as_ptr(), other.as_ptr());
    // SAFETY: as for the caller.
    unsafe {
        let rule = pktt_rule_parse(1, other, error);
        let _ = match what {
            b'A' => pktt_transaction_append(edits, table, chain, rule, error),
            b'I' => pktt_transaction_insert(edits, table, chain, number, rule, error),
            b'D' => pktt_transaction_delete_number(edits, table, chain, number, error),
            b'F' => pktt_transaction_flush(edits, table, chain, error),
            b'Z' => pktt_transaction_zero(edits, table, chain, error),
            b'N' => pktt_transaction_new_chain(edits, table, chain, error),
            b'E' => pktt_transaction_rename_chain(edits, table, chain, other, error),
            b'X' => pktt_transaction_delete_chain(edits, table, chain, error),
            _ => pktt_transaction_set_counters(edits, table, chain, number as u32, 1, 2, error),
        };
        pktt_rule_free(rule);
    }
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
