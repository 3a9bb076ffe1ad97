//! The expressions that nearly every rule has, written by copying a prepared one and filling in what differs.
//!
//! The prepared ones come from the typed encoders, which know the layout; only where the values lie is known here,
//! and a test compares the outcome with what the encoders write.

use nfnetlink::wire::{Writer, align};
use pkttnetlink::nft::expr::{Bitwise, Cmp, CmpOp, Counter, Immediate, Meta, MetaKey, Payload, PayloadBase};
use pkttnetlink::nft::{Data, Register, Verdict, VerdictCode};
use std::sync::LazyLock;

/// Longest value with a prepared expression: an IPv6 address or an interface name.
const MAX_VALUE: usize = 16;
/// More than the longest prepared expression takes.
const MAX_LEN: usize = 128;

/// How long a comparison is without its value and that value's padding.
const CMP_WITHOUT_VALUE: usize = 40;

/// A prepared expression.
#[derive(Clone, Copy)]
struct Template {
    bytes: [u8; MAX_LEN],
    len: usize,
}

struct Templates {
    payload: Template,
    meta: Template,
    counter: Template,
    accept: Template,
    drop: Template,
    /// By the length of the value.
    cmp: [Template; MAX_VALUE + 1],
    /// A load of packet bytes and a comparison, which mostly come together.
    payload_cmp: [Template; MAX_VALUE + 1],
    mask: [Template; MAX_VALUE + 1],
}

const R1: Option<Register> = Some(Register::R1);
const ZEROS: [u8; MAX_VALUE] = [0; MAX_VALUE];

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates {
    payload: Template::of(|writer| payload_expression(PayloadBase::default(), 0, 0).encode_element(writer)),
    meta: Template::of(|writer| meta_expression(MetaKey::default()).encode_element(writer)),
    counter: Template::of(|writer| counter_expression(0, 0).encode_element(writer)),
    accept: Template::of(|writer| {
        Immediate::verdict(Verdict::new(VerdictCode::ACCEPT)).encode_element(writer)
    }),
    drop: Template::of(|writer| Immediate::verdict(Verdict::new(VerdictCode::DROP)).encode_element(writer)),
    cmp: std::array::from_fn(|len| {
        Template::of(|writer| cmp_expression(CmpOp::EQ, zeros(len)).encode_element(writer))
    }),
    payload_cmp: std::array::from_fn(|len| {
        Template::of(|writer| {
            payload_expression(PayloadBase::default(), 0, 0).encode_element(writer);
            cmp_expression(CmpOp::EQ, zeros(len)).encode_element(writer);
        })
    }),
    mask: std::array::from_fn(|len| {
        Template::of(|writer| mask_expression(zeros(len)).encode_element(writer))
    }),
});

/// Writes a load of packet bytes into register 1.
pub(crate) fn payload(base: PayloadBase, offset: u32, len: u32, writer: &mut Writer) {
    // Base, offset and length are the last three attributes, each a number.
    TEMPLATES
        .payload
        .write(writer, [(20, &base.0.to_be_bytes()), (12, &offset.to_be_bytes()), (4, &len.to_be_bytes())]);
}

/// Writes a load of what is known of a packet into register 1.
pub(crate) fn meta(key: MetaKey, writer: &mut Writer) {
    TEMPLATES.meta.write(writer, [(12, &key.0.to_be_bytes())]);
}

/// Writes a comparison of register 1.
pub(crate) fn cmp(op: CmpOp, value: &[u8], writer: &mut Writer) {
    match TEMPLATES.cmp.get(value.len()) {
        Some(template) => {
            let value_at = align(value.len());
            template.write(writer, [(value_at + 8 + 4, &op.0.to_be_bytes()), (value_at, value)]);
        }
        None => cmp_expression(op, value).encode_element(writer),
    }
}

/// Writes a load of packet bytes into register 1 and a comparison of it.
pub(crate) fn payload_cmp(
    (base, offset, len): (PayloadBase, u32, u32),
    op: CmpOp,
    value: &[u8],
    writer: &mut Writer,
) {
    match TEMPLATES.payload_cmp.get(value.len()) {
        Some(template) => {
            let value_at = align(value.len());
            let cmp_len = value_at + CMP_WITHOUT_VALUE;
            template.write(
                writer,
                [
                    (cmp_len + 20, &base.0.to_be_bytes()),
                    (cmp_len + 12, &offset.to_be_bytes()),
                    (cmp_len + 4, &len.to_be_bytes()),
                    (value_at + 8 + 4, &op.0.to_be_bytes()),
                    (value_at, value),
                ],
            );
        }
        None => {
            payload(base, offset, len, writer);
            cmp(op, value, writer);
        }
    }
}

/// Writes an AND of register 1.
pub(crate) fn mask(mask: &[u8], writer: &mut Writer) {
    match TEMPLATES.mask.get(mask.len()) {
        // The attribute behind the mask has a value of the same length.
        Some(template) => template.write(writer, [(8 + 2 * align(mask.len()), mask)]),
        None => mask_expression(mask).encode_element(writer),
    }
}

