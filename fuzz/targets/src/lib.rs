//! What the fuzzers run: one function per target, from bytes.
//!
//! A target returns if all is well and panics if not. `fuzz/fuzz_targets` hands them to libFuzzer; the tests here
//! run them on the seeds and on every input that once failed.

mod capi;
mod embedded;
mod extensions;
mod json;
mod messages;
mod packets;
mod plans;
mod rules;
mod text;
mod wire;

macro_rules! targets {
    ($( $(#[$meta:meta])* $module:ident :: $name:ident, )*) => {
        $( $(#[$meta])* pub use $module::$name; )*

        /// Every target with its name.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[$( (stringify!($name), $name), )*];
    };
}

pub use messages::EXPRESSIONS;

targets! {
    wire::framing,
    messages::message,
    messages::expression,
    extensions::extension_layout,
    extensions::extension_options,
    text::save_file,
    text::arguments,
    json::json_ruleset,
    rules::kernel_rule,
    rules::written_rule,
    plans::plan,
    packets::evaluate,
    packets::conntrack,
    packets::host_texts,
    embedded::embedded_batch,
    embedded::embedded_datagrams,
    embedded::embedded_state,
    capi::c_api,
}
