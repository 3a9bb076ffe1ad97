//! `-j LOG`: writes the packet's headers to the kernel's log.
use crate::domain::{LogPrefix, parse_bounded};
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Action, Context, Domain, Extension, Flag, Lister, Revision, Scope, Value, ValueError};
use crate::{choices, extension};
use bitflags::bitflags;
use nfnetlink::wire::Problem;

/// The `LOG` target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// How urgent the message is, from 0 to 7.
    pub level: LogLevel,
    /// What is logged besides the usual.
    pub flags: LogFlags,
    /// What stands at the beginning of the message.
    pub prefix: Option<Prefix>,
}

type Prefix = LogPrefix<29>;

bitflags! {
    /// What is logged besides the usual (`XT_LOG_*`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct LogFlags: u8 {
        /// TCP sequence numbers.
        const TCP_SEQUENCE = 0x01;
        /// TCP options.
        const TCP_OPTIONS = 0x02;
        /// IP options.
        const IP_OPTIONS = 0x04;
        /// The user of the socket that sent the packet.
        const UID = 0x08;
        /// The parts of the link layer header by name.
        const MAC_DECODE = 0x20;
    }
}

choices! {
    /// The names of log levels, as the system logger uses them.
    pub enum LevelName: u8 {
        /// The system is unusable.
        Emerg = 0 => "emerg" | "panic",
        /// Something must be done at once.
        Alert = 1 => "alert",
        /// A critical condition.
        Crit = 2 => "crit",
        /// An error.
        Error = 3 => "error",
        /// A warning.
        Warning = 4 => "warning",
        /// Normal, but worth a note.
        Notice = 5 => "notice",
        /// Information.
        Info = 6 => "info",
        /// What helps to find errors.
        Debug = 7 => "debug",
    }
}

/// How urgent a log message is: a number, or the name of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLevel(u8);

impl Default for Log {
    fn default() -> Self {
        Self { level: LogLevel::WARNING, flags: LogFlags::empty(), prefix: None }
    }
}

macro_rules! flag {
    ($m:expr, $flag:ident) => {
        $m.flags.contains(LogFlags::$flag).then_some((Flag, false))
    };
}

extension! {
    /// Write a line about the packet to the kernel's log and go on with the next rule.
    ///
    /// The line has interfaces, addresses, ports and lengths; `dmesg` shows it. To log and drop, put a rule with the
    /// same conditions and DROP behind it. Logging every packet can fill a disk: limit it with the `limit` match. In
    /// network namespaces other than the first nothing is logged unless the sysctl `net.netfilter.nf_log_all_netns` is 1.
    target "LOG" => Log {} params {
        /// Begin the line with this text, so that it can be told from others.
        ///
        /// A space at its end keeps it apart from what follows. What goes beyond 29 bytes is cut off.
        "log-prefix": Prefix {
            set: |m, prefix, _| m.prefix = Some(prefix),
            get: |m| m.prefix.clone().map(|prefix| (prefix, false)),
        }
        /// How urgent the message is, from `emerg` (0) to `debug` (7).
        "log-level": LogLevel {
            set: |m, level, _| m.level = level,
            get: |m| (m.level != LogLevel::WARNING).then_some((m.level, false)),
            default: Some("4"),
        }
        /// Log TCP sequence numbers, which lets those who can read the log break into connections more easily.
        "log-tcp-sequence": Flag { set: |m, _, _| m.flags |= LogFlags::TCP_SEQUENCE, get: |m| flag!(m, TCP_SEQUENCE) }
        /// Log the options of the TCP header, in hexadecimal.
        "log-tcp-options": Flag { set: |m, _, _| m.flags |= LogFlags::TCP_OPTIONS, get: |m| flag!(m, TCP_OPTIONS) }
        /// Log the options of the IP header, or IPv6 extension headers.
        "log-ip-options": Flag { set: |m, _, _| m.flags |= LogFlags::IP_OPTIONS, get: |m| flag!(m, IP_OPTIONS) }
        /// Log the user and group of the process that sent the packet, for packets made on this host.
        "log-uid": Flag { set: |m, _, _| m.flags |= LogFlags::UID, get: |m| flag!(m, UID) }
        /// Log source, destination and protocol of the link layer apart, instead of its header in one piece.
        "log-macdecode": Flag { set: |m, _, _| m.flags |= LogFlags::MAC_DECODE, get: |m| flag!(m, MAC_DECODE) }
    }
}