/// Writes a counter.
pub(crate) fn counter(packets: u64, bytes: u64, writer: &mut Writer) {
    TEMPLATES.counter.write(writer, [(20, &bytes.to_be_bytes()), (8, &packets.to_be_bytes())]);
}

/// Writes a verdict.
pub(crate) fn verdict(code: VerdictCode, writer: &mut Writer) {
    match code {
        VerdictCode::ACCEPT => TEMPLATES.accept.write(writer, []),
        VerdictCode::DROP => TEMPLATES.drop.write(writer, []),
        code => Immediate::verdict(Verdict::new(code)).encode_element(writer),
    }
}

impl Template {
    fn of(write: impl FnOnce(&mut Writer)) -> Self {
        let mut writer = Writer::new();
        write(&mut writer);
        let mut bytes = [0; MAX_LEN];
        let len = writer.len().min(MAX_LEN);
        bytes.iter_mut().zip(writer.as_bytes()).for_each(|(to, from)| *to = *from);
        Self { bytes, len }
    }

    /// Writes it with these values, each at so many bytes from the end.
    #[inline]
    fn write<const N: usize>(&self, writer: &mut Writer, values: [(usize, &[u8]); N]) {
        writer.bytes(self.bytes.get(..self.len).unwrap_or(&self.bytes));
        for (from_end, value) in values {
            writer.overwrite(from_end, value);
        }
    }
}

fn zeros(len: usize) -> &'static [u8] {
    ZEROS.get(..len).unwrap_or(&ZEROS)
}

fn payload_expression(base: PayloadBase, offset: u32, len: u32) -> Payload<'static> {
    Payload { dreg: R1, base: Some(base), offset: Some(offset), len: Some(len), ..Payload::default() }
}

fn meta_expression(key: MetaKey) -> Meta<'static> {
    Meta { key: Some(key), dreg: R1, ..Meta::default() }
}

fn counter_expression(packets: u64, bytes: u64) -> Counter<'static> {
    Counter { packets: Some(packets), bytes: Some(bytes), ..Counter::default() }
}

fn cmp_expression(op: CmpOp, value: &[u8]) -> Cmp<'_> {
    Cmp { sreg: R1, op: Some(op), data: Some(Data::value(value)), ..Cmp::default() }
}

fn mask_expression(mask: &[u8]) -> Bitwise<'_> {
    Bitwise {
        sreg: R1,
        dreg: R1,
        len: u32::try_from(mask.len()).ok(),
        mask: Some(Data::value(mask)),
        xor: Some(Data::value(zeros(mask.len()))),
        ..Bitwise::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::new();
        write(&mut writer);
        writer.into_bytes().expect("a small expression")
    }

    #[test]
    fn templates_give_what_the_encoders_write() {
        let value: Vec<u8> = (1..=20).collect();
        for len in 0..=20 {
            let value = &value[..len];
            for op in [CmpOp::EQ, CmpOp::NEQ, CmpOp::GTE] {
                let expected = written(|writer| cmp_expression(op, value).encode_element(writer));
                assert_eq!(written(|writer| cmp(op, value, writer)), expected, "{op} {len}");
            }
            let load = (PayloadBase::TRANSPORT_HEADER, 3, 5);
            let expected = written(|writer| {
                payload(load.0, load.1, load.2, writer);
                cmp(CmpOp::LT, value, writer);
            });
            assert_eq!(written(|writer| payload_cmp(load, CmpOp::LT, value, writer)), expected, "{len}");
            if len <= MAX_VALUE {
                let expected = written(|writer| mask_expression(value).encode_element(writer));
                assert_eq!(written(|writer| mask(value, writer)), expected, "mask {len}");
            }
        }
        for (base, offset, len) in
            [(PayloadBase::NETWORK_HEADER, 12, 4), (PayloadBase::TRANSPORT_HEADER, 2, 1)]
        {
            let expected = written(|writer| payload_expression(base, offset, len).encode_element(writer));
            assert_eq!(written(|writer| payload(base, offset, len, writer)), expected);
        }
        let expected = written(|writer| meta_expression(MetaKey::OIFNAME).encode_element(writer));
        assert_eq!(written(|writer| meta(MetaKey::OIFNAME, writer)), expected);
        let expected = written(|writer| counter_expression(7, u64::MAX - 1).encode_element(writer));
        assert_eq!(written(|writer| counter(7, u64::MAX - 1, writer)), expected);
        for code in [VerdictCode::ACCEPT, VerdictCode::DROP, VerdictCode::RETURN] {
            let expected = written(|writer| Immediate::verdict(Verdict::new(code)).encode_element(writer));
            assert_eq!(written(|writer| verdict(code, writer)), expected);
        }
    }
}
