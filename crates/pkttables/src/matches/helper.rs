//! `-m helper`: asks which connection tracking helper found the connection.

use crate::domain::Text;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Context, Domain, Extension, Lister, ObjectKind, Outcome, Revision, sight};
use nfnetlink::wire::Problem;

/// The `helper` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Helper {
    /// The helper's name, as it begins; empty for any helper.
    pub helper: Text<29>,
    /// Whether all other packets are meant instead.
    pub not: bool,
}

extension! {
    /// Match packets of connections that a connection tracking helper watches or has announced.
    ///
    /// Helpers read protocols such as FTP that open further connections. The data connections of FTP match
    /// `--helper ftp` as does the control connection.
    match "helper" => Helper {} params {
        /// The helper's name; for one that watches another port than usual, the name and port: `ftp-2121`.
        ///
        /// Names that only begin like this match too, and an empty one stands for any helper.
        [!] "helper": Text<29> {
            set: |m, helper, not| *m = Helper { helper, not },
            get: |m| Some((m.helper.clone(), m.not)),
            required: true,
            domain: &Domain::Object { kind: ObjectKind::Helper, max: 29 },
            sees: Some(sight::helper),
        }
    }
}

impl Extension for Helper {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let helper = packet.meta.connection.as_ref().and_then(|connection| connection.master_helper);
        let holds = helper.is_some_and(|helper| {
            let wanted = self.helper.as_str();
            // The kernel compares as many bytes as the helper's name has.
            wanted.is_empty() || wanted.starts_with(helper)
        });
        (holds != self.not).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 36,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u32(m.not.into());
            w.c_string(m.helper.as_str().as_bytes(), 30);
            w.zeros(2);
            Ok(())
        },
        decode: |r, _| {
            let not = r.ne_u32("invert")? != 0;
            let error = r.error("helper", Problem::String);
            let name = std::str::from_utf8(r.c_string(30, "helper")?).map_err(|_| error)?;
            r.take(2, "padding")?;
            Ok(Some(Self { helper: Text::new(name).map_err(|_| error)?, not }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(
            " helper match {}\"{}\"",
            if self.not { "! " } else { "" },
            self.helper.as_str()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Helper, Ipv4:
            "--helper ftp" => same, "! --helper ftp-2121" => same, "--helper a.b" => "--helper \"a.b\"",
            "--helper abcdefghijklmnopqrstuvwxyzabc" => same, "--helper abcdefghijklmnopqrstuvwxyzabcd" => fails,
            "" => fails,
        }
        text_cases! { Helper, Ipv6: "! --helper tftp" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Helper, Ipv4: "! --helper ftp", 0 => "01000000 667470" }
    }
}
