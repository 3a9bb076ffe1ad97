//! `-j IDLETIMER`: tells when no packet has come for a while.
use crate::domain::TimerLabel;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Flag, Lister, Revision};
use crate::{extension, integer};
use nfnetlink::wire::{EncodeError, Problem};

/// The `IDLETIMER` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Idletimer {
    /// After how many seconds the timer runs out.
    pub timeout: u32,
    /// The timer's name.
    pub label: Option<TimerLabel>,
    /// Whether the timer goes on while the system sleeps.
    pub alarm: bool,
    /// Whether a netlink message is wanted.
    pub send_nl_msg: bool,
}

integer! {
    /// After how long a timer runs out. The kernel takes no more than `INT_MAX` milliseconds.
    pub struct Seconds(u32): 1..=2_147_482_u32, "seconds";
}

extension! {
    /// Restart a timer; when it runs out, no packet has come here for that time.
    ///
    /// The timer is the file `/sys/class/xt_idletimer/timers/LABEL`, which has the seconds that are left. A program
    /// that waits for the file to change is woken when it reaches 0, and when the next packet comes.
    target "IDLETIMER" => Idletimer {} params {
        /// After how many seconds without a packet the timer runs out.
        "timeout": Seconds {
            set: |m, Seconds(timeout), _| m.timeout = timeout,
            get: |m| Some((Seconds(m.timeout), false)),
            required: true,
            by_kernel: true,
        }
        /// The timer's name. Rules with the same name restart the same timer.
        "label": TimerLabel {
            set: |m, label, _| m.label = Some(label),
            get: |m| m.label.clone().map(|label| (label, false)),
            required: true,
        }
        /// Count the time during which the system sleeps too.
        "alarm": Flag { set: |m, _, _| m.alarm = true, get: |m| m.alarm.then_some((Flag, false)) }
        /// Send a netlink message too. Only Android's kernels take this.
        "send_nl_msg": Flag { set: |m, _, _| m.send_nl_msg = true, get: |m| m.send_nl_msg.then_some((Flag, false)) }
    }
}

impl Extension for Idletimer {
    fn act(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Action {
        Action::Continue
    }

    // `struct idletimer_tg_info_v1` and `struct idletimer_tg_info` in linux/netfilter/xt_IDLETIMER.h, which end in a pointer of the kernel.
    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 1,
            size: 48,
            families: Families::all(),
            encode: |m, w| {
                w.ne_u32(m.timeout);
                TimerLabel::write_field(m.label.as_ref(), w);
                w.bytes(&[m.send_nl_msg.into(), m.alarm.into()]);
                w.zeros(6 + 8);
                Ok(())
            },
            decode: |r, _| {
                let (timeout, label) = (r.ne_u32("timeout")?, TimerLabel::read(r)?);
                let (send_nl_msg, kind) = (r.u8("send_nl_msg")? != 0, r.u8("timer_type")?);
                if kind > 1 {
                    return Err(r.error("timer_type", Problem::Value(kind.into())));
                }
                r.take(6 + 8, "kernel's own")?;
                Ok(Some(Self { timeout, label, alarm: kind == 1, send_nl_msg }))
            },
        },
        Revision {
            number: 0,
            size: 40,
            families: Families::all(),
            encode: |m, w| {
                if m.alarm || m.send_nl_msg {
                    return Err(EncodeError::NotRepresentable("the kind of a timer"));
                }
                w.ne_u32(m.timeout);
                TimerLabel::write_field(m.label.as_ref(), w);
                w.zeros(8);
                Ok(())
            },
            decode: |r, _| {
                let (timeout, label) = (r.ne_u32("timeout")?, TimerLabel::read(r)?);
                r.take(8, "kernel's own")?;
                Ok(Some(Self { timeout, label, ..Self::default() }))
            },
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, _, text| match text {
            "" => out.add(format_args!(" {name}")),
            text => out.add(format_args!(" {name}:{text}")),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Idletimer, Ipv4:
            "--timeout 42 --label foo" => same, "--alarm --label bar --timeout 42" => "--timeout 42 --label bar --alarm",
            "--timeout 0x10 --label foo --send_nl_msg --alarm" => "--timeout 16 --label foo --alarm --send_nl_msg",
            "--timeout 42" => fails, "--label foo" => fails, "--timeout 0 --label foo" => fails,
            "--timeout 2147483 --label foo" => fails, "" => fails,
        }
    }

    #[test]
    fn layouts() {
        let common = [&42_u32.to_ne_bytes()[..], b"foo", &[0; 25]].concat();
        let plain = "--timeout 42 --label foo";
        assert_eq!(encoded::<Idletimer>(Family::Ipv4, plain, 0), Some([&common[..], &[0; 8]].concat()));
        let alarm = "--timeout 42 --label foo --alarm";
        assert_eq!(
            encoded::<Idletimer>(Family::Ipv4, alarm, 1),
            Some([&common[..], &[0, 1], &[0; 14]].concat())
        );
        assert_eq!(encoded::<Idletimer>(Family::Ipv4, alarm, 0), None);
    }
}
