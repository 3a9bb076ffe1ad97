//! `iptables2`: by the name it is called it is iptables, ip6tables, or their -save and -restore.
#![forbid(unsafe_code)]

mod arguments;
mod connect;
mod failure;
mod iptables;
mod layout;
mod listing;
mod personality;
mod refusal;
mod restore;
mod save;

use failure::Failure;
use personality::{Personality, Program};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let Some((personality, args)) = Personality::of_call(&args) else {
        eprintln!("usage: iptables2 PROGRAM [ARGUMENT]...\nPROGRAM is one of {}", personality::names());
        return ExitCode::from(2);
    };
    let result = connect::Options::take(args).and_then(|(options, args)| match personality.program {
        Program::Iptables => iptables::run(&personality, &options, &args),
        Program::Save => save::run(&personality, &options, &args),
        Program::Restore => restore::run(&personality, &options, &args),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&personality),
    }
}

type Result<T> = std::result::Result<T, Failure>;
