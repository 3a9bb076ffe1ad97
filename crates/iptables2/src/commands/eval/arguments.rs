use crate::Result;
use crate::commands::{FamilyName, Source, check};
use crate::connect::Options;
use crate::failure::Failure;
use clap::{Args, ValueEnum};
use pkttables::kernel::KernelError;
use pkttables::model::{Family, Ruleset};
use pkttables::registry::Backend;
use pkttables_eval::{Setup, SetupError};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// The rules, and the host that they are in force on.
#[derive(Debug, Args)]
pub(super) struct Rules {
    /// The rules are for IPv4, as they are anyway
    #[arg(short = '4')]
    v4: bool,
    /// The rules are for IPv6
    #[arg(short = '6', conflicts_with = "v4")]
    v6: bool,
    /// The rules, in the format of iptables-save; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "kernel")]
    rules: Option<PathBuf>,
    /// The rules that are in force here, or with --embedded[=FILE] in the kernel within the program
    #[arg(long)]
    kernel: bool,
    /// Where packets are sent to: PREFIX=INTERFACE; the longest prefix counts
    #[arg(long = "route", value_name = "PREFIX=INTERFACE")]
    routes: Vec<String>,
    /// An address of this host, which belongs to the interface that its route names
    #[arg(long = "local", value_name = "ADDRESS")]
    locals: Vec<IpAddr>,
    /// The sets that rules refer to, as `ipset save` prints them
    #[arg(long, value_name = "FILE")]
    ipset: Option<PathBuf>,
    /// A kernel setting, such as net.netfilter.nf_conntrack_tcp_loose=0; the host is a router unless told otherwise
    #[arg(long, value_name = "KEY=VALUE")]
    sysctl: Vec<String>,
    /// Whose behaviour is followed where they differ
    #[arg(long, value_enum, default_value_t = BackendName::Nft)]
    backend: BackendName,
}

/// Which kernel code is followed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum BackendName {
    /// nf_tables, as of iptables-nft
    Nft,
    /// ip_tables, as of iptables-legacy
    Legacy,
}

impl Rules {
    /// Reads the rules; the exit code if what is wrong with them was said.
    pub(super) fn read(&self, options: &Options) -> Result<std::result::Result<Ruleset, ExitCode>> {
        let family = if self.v6 { FamilyName::Ipv6 } else { FamilyName::Ipv4 };
        match &self.rules {
            Some(file) => check::read(&Source { file: file.clone(), family: Some(family) }),
            None if self.kernel || options.embedded.is_some() => in_force(options, family.into()).map(Ok),
            None => {
                let message = "--rules FILE, --kernel or --embedded[=FILE] says which rules".into();
                Err(Failure::Other(2, message))
            }
        }
    }

    /// What the rules are called in errors.
    pub(super) fn name(&self) -> String {
        self.rules.as_ref().map_or_else(|| "the kernel".into(), |file| file.display().to_string())
    }

    /// Adds the host to the rules.
    pub(super) fn complete(&self, setup: Setup) -> Result<Setup> {
        let mut setup = setup.backend(match self.backend {
            BackendName::Nft => Backend::Nft,
            BackendName::Legacy => Backend::Legacy,
        });
        for route in &self.routes {
            setup = setup.route(route).map_err(|error| Failure::Other(2, format!("--{error}")))?;
        }
        for local in &self.locals {
            setup = setup.local(*local);
        }
        for text in &self.sysctl {
            let Some((key, value)) = text.split_once('=') else {
                return Err(Failure::Other(2, format!("--sysctl {text}: expected KEY=VALUE")));
            };
            setup = setup
                .sysctl(key.trim(), value.trim())
                .map_err(|error| Failure::Other(2, format!("--{error}")))?;
        }
        if let Some(file) = &self.ipset {
            let name = file.display();
            let fail = |reason: String| Failure::Other(1, format!("{name}: {reason}"));
            let text = std::fs::read_to_string(file).map_err(|error| fail(crate::restore::reason(&error)))?;
            setup = setup.sets(&text).map_err(|error| match error {
                SetupError::Sets(error) => Failure::Other(1, format!("{name}:{error}")),
                error => fail(error.to_string()),
            })?;
        }
        Ok(setup)
    }
}

/// The rules of a kernel; none may be such as no iptables writes.
fn in_force(options: &Options, family: Family) -> Result<Ruleset> {
    let mut kernel = options.open_for_reading()?;
    let whole = kernel.read::<_, KernelError>(|snapshot| snapshot.whole(family))?;
    match whole.foreign.first() {
        Some(foreign) => Err(Failure::Other(
            1,
            format!("{foreign} is of another program's making and cannot be evaluated"),
        )),
        None => Ok(whole.ruleset),
    }
}
