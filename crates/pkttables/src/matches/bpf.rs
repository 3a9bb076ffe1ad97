//! `-m bpf`: runs a small program on the packet.

mod machine;

use crate::domain::Name;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, InfoReader, InfoWriter, Lister, ObjectKind, Outcome, Require, Revision,
    Scope, Value, ValueError,
};
use nfnetlink::wire::{DecodeError, EncodeError, Problem};
use std::fmt::Write as _;

/// The `bpf` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bpf {
    /// The program.
    pub program: Program,
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// Instructions that the rule itself has.
    Bytecode(Bytecode),
    /// A program that the kernel has already.
    Pinned(Pinned),
}

/// Instructions of classic BPF, 1 to 64 of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytecode(Vec<Instruction>);

/// One instruction (`struct sock_filter`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instruction {
    /// What to do.
    pub code: u16,
    /// How far to jump if a test holds.
    pub jump_true: u8,
    /// How far to jump if it does not.
    pub jump_false: u8,
    /// A number, whose meaning depends on the code.
    pub operand: u32,
}

/// A program that is pinned to a file of the BPF file system.
#[derive(Clone, Debug, Default)]
pub struct Pinned {
    /// The file.
    pub path: Name<511>,
    /// The descriptor by which a program had the file open when it added the rule; it means nothing.
    descriptor: u32,
}

extension! {
    /// Match packets for which a BPF program returns another number than 0.
    ///
    /// The program sees the packet from its IP header on. `nfbpf_compile RAW 'EXPRESSION'` makes instructions from
    /// an expression in the language of tcpdump.
    match "bpf" => Bpf {
        require: Require::ExactlyOne,
    } params {
        /// The program itself: how many instructions it has, then for each its four numbers.
        ///
        /// Commas stand between the instructions, and spaces between the numbers: code, jump if true, jump if
        /// false, operand. At most 64 instructions.
        "bytecode": Bytecode {
            set: |m, code, _| m.program = Program::Bytecode(code),
            get: |m| match &m.program {
                Program::Bytecode(code) => Some((code.clone(), false)),
                Program::Pinned(_) => None,
            },
            excludes: &["object-pinned"],
        }
        /// A program that was loaded before and pinned to this file, usually below `/sys/fs/bpf`.
        "object-pinned": Pinned {
            set: |m, pinned, _| m.program = Program::Pinned(pinned),
            get: |m| match &m.program {
                Program::Pinned(pinned) => Some((pinned.clone(), false)),
                Program::Bytecode(_) => None,
            },
            excludes: &["bytecode"],
        }
    }
}

const MODE_BYTECODE: u16 = 0;
const MODE_PINNED: u16 = 1;

impl Extension for Bpf {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        match &self.program {
            Program::Bytecode(code) => {
                let result = machine::run(&code.0, packet, context.environment);
                result.map_or(Outcome::Unsupported, |result| (result != 0).into())
            }
            Program::Pinned(_) => Outcome::Unsupported,
        }
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        match &self.program {
            Program::Bytecode(code) => {
                let result = machine::run(&code.0, packet, context.environment)?;
                Some(format!("the program returns {result}"))
            }
            Program::Pinned(_) => None,
        }
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 1,
            size: 528,
            families: Families::all(),
            encode: |m, w| {
                match &m.program {
                    Program::Bytecode(code) => {
                        w.ne_u16(MODE_BYTECODE);
                        w.ne_u16(code.count());
                        w.zeros(4);
                        code.encode(w);
                    }
                    Program::Pinned(pinned) => {
                        w.ne_u16(MODE_PINNED);
                        w.zeros(2);
                        w.ne_u32(pinned.descriptor);
                        w.c_string(pinned.path.as_str().as_bytes(), Bytecode::FIELD);
                    }
                }
                w.zeros(8);
                Ok(())
            },
            decode: |r, _| {
                let at = **r;
                let (mode, count, descriptor) = (r.ne_u16("mode")?, r.ne_u16("count")?, r.ne_u32("fd")?);
                let program = match mode {
                    MODE_BYTECODE => Program::Bytecode(Bytecode::decode(r, count)?),
                    MODE_PINNED => Program::Pinned(Pinned::decode(r, descriptor)?),
                    _ => return Err(at.error("mode", Problem::Value(mode.into()))),
                };
                r.take(8, "kernel pointer")?;
                Ok(Some(Self { program }))
            },
        },
        Revision {
            number: 0,
            size: 528,
            families: Families::all(),
            encode: |m, w| {
                let Program::Bytecode(code) = &m.program else {
                    return Err(EncodeError::NotRepresentable("a pinned program"));
                };
                w.ne_u16(code.count());
                w.zeros(2);
                code.encode(w);
                w.zeros(12);
                Ok(())
            },
            decode: |r, _| {
                let count = r.ne_u16("count")?;
                r.take(2, "padding")?;
                let program = Program::Bytecode(Bytecode::decode(r, count)?);
                r.take(12, "kernel pointer")?;
                Ok(Some(Self { program }))
            },
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, _, text| match name {
            "bytecode" => {
                // The number of instructions stands first.
                let program = text.trim_matches('"').split_once(',').map_or("", |(_, program)| program);
                out.add(format_args!(" match bpf {program}"));
            }
            _ => out.add(format_args!(" match bpf pinned {text}")),
        });
    }
}

