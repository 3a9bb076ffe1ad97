//! `-m owner`: asks who sends a packet of this machine.

use crate::domain::parse_bounded;
use crate::extension;
use crate::model::{Families, Hooks, Negatable};
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, Flag, Lister, ObjectKind, Outcome, Require, Revision, Scope, Value,
    ValueError,
};
use crate::system::Names;
use std::fmt::Write as _;

/// The `owner` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Whether there is a socket.
    pub socket_exists: Option<Negatable<()>>,
    /// The users that the socket may belong to.
    pub users: Option<Negatable<IdRange>>,
    /// The groups that the socket may belong to.
    pub groups: Option<Negatable<IdRange>>,
    /// Whether it is enough if one of the user's further groups is meant.
    pub supplementary_groups: bool,
}

/// Numbers of users or groups, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct IdRange {
    /// The lowest.
    pub first: u32,
    /// The highest.
    pub last: u32,
}

/// An [`IdRange`] that may be written as the name of a user.
struct Users(IdRange);

/// An [`IdRange`] that may be written as the name of a group.
struct Groups(IdRange);

extension! {
    /// Match packets of this machine by the user or group that owns the socket they are sent from.
    ///
    /// Packets that are not sent from a socket, such as ICMP answers of the kernel and forwarded packets, have
    /// no owner and match only with `! --socket-exists`.
    match "owner" => Owner {
        hooks: Hooks::OUTPUT.union(Hooks::POSTROUTING),
        require: Require::AtLeastOne,
    } params {
        /// The packet is sent from a socket.
        [!] "socket-exists": Flag {
            set: |m, _, not| m.socket_exists = Some(Negatable { value: (), not }),
            get: |m| m.socket_exists.map(|socket| (Flag, socket.not)),
        }
        /// The socket belongs to this user, or to one whose number lies in this range.
        ///
        /// A user's name stands for the number; the rule does not follow if the user later gets another one.
        [!] "uid-owner": Users {
            set: |m, Users(value), not| m.users = Some(Negatable { value, not }),
            get: |m| m.users.map(|users| (Users(users.value), users.not)),
        }
        /// The socket belongs to this group, or to one whose number lies in this range.
        ///
        /// It is the group that the program ran as when it made the socket; see also `--suppl-groups`.
        [!] "gid-owner": Groups {
            set: |m, Groups(value), not| m.groups = Some(Negatable { value, not }),
            get: |m| m.groups.map(|groups| (Groups(groups.value), groups.not)),
        }
        /// Also look at the further groups that the program was in, not only at its main one.
        ///
        /// Stands after `--gid-owner`.
        "suppl-groups": Flag {
            set: |m, _, _| {
                m.supplementary_groups = true;
                match m.groups {
                    Some(_) => Ok(()),
                    None => Err(ValueError::Because("--gid-owner must stand before it")),
                }
            },
            get: |m| m.supplementary_groups.then_some((Flag, false)),
            needs: &["gid-owner"],
        }
    }
}

const UID: u8 = 1;
const GID: u8 = 2;
const SOCKET: u8 = 4;
const SUPPLEMENTARY: u8 = 8;

