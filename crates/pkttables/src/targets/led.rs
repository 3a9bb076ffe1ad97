//! `-j LED`: lights a LED when packets come.
use crate::domain::parse_bounded;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Action, Context, Domain, Extension, Flag, ObjectKind, Revision, Scope, Value, ValueError,
};
use crate::{choices, extension};
use nfnetlink::wire::Problem;
use std::fmt::Write as _;

/// The `LED` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Led {
    /// The trigger's name.
    pub trigger: TriggerName,
    /// For how long the LED stays lit.
    pub delay: LedDelay,
    /// Whether a LED that is lit blinks when a further packet comes.
    pub always_blink: bool,
}

/// The name of a LED trigger without `netfilter-`, which the kernel's name begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TriggerName(Box<str>);

/// For how long a LED stays lit after a packet: a number of milliseconds, or `inf` for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedDelay(u32);

choices! {
    /// The word for a delay.
    enum Forever: u32, any_case {
        /// The LED stays lit until the trigger is changed.
        Forever = u32::MAX => "inf" | "infinity",
    }
}

extension! {
    /// Light a LED when a packet comes.
    ///
    /// The target makes a LED trigger, which has to be assigned to a LED:
    /// `echo netfilter-NAME > /sys/class/leds/LED/trigger`. The next rules still see the packet.
    target "LED" => Led {} params {
        /// The name of the trigger; the kernel puts `netfilter-` before it. Rules with the same name share it.
        "led-trigger-id": TriggerName {
            set: |m, trigger, _| m.trigger = trigger,
            get: |m| Some((m.trigger.clone(), false)),
            required: true,
        }
        /// Keep the LED lit for this many milliseconds, or for ever with `inf`. With 0 it only flashes.
        "led-delay": LedDelay {
            set: |m, delay, _| m.delay = delay,
            get: |m| (m.delay != LedDelay::default()).then_some((m.delay, false)),
            default: Some("0"),
        }
        /// Blink for each packet even if the LED is lit already.
        "led-always-blink": Flag {
            set: |m, _, _| m.always_blink = true,
            get: |m| m.always_blink.then_some((Flag, false)),
        }
    }
}

/// What the kernel's names of triggers begin with.
const BEGINNING: &str = "netfilter-";

impl Extension for Led {
    fn act(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Action {
        Action::Continue
    }

    // `struct xt_led_info` in linux/netfilter/xt_LED.h, which ends in a pointer of the kernel.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 40,
        families: Families::all(),
        encode: |m, w| {
            w.bytes(BEGINNING.as_bytes());
            w.c_string(m.trigger.0.as_bytes(), 17);
            w.u8(m.always_blink.into());
            w.ne_u32(m.delay.0);
            w.zeros(8);
            Ok(())
        },
        decode: |r, _| {
            let at = **r;
            let name = std::str::from_utf8(r.c_string(27, "id")?).ok();
            let name = name.and_then(|name| name.strip_prefix(BEGINNING));
            let trigger = TriggerName(name.ok_or_else(|| at.error("id", Problem::String))?.into());
            let (always_blink, delay) = (r.u8("always_blink")? != 0, LedDelay(r.ne_u32("delay")?));
            r.take(8, "kernel's own")?;
            Ok(Some(Self { trigger, delay, always_blink }))
        },
    }];
}

impl Value for TriggerName {
    const DOMAIN: Domain = Domain::Object { kind: ObjectKind::LedTrigger, max: 16 };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        match text.len() {
            _ if text.contains('\0') => Err(ValueError::Form),
            0..=16 => Ok(Self(text.into())),
            _ => Err(ValueError::TooLong { max: 16 }),
        }
    }

    /// Quotes are written always.
    fn write(&self, out: &mut String, _: &Scope) {
        out.push('"');
        for character in self.0.chars() {
            if matches!(character, '"' | '\\') {
                out.push('\\');
            }
            out.push(character);
        }
        out.push('"');
    }
}

impl LedDelay {
    /// For ever.
    pub const FOREVER: Self = Self(u32::MAX);
}

impl Value for LedDelay {
    const DOMAIN: Domain = Domain::OneOf(&[
        Domain::Integer { min: 0, max: u32::MAX as u64, unit: "milliseconds" },
        Forever::DOMAIN,
    ]);

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        match Forever::from_name(text) {
            Some(forever) => Ok(Self(forever.number())),
            None => {
                let delay = parse_bounded(text, 0, u32::MAX.into())?;
                u32::try_from(delay).map(Self).map_err(|_| ValueError::Form)
            }
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        match *self {
            Self::FOREVER => out.push_str(Forever::Forever.name()),
            Self(delay) => _ = write!(out, "{delay}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decoded, encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Led, Ipv4:
            "--led-trigger-id foo" => "--led-trigger-id \"foo\"",
            "--led-always-blink --led-delay 42 --led-trigger-id foo" =>
                "--led-trigger-id \"foo\" --led-delay 42 --led-always-blink",
            "--led-trigger-id a\"b --led-delay 0" => "--led-trigger-id \"a\\\"b\"",
            "--led-trigger-id foo --led-delay INF" => "--led-trigger-id \"foo\" --led-delay inf",
            "--led-trigger-id 0123456789abcdef" => "--led-trigger-id \"0123456789abcdef\"",
            "--led-trigger-id 0123456789abcdefg" => fails, "--led-delay 1" => fails, "" => fails,
            "--led-trigger-id foo --led-delay -1" => fails, "--led-trigger-id foo --led-delay 4294967296" => fails,
        }
    }

    #[test]
    fn layout() {
        let info = [&b"netfilter-foo"[..], &[0; 14], &[1], &42_u32.to_ne_bytes(), &[0; 8]].concat();
        let text = "--led-trigger-id foo --led-delay 42 --led-always-blink";
        assert_eq!(encoded::<Led>(Family::Ipv4, text, 0), Some(info));
        assert_eq!(decoded::<Led>(Family::Ipv4, 0, &[0; 40]), None);
    }
}