impl Bytecode {
    /// The most instructions (`XT_BPF_MAX_NUM_INSTR`).
    pub const MAX: usize = 64;
    /// Bytes that they take in a kernel structure.
    const FIELD: usize = 8 * Self::MAX;

    /// `None` if there are none or too many.
    #[must_use]
    pub fn new(instructions: Vec<Instruction>) -> Option<Self> {
        (1..=Self::MAX).contains(&instructions.len()).then_some(Self(instructions))
    }

    /// The instructions.
    #[must_use]
    pub fn instructions(&self) -> &[Instruction] {
        &self.0
    }

    fn count(&self) -> u16 {
        u16::try_from(self.0.len()).unwrap_or(0)
    }

    fn encode(&self, w: &mut InfoWriter<'_>) {
        for instruction in &self.0 {
            w.ne_u16(instruction.code);
            w.u8(instruction.jump_true);
            w.u8(instruction.jump_false);
            w.ne_u32(instruction.operand);
        }
        w.zeros(Self::FIELD.saturating_sub(8 * self.0.len()));
    }

    fn decode(r: &mut InfoReader<'_>, count: u16) -> Result<Self, DecodeError> {
        let at = **r;
        let mut field = r.sub(Self::FIELD, "program")?;
        let mut instructions = Vec::new();
        for _ in 0..usize::from(count).min(Self::MAX) {
            instructions.push(Instruction {
                code: field.ne_u16("code")?,
                jump_true: field.u8("jt")?,
                jump_false: field.u8("jf")?,
                operand: field.ne_u32("k")?,
            });
        }
        Some(instructions)
            .filter(|instructions| instructions.len() == usize::from(count))
            .and_then(Self::new)
            .ok_or_else(|| at.error("count of instructions", Problem::Value(count.into())))
    }
}

impl Pinned {
    /// The program that is pinned to `path`.
    #[must_use]
    pub const fn new(path: Name<511>) -> Self {
        Self { path, descriptor: 0 }
    }

    fn decode(r: &mut InfoReader<'_>, descriptor: u32) -> Result<Self, DecodeError> {
        Ok(Self { path: Name::read(r, Bytecode::FIELD, "path")?, descriptor })
    }
}

impl PartialEq for Pinned {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for Pinned {}

impl Default for Program {
    fn default() -> Self {
        Self::Bytecode(Bytecode::default())
    }
}

impl Value for Bytecode {
    const DOMAIN: Domain = Domain::Expression {
        language: "BPF program such as `2,48 0 0 9,6 0 0 1`",
        examples: &["2,48 0 0 9,6 0 0 1", "1,6 0 0 65535"],
        refused: &["word", "2,6 0 0 1", "1,6 0 0", "1,6 0 0 x", "1 ,6 0 0 1"],
    };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let (count, program) = text.split_once(',').ok_or(ValueError::Form)?;
        let count: usize = count.trim_start().parse().map_err(|_| ValueError::Form)?;
        let program = program.strip_suffix(',').unwrap_or(program);
        let mut instructions = Vec::new();
        for instruction in program.split(',') {
            if instructions.len() >= Self::MAX {
                return Err(ValueError::TooMany { max: Self::MAX });
            }
            instructions.push(Instruction::parse(instruction).ok_or(ValueError::Form)?);
        }
        if instructions.len() != count {
            return Err(ValueError::Because("the first number is not how many instructions follow"));
        }
        Self::new(instructions).ok_or(ValueError::Form)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "\"{}", self.0.len());
        for Instruction { code, jump_true, jump_false, operand } in &self.0 {
            let _ = write!(out, ",{code} {jump_true} {jump_false} {operand}");
        }
        out.push('"');
    }
}

