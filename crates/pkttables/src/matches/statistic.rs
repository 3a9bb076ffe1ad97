//! `-m statistic`: picks some of the packets, by chance or in turn.

use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, Lister, Outcome, Revision, RuleScope, Scope, Value, ValueError,
};
use crate::{choices, extension, integer};
use nfnetlink::wire::{EncodeError, Problem};
use std::fmt::Write as _;

/// The `statistic` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistic {
    /// How packets are picked.
    pub mode: Mode,
    /// How probable a packet is to be picked, with [`Mode::Random`].
    pub probability: Option<Probability>,
    /// Of how many packets one is picked, with [`Mode::Nth`].
    pub every: Option<Every>,
    /// Which of them, counted from 0.
    pub packet: Option<u32>,
    /// Whether the others are picked instead.
    pub not: bool,
}

choices! {
    /// How packets are picked.
    pub enum Mode: u16 {
        /// Each by chance, with a probability.
        Random = 0 => "random",
        /// One out of a number, in turn.
        Nth = 1 => "nth",
    }
}

/// A probability in steps of 2⁻³¹.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probability(u32);

integer! {
    /// A number of packets, at least 1.
    pub struct Every(u32): 1..=u32::MAX, "packets";
}

extension! {
    /// Match some of the packets that reach the rule: by chance, or one out of a number in turn.
    ///
    /// Used to spread connections over several targets, to thin out a log, or to lose packets for a test.
    match "statistic" => Statistic {} params {
        /// How packets are picked.
        "mode": Mode {
            set: |m, mode, _| m.mode = mode,
            get: |m| Some((m.mode, false)),
            required: true,
        }
        /// With mode random: how probable a packet is to match, from 0 (never) to 1 (always).
        ///
        /// With `!` it is how probable the packet is not to match.
        [!] "probability": Probability {
            set: |m, probability, not| { m.probability = Some(probability); m.not = not; },
            get: |m| m.probability.map(|probability| (probability, m.not)),
            excludes: &["every", "packet"],
        }
        /// With mode nth: one out of this many packets matches, or with `!` all but one.
        [!] "every": Every {
            set: |m, every, not| { m.every = Some(every); m.not = not; },
            get: |m| m.every.map(|every| (every, m.not)),
            excludes: &["probability"],
            needs: &["packet"],
        }
        /// With mode nth: which packet of each turn matches, the first being 0.
        "packet": u32 {
            set: |m, packet, _| m.packet = Some(packet),
            get: |m| m.packet.map(|packet| (packet, false)),
            excludes: &["probability"],
            needs: &["every"],
        }
    }
}

#[allow(clippy::derivable_impls, reason = "`choices!` takes no attributes on variants")]
impl Default for Mode {
    fn default() -> Self {
        Self::Random
    }
}

impl Extension for Statistic {
    fn matches(&self, _: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        let holds = match self.mode {
            Mode::Random => {
                let Some(probability) = self.probability else { return Outcome::Unsupported };
                context.environment.random() & (Probability::ALWAYS - 1) < probability.0
            }
            Mode::Nth => {
                let every = self.every.map_or(1, |every| every.0);
                let first = self.packet.unwrap_or_default();
                let count = context.own.get_or(|| (every - 1).saturating_sub(first));
                *count = if *count == every - 1 { 0 } else { *count + 1 };
                *count == 0
            }
        };
        (holds != self.not).into()
    }

