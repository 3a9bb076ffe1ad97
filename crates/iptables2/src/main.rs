//! `iptables2`: by the name it is called it is iptables, ip6tables, or their -save and -restore; otherwise it has
//! subcommands of its own.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice
    )
)]

#[macro_use]
mod output;

mod arguments;
mod commands;
mod connect;
mod failure;
mod help;
mod iptables;
mod json;
mod layout;
mod listing;
mod personality;
mod refusal;
mod restore;
mod save;

use connect::Options;
use failure::Failure;
use personality::{Personality, Program};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let Some((personality, args)) = Personality::of_call(&args) else { return commands::main(&args) };
    let result = Options::take(&args).and_then(|(options, args)| {
        match personality.program {
            Program::Iptables => iptables::run(&personality, &options, &args),
            Program::Save => save::run(&personality, &options, &args),
            Program::Restore => restore::run(&personality, &options, &args),
        }?;
        options.keep()
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&personality),
    }
}

type Result<T> = std::result::Result<T, Failure>;
