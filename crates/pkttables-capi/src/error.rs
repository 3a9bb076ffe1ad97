//! What went wrong, for C: a status, and an object that tells the rest.

use crate::failure::{Failure, Problem};
use crate::ffi::{Strings, c_string};
use std::ffi::{CString, c_char};
use std::ptr;

/// How a call ended. The numbers stay what they are.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_status {
    /// It is done.
    PKTT_OK = 0,
    /// There is nothing more, or nothing yet; this is no error and touches no error object.
    PKTT_END = 1,
    /// An argument is NULL, not UTF-8, out of range or of no known number; nothing was done.
    PKTT_ERROR_ARGUMENT = 2,
    /// A fault of the library. The handles that took part are of no more use than to be freed.
    PKTT_ERROR_INTERNAL = 3,
    /// The caller may not do this: CAP_NET_ADMIN in the network namespace is needed. Nothing was changed.
    PKTT_ERROR_PERMISSION = 4,
    /// A text cannot be read as rules; each problem tells its line and column.
    PKTT_ERROR_SYNTAX = 5,
    /// An extension refuses a parameter, a value, or the lack of one.
    PKTT_ERROR_VALUE = 6,
    /// A table, chain, rule, extension or parameter is not there.
    PKTT_ERROR_NOT_FOUND = 7,
    /// Something of this name is there already.
    PKTT_ERROR_EXISTS = 8,
    /// The kernel refused; nothing was changed. Each problem tells the operation and the kernel's reason.
    PKTT_ERROR_REFUSED = 9,
    /// Somebody else changed the ruleset meanwhile; nothing was changed here.
    PKTT_ERROR_CHANGED = 10,
    /// The kernel has no such extension, or it cannot be evaluated.
    PKTT_ERROR_UNSUPPORTED = 11,
    /// A file cannot be read or written, or is none of the expected kind.
    PKTT_ERROR_FILE = 12,
    /// Nothing came in time.
    PKTT_ERROR_TIMEOUT = 13,
    /// Events or replies were lost because a buffer was full; what is known must be read again.
    PKTT_ERROR_LOST = 14,
    /// Bytes that cannot be read as what they should be.
    PKTT_ERROR_MALFORMED = 15,
    /// A system call failed.
    PKTT_ERROR_SYSTEM = 16,
    /// Chains call each other in a circle, or deeper than the kernel allows.
    PKTT_ERROR_LOOP = 17,
    /// A message or attribute would be longer than netlink can carry.
    PKTT_ERROR_TOO_LONG = 18,
    /// A callback of the caller's ended the call.
    PKTT_ERROR_STOPPED = 19,
}

/// Keeps what the last call that failed had to say.
///
/// Make one per thread, pass it to calls, and ask it after a call has failed. A call that succeeds leaves it as it
/// is. Wherever a function takes one it may be NULL.
#[derive(Debug)]
pub struct pktt_error {
    status: pktt_status,
    message: CString,
    problems: Vec<pktt_problem>,
    strings: Strings,
}

/// One thing that is wrong. Text that there is nothing to say for is NULL, numbers are 0.
#[repr(C)]
#[derive(Debug)]
pub struct pktt_problem {
    /// What is wrong, in one sentence without the place; never NULL.
    pub message: *const c_char,
    /// The same for people: with file, line and column and, for text, the line itself and a mark under the word. It
    /// may have several lines; never NULL.
    pub rendered: *const c_char,
    /// The name of the file, if the text came from one or was given one.
    pub file: *const c_char,
    /// The line, from 1.
    pub line: usize,
    /// The column of the offending word, in characters from 1.
    pub column: usize,
    /// The line as it stands in the text.
    pub source: *const c_char,
    /// The offending word as it stands in the line; empty where something is missing.
    pub word: *const c_char,
    /// What may have been meant, or what to do.
    pub hint: *const c_char,
    /// Which operation of a transaction, counted from 1; which step of a plan; or the tag of a batch's message.
    pub operation: u32,
    /// The kernel's error number (`ENOENT` is 2).
    pub system_error: i32,
    /// The table.
    pub table: *const c_char,
    /// The chain.
    pub chain: *const c_char,
    /// The number of the rule in the chain, from 1.
    pub rule_number: usize,
    /// The rule as it is saved, from `-A` on.
    pub rule: *const c_char,
    /// The match or target.
    pub extension: *const c_char,
    /// The parameter of the match or target, without dashes.
    pub parameter: *const c_char,
    /// The kernel's own words (`NLMSGERR_ATTR_MSG`).
    pub kernel_message: *const c_char,
    /// The attribute that the kernel points at, by the names of those around it.
    pub attribute: *const c_char,
    /// Where that attribute is, in bytes from the start of the message's netlink header (`NLMSGERR_ATTR_OFFS`).
    pub attribute_offset: u32,
}

impl Default for pktt_error {
    fn default() -> Self {
        Self {
            status: pktt_status::PKTT_OK,
            message: CString::default(),
            problems: Vec::new(),
            strings: Strings::default(),
        }
    }
}

