//! `-j CONNMARK`: changes the connection's mark, or copies it from or to the packet.
use crate::domain::{HexMask, MarkChange, Masked};
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Action, Context, Edit, Extension, Flag, InfoWriter, Lister, Require, Revision};
use nfnetlink::wire::{DecodeError, EncodeError, Problem, Reader};

/// The `CONNMARK` target.
///
/// Two are equal that do the same, whatever they have for what the operation does not use.
#[derive(Clone, Debug, Eq)]
pub struct Connmark {
    /// What is done.
    pub operation: Operation,
    /// The value that [`Operation::Set`] flips into the connection's mark.
    pub ctmark: u32,
    /// The bits of the connection's mark that are cleared or copied.
    pub ctmask: u32,
    /// The bits of the packet's mark that are copied or cleared.
    pub nfmask: u32,
    /// By how many bits the result is shifted.
    pub shift: Shift,
}

/// What is done with the marks (`XT_CONNMARK_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The connection's mark is changed.
    Set,
    /// The packet's mark is copied to the connection.
    Save,
    /// The connection's mark is copied to the packet.
    Restore,
}

/// A shift by a number of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// Whether it goes towards the low bits.
    pub right: bool,
    /// How far; 0 does nothing.
    pub bits: u8,
}

crate::integer! {
    /// A number of bits to shift by.
    pub struct ShiftBits(u8): 0..=31, "bits";
}

impl PartialEq for Connmark {
    fn eq(&self, other: &Self) -> bool {
        self.used() == other.used()
    }
}

impl Default for Connmark {
    fn default() -> Self {
        Self {
            operation: Operation::Set,
            ctmark: 0,
            ctmask: u32::MAX,
            nfmask: u32::MAX,
            shift: Shift::default(),
        }
    }
}

extension! {
    /// Change the mark of the packet's connection, or copy it between connection and packet.
    ///
    /// Connection tracking keeps one 32-bit mark per connection. Saving a packet's mark once and restoring it for
    /// the later packets lets a decision taken for the first packet hold for the whole connection. The `connmark`
    /// match tests the mark.
    target "CONNMARK" => Connmark {
        require: Require::ExactlyOneOf(&[
            "set-xmark", "set-mark", "and-mark", "or-mark", "xor-mark", "save-mark", "restore-mark",
        ]),
    } params {
        /// Clear the bits of the mask in the connection's mark, then flip those of the value.
        ///
        /// Every other way to change the mark is printed in this form.
        "set-xmark": MarkChange {
            set: |m, change, _| m.change(change),
            get: |m| (m.operation == Operation::Set)
                .then_some((MarkChange { value: m.ctmark, mask: m.ctmask }, false)),
        }
        /// Set the connection's mark to the value; with a mask only the bits that the mask or the value has.
        "set-mark": Masked { set: |m, mark, _| m.change(MarkChange::set(mark)), get: |_| None }
        /// Keep only those bits of the connection's mark that this number has.
        "and-mark": u32 { set: |m, bits, _| m.change(MarkChange::and(bits)), get: |_| None }
        /// Set those bits of the connection's mark that this number has.
        "or-mark": u32 { set: |m, bits, _| m.change(MarkChange::or(bits)), get: |_| None }
        /// Flip those bits of the connection's mark that this number has.
        "xor-mark": u32 { set: |m, bits, _| m.change(MarkChange::xor(bits)), get: |_| None }
        /// Copy the packet's mark to the connection.
        ///
        /// The new mark of the connection is its old one without the bits of `--ctmask`, flipped by the packet's
        /// mark of which only the bits of `--nfmask` count.
        "save-mark": Flag {
            set: |m, _, _| m.operation = Operation::Save,
            get: |m| (m.operation == Operation::Save).then_some((Flag, false)),
        }
        /// Copy the connection's mark to the packet.
        ///
        /// The new mark of the packet is its old one without the bits of `--nfmask`, flipped by the connection's
        /// mark of which only the bits of `--ctmask` count. Not possible in table raw, where no connection is known yet.
        "restore-mark": Flag {
            set: |m, _, _| m.operation = Operation::Restore,
            get: |m| (m.operation == Operation::Restore).then_some((Flag, false)),
        }
        /// The bits of the packet's mark that are copied or replaced.
        "nfmask": HexMask {
            set: |m, HexMask(mask), _| m.nfmask = mask,
            get: |m| (m.operation != Operation::Set).then_some((HexMask(m.nfmask), false)),
            excludes: &["mask"],
            default: Some("0xffffffff"),
        }
        /// The bits of the connection's mark that are copied or replaced.
        "ctmask": HexMask {
            set: |m, HexMask(mask), _| m.ctmask = mask,
            get: |m| (m.operation != Operation::Set).then_some((HexMask(m.ctmask), false)),
            excludes: &["mask"],
            default: Some("0xffffffff"),
        }
        /// Stands for `--nfmask` and `--ctmask` with the same number.
        "mask": HexMask {
            set: |m, HexMask(mask), _| (m.nfmask, m.ctmask) = (mask, mask),
            get: |_| None,
            excludes: &["nfmask", "ctmask"],
        }
        /// Shift what is set, saved or restored by this many bits towards the high ones.
        "left-shift-mark": ShiftBits {
            set: |m, ShiftBits(bits), _| m.shift = Shift { right: false, bits },
            get: |m| (!m.shift.right && m.shift.bits != 0).then_some((ShiftBits(m.shift.bits), false)),
            default: Some("0"),
        }
        /// Shift what is set, saved or restored by this many bits towards the low ones.
        "right-shift-mark": ShiftBits {
            set: |m, ShiftBits(bits), _| m.shift = Shift { right: true, bits },
            get: |m| (m.shift.right && m.shift.bits != 0).then_some((ShiftBits(m.shift.bits), false)),
            default: Some("0"),
        }
    }
}

