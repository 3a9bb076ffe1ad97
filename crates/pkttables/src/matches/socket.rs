//! `-m socket`: asks whether a program of this machine waits for the packet.

use crate::extension;
use crate::model::{Families, Hooks};
use crate::packet::Packet;
use crate::registry::{Context, Edit, Extension, Flag, InfoReader, InfoWriter, Lister, Outcome, Revision};
use nfnetlink::wire::{DecodeError, EncodeError, Problem};

/// The `socket` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Socket {
    /// Whether only transparent sockets count.
    pub transparent: bool,
    /// Whether sockets that listen on every address count too.
    pub no_wildcard: bool,
    /// Whether the packet gets the socket's mark.
    pub restore_mark: bool,
}

extension! {
    /// Match packets for which there is a TCP or UDP socket on this machine.
    ///
    /// An established connection counts, and a socket that listens on the packet's destination address. Used with
    /// transparent proxies: packets that match are given a mark, by which routing keeps them here.
    match "socket" => Socket {
        hooks: Hooks::PREROUTING.union(Hooks::INPUT),
    } params {
        /// Only sockets count that may use addresses of other machines (`IP_TRANSPARENT`).
        "transparent": Flag {
            set: |m, _, _| m.transparent = true,
            get: |m| m.transparent.then_some((Flag, false)),
        }
        /// Sockets that listen on every address (`0.0.0.0` or `::`) count too.
        "nowildcard": Flag {
            set: |m, _, _| m.no_wildcard = true,
            get: |m| m.no_wildcard.then_some((Flag, false)),
        }
        /// Give the packet the mark of the socket that was found.
        "restore-skmark": Flag {
            set: |m, _, _| m.restore_mark = true,
            get: |m| m.restore_mark.then_some((Flag, false)),
        }
    }
}

const TRANSPARENT: u8 = 1;
const NO_WILDCARD: u8 = 2;
const RESTORE_MARK: u8 = 4;

impl Extension for Socket {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        let Some(socket) = context.environment.socket(packet) else { return Outcome::NoMatch };
        if (socket.wildcard && !self.no_wildcard) || (self.transparent && !socket.transparent) {
            return Outcome::NoMatch;
        }
        if self.restore_mark {
            context.edit(Edit::Mark(socket.mark));
        }
        Outcome::Match
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        Some(match context.environment.socket(packet) {
            Some(socket) if socket.wildcard => "its socket listens on all addresses".into(),
            Some(_) => "its socket is not a transparent one".into(),
            None => "no socket of it is known".into(),
        })
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 3,
            size: 1,
            families: Families::all(),
            encode: |m, w| m.write(w, TRANSPARENT | NO_WILDCARD | RESTORE_MARK),
            decode: |r, _| Self::read(r, TRANSPARENT | NO_WILDCARD | RESTORE_MARK),
        },
        Revision {
            number: 2,
            size: 1,
            families: Families::all(),
            encode: |m, w| m.write(w, TRANSPARENT | NO_WILDCARD),
            decode: |r, _| Self::read(r, TRANSPARENT | NO_WILDCARD),
        },
        Revision {
            number: 1,
            size: 1,
            families: Families::all(),
            encode: |m, w| m.write(w, TRANSPARENT),
            decode: |r, _| Self::read(r, TRANSPARENT),
        },
        Revision {
            number: 0,
            size: 0,
            families: Families::IPV4,
            encode: |m, _| match m.flags() {
                0 => Ok(()),
                _ => Err(EncodeError::NotRepresentable("an option of the socket match")),
            },
            decode: |_, _| Ok(Some(Self::default())),
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" socket");
        out.plain(self, "--");
    }
}

impl Socket {
    fn flags(&self) -> u8 {
        let flag = |is, flag| if is { flag } else { 0 };
        flag(self.transparent, TRANSPARENT)
            | flag(self.no_wildcard, NO_WILDCARD)
            | flag(self.restore_mark, RESTORE_MARK)
    }

    fn write(&self, w: &mut InfoWriter<'_>, known: u8) -> Result<(), EncodeError> {
        match self.flags() {
            flags if flags & !known == 0 => w.u8(flags),
            _ => return Err(EncodeError::NotRepresentable("an option of the socket match")),
        }
        Ok(())
    }

    fn read(r: &mut InfoReader<'_>, known: u8) -> Result<Option<Self>, DecodeError> {
        let at = **r;
        let flags = r.u8("flags")?;
        if flags & !known != 0 {
            return Err(at.error("flags", Problem::Value(flags.into())));
        }
        let is = |flag| flags & flag != 0;
        let (transparent, no_wildcard, restore_mark) = (is(TRANSPARENT), is(NO_WILDCARD), is(RESTORE_MARK));
        Ok(Some(Self { transparent, no_wildcard, restore_mark }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Socket, Ipv4:
            "" => same, "--transparent" => same, "--nowildcard --transparent" => "--transparent --nowildcard",
            "--restore-skmark" => same, "--transparent --nowildcard --restore-skmark" => same,
            "! --transparent" => fails, "--transparent --transparent" => fails,
        }
        text_cases! { Socket, Ipv6: "--nowildcard" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Socket, Ipv4:
            "--nowildcard --restore-skmark", 3 => "06", "--transparent --nowildcard", 2 => "03",
            "--transparent", 1 => "01", "", 0 => "",
        }
    }
}
