//! `-j TCPOPTSTRIP`: removes options from the TCP header.
use crate::domain::parse_bounded;
use crate::model::{Families, Tables, protocol};
use crate::packet::{Missing, Packet};
use crate::registry::{Action, Context, Domain, Edit, Extension, Lister, Revision, Scope, Value, ValueError};
use crate::{choices, extension};
use std::fmt::Write as _;

/// The `TCPOPTSTRIP` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tcpoptstrip {
    /// The options that are removed.
    pub options: TcpOptions,
}

/// Kinds of TCP options, given by number or name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions([u32; 8]);

choices! {
    /// The kinds of TCP options that have a name here.
    enum Named: u8 {
        /// The factor by which the window size counts.
        WindowScale = 3 => "wscale",
        /// The largest segment that an end can take.
        MaximumSegmentSize = 2 => "mss",
        /// That selective acknowledgements may be sent.
        SackPermitted = 4 => "sack-permitted",
        /// A selective acknowledgement.
        Sack = 5 => "sack",
        /// Times by which the way's delay is measured.
        Timestamp = 8 => "timestamp",
        /// A signature made with a shared key.
        Md5 = 19 => "md5",
    }
}

extension! {
    /// Remove options from the TCP header, by overwriting them with options that mean nothing.
    ///
    /// For the sake of hosts or devices that cannot cope with an option, or of what it gives away. Options that the ends
    /// agree on stand in the packets that open a connection: without `timestamp` there neither end uses it later. The
    /// packet keeps its length.
    target "TCPOPTSTRIP" => Tcpoptstrip {
        tables: Tables::MANGLE,
        protocols: &[protocol::TCP],
    } params {
        /// The options that are removed: their numbers or names, with commas between them.
        "strip-options": TcpOptions {
            set: |m, options, _| m.options = options,
            get: |m| (m.options != TcpOptions::default()).then_some((m.options, false)),
        }
    }
}

impl Extension for Tcpoptstrip {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        match packet.transport::<20>(0) {
            Err(Missing::LaterFragment(_)) => return Action::Continue,
            Err(Missing::Truncated) => return Action::Drop,
            Ok([.., offset, _, _, _, _, _, _, _]) => {
                let header = usize::from(offset >> 4) * 4;
                if header < 20 || packet.data.len() - packet.layout.transport < header {
                    return Action::Drop;
                }
            }
        }
        let mut kinds = [0; 4];
        for kind in self.options.iter() {
            if let Some(word) = kinds.get_mut(usize::from(kind / 64)) {
                *word |= 1 << (kind % 64);
            }
        }
        context.edit(Edit::StripTcpOptions(kinds));
        Action::Continue
    }

    // `struct xt_tcpoptstrip_target_info` in linux/netfilter/xt_TCPOPTSTRIP.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 32,
        families: Families::all(),
        encode: |m, w| {
            m.options.0.iter().for_each(|&word| w.ne_u32(word));
            Ok(())
        },
        decode: |r, _| {
            let mut options = TcpOptions::default();
            for word in &mut options.0 {
                *word = r.ne_u32("bitmap")?;
            }
            Ok(Some(Self { options }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        if self.options == TcpOptions::default() {
            return;
        }
        let name = |kind| Named::from_number(kind).filter(|_| !out.is_numeric());
        let text = |kind: u8| name(kind).map_or_else(|| kind.to_string(), |named| named.name().to_owned());
        let options: Vec<String> = self.options.iter().map(text).collect();
        out.add(format_args!(" TCPOPTSTRIP options {}", options.join(",")));
    }
}

impl TcpOptions {
    /// Adds a kind of option; whether it was not there before.
    pub fn insert(&mut self, kind: u8) -> bool {
        let added = !self.contains(kind);
        if let Some(word) = self.0.get_mut(usize::from(kind / 32)) {
            *word |= 1 << (kind % 32);
        }
        added
    }

    /// Whether a kind of option is meant.
    #[must_use]
    pub fn contains(&self, kind: u8) -> bool {
        self.0.get(usize::from(kind / 32)).is_some_and(|word| word >> (kind % 32) & 1 != 0)
    }

    /// The kinds of options.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=u8::MAX).filter(|&kind| self.contains(kind))
    }
}

impl Value for TcpOptions {
    const DOMAIN: Domain = Domain::List {
        of: &Domain::OneOf(&[Domain::Integer { min: 2, max: 255, unit: "" }, Named::DOMAIN]),
        max: 254,
        separator: ',',
    };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let mut options = Self::default();
        for word in text.split(',') {
            let kind = match Named::from_name(word) {
                Some(named) => named.number(),
                None => u8::try_from(parse_bounded(word, 2, 255)?).map_err(|_| ValueError::Form)?,
            };
            if !options.insert(kind) {
                return Err(ValueError::Because("an option is there twice"));
            }
        }
        Ok(options)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        for (place, kind) in self.iter().enumerate() {
            let _ = write!(out, "{}{kind}", if place == 0 { "" } else { "," });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Tcpoptstrip, Ipv4:
            "-p 6" => "", "-p 6 --strip-options 2,3,4,5,8,19" => "--strip-options 2,3,4,5,8,19",
            "-p 6 --strip-options md5,timestamp,sack,sack-permitted,wscale,mss" => "--strip-options 2,3,4,5,8,19",
            "-p 6 --strip-options 255,0x7" => "--strip-options 7,255", "-p 6 --strip-options 2,mss" => fails,
            "-p 6 --strip-options 0" => fails, "-p 6 --strip-options 1" => fails, "-p 6 --strip-options 256" => fails,
            "-p 6 --strip-options 2," => fails, "-p 6 --strip-options MSS" => fails, "" => fails,
            "-p 17" => fails, "--strip-options 2" => fails,
        }
    }

    #[test]
    fn layout() {
        let words = [4_u32, 1, 0, 0, 0, 0, 0, 1 << 31].map(u32::to_ne_bytes).concat();
        assert_eq!(encoded::<Tcpoptstrip>(Family::Ipv4, "-p 6 --strip-options 2,32,255", 0), Some(words));
    }
}
