//! `-m cpu`: asks which processor handles the packet.

use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Revision};

/// The `cpu` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// The processor's number.
    pub cpu: u32,
    /// Whether all other processors are meant instead.
    pub not: bool,
}

extension! {
    /// Match packets by the processor that handles them.
    ///
    /// Where the network card spreads packets over processors, this can hand each processor's connections to a
    /// program of its own.
    match "cpu" => Cpu {} params {
        /// The processor with this number handles the packet; the first is 0.
        [!] "cpu": u32 {
            set: |m, cpu, not| *m = Cpu { cpu, not },
            get: |m| Some((m.cpu, m.not)),
            required: true,
        }
    }
}

impl Extension for Cpu {
    fn matches(&self, _: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        ((context.environment.cpu() == self.cpu) != self.not).into()
    }

    fn found(&self, _: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        Some(format!("it is handled by processor {}", context.environment.cpu()))
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 8,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u32(m.cpu);
            w.ne_u32(m.not.into());
            Ok(())
        },
        decode: |r, _| Ok(Some(Self { cpu: r.ne_u32("cpu")?, not: r.ne_u32("invert")? != 0 })),
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, not, text| {
            out.add(format_args!(" cpu {}{text}", if not { "! " } else { "" }));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Cpu, Ipv4:
            "--cpu 0" => same, "! --cpu 0x10" => "! --cpu 16", "--cpu 4294967295" => same,
            "--cpu 4294967296" => fails, "--cpu x" => fails, "" => fails, "--cpu 1 --cpu 2" => fails,
        }
        text_cases! { Cpu, Ipv6: "! --cpu 1" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Cpu, Ipv4: "! --cpu 16", 0 => "10000000 01" }
    }
}
