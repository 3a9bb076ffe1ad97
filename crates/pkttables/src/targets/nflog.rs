//! `-j NFLOG`: hands a copy of the packet to programs that listen to a group.
use crate::domain::LogPrefix;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Action, Context, Extension, FromNative, Lister, Native, NativeWriter, Recognised, Revision, RuleScope,
};
use nfnetlink::wire::{EncodeError, Problem};
use pkttnetlink::nft::expr::{Expression, Log};

/// The `NFLOG` target.
///
/// Rules are kept as a native nf_tables log expression; the xt structure holds prefixes of up to 63 bytes only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nflog {
    /// The group that programs listen to.
    pub group: u16,
    /// What is handed over with the packet.
    pub prefix: Option<NflogPrefix>,
    /// How many bytes of the packet are handed over; `None` leaves it to the program.
    pub size: Option<u32>,
    /// How many packets are collected before they are handed over; 0 leaves it to the kernel.
    pub threshold: u16,
}

/// The prefix of the `NFLOG` target.
pub type NflogPrefix = LogPrefix<127>;

impl Nflog {
    /// `None` for logging to the kernel's log, which has no group.
    fn from_log(log: &Log<'_>) -> Option<Self> {
        let prefix = match &log.prefix {
            Some(prefix) => Some(NflogPrefix::new(prefix.as_str()?).ok()?),
            None => None,
        };
        let plain = log.level.is_none() && log.flags.is_none() && log.unknown.is_empty();
        let (group, threshold) = (log.group?, log.queue_threshold.unwrap_or(0));
        plain.then_some(Self { group, prefix, size: log.snap_len, threshold })
    }
}

/// `XT_NFLOG_F_COPY_LEN`
const COPY_LEN: u32 = 1;

extension! {
    /// Hand a copy of the packet to logging programs and go on with the next rule.
    ///
    /// Programs such as ulogd, tcpdump (`-i nflog:GROUP`) and tshark receive it from the group that the rule names.
    target "NFLOG" => Nflog {} params {
        /// Hand this text over with each packet, so that programs can tell rules apart.
        ///
        /// What goes beyond 127 bytes is cut off.
        "nflog-prefix": NflogPrefix {
            set: |m, prefix, _| m.prefix = Some(prefix),
            get: |m| m.prefix.clone().map(|prefix| (prefix, false)),
        }
        /// The group to which the listening programs have bound themselves.
        "nflog-group": u16 {
            set: |m, group, _| m.group = group,
            get: |m| (m.group != 0).then_some((m.group, false)),
            default: Some("0"),
        }
        /// Accepted and ignored, for old rules: it never worked. Use `--nflog-size`.
        "nflog-range": u32 { set: |_, _, _| (), get: |_| None, excludes: &["nflog-size"] }
        /// Hand over no more than this many bytes of the packet.
        "nflog-size": u32 {
            set: |m, size, _| m.size = Some(size),
            get: |m| m.size.map(|size| (size, false)),
            excludes: &["nflog-range"],
        }
        /// Collect this many packets before they are handed over together.
        ///
        /// A larger number costs less work per packet and more delay. 0 leaves the number to the kernel.
        "nflog-threshold": u16 {
            set: |m, threshold, _| m.threshold = threshold,
            get: |m| (m.threshold != 0).then_some((m.threshold, false)),
            default: Some("0"),
        }
    }
}

impl Extension for Nflog {
    fn act(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Action {
        Action::Report
    }

    fn to_native(&self, _: &RuleScope<'_>, out: &mut NativeWriter<'_>) -> bool {
        let log = Log {
            prefix: self.prefix.as_ref().map(|prefix| prefix.as_str().into()),
            group: Some(self.group),
            snap_len: self.size,
            queue_threshold: Some(self.threshold).filter(|&threshold| threshold != 0),
            ..Log::default()
        };
        out.expression(&log.into());
        true
    }

    const FROM_NATIVE: Option<FromNative<Self>> = Some(|native, _, _| match native {
        Native::Expression(Expression::Log(log)) => {
            Self::from_log(log).map_or(Recognised::No, Recognised::New)
        }
        _ => Recognised::No,
    });

    // `struct xt_nflog_info` in linux/netfilter/xt_NFLOG.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 76,
        families: Families::all(),
        encode: |m, w| {
            let prefix = m.prefix.as_ref().map_or("", NflogPrefix::as_str);
            if prefix.len() > 63 {
                return Err(EncodeError::NotRepresentable("a prefix of more than 63 bytes"));
            }
            w.ne_u32(m.size.unwrap_or(0));
            w.ne_u16(m.group);
            w.ne_u16(m.threshold);
            w.ne_u32(if m.size.is_some() { COPY_LEN } else { 0 });
            w.c_string(prefix.as_bytes(), 64);
            Ok(())
        },
        decode: |r, _| {
            let (size, group, threshold) = (r.ne_u32("size")?, r.ne_u16("group")?, r.ne_u16("threshold")?);
            let size = (r.ne_u32("flags")? & COPY_LEN != 0).then_some(size);
            let prefix = match std::str::from_utf8(r.c_string(64, "prefix")?) {
                Ok("") => None,
                Ok(text) => Some(NflogPrefix::new(text).map_err(|_| r.error("prefix", Problem::String))?),
                Err(_) => return Err(r.error("prefix", Problem::String)),
            };
            Ok(Some(Self { group, prefix, size, threshold }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.plain(self, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::Scope;
    use crate::registry::testing::{encoded, parse, print, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Nflog, Ipv4:
            "" => same, "--nflog-group 0" => "", "--nflog-group 1" => same, "--nflog-group 0x10" => "--nflog-group 16",
            "--nflog-group 65535" => same, "--nflog-range 4294967295" => "", "--nflog-size 0" => same,
            "--nflog-size 4294967295" => same, "--nflog-threshold 0" => "", "--nflog-threshold 65535" => same,
            "--nflog-group 1 --nflog-prefix a.b" => "--nflog-prefix \"a.b\" --nflog-group 1",
            "--nflog-threshold 2 --nflog-size 1 --nflog-group 3" => "--nflog-group 3 --nflog-size 1 --nflog-threshold 2",
            "--nflog-group 65536" => fails, "--nflog-group -1" => fails, "--nflog-range 4294967296" => fails,
            "--nflog-size 4294967296" => fails, "--nflog-size -1" => fails, "--nflog-threshold 65536" => fails,
            "--nflog-range 1 --nflog-size 1" => fails,
        }
    }

    #[test]
    fn a_long_prefix_is_cut_and_needs_the_native_form() {
        let text = format!("--nflog-prefix {}", "x".repeat(200));
        let target = parse::<Nflog>(Family::Ipv4, &text).unwrap();
        let saved = print(&*target, &Scope { family: Family::Ipv4, protocol: None });
        assert_eq!(saved, format!("--nflog-prefix {}", "x".repeat(127)));
        assert_eq!(encoded::<Nflog>(Family::Ipv4, &text, 0), None);
    }
}
