//! `-m u32`: computes numbers from 32-bit words of the packet and compares them.
use crate::extension;
use crate::model::Families;
use crate::packet::{Data, Packet};
use crate::registry::{Context, Domain, Extension, Lister, Outcome, Revision, Scope, Value, ValueError};
use nfnetlink::wire::{EncodeError, Problem, Reader};
use std::fmt::Write as _;

/// The `u32` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct U32 {
    /// What is computed and compared; all must hold.
    pub tests: Tests,
    /// Whether the rule matches when one of them does not hold.
    pub not: bool,
}

/// Computations, each with the values that its result may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tests(Vec<Test>);

/// A computation and the values that its result may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Test {
    /// The offset of the first word that is read.
    pub offset: u32,
    /// What is done with it.
    pub steps: Vec<(Operator, u32)>,
    /// Ranges of values, both ends included.
    pub values: Vec<(u32, u32)>,
}

/// What a step does with the value so far and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `&`: keeps the bits that are set in the number.
    And = 0,
    /// `<<`: shifts to the left.
    Left = 1,
    /// `>>`: shifts to the right.
    Right = 2,
    /// `@`: moves the beginning by the value, and reads the word at the number from there.
    At = 3,
}

extension! {
    /// Match by numbers computed from the packet.
    ///
    /// Made for what no other match looks at. Reading beyond the end of the packet does not match.
    match "u32" => U32 {} params {
        /// All of these tests hold, joined by `&&`, such as `0>>22&0x3C@4>>16=80,8080:8090`.
        ///
        /// A test is a computation, `=`, and values or ranges `MIN:MAX` separated by commas. The computation begins
        /// with an offset from the IP header at which four bytes are read, in network byte order. `& N` keeps the
        /// bits of N, `<< N` and `>> N` shift, `@ N` adds the value to the beginning and reads four bytes at offset
        /// N from there. The example reads the header length, moves behind the IP header and takes the upper half of
        /// the second word. At most ten tests of ten numbers and ten ranges.
        [!] "u32": Tests {
            set: |m, tests, not| *m = U32 { tests, not },
            get: |m| Some((m.tests.clone(), m.not)),
            required: true,
        }
    }
}