impl pktt_error {
    /// Takes over what is to be told.
    pub(crate) fn set(&mut self, failure: Failure) {
        self.status = failure.status;
        self.message = c_string(&failure.message);
        self.problems.clear();
        self.strings.clear();
        self.problems.extend(failure.problems.iter().map(|problem| lend(problem, &mut self.strings)));
    }

    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        self.message.to_str().unwrap_or_default()
    }
}

fn lend(problem: &Problem, strings: &mut Strings) -> pktt_problem {
    let Problem { message, rendered, file, line, column, source, word, hint, .. } = problem;
    pktt_problem {
        message: strings.keep(message),
        rendered: strings.keep(rendered.as_deref().unwrap_or(message)),
        file: strings.keep_some(file.as_deref()),
        line: *line,
        column: *column,
        source: strings.keep_some(source.as_deref()),
        word: strings.keep_some(word.as_deref()),
        hint: strings.keep_some(hint.as_deref()),
        operation: problem.operation,
        system_error: problem.errno,
        table: strings.keep_some(problem.table.as_deref()),
        chain: strings.keep_some(problem.chain.as_deref()),
        rule_number: problem.rule_number,
        rule: strings.keep_some(problem.rule.as_deref()),
        extension: strings.keep_some(problem.extension.as_deref()),
        parameter: strings.keep_some(problem.parameter.as_deref()),
        kernel_message: strings.keep_some(problem.kernel_message.as_deref()),
        attribute: strings.keep_some(problem.attribute.as_deref()),
        attribute_offset: problem.attribute_offset,
    }
}

/// Makes an error object, which says PKTT_OK. To be freed with pktt_error_free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_error_new() -> Box<pktt_error> {
    Box::default()
}

/// Frees an error object; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_error_free(error: Option<Box<pktt_error>>) {
    drop(error);
}

/// Empties an error object, so that it says PKTT_OK. What it has lent out is of no more use.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_error_clear(error: Option<&mut pktt_error>) {
    if let Some(error) = error {
        *error = pktt_error::default();
    }
}

/// How the last call that failed with this object ended; PKTT_OK if none has, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_error_status(error: Option<&pktt_error>) -> pktt_status {
    error.map_or(pktt_status::PKTT_OK, |error| error.status)
}

/// What went wrong, for people, with the place as far as it is known; empty if nothing did.
///
/// Lives until the object is used by a call that fails, cleared or freed. NULL only for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_error_message(error: Option<&pktt_error>) -> *const c_char {
    error.map_or(ptr::null(), |error| error.message.as_ptr())
}

/// How many things are wrong. At least 1 after a call has failed, and more if a text has several mistakes or the
/// kernel refuses several operations; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_error_count(error: Option<&pktt_error>) -> usize {
    error.map_or(0, |error| error.problems.len())
}

/// One of the things that are wrong, counted from 0, in the order of the text; NULL if there are not so many.
///
/// Lives, with all that it points to, until the object is used by a call that fails, cleared or freed.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_error_problem(error: Option<&pktt_error>, index: usize) -> Option<&pktt_problem> {
    error?.problems.get(index)
}

/// The file of the first problem; NULL if it has none.
///
/// Lives until the object is used by a call that fails, cleared or freed.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_error_file(error: Option<&pktt_error>) -> *const c_char {
    pktt_error_problem(error, 0).map_or(ptr::null(), |problem| problem.file)
}

/// The line of the first problem, from 1; 0 if it has none.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_error_line(error: Option<&pktt_error>) -> usize {
    pktt_error_problem(error, 0).map_or(0, |problem| problem.line)
}

/// The column of the first problem, in characters from 1; 0 if it has none.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_error_column(error: Option<&pktt_error>) -> usize {
    pktt_error_problem(error, 0).map_or(0, |problem| problem.column)
}

/// The name of a status, such as `PKTT_ERROR_SYNTAX`; of an unknown number `unknown status`. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_status_name(status: u32) -> *const c_char {
    STATUS_NAMES.get(status as usize).unwrap_or(&c"unknown status").as_ptr()
}

/// By their numbers.
const STATUS_NAMES: [&std::ffi::CStr; 20] = [
    c"PKTT_OK",
    c"PKTT_END",
    c"PKTT_ERROR_ARGUMENT",
    c"PKTT_ERROR_INTERNAL",
    c"PKTT_ERROR_PERMISSION",
    c"PKTT_ERROR_SYNTAX",
    c"PKTT_ERROR_VALUE",
    c"PKTT_ERROR_NOT_FOUND",
    c"PKTT_ERROR_EXISTS",
    c"PKTT_ERROR_REFUSED",
    c"PKTT_ERROR_CHANGED",
    c"PKTT_ERROR_UNSUPPORTED",
    c"PKTT_ERROR_FILE",
    c"PKTT_ERROR_TIMEOUT",
    c"PKTT_ERROR_LOST",
    c"PKTT_ERROR_MALFORMED",
    c"PKTT_ERROR_SYSTEM",
    c"PKTT_ERROR_LOOP",
    c"PKTT_ERROR_TOO_LONG",
    c"PKTT_ERROR_STOPPED",
];