impl Instruction {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let instruction = Self {
            code: words.next()?.parse().ok()?,
            jump_true: words.next()?.parse().ok()?,
            jump_false: words.next()?.parse().ok()?,
            operand: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(instruction)
    }
}

impl Value for Pinned {
    const DOMAIN: Domain = Domain::Object { kind: ObjectKind::PinnedProgram, max: 511 };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        Name::new(text).map(Self::new)
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        self.path.write(out, scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{layout_cases, text_cases};
    use crate::registry::{Describe, Instance, NoSets};
    use proptest::prelude::*;

    const IPV4: Scope = Scope { family: Family::Ipv4, protocol: None };

    #[test]
    fn programs() {
        for (text, saved) in [
            ("4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0", "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"),
            ("1,6 0 0 1,", "1,6 0 0 1"),
            ("1, 6  0 0 4294967295", "1,6 0 0 4294967295"),
        ] {
            let mut printed = String::new();
            Bytecode::parse(text, &IPV4).expect(text).write(&mut printed, &IPV4);
            assert_eq!(printed, format!("\"{saved}\""));
        }
        for bad in [
            "",
            "1",
            "0,",
            "1,",
            "2,6 0 0 1",
            "1,6 0 0 1,6 0 0 1",
            "1,6 0 0",
            "1,6 0 0 1 x",
            "1,65536 0 0 1",
            "1,6 256 0 1",
            "1,6 0 0 0x1",
            "1,6 0 0 4294967296",
            "1,,6 0 0 1",
            "x,6 0 0 1",
        ] {
            assert!(Bytecode::parse(bad, &IPV4).is_err(), "{bad}");
        }
        let many = |count: usize| format!("{count}{}", ",6 0 0 1".repeat(count));
        assert!(Bytecode::parse(&many(64), &IPV4).is_ok());
        assert_eq!(Bytecode::parse(&many(65), &IPV4), Err(ValueError::TooMany { max: 64 }));
    }

    #[test]
    fn saved_forms() {
        text_cases! { Bpf, Ipv4: "--object-pinned /sys/fs/bpf/a.b" => same, "" => fails, "! --object-pinned a" => fails }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Bpf, Ipv4: "--object-pinned /a", 1 => "0100 0000 00000000 2f61" }
        let code = Bytecode::parse("2,48 0 0 9,6 0 1 4294967295", &IPV4).expect("a program");
        let bpf = Bpf { program: Program::Bytecode(code) };
        for (revision, start) in [
            (1, &[0, 0, 2, 0, 0, 0, 0, 0, 48, 0, 0, 0, 9, 0, 0, 0, 6, 0, 0, 1, 255, 255, 255, 255, 0][..]),
            (0, &[2, 0, 0, 0, 48, 0, 0, 0, 9, 0, 0, 0, 6, 0, 0, 1, 255, 255, 255, 255, 0]),
        ] {
            let mut info = Vec::new();
            bpf.encode(revision, Family::Ipv4, &NoSets, &mut info).expect("fits");
            assert!(info.starts_with(start) && info.len() == 528, "revision {revision}");
        }
    }

    #[test]
    fn a_descriptor_is_kept_and_makes_no_difference() {
        let mut info = Vec::new();
        let bpf = Bpf { program: Program::Pinned(Pinned::new(Name::new("/a").expect("short"))) };
        bpf.encode(1, Family::Ipv4, &NoSets, &mut info).expect("fits");
        info[4] = 3;
        let decoded = Bpf::DESCRIPTOR.decode(1, Family::Ipv4, &info, &NoSets).expect("known").expect("valid");
        assert!(decoded.equals(&bpf));
        let mut again = Vec::new();
        decoded.encode(1, Family::Ipv4, &NoSets, &mut again).expect("fits");
        assert_eq!(again, info);
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_back(count in 0u16..70, code: [[u8; 32]; 16]) {
            let mut info = [&count.to_ne_bytes()[..], &[0, 0], &code.concat(), &[0; 12]].concat();
            let end = 4 + 8 * usize::from(count.min(64));
            info[end..].fill(0);
            if let Some(Ok(decoded)) = Bpf::DESCRIPTOR.decode(0, Family::Ipv4, &info, &NoSets) {
                let mut again = Vec::new();
                decoded.encode(0, Family::Ipv4, &NoSets, &mut again).expect("fits");
                prop_assert_eq!(again, info);
            } else {
                prop_assert!(count == 0 || count > 64);
            }
        }
    }
}