impl Extension for U32 {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let holds = self.tests.as_slice().iter().all(|test| {
            let value = test.value(packet.data);
            value.is_some_and(|value| test.values.iter().any(|(min, max)| (*min..=*max).contains(&value)))
        });
        (holds != self.not).into()
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        let values = self.tests.as_slice().iter().map(|test| match test.value(packet.data) {
            Some(value) => format!("{value:#x}"),
            None => "none".into(),
        });
        let values: Vec<String> = values.collect();
        Some(match values.len() {
            1 => format!("the value is {}", values.concat()),
            _ => format!("the values are {}", values.join(", ")),
        })
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: SLOTS * TEST_SIZE + 4,
        families: Families::all(),
        encode: |m, w| {
            let too_many = || EncodeError::NotRepresentable("so many tests");
            let count = |len: usize| u8::try_from(len).ok().filter(|_| len <= SLOTS).ok_or_else(too_many);
            for test in &m.tests.0 {
                let (numbers, values) = (count(test.steps.len() + 1)?, count(test.values.len())?);
                w.ne_u32(test.offset);
                w.ne_u32(0);
                for (operator, number) in &test.steps {
                    w.ne_u32(*number);
                    w.u8(*operator as u8);
                    w.zeros(3);
                }
                w.zeros((SLOTS - usize::from(numbers)) * 8);
                for (min, max) in &test.values {
                    w.ne_u32(*min);
                    w.ne_u32(*max);
                }
                w.zeros((SLOTS - usize::from(values)) * 8);
                w.bytes(&[numbers, values, 0, 0]);
            }
            let tests = count(m.tests.0.len())?;
            w.zeros((SLOTS - usize::from(tests)) * TEST_SIZE);
            w.bytes(&[tests, m.not.into(), 0, 0]);
            Ok(())
        },
        decode: |r, _| {
            let mut tests = r.sub(SLOTS * TEST_SIZE, "tests")?;
            let at = **r;
            let (used, not) = (r.u8("ntests")?, r.u8("invert")? != 0);
            r.rest();
            if usize::from(used) > SLOTS {
                return Err(at.error("ntests", Problem::Value(used.into())));
            }
            let tests = (0..used).map(|_| {
                let test = tests.sub(TEST_SIZE, "test")?;
                Test::read(test)
            });
            Ok(Some(Self { tests: Tests(tests.collect::<Result<_, _>>()?), not }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, not, text| {
            out.add(format_args!(" u32 {}{text}", if not { "! " } else { "" }));
        });
    }
}

impl Test {
    /// The number that the steps lead to; `None` if they leave the packet.
    fn value(&self, data: Data<'_>) -> Option<u32> {
        let mut base = 0_u32;
        let mut value = data.be32(self.offset as usize)?;
        for (operator, number) in &self.steps {
            value = match operator {
                Operator::And => value & number,
                Operator::Left => value.checked_shl(*number).unwrap_or_default(),
                Operator::Right => value.checked_shr(*number).unwrap_or_default(),
                Operator::At => {
                    base = base.checked_add(value)?;
                    data.be32(base.checked_add(*number)? as usize)?
                }
            };
        }
        Some(value)
    }
}

/// How many tests, numbers and ranges the structures have room for (`XT_U32_MAXSIZE + 1`).
const SLOTS: usize = 11;
/// How many of them can be written.
const MAX: usize = 10;
const TEST_SIZE: usize = 2 * SLOTS * 8 + 4;

impl Test {
    fn read(mut r: Reader<'_>) -> Result<Self, nfnetlink::wire::DecodeError> {
        let mut numbers = r.sub(SLOTS * 8, "location")?;
        let mut ranges = r.sub(SLOTS * 8, "value")?;
        let at = r;
        let (number_count, value_count) = (r.u8("nnums")?, r.u8("nvalues")?);
        if !(1..=SLOTS).contains(&number_count.into()) || usize::from(value_count) > SLOTS {
            return Err(at.error("nnums", Problem::Value(number_count.into())));
        }
        let offset = numbers.ne_u32("number")?;
        numbers.take(4, "nextop")?;
        let mut test = Self { offset, ..Self::default() };
        for _ in 1..number_count {
            let number = numbers.ne_u32("number")?;
            let at = numbers;
            let operator = match numbers.u8("nextop")? {
                0 => Operator::And,
                1 => Operator::Left,
                2 => Operator::Right,
                3 => Operator::At,
                other => return Err(at.error("nextop", Problem::Value(other.into()))),
            };
            numbers.take(3, "padding")?;
            test.steps.push((operator, number));
        }
        for _ in 0..value_count {
            test.values.push((ranges.ne_u32("min")?, ranges.ne_u32("max")?));
        }
        Ok(test)
    }
}

impl Tests {
    /// Puts tests together; an error if there is none or more than ten, or one of them has no values or more than ten
    /// numbers or ranges.
    pub fn new(tests: Vec<Test>) -> Result<Self, ValueError> {
        let counts = |test: &Test| [test.steps.len() + 1, test.values.len()];
        let counts = || tests.iter().flat_map(counts).chain([tests.len()]);
        if counts().any(|count| count > MAX) {
            return Err(ValueError::TooMany { max: MAX });
        }
        if counts().any(|count| count == 0) { Err(ValueError::Form) } else { Ok(Self(tests)) }
    }

    /// The tests, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Test] {
        &self.0
    }
}

impl Value for Tests {
    const DOMAIN: Domain = Domain::Expression {
        language: "list of tests such as `6&0xFF=1`, joined by `&&`",
        examples: &["6&0xFF=1", "0>>22&0x3C@4=7:9", "4&0x3FFF=0&&6&0xFF=17,6"],
        refused: &["word", "6&0xFF", "6&0xFF=", "6=1&&", "6=1&"],
    };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let mut rest = text;
        let mut tests = Vec::new();
        loop {
            let mut test = Test { offset: number(&mut rest)?, ..Test::default() };
            while !eat(&mut rest, "=") {
                let operators = [
                    ("&", Operator::And),
                    ("<<", Operator::Left),
                    (">>", Operator::Right),
                    ("@", Operator::At),
                ];
                let operator = operators.into_iter().find(|(sign, _)| eat(&mut rest, sign));
                let (_, operator) = operator.ok_or(ValueError::Because("an operator or `=` is missing"))?;
                test.steps.push((operator, number(&mut rest)?));
            }
            loop {
                let min = number(&mut rest)?;
                let max = if eat(&mut rest, ":") { number(&mut rest)? } else { min };
                test.values.push((min, max));
                if !eat(&mut rest, ",") {
                    break;
                }
            }
            tests.push(test);
            if rest.trim_ascii_start().is_empty() {
                return Self::new(tests);
            }
            if !eat(&mut rest, "&&") {
                return Err(ValueError::Because("`,` or `&&` is missing"));
            }
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        out.push('"');
        for (place, test) in self.0.iter().enumerate() {
            let _ = write!(out, "{}{:#x}", if place == 0 { "" } else { "&&" }, test.offset);
            for (operator, number) in &test.steps {
                let sign = match operator {
                    Operator::And => "&",
                    Operator::Left => "<<",
                    Operator::Right => ">>",
                    Operator::At => "@",
                };
                let _ = write!(out, "{sign}{number:#x}");
            }
            for (place, (min, max)) in test.values.iter().enumerate() {
                let _ = write!(out, "{}{min:#x}", if place == 0 { '=' } else { ',' });
                if min != max {
                    let _ = write!(out, ":{max:#x}");
                }
            }
        }
        out.push('"');
    }
}

