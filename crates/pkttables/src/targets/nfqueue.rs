//! `-j NFQUEUE`: hands the packet to a program.
use crate::domain::parse_bounded;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Action, Context, Domain, Extension, Flag, Lister, Revision, Scope, Value, ValueError};
use nfnetlink::wire::EncodeError;
use std::fmt::Write as _;

/// The `NFQUEUE` target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nfqueue {
    /// The queue, or the first of several.
    pub queue: u16,
    /// How many queues the packets are spread over.
    pub count: u16,
    /// Whether packets go on while no program listens to the queue.
    pub bypass: bool,
    /// Whether the processor that handles the packet decides which queue it goes to.
    pub cpu_fanout: bool,
}

/// Several queues with consecutive numbers, written `FIRST:LAST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueRange {
    first: u16,
    last: u16,
}

/// The last queue that balancing can use.
const LAST_BALANCED: u16 = 65534;
/// `NFQ_FLAG_BYPASS`
const BYPASS: u16 = 1;
/// `NFQ_FLAG_CPU_FANOUT`
const CPU_FANOUT: u16 = 2;

impl Default for Nfqueue {
    fn default() -> Self {
        Self { queue: 0, count: 1, bypass: false, cpu_fanout: false }
    }
}

extension! {
    /// Hand the packet to a program, which decides what becomes of it.
    ///
    /// The program listens to the queue by its number (for instance through libnetfilter_queue) and gives back
    /// a verdict, perhaps with a changed packet. While nothing listens, packets are dropped unless `--queue-bypass` is given.
    target "NFQUEUE" => Nfqueue {} params {
        /// The queue's number.
        "queue-num": u16 {
            set: |m, queue, _| (m.queue, m.count) = (queue, 1),
            get: |m| m.range().is_none().then_some((m.queue, false)),
            excludes: &["queue-balance"],
            default: Some("0"),
        }
        /// Spread the packets over all queues from the first number to the last.
        ///
        /// Packets of the same connection always go to the same queue.
        "queue-balance": QueueRange {
            set: |m, range, _| (m.queue, m.count) = (range.first, range.last - range.first + 1),
            get: |m| m.range().map(|range| (range, false)),
            excludes: &["queue-num"],
        }
        /// Let packets pass to the next rule while no program listens to the queue, instead of dropping them.
        "queue-bypass": Flag { set: |m, _, _| m.bypass = true, get: |m| m.bypass.then_some((Flag, false)) }
        /// Choose the queue by the processor that handles the packet, instead of by the connection.
        ///
        /// It is faster where each program runs on the processor that its packets come from.
        "queue-cpu-fanout": Flag {
            set: |m, _, _| m.cpu_fanout = true,
            get: |m| m.cpu_fanout.then_some((Flag, false)),
            needs: &["queue-balance"],
        }
    }
}

impl Extension for Nfqueue {
    fn act(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Action {
        Action::Queue { number: self.queue, bypass: self.bypass }
    }

    // `struct xt_NFQ_info_v3` and its older forms in linux/netfilter/xt_NFQUEUE.h.
    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 3,
            size: 6,
            families: Families::all(),
            encode: |m, w| {
                w.ne_u16(m.queue);
                w.ne_u16(m.count);
                w.ne_u16(if m.bypass { BYPASS } else { 0 } | if m.cpu_fanout { CPU_FANOUT } else { 0 });
                Ok(())
            },
            decode: |r, _| {
                let (queue, count, flags) = (r.ne_u16("queue")?, r.ne_u16("count")?, r.ne_u16("flags")?);
                let (bypass, cpu_fanout) = (flags & BYPASS != 0, flags & CPU_FANOUT != 0);
                Ok(Some(Self { queue, count, bypass, cpu_fanout }))
            },
        },
        Revision {
            number: 2,
            size: 6,
            families: Families::all(),
            encode: |m, w| {
                m.must_be(&Self { cpu_fanout: false, ..*m })?;
                w.ne_u16(m.queue);
                w.ne_u16(m.count);
                w.ne_u16(m.bypass.into());
                Ok(())
            },
            decode: |r, _| {
                let (queue, count) = (r.ne_u16("queue")?, r.ne_u16("count")?);
                Ok(Some(Self { queue, count, bypass: r.ne_u16("bypass")? != 0, cpu_fanout: false }))
            },
        },
        Revision {
            number: 1,
            size: 4,
            families: Families::all(),
            encode: |m, w| {
                m.must_be(&Self { queue: m.queue, count: m.count, ..Self::default() })?;
                w.ne_u16(m.queue);
                w.ne_u16(m.count);
                Ok(())
            },
            decode: |r, _| {
                Ok(Some(Self { queue: r.ne_u16("queue")?, count: r.ne_u16("count")?, ..Self::default() }))
            },
        },
        Revision {
            number: 0,
            size: 2,
            families: Families::all(),
            encode: |m, w| {
                m.must_be(&Self { queue: m.queue, ..Self::default() })?;
                w.ne_u16(m.queue);
                Ok(())
            },
            decode: |r, _| Ok(Some(Self { queue: r.ne_u16("queue")?, ..Self::default() })),
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" NFQUEUE");
        out.each(self, |out, name, _, text| {
            let label = name.strip_prefix("queue-").unwrap_or(name);
            out.add(format_args!(" {label}{}{text}", if text.is_empty() { "" } else { " " }));
        });
    }
}