impl Extension for Log {
    fn act(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Action {
        Action::Report
    }

    // `struct xt_log_info` in linux/netfilter/xt_LOG.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 32,
        families: Families::all(),
        encode: |m, w| {
            w.u8(m.level.0);
            w.u8(m.flags.bits());
            w.c_string(m.prefix.as_ref().map_or("", Prefix::as_str).as_bytes(), 30);
            Ok(())
        },
        decode: |r, _| {
            let level = r.u8("level")?;
            let level = LogLevel::new(level).ok_or_else(|| r.error("level", Problem::Value(level.into())))?;
            let flags = r.u8("flags")?;
            let flags =
                LogFlags::from_bits(flags).ok_or_else(|| r.error("flags", Problem::Value(flags.into())))?;
            let prefix = match std::str::from_utf8(r.c_string(30, "prefix")?) {
                Ok("") => None,
                Ok(text) => Some(Prefix::new(text).map_err(|_| r.error("prefix", Problem::String))?),
                Err(_) => return Err(r.error("prefix", Problem::String)),
            };
            Ok(Some(Self { level, flags, prefix }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        if out.is_numeric() {
            out.add(format_args!(" LOG flags {} level {}", self.flags.bits(), self.level.0));
        } else {
            const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
            let level = LEVELS.get(usize::from(self.level.0)).copied().unwrap_or_default();
            out.add(format_args!(" LOG level {level}"));
            out.each(self, |out, name, _, _| match name.strip_prefix("log-") {
                Some("level" | "prefix") | None => {}
                Some(flag) => out.add(format_args!(" {flag}")),
            });
        }
        if let Some(prefix) = &self.prefix {
            out.add(format_args!(" prefix \"{}\"", prefix.as_str()));
        }
    }
}

impl LogLevel {
    /// The level that is used if none is given.
    pub const WARNING: Self = Self(4);

    /// The level with this number, if there is one.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number <= 7 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Value for LogLevel {
    const DOMAIN: Domain = Domain::OneOf(&[Domain::Integer { min: 0, max: 7, unit: "" }, LevelName::DOMAIN]);

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        if let Some(name) = LevelName::from_name(text) {
            return Ok(Self(name.number()));
        }
        let level = parse_bounded(text, 0, 7).map_err(|error| match error {
            ValueError::Form => ValueError::UnknownName,
            other => other,
        })?;
        u8::try_from(level).map(Self).map_err(|_| ValueError::Form)
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        self.0.write(out, scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decoded, encoded, print, text_cases};
    use crate::registry::{Builder, Describe};

    #[test]
    fn saved_forms() {
        text_cases! { Log, Ipv4:
            "" => same, "--log-level 4" => "", "--log-level warning" => "", "--log-level error" => "--log-level 3",
            "--log-level panic" => "--log-level 0", "--log-level 0x7" => "--log-level 7",
            "--log-prefix 0123456789012345678901234567890123456789" => "--log-prefix 01234567890123456789012345678",
            "--log-prefix a.b" => "--log-prefix \"a.b\"", "--log-level info --log-prefix x" => "--log-prefix x --log-level 6",
            "--log-macdecode --log-uid --log-ip-options --log-tcp-options --log-tcp-sequence" =>
                "--log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode",
            "--log-level WARNING" => fails, "--log-level err" => fails, "--log-level 8" => fails,
            "--log-level bad" => fails, "--log-prefix" => fails, "--log-uid --log-uid" => fails,
        }
    }

    #[test]
    fn a_prefix_with_a_space_is_quoted() {
        let scope = Scope { family: Family::Ipv4, protocol: None };
        let mut builder = Builder::new(Log::DESCRIPTOR);
        let prefix = Log::DESCRIPTOR.param("log-prefix", Family::Ipv4).unwrap();
        assert!(builder.set(prefix, "", false, &scope).is_err());
        assert!(builder.set(prefix, "a\nb", false, &scope).is_err());
        builder.set(prefix, "test: ", false, &scope).unwrap();
        let mut instance = Log::DESCRIPTOR.instance();
        prefix.set(&mut *instance, "test: ", false, &scope).unwrap();
        assert_eq!(print(&*instance, &scope), "--log-prefix \"test: \"");
    }

    #[test]
    fn layout() {
        let text = "--log-level 1 --log-uid --log-macdecode --log-prefix ab";
        let info = [&[1, 0x28, b'a', b'b'][..], &[0; 28]].concat();
        assert_eq!(encoded::<Log>(Family::Ipv6, text, 0), Some(info));
        for bad in [&[8, 0, 0][..], &[4, 0x10, 0], &[4, 0, 0xff]] {
            assert_eq!(decoded::<Log>(Family::Ipv6, 0, &[bad, &[0; 29]].concat()), None, "{bad:?}");
        }
    }
}
