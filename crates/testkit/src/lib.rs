//! What tests and benchmarks against the real kernel need: a network namespace of their own, other programs to
//! compare with, and generated rulesets.
//!
//! A test that cannot have what it needs says so and is skipped. With `PKTTABLES_REQUIRE_KERNEL=1` in the
//! environment it fails instead.
//!
//! ```
//! testkit::in_namespace(|| {
//!     if let Some(mut nft) = testkit::program("nft") {
//!         assert!(nft.args(["add", "table", "ip", "t"]).status().unwrap().success());
//!     }
//! });
//! ```

mod namespace;
mod program;
mod ruleset;

pub use namespace::{enter_namespace, in_namespace, try_in_namespace, without_privilege};
pub use program::{find, program, run};
pub use ruleset::{changed_ruleset, jumps, nft_ruleset, ruleset};

/// Says that a test is skipped because of `reason`; panics where the kernel is required.
///
/// # Panics
/// With `PKTTABLES_REQUIRE_KERNEL=1`.
pub fn skip(reason: &str) {
    let required = std::env::var_os("PKTTABLES_REQUIRE_KERNEL").is_some_and(|value| value == "1");
    assert!(!required, "PKTTABLES_REQUIRE_KERNEL=1, but {reason}");
    // Past the test harness's capture, so that a skipped test is seen to be skipped.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("skipped: {reason}\n").as_bytes());
}
