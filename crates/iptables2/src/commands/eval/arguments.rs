use crate::Result;
use crate::commands::{FamilyName, Source};
use crate::failure::Failure;
use clap::{Args, ValueEnum};
use pkttables::registry::Backend;
use pkttables_eval::{Setup, SetupError};
use std::net::IpAddr;
use std::path::PathBuf;

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
    #[arg(long, value_name = "FILE")]
    pub(super) rules: PathBuf,
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
    /// Where the rules are read.
    pub(super) fn source(&self) -> Source {
        let family = if self.v6 { FamilyName::Ipv6 } else { FamilyName::Ipv4 };
        Source { file: self.rules.clone(), family: Some(family) }
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
