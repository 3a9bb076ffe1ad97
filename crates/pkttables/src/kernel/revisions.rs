use crate::model::Family;
use crate::nft::Revisions;
use crate::registry::Kind;
use nfnetlink::{Connection, Errno, Error, Flags, Transport};
use pkttnetlink::nft::{self, Body, Compat, CompatKind, Message};

/// Which revisions of extensions the kernel has said to take or not to take.
#[derive(Debug, Default)]
pub(super) struct KnownRevisions(Vec<Answer>);

#[derive(Debug)]
struct Answer {
    kind: Kind,
    name: Box<str>,
    family: Family,
    revision: u8,
    supported: bool,
}

/// Asks the kernel what it has not said yet.
pub(super) struct Asking<'a, T> {
    pub(super) connection: &'a mut Connection<T>,
    pub(super) known_revisions: &'a mut KnownRevisions,
}

impl<T: Transport> Revisions for Asking<'_, T> {
    type Error = Error;

    fn supports(&mut self, kind: Kind, xt_name: &str, family: Family, revision: u8) -> Result<bool, Error> {
        let known = self.known_revisions.0.iter().find(|answer| {
            answer.revision == revision
                && answer.kind == kind
                && answer.family == family
                && *answer.name == *xt_name
        });
        if let Some(answer) = known {
            return Ok(answer.supported);
        }
        let supported = ask(self.connection, kind, xt_name, family, revision)?;
        self.known_revisions.0.push(Answer { kind, name: xt_name.into(), family, revision, supported });
        Ok(supported)
    }
}

/// Asks for one revision of an extension; an error of the kernel if it does not have it.
pub(super) fn question<T: Transport>(
    connection: &mut Connection<T>,
    kind: Kind,
    name: &str,
    family: Family,
    revision: u8,
) -> Result<(), Error> {
    let kind = match kind {
        Kind::Match => CompatKind::MATCH,
        Kind::Target => CompatKind::TARGET,
    };
    let question = Compat {
        name: Some(name.into()),
        revision: Some(revision.into()),
        kind: Some(kind),
        ..Compat::default()
    };
    let question = Message::new(nft::Family(family.nfproto()), Body::CompatGet(question));
    connection.get(
        nft::kind::COMPAT_GET,
        Flags::default(),
        |writer| question.encode_payload(writer),
        |_| Ok::<_, Error>(()),
    )
}

fn ask<T: Transport>(
    connection: &mut Connection<T>,
    kind: Kind,
    name: &str,
    family: Family,
    revision: u8,
) -> Result<bool, Error> {
    match question(connection, kind, name, family, revision) {
        Ok(()) => Ok(true),
        // No such extension, no such revision; no nft_compat at all.
        Err(error)
            if matches!(
                error.errno(),
                Some(Errno::ENOENT | Errno::EPROTONOSUPPORT | Errno::EOPNOTSUPP | Errno::EINVAL)
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
