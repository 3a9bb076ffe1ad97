use nfnetlink::wire::Problem;
use pkttables::model::{Families, Tables};
use pkttables::packet::Packet;
use pkttables::registry::{Action, Context, Edit, Extension, Require, Revision};
use pkttables::{choices, extension};

choices! {
    /// A colour.
    pub enum Color: u32 {
        /// What is dangerous.
        Red = 1 => "red",
        /// What may pass.
        Green = 2 => "green",
    }
}

/// The `PAINT` target.
#[derive(Clone, Debug, PartialEq)]
pub struct Paint {
    /// The colour that packets get.
    pub color: Color,
}

impl Default for Paint {
    fn default() -> Self {
        Self { color: Color::Red }
    }
}

extension! {
    /// Give packets a colour, by which later programs tell them apart.
    target "PAINT" => Paint {
        tables: Tables::MANGLE,
        require: Require::ExactlyOne,
    } params {
        /// Which colour the packet gets.
        "color" | "colour": Color {
            set: |m, color, _| m.color = color,
            get: |m| Some((m.color, false)),
        }
    }
}

impl Extension for Paint {
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 4,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u32(m.color.number());
            Ok(())
        },
        decode: |r, _| {
            let at = **r;
            let number = r.ne_u32("color")?;
            let color =
                Color::from_number(number).ok_or_else(|| at.error("color", Problem::Value(number.into())))?;
            Ok(Some(Self { color }))
        },
    }];

    /// A colour is a mark.
    fn act(&self, _: &Packet<'_>, context: &mut Context<'_>) -> Action {
        context.edit(Edit::Mark(self.color.number()));
        Action::Continue
    }
}