/// Takes `sign` off the beginning, if it is there.
fn eat(rest: &mut &str, sign: &str) -> bool {
    let after = rest.trim_ascii_start().strip_prefix(sign);
    *rest = after.unwrap_or(rest);
    after.is_some()
}

/// Takes a number in C notation off the beginning.
fn number(rest: &mut &str) -> Result<u32, ValueError> {
    let text = rest.trim_ascii_start();
    let end = text.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (digits, after) = text.split_at(end);
    *rest = after;
    let number = crate::domain::parse_bounded(digits, 0, u32::MAX.into())?;
    u32::try_from(number).map_err(|_| ValueError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{check_layout, text_cases};
    use proptest::prelude::*;

    #[test]
    fn saved_forms() {
        text_cases! { U32, Ipv4:
            "--u32 0x0=0x0" => "--u32 \"0x0=0x0\"",
            "! --u32 6&0xFF=1" => "! --u32 \"0x6&0xff=0x1\"",
            "--u32 0>>22&0x3C@4>>16=80,8080:8090&&010<<1=5:3"
                => "--u32 \"0x0>>0x16&0x3c@0x4>>0x10=0x50,0x1f90:0x1f9a&&0x8<<0x1=0x5:0x3\"",
            "--u32 1&2&3&4&5&6&7&8&9&10=1,2,3,4,5,6,7,8,9,10"
                => "--u32 \"0x1&0x2&0x3&0x4&0x5&0x6&0x7&0x8&0x9&0xa=0x1,0x2,0x3,0x4,0x5,0x6,0x7,0x8,0x9,0xa\"",
            "--u32 1&2&3&4&5&6&7&8&9&10&11=1" => fails, "--u32 1=1,2,3,4,5,6,7,8,9,10,11" => fails,
            "--u32 0=0&&0=0&&0=0&&0=0&&0=0&&0=0&&0=0&&0=0&&0=0&&0=0&&0=0" => fails,
            "--u32 4294967296=0" => fails, "--u32 0" => fails, "--u32 0=" => fails, "--u32 =0" => fails,
            "--u32 0=0&0=0" => fails, "--u32 0&&0=0" => fails, "--u32 0<1=0" => fails, "--u32 0=0&&" => fails,
            "--u32 0=0x" => fails, "--u32 x=0" => fails, "--u32 0=1," => fails, "--u32 -1=0" => fails,
            "" => fails,
        }
        let spaced =
            Tests::parse(" 6 & 0xFF = 1 , 2 : 3 && 0 = 0 ", &Scope { family: Family::Ipv4, protocol: None });
        assert_eq!(spaced.map(|tests| tests.as_slice().len()), Ok(2));
    }

    #[test]
    fn kernel_structures() {
        let gap = |count: usize| "00".repeat(count);
        let test = |numbers: &str, values: &str, counts: &str| {
            let fill =
                |hex: &str| gap(SLOTS * 8 - hex.split_ascii_whitespace().collect::<String>().len() / 2);
            format!("{numbers} {} {values} {} {counts} 0000", fill(numbers), fill(values))
        };
        let first =
            test("00000000 00000000 16000000 02000000", "01000000 01000000 02000000 03000000", "02 02");
        let second = test("04000000 00000000 05000000 03000000", "07000000 07000000", "02 01");
        let hex = format!("{first} {second} {} 02 01", gap(9 * TEST_SIZE));
        check_layout::<U32>(Family::Ipv4, "! --u32 0>>22=1,2:3&&4@5=7", 0, &hex);
    }

    proptest! {
        #[test]
        fn any_tests_survive(tests in proptest::collection::vec(
            (any::<u32>(), proptest::collection::vec((0..4_u8, any::<u32>()), 0..10),
             proptest::collection::vec(any::<(u32, u32)>(), 1..=10)), 1..=10)
        ) {
            let operator = |number| [Operator::And, Operator::Left, Operator::Right, Operator::At][usize::from(number)];
            let tests = tests.into_iter().map(|(offset, steps, values)| Test {
                offset, steps: steps.into_iter().map(|(sign, number)| (operator(sign), number)).collect(), values,
            });
            let tests = Tests::new(tests.collect()).expect("not too many");
            let scope = Scope { family: Family::Ipv4, protocol: None };
            let mut text = String::new();
            tests.write(&mut text, &scope);
            prop_assert_eq!(Tests::parse(text.trim_matches('"'), &scope), Ok(tests));
        }
    }
}
