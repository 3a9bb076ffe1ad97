//! No panic gets out: every entry runs in one of these.

use crate::error::{pktt_error, pktt_status};
use crate::failure::Failure;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs what may fail, and tells the error object of a failure.
pub(crate) fn status(
    error: Option<&mut pktt_error>,
    work: impl FnOnce() -> Result<(), Failure>,
) -> pktt_status {
    match run(work) {
        Ok(()) => pktt_status::PKTT_OK,
        Err(failure) => tell(error, failure),
    }
}

/// Runs what makes a handle or, with a failure, NULL.
pub(crate) fn handle<T>(
    error: Option<&mut pktt_error>,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Option<Box<T>> {
    value_or(error, None, || work().map(Box::new).map(Some))
}

/// Runs what gives a value or, with a failure, another one.
pub(crate) fn value_or<T>(
    error: Option<&mut pktt_error>,
    otherwise: T,
    work: impl FnOnce() -> Result<T, Failure>,
) -> T {
    run(work).unwrap_or_else(|failure| {
        tell(error, failure);
        otherwise
    })
}

/// Runs what has an answer to everything; `otherwise` is that to a panic.
pub(crate) fn get<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

fn tell(error: Option<&mut pktt_error>, failure: Failure) -> pktt_status {
    let status = failure.status;
    if let Some(error) = error {
        error.set(failure);
    }
    status
}

fn run<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        Err(Failure::new(pktt_status::PKTT_ERROR_INTERNAL, format!("a fault of the library: {text}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let mut error = pktt_error::default();
        let status = status(Some(&mut error), || panic!("number {}", 7));
        assert_eq!(status, pktt_status::PKTT_ERROR_INTERNAL);
        assert_eq!(error.message(), "a fault of the library: number 7");
        assert!(handle::<u8>(None, || panic!("nobody listens")).is_none());
        assert_eq!(get(3, || panic!("again")), 3);
    }
}