impl Extension for Connmark {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        let Some(connection) = &packet.meta.connection else { return Action::Continue };
        let shifted = |mark: u32| match self.shift.right {
            true => mark.checked_shr(self.shift.bits.into()).unwrap_or_default(),
            false => mark.checked_shl(self.shift.bits.into()).unwrap_or_default(),
        };
        let (connection, own) = (connection.mark, packet.meta.mark);
        context.edit(match self.operation {
            Operation::Set => Edit::ConnectionMark(shifted(connection & !self.ctmask ^ self.ctmark)),
            Operation::Save => Edit::ConnectionMark(connection & !self.ctmask ^ shifted(own & self.nfmask)),
            Operation::Restore => Edit::Mark(own & !self.nfmask ^ shifted(connection & self.ctmask)),
        });
        Action::Continue
    }

    // `struct xt_connmark_tginfo2` and `struct xt_connmark_tginfo1` in linux/netfilter/xt_connmark.h.
    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 2,
            size: 16,
            families: Families::all(),
            encode: |m, w| {
                m.encode_masks(w);
                w.bytes(&[m.shift.right.into(), m.shift.bits, m.operation as u8, 0]);
                Ok(())
            },
            decode: |r, _| {
                let mut m = Self::decode_masks(r)?;
                m.shift = Shift { right: r.u8("shift direction")? != 0, bits: r.u8("shift")? };
                m.operation = Operation::decode(r)?;
                r.take(1, "padding")?;
                Ok(Some(m))
            },
        },
        Revision {
            number: 1,
            size: 16,
            families: Families::all(),
            encode: |m, w| {
                if m.shift != Shift::default() {
                    return Err(EncodeError::NotRepresentable("a shifted mark"));
                }
                m.encode_masks(w);
                w.bytes(&[m.operation as u8, 0, 0, 0]);
                Ok(())
            },
            decode: |r, _| {
                let mut m = Self::decode_masks(r)?;
                m.operation = Operation::decode(r)?;
                r.take(3, "padding")?;
                Ok(Some(m))
            },
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        let (nfmask, ctmask) = (self.nfmask, self.ctmask);
        out.add(" CONNMARK");
        match self.operation {
            Operation::Set => {
                out.add(format_args!(" {}", MarkChange { value: self.ctmark, mask: self.ctmask }));
            }
            Operation::Save => out.add(" save"),
            Operation::Restore => out.add(" restore"),
        }
        match self.operation {
            Operation::Set => {}
            _ if (nfmask, ctmask) == (u32::MAX, u32::MAX) => {}
            _ if nfmask == ctmask => out.add(format_args!(" mask {nfmask:#x}")),
            Operation::Save => out.add(format_args!(" nfmask {nfmask:#x} ctmask ~{ctmask:#x}")),
            Operation::Restore => out.add(format_args!(" ctmask {ctmask:#x} nfmask ~{nfmask:#x}")),
        }
        if self.shift.bits > 0 {
            let side = if self.shift.right { "right" } else { "left" };
            out.add(format_args!(" {side}-shift-mark {}", self.shift.bits));
        }
    }
}

