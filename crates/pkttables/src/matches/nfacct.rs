//! `-m nfacct`: counts packets in an accounting object.

use crate::domain::Text;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, InfoReader, InfoWriter, Lister, ObjectKind, Outcome, Revision, ValueError,
    bang,
};
use nfnetlink::wire::{DecodeError, EncodeError, Problem};

/// The `nfacct` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nfacct {
    /// The object's name (`NFACCT_NAME_MAX`).
    pub object: Text<31>,
}

extension! {
    /// Count the packet in an accounting object.
    ///
    /// The object must exist when the rule is added (`nfacct add NAME`); its packets and bytes can be read and
    /// reset at any time, and several rules can count in one object. Every packet matches, unless the object has
    /// a quota: then only those after it is used up.
    match "nfacct" => Nfacct {} params {
        /// The object's name.
        "nfacct-name": Text<31> {
            set: |m, object, _| {
                if object.as_str().is_empty() || object.as_str().contains('\n') {
                    return Err(ValueError::Because("it may not be empty, nor contain a line break"));
                }
                m.object = object;
                Ok(())
            },
            get: |m| Some((m.object.clone(), false)),
            required: true,
            domain: &Domain::Object { kind: ObjectKind::Accounting, max: 31 },
            by_kernel: true,
        }
    }
}

impl Extension for Nfacct {
    /// The object is taken for one without quota.
    fn matches(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        Outcome::Match
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 1,
            size: 40,
            families: Families::all(),
            encode: Self::encode,
            decode: |r, _| Self::decode(r),
        },
        Revision {
            number: 0,
            size: 40,
            families: Families::all(),
            encode: Self::encode,
            decode: |r, _| Self::decode(r),
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, not, text| {
            out.add(format_args!(" nfacct-name {}{}", bang(not), text.trim_matches('"')));
        });
    }
}

/// The revisions differ only where pointers have four bytes.
impl Nfacct {
    fn encode(&self, w: &mut InfoWriter<'_>) -> Result<(), EncodeError> {
        w.c_string(self.object.as_str().as_bytes(), 32);
        w.zeros(8);
        Ok(())
    }

    fn decode(r: &mut InfoReader<'_>) -> Result<Option<Self>, DecodeError> {
        let error = r.error("name", Problem::String);
        let name = std::str::from_utf8(r.c_string(32, "name")?).map_err(|_| error)?;
        r.take(8, "kernel pointer")?;
        Ok(Some(Self { object: Text::new(name).map_err(|_| error)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Nfacct, Ipv4:
            "--nfacct-name test" => same, "--nfacct-name a.b" => "--nfacct-name \"a.b\"",
            "--nfacct-name abcdefghijklmnopqrstuvwxyzabcde" => same, "--nfacct-name abcdefghijklmnopqrstuvwxyzabcdef" => fails,
            "! --nfacct-name test" => fails, "" => fails,
        }
        text_cases! { Nfacct, Ipv6: "--nfacct-name test" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Nfacct, Ipv4: "--nfacct-name test", 1 => "74657374", "--nfacct-name test", 0 => "74657374" }
    }
}