    fn found(&self, _: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        match self.mode {
            Mode::Nth => {
                let every = self.every.map_or(1, |every| every.0);
                let count = *context.own.get::<u32>()?;
                Some(format!("it is packet {count} of every {every}, from 0"))
            }
            Mode::Random => {
                let side = if self.not { "below" } else { "not below" };
                let share = f64::from(self.probability?.0) / f64::from(Probability::ALWAYS);
                Some(format!("the number drawn was {side} {share:.4}"))
            }
        }
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 24,
        families: Families::all(),
        encode: |m, w| {
            let (first, packet) = match (m.mode, m.probability, m.every, m.packet) {
                (Mode::Random, Some(probability), None, None) => (probability.0, 0),
                (Mode::Nth, None, Some(every), Some(packet)) => (every.0.saturating_sub(1), packet),
                _ => return Err(EncodeError::NotRepresentable("a mode without its parameters")),
            };
            w.ne_u16(m.mode.number());
            w.ne_u16(m.not.into());
            w.ne_u32(first);
            w.ne_u32(packet);
            // The kernel has no use for the last number of the three, but iptables fills it in so.
            w.ne_u32(first.wrapping_sub(packet));
            w.zeros(8);
            Ok(())
        },
        decode: |r, _| {
            let at = **r;
            let mode = r.ne_u16("mode")?;
            let flags = r.ne_u16("flags")?;
            let (first, packet) = (r.ne_u32("probability or every")?, r.ne_u32("packet")?);
            r.take(12, "state")?;
            let not = flags & 1 != 0;
            let statistic = match Mode::from_number(mode) {
                Some(mode @ Mode::Random) if first <= Probability::ALWAYS => {
                    Self { mode, probability: Some(Probability(first)), not, ..Self::default() }
                }
                Some(mode @ Mode::Nth) if first < u32::MAX => {
                    Self { mode, every: Some(Every(first + 1)), packet: Some(packet), not, ..Self::default() }
                }
                Some(_) => return Err(at.error("probability or every", Problem::Value(first.into()))),
                None => return Err(at.error("mode", Problem::Value(mode.into()))),
            };
            Ok(Some(statistic))
        },
    }];

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        match (self.mode, self.probability, self.every, self.packet) {
            (Mode::Random, None, ..) => Err(ValueError::Because("mode random needs --probability")),
            (Mode::Nth, _, None, _) | (Mode::Nth, .., None) => {
                Err(ValueError::Because("mode nth needs --every and --packet"))
            }
            (Mode::Nth, _, Some(every), Some(packet)) if packet >= every.0 => {
                Err(ValueError::Because("--packet must be less than --every"))
            }
            _ => Ok(()),
        }
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" statistic");
        out.each(self, |out, name, not, text| {
            if name != "packet" || text != "0" {
                out.add(format_args!("{} {name} {text}", if not { " !" } else { "" }));
            }
        });
    }
}

impl Probability {
    const ALWAYS: u32 = 1 << 31;

    /// The nearest to `probability`; `None` if that is not from 0 to 1.
    #[must_use]
    pub fn new(probability: f64) -> Option<Self> {
        let steps = (probability * f64::from(Self::ALWAYS)).round();
        (0.0..=1.0).contains(&probability).then_some(Self(steps as u32))
    }

    /// From 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ALWAYS)
    }
}

impl Value for Probability {
    const DOMAIN: Domain = Domain::Fraction { min: 0.0, max: 1.0 };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let number = text.parse().map_err(|_| ValueError::Form)?;
        Self::new(number).ok_or(ValueError::OutOfRange { min: 0, max: 1 })
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{:.11}", self.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{layout_cases, text_cases};
    use proptest::prelude::*;

    #[test]
    fn saved_forms() {
        text_cases! { Statistic, Ipv4:
            "--mode random --probability 0.5" => "--mode random --probability 0.50000000000",
            "--mode random --probability 0.1" => "--mode random --probability 0.10000000009",
            "--mode random --probability 0.33333" => "--mode random --probability 0.33332999982",
            "--mode random --probability 0" => "--mode random --probability 0.00000000000",
            "--probability 1 --mode random" => "--mode random --probability 1.00000000000",
            "--mode random --probability 0.99999999999" => "--mode random --probability 1.00000000000",
            "--mode random ! --probability 1e-3" => "--mode random ! --probability 0.00100000016",
            "--mode random --probability .5" => "--mode random --probability 0.50000000000",
            "--mode nth --every 5 --packet 0" => same, "--mode nth --packet 4 --every 5" => "--mode nth --every 5 --packet 4",
            "--mode nth ! --every 10 --packet 5" => same, "--mode nth --every 1 --packet 0" => same,
            "--mode nth --every 4294967295 --packet 4294967294" => same,
            "--mode random --probability 1.1" => fails, "--mode random --probability -0.1" => fails,
            "--mode random --probability 0.5x" => fails, "--mode random" => fails, "--probability 0.5" => fails,
            "--mode nth" => fails, "--mode nth --every 5" => fails, "--mode nth --packet 2" => fails, "" => fails,
            "--mode nth --every 5 --packet 5" => fails, "--mode nth --every 0 --packet 0" => fails,
            "--mode nth --every 10 ! --packet 5" => fails, "--mode nth --probability 0.5" => fails,
            "--mode random --probability 0.5 --every 5 --packet 0" => fails, "--mode random --every 5 --packet 0" => fails,
            "! --mode random --probability 0.5" => fails, "--mode Random --probability 0.5" => fails,
        }
        text_cases! { Statistic, Ipv6: "--mode nth --every 3 --packet 1" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Statistic, Ipv4:
            "--mode random --probability 0.1", 0 => "0000 0000 cdcccc0c 00000000 cdcccc0c",
            "--mode nth ! --every 10 --packet 5", 0 => "0100 0100 09000000 05000000 04000000",
        }
    }

    proptest! {
        #[test]
        fn every_probability_survives_its_text(steps in 0..=Probability::ALWAYS) {
            let scope = Scope { family: Family::Ipv4, protocol: None };
            let mut text = String::new();
            Probability(steps).write(&mut text, &scope);
            prop_assert_eq!(Probability::parse(&text, &scope), Ok(Probability(steps)));
        }
    }
}
