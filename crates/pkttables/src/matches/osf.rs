//! `-m osf`: guesses the operating system of the sender.

use crate::domain::Name;
use crate::model::{Families, Hooks, protocol};
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Revision};
use crate::{choices, extension};
use nfnetlink::wire::Problem;

/// The `osf` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Osf {
    /// The system's name.
    pub genre: Name<31>,
    /// Whether all other systems are meant instead.
    pub not: bool,
    /// How the packet's time to live is compared with that in the fingerprint.
    pub ttl: Option<TtlTest>,
    /// What is logged.
    pub log: Option<LogLevel>,
}

choices! {
    /// How the packet's time to live is compared with that in the fingerprint.
    pub enum TtlTest: u32 {
        /// They must be the same: for senders on this network.
        Same = 0 => "0",
        /// The packet's may be lower, as it is after having passed routers.
        Lower = 1 => "1",
        /// Not at all.
        Ignored = 2 => "2",
    }
}

choices! {
    /// What is logged.
    pub enum LogLevel: u32 {
        /// Each fingerprint that fits, and packets that none fits.
        All = 0 => "0",
        /// The first fingerprint that fits.
        First = 1 => "1",
        /// Each fingerprint that fits.
        Known = 2 => "2",
    }
}

extension! {
    /// Match TCP connections by the operating system they probably come from.
    ///
    /// The system is guessed from the first packet (SYN), by comparing its options, sizes and time to live with
    /// fingerprints that must have been loaded with nfnl_osf. The rule must name tcp.
    match "osf" => Osf {
        families: Families::IPV4,
        hooks: Hooks::PREROUTING.union(Hooks::INPUT).union(Hooks::FORWARD),
        protocols: &[protocol::TCP],
    } params {
        /// The system's name as the fingerprints have it, such as `Linux`; `unknown` if none fits.
        [!] "genre": Name<31> {
            set: |m, genre, not| { m.genre = genre; m.not = not; },
            get: |m| Some((m.genre.clone(), m.not)),
            required: true,
        }
        /// How the packet's time to live is compared with that in the fingerprint.
        "ttl": TtlTest {
            set: |m, ttl, _| m.ttl = Some(ttl),
            get: |m| m.ttl.map(|ttl| (ttl, false)),
        }
        /// Log what was guessed to the kernel's log.
        "log": LogLevel {
            set: |m, log, _| m.log = Some(log),
            get: |m| m.log.map(|log| (log, false)),
        }
    }
}

const TTL: u32 = 2;
const LOG: u32 = 4;
const INVERT: u32 = 8;

impl Extension for Osf {
    /// Without fingerprints, as which the evaluator takes it, no system is recognised, and `!` makes no difference.
    fn matches(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        Outcome::NoMatch
    }

    fn found(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        Some("no fingerprint of a system is known".into())
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 48,
        families: Families::IPV4,
        encode: |m, w| {
            let genre = m.genre.as_str().as_bytes();
            w.c_string(genre, 32);
            w.ne_u32(u32::try_from(genre.len()).unwrap_or(0));
            let flags = [(m.ttl.is_some(), TTL), (m.log.is_some(), LOG), (m.not, INVERT)];
            w.ne_u32(flags.into_iter().filter(|(is, _)| *is).map(|(_, flag)| flag).sum());
            w.ne_u32(m.log.map_or(0, LogLevel::number));
            w.ne_u32(m.ttl.map_or(0, TtlTest::number));
            Ok(())
        },
        decode: |r, _| {
            let at = **r;
            let genre = Name::read(r, 32, "genre")?;
            let _len = r.ne_u32("len")?;
            let (flags, log, ttl) = (r.ne_u32("flags")?, r.ne_u32("loglevel")?, r.ne_u32("ttl")?);
            let unknown = |what, value: u32| at.error(what, Problem::Value(value.into()));
            let ttl = match flags & TTL {
                0 => None,
                _ => Some(TtlTest::from_number(ttl).ok_or_else(|| unknown("ttl", ttl))?),
            };
            let log = match flags & LOG {
                0 => None,
                _ => Some(LogLevel::from_number(log).ok_or_else(|| unknown("loglevel", log))?),
            };
            Ok(Some(Self { genre, not: flags & INVERT != 0, ttl, log }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, not, text| {
            if name == "genre" {
                let not = if not { "! " } else { "" };
                out.add(format_args!(" OS fingerprint match {not}{}", text.trim_matches('"')));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Osf, Ipv4:
            "-p 6 --genre linux --ttl 0 --log 0" => "--genre linux --ttl 0 --log 0",
            "-p 6 ! --genre Windows" => "! --genre Windows", "-p 6 --log 2 --genre a.b --ttl 1" => "--genre a.b --ttl 1 --log 2",
            "-p 6 --genre linux --log 3" => fails, "-p 6 --genre linux --ttl 3" => fails, "-p 6" => fails,
            "--genre linux" => fails, "-p 17 --genre linux" => fails, "-p 6 --genre linux ! --log 0" => fails,
            "-p 6 --genre abcdefghijklmnopqrstuvwxyzabcdef" => fails,
        }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Osf, Ipv4:
            "-p 6 ! --genre linux --ttl 1 --log 2", 0 =>
                "6c696e7578 000000 0000000000000000 0000000000000000 0000000000000000 05000000 0e000000 02000000 01000000",
        }
    }
}