impl Extension for Owner {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        let Some(socket) = context.environment.socket(packet) else {
            let inverted = self.socket_exists.is_none_or(|exists| exists.not)
                && self.users.is_none_or(|users| users.not)
                && self.groups.is_none_or(|groups| groups.not);
            return inverted.into();
        };
        let owned = |wanted: Option<Negatable<IdRange>>, id: u32| {
            wanted.is_none_or(|wanted| (wanted.value.first <= id && id <= wanted.value.last) != wanted.not)
        };
        let exists = self.socket_exists.is_none_or(|exists| !exists.not);
        (exists && owned(self.users, socket.user) && owned(self.groups, socket.group)).into()
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        Some(match context.environment.socket(packet) {
            Some(socket) => format!("its socket belongs to user {}, group {}", socket.user, socket.group),
            None => "no socket of it is known".into(),
        })
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 1,
        size: 20,
        families: Families::all(),
        encode: |m, w| {
            let (mut given, mut not) = (0, 0);
            let mut condition = |flag: u8, condition: Option<bool>| {
                given |= condition.map_or(0, |_| flag);
                not |= condition.filter(|not| *not).map_or(0, |_| flag);
            };
            condition(UID, m.users.map(|users| users.not));
            condition(GID, m.groups.map(|groups| groups.not));
            condition(SOCKET, m.socket_exists.map(|socket| socket.not));
            condition(SUPPLEMENTARY, m.supplementary_groups.then_some(false));
            for range in [m.users, m.groups] {
                let range = range.map(|range| range.value).unwrap_or_default();
                w.ne_u32(range.first);
                w.ne_u32(range.last);
            }
            w.u8(given);
            w.u8(not);
            w.zeros(2);
            Ok(())
        },
        decode: |r, _| {
            let users = IdRange { first: r.ne_u32("uid_min")?, last: r.ne_u32("uid_max")? };
            let groups = IdRange { first: r.ne_u32("gid_min")?, last: r.ne_u32("gid_max")? };
            let (given, not) = (r.u8("match")?, r.u8("invert")?);
            r.take(2, "padding")?;
            let range =
                |flag: u8, value| (given & flag != 0).then_some(Negatable { value, not: not & flag != 0 });
            Ok(Some(Self {
                socket_exists: (given & SOCKET != 0)
                    .then_some(Negatable { value: (), not: not & SOCKET != 0 }),
                users: range(UID, users),
                groups: range(GID, groups),
                supplementary_groups: given & SUPPLEMENTARY != 0,
            }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, not, text| {
            let (label, names) = match name {
                "socket-exists" => ("owner socket exists", None),
                "uid-owner" => ("owner UID match", Some(Names::users())),
                "gid-owner" => ("owner GID match", Some(Names::groups())),
                _ => ("incl. suppl. groups", None),
            };
            let name = names.filter(|_| !out.is_numeric()).and_then(|names| names.name(text.parse().ok()?));
            out.add(format_args!("{} {label}", if not { " !" } else { "" }));
            out.add(format_args!("{}{}", if text.is_empty() { "" } else { " " }, name.unwrap_or(text)));
        });
    }
}

impl IdRange {
    /// The largest number; the one above it stands for nobody.
    const MAX: u32 = u32::MAX - 1;
    const NUMBERS: Domain =
        Domain::Range { of: &Domain::Integer { min: 0, max: Self::MAX as u64, unit: "" }, separator: '-' };

    fn parse(text: &str, names: &Names) -> Result<Self, ValueError> {
        if let Some(id) = names.number(text) {
            return Ok(Self { first: id, last: id });
        }
        let id = |text| {
            let id = parse_bounded(text, 0, Self::MAX.into())?;
            u32::try_from(id).map_err(|_| ValueError::Form)
        };
        let (first, last) = text.split_once(['-', ':']).unwrap_or((text, text));
        let range = Self { first: id(first)?, last: id(last)? };
        if range.first <= range.last { Ok(range) } else { Err(ValueError::Reversed.by_kernel()) }
    }

    fn write(self, out: &mut String) {
        let _ = write!(out, "{}", self.first);
        if self.first != self.last {
            let _ = write!(out, "-{}", self.last);
        }
    }
}

impl Value for Users {
    const DOMAIN: Domain =
        Domain::OneOf(&[Domain::Object { kind: ObjectKind::User, max: 31 }, IdRange::NUMBERS]);

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        IdRange::parse(text, Names::users()).map(Self)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        self.0.write(out);
    }
}

impl Value for Groups {
    const DOMAIN: Domain =
        Domain::OneOf(&[Domain::Object { kind: ObjectKind::Group, max: 31 }, IdRange::NUMBERS]);

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        IdRange::parse(text, Names::groups()).map(Self)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        self.0.write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Owner, Ipv4:
            "--uid-owner root" => "--uid-owner 0", "--uid-owner 0-10" => same, "--uid-owner 10:20" => "--uid-owner 10-20",
            "--uid-owner 0x10" => "--uid-owner 16", "--uid-owner 5-5" => "--uid-owner 5",
            "--uid-owner 4294967294" => same, "! --uid-owner 5 ! --gid-owner 6" => same,
            "--gid-owner root --uid-owner root" => "--uid-owner 0 --gid-owner 0",
            "! --gid-owner 7 --socket-exists" => "--socket-exists ! --gid-owner 7", "! --socket-exists" => same,
            "--gid-owner 5 --suppl-groups" => same, "! --gid-owner 0-10 --suppl-groups" => same,
            "--uid-owner 4294967295" => fails, "--uid-owner no-such-user" => fails, "--uid-owner 5-" => fails,
            "--uid-owner 20-10" => fails, "--uid-owner 1-2-3" => fails, "--uid-owner -5" => fails, "" => fails,
            "--suppl-groups" => fails, "--suppl-groups --gid-owner 5" => fails, "--uid-owner 5 --suppl-groups" => fails,
            "--gid-owner 5 ! --suppl-groups" => fails, "--uid-owner 5 --uid-owner 6" => fails,
        }
        text_cases! { Owner, Ipv6: "! --uid-owner 0-65535" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Owner, Ipv4: "--socket-exists ! --gid-owner 1", 1 => "00000000 00000000 01000000 01000000 06 02", "--uid-owner 0-10", 1 => "00000000 0a000000 00000000 00000000 01", "! --gid-owner 5 --suppl-groups", 1 => "00000000 00000000 05000000 05000000 0a 02" }
    }
}
