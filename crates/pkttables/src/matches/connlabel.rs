//! `-m connlabel`: asks for labels of the connection.

use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Edit, Extension, Flag, Lister, Outcome, Revision, Scope, Value, ValueError, sight,
};
use crate::system::Names;
use nfnetlink::wire::Problem;
use std::fmt::Write as _;

/// The `connlabel` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connlabel {
    /// The label.
    pub label: Label,
    /// Whether connections without it are meant instead.
    pub not: bool,
    /// Whether it is also put on the connection.
    pub set: bool,
}

/// A label of connections: a number from 0 to 127, or its name in `/etc/xtables/connlabel.conf`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Label(u8);

extension! {
    /// Match packets by a label that their connection carries.
    ///
    /// Each connection can carry any of 128 labels, which stay with it to its end. Needs connection tracking.
    match "connlabel" => Connlabel {} params {
        /// The connection carries this label.
        [!] "label": Label {
            set: |m, label, not| { m.label = label; m.not = not; },
            get: |m| Some((m.label, m.not)),
            required: true,
        }
        /// Put the label on the connection first; the packet matches if that worked.
        ///
        /// With `! --label` the label is put on as well, and packets match for which that failed.
        "set": Flag {
            set: |m, _, _| m.set = true,
            get: |m| m.set.then_some((Flag, false)),
        }
    }
}

const INVERT: u16 = 1;
const SET: u16 = 2;

impl Extension for Connlabel {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        // What the target CT put there has no room for labels.
        let Some(connection) = packet.connection() else { return self.not.into() };
        let has = connection.labels >> self.label.number() & 1 != 0;
        if !has && self.set {
            context.edit(Edit::ConnectionLabel(self.label.number()));
        }
        ((has || self.set) != self.not).into()
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        sight::connection(packet, |connection| {
            let labels = (0..128).filter(|bit| connection.labels >> bit & 1 != 0);
            match labels.map(|bit: u8| bit.to_string()).collect::<Vec<_>>() {
                none if none.is_empty() => "the connection has no labels".into(),
                labels => format!("the connection has the labels {}", labels.join(",")),
            }
        })
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 4,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u16(m.label.0.into());
            w.ne_u16(if m.not { INVERT } else { 0 } | if m.set { SET } else { 0 });
            Ok(())
        },
        decode: |r, _| {
            let at = **r;
            let bit = r.ne_u16("bit")?;
            let label = Label::new(bit.into()).ok_or_else(|| at.error("bit", Problem::Value(bit.into())))?;
            let options = r.ne_u16("options")?;
            Ok(Some(Self { label, not: options & INVERT != 0, set: options & SET != 0 }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" connlabel");
        out.each(self, |out, name, not, text| match name {
            "label" => out.add(format_args!(" {}{}", if not { "! " } else { "" }, text.trim_matches('"'))),
            _ => out.add(" set"),
        });
    }
}

impl Label {
    /// `None` if there is no such number.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| *number < 128).map(Self)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Value for Label {
    const DOMAIN: Domain = Domain::OneOf(&[
        Domain::Integer { min: 0, max: 127, unit: "" },
        Domain::Expression {
            language: "name in /etc/xtables/connlabel.conf",
            examples: &[],
            refused: &["no such label"],
        },
    ]);

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let number = match u32::parse(text, scope) {
            Ok(number) => number,
            Err(error @ ValueError::OutOfRange { .. }) => return Err(error),
            Err(_) => Names::connection_labels().number(text).ok_or(ValueError::UnknownName)?,
        };
        let out_of_range = ValueError::OutOfRange { min: 0, max: 127 };
        match Self::new(number) {
            Some(label) => Ok(label),
            None if number <= u16::MAX.into() => Err(out_of_range.by_kernel()),
            None => Err(out_of_range),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = match Names::connection_labels().name(self.0.into()) {
            Some(name) => write!(out, "\"{name}\""),
            None => write!(out, "\"{}\"", self.0),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Connlabel, Ipv4:
            "--label 40" => "--label \"40\"", "! --label 0x10 --set" => "! --label \"16\" --set",
            "--set --label 127" => "--label \"127\" --set", "--label 128" => fails, "--label 65536" => fails,
            "--label -1" => fails, "--label no-such-label" => fails, "--set" => fails, "--label 5 ! --set" => fails,
            "" => fails,
        }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Connlabel, Ipv4: "! --label 16 --set", 0 => "1000 0300" }
    }
}