impl Connmark {
    /// Value and masks as far as the operation uses them, and the shift unless it does nothing.
    fn used(&self) -> (Operation, [u32; 3], Option<Shift>) {
        let marks = match self.operation {
            Operation::Set => [self.ctmark, self.ctmask, 0],
            Operation::Save | Operation::Restore => [0, self.ctmask, self.nfmask],
        };
        (self.operation, marks, Some(self.shift).filter(|shift| shift.bits != 0))
    }

    fn change(&mut self, change: MarkChange) {
        (self.operation, self.ctmark, self.ctmask) = (Operation::Set, change.value, change.mask);
    }

    fn encode_masks(&self, w: &mut InfoWriter<'_>) {
        w.ne_u32(self.ctmark);
        w.ne_u32(self.ctmask);
        w.ne_u32(self.nfmask);
    }

    fn decode_masks(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (ctmark, ctmask, nfmask) = (r.ne_u32("ctmark")?, r.ne_u32("ctmask")?, r.ne_u32("nfmask")?);
        Ok(Self { ctmark, ctmask, nfmask, ..Self::default() })
    }
}

impl Operation {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8("mode")? {
            0 => Ok(Self::Set),
            1 => Ok(Self::Save),
            2 => Ok(Self::Restore),
            other => Err(r.error("mode", Problem::Value(other.into()))),
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
        text_cases! { Connmark, Ipv6:
            "--set-mark 1" => "--set-xmark 0x1/0xffffffff", "--set-mark 1/2" => "--set-xmark 0x1/0x3",
            "--set-xmark 1/2" => "--set-xmark 0x1/0x2", "--set-xmark 1/2 --nfmask 3" => "--set-xmark 0x1/0x2",
            "--set-xmark 1/2 --ctmask 3" => "--set-xmark 0x1/0x3",
            "--ctmask 3 --set-xmark 1/2" => "--set-xmark 0x1/0x2",
            "--and-mark 7" => "--set-xmark 0x0/0xfffffff8", "--or-mark 7" => "--set-xmark 0x7/0x7",
            "--xor-mark 7" => "--set-xmark 0x7/0x0",
            "--save-mark" => "--save-mark --nfmask 0xffffffff --ctmask 0xffffffff",
            "--restore-mark" => "--restore-mark --nfmask 0xffffffff --ctmask 0xffffffff",
            "--save-mark --mask 5" => "--save-mark --nfmask 0x5 --ctmask 0x5",
            "--save-mark --ctmask 5" => "--save-mark --nfmask 0xffffffff --ctmask 0x5",
            "--restore-mark --nfmask 5" => "--restore-mark --nfmask 0x5 --ctmask 0xffffffff",
            "--restore-mark --left-shift-mark 3" =>
                "--restore-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 3",
            "--restore-mark --right-shift-mark 1 --left-shift-mark 2" =>
                "--restore-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 2",
            "--set-mark 7 --right-shift-mark 2" => "--set-xmark 0x7/0xffffffff --right-shift-mark 2",
            "--restore-mark --right-shift-mark 33" => fails, "--left-shift-mark 2" => fails,
            "--restore-mark --nfmask 5 --mask 3" => fails, "--save-mark --restore-mark" => fails,
            "--save-mark --mask 1/2" => fails, "" => fails,
        }
    }

    #[test]
    fn layout_of_revision_2() {
        let words = [0_u32, u32::MAX, 0xff].map(u32::to_ne_bytes).concat();
        let text = "--restore-mark --nfmask 0xff --right-shift-mark 8";
        let info = [&words[..], &[1, 8, 2, 0]].concat();
        assert_eq!(encoded::<Connmark>(Family::Ipv4, text, 2).as_deref(), Some(&info[..]));
        assert_eq!(encoded::<Connmark>(Family::Ipv4, text, 1), None);
        assert_eq!(decoded::<Connmark>(Family::Ipv4, 1, &[&words[..], &[3, 0, 0, 0]].concat()), None);
    }
}
