//! The Rust code in the pages of `docs/`, as documentation tests.

/// `docs/getting-started.md`
#[cfg(doctest)]
#[doc = include_str!("../../docs/getting-started.md")]
struct GettingStarted;