impl Nfqueue {
    /// The queues, if there are several.
    #[must_use]
    pub const fn range(&self) -> Option<QueueRange> {
        if self.count < 2 {
            return None;
        }
        Some(QueueRange { first: self.queue, last: self.queue.saturating_add(self.count - 1) })
    }

    /// Refuses what a revision cannot hold: all that differs from `held`.
    fn must_be(&self, held: &Self) -> Result<(), EncodeError> {
        if self == held { Ok(()) } else { Err(EncodeError::NotRepresentable("a queue option")) }
    }
}

impl QueueRange {
    /// The queues from `first` to `last`; `None` if these are not two or more, or the last is 65535.
    #[must_use]
    pub const fn new(first: u16, last: u16) -> Option<Self> {
        if first < last && last <= LAST_BALANCED { Some(Self { first, last }) } else { None }
    }
}

impl Value for QueueRange {
    const DOMAIN: Domain =
        Domain::Pair { of: &Domain::Integer { min: 0, max: LAST_BALANCED as u64, unit: "" }, separator: ':' };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let number = |text, default| match text {
            "" => Ok(default),
            _ => u16::try_from(parse_bounded(text, 0, LAST_BALANCED.into())?).map_err(|_| ValueError::Form),
        };
        let (first, last) = text.split_once(':').ok_or(ValueError::Form)?;
        Self::new(number(first, 0)?, number(last, LAST_BALANCED)?)
            .ok_or(ValueError::Because("the last queue must come after the first"))
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}:{}", self.first, self.last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Nfqueue, Ipv4:
            "" => "--queue-num 0", "--queue-num 65535" => same, "--queue-num 0x10" => "--queue-num 16",
            "--queue-balance 4:" => "--queue-balance 4:65534", "--queue-balance :5" => "--queue-balance 0:5",
            "--queue-balance :" => "--queue-balance 0:65534", "--queue-bypass" => "--queue-num 0 --queue-bypass",
            "--queue-balance 0:6 --queue-cpu-fanout --queue-bypass" =>
                "--queue-balance 0:6 --queue-bypass --queue-cpu-fanout",
            "--queue-num -1" => fails, "--queue-num 65536" => fails, "--queue-balance 5:5" => fails,
            "--queue-balance 6:5" => fails, "--queue-balance 0:65535" => fails, "--queue-balance 4" => fails,
            "--queue-balance 1:2:3" => fails, "--queue-num 1 --queue-cpu-fanout" => fails,
            "--queue-num 1 --queue-balance 1:2" => fails, "--queue-cpu-fanout" => fails,
        }
    }

    #[test]
    fn older_revisions_hold_less() {
        let held =
            |text| [3, 2, 1, 0].map(|revision| encoded::<Nfqueue>(Family::Ipv4, text, revision).is_some());
        assert_eq!(held("--queue-num 7"), [true; 4]);
        assert_eq!(held("--queue-balance 1:2"), [true, true, true, false]);
        assert_eq!(held("--queue-bypass"), [true, true, false, false]);
        assert_eq!(held("--queue-balance 1:2 --queue-cpu-fanout"), [true, false, false, false]);
    }
}
