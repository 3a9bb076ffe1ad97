//! What the fuzzers run: one function per target, from bytes, in groups that share a fuzzer.
//!
//! A target returns if all is well and panics if not. `fuzz/fuzz_targets` hands the groups to libFuzzer; the tests here
//! run them on the seeds and on every input that once failed.

mod capi;
mod embedded;
mod extensions;
mod files;
mod json;
mod messages;
mod packets;
mod plans;
mod rules;
mod text;
mod wire;

macro_rules! targets {
    ($( $(#[$doc:meta])* $group:ident: $( $module:ident :: $name:ident ),+; )*) => {
        $( $( pub use $module::$name; )+ )*

        $(
            $(#[$doc])*
            ///
            /// The first byte says which of them; the rest is for that one.
            pub fn $group(bytes: &[u8]) {
                const MEMBERS: &[fn(&[u8])] = &[$( $name ),+];
                if let Some((&first, rest)) = bytes.split_first() {
                    MEMBERS[usize::from(first) % MEMBERS.len()](rest);
                }
            }
        )*

        /// What fuzzers run, each with the names of the targets in it. A new target of one comes last there, lest the
        /// seeds of the others change their meaning.
        pub const GROUPS: &[Group] = &[$( (stringify!($group), $group, &[$( stringify!($name) ),+]), )*];
    };
}

/// A group's name, its function, and the names of its targets.
pub type Group = (&'static str, fn(&[u8]), &'static [&'static str]);

pub use messages::EXPRESSIONS;

targets! {
    /// Datagrams, messages, expressions.
    netlink: wire::framing, messages::message, messages::expression;
    /// Extensions by their layouts and by their options.
    extensions: extensions::extension_layout, extensions::extension_options;
    /// Save files and command lines.
    language: text::save_file, text::arguments;
    /// Rulesets and plans as JSON.
    rulesets: json::json_ruleset, json::json_plan;
    /// Rules of the kernel, and what is written for it.
    kernel_rules: rules::kernel_rule, rules::written_rule;
    /// Changes of rulesets.
    changes: plans::plan;
    /// Packets through rulesets and connection tracking.
    evaluation: packets::evaluate, packets::conntrack;
    /// The embedded kernel and its state files.
    embedded_kernel: embedded::embedded_batch, embedded::embedded_datagrams, embedded::embedded_state;
    /// What else `eval` and `test` read.
    files: packets::host_texts, files::capture, files::scenario_file;
    /// The C API.
    c_library: capi::c_api, capi::c_edits;
}
