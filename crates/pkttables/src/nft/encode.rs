use super::{header, template};
use crate::model::{Counters, Family, Match, Opaque, Rule, Target, Verdict};
use crate::registry::{InfoError, Instance, Kind, NativeWriter, RuleScope, Sets};
use nfnetlink::wire::Writer;
use pkttnetlink::nft::expr::{self, Immediate, Queue, QueueFlags};
use pkttnetlink::nft::{self, RuleCompatFlags, VerdictCode};
use pkttnetlink::{Bytes, Text};

/// `NFTA_RULE_EXPRESSIONS` and `NFTA_RULE_COMPAT` (`linux/netfilter/nf_tables.h`).
const EXPRESSIONS: u16 = 4;
const COMPAT: u16 = 5;
const COMPAT_PROTOCOL: u16 = 1;
const COMPAT_FLAGS: u16 = 2;

/// Which revisions of extensions a kernel takes.
pub trait Revisions {
    /// Why it could not be found out.
    type Error;

    /// Whether the kernel takes this revision of the extension that it calls `xt_name`.
    fn supports(
        &mut self,
        kind: Kind,
        xt_name: &str,
        family: Family,
        revision: u8,
    ) -> Result<bool, Self::Error>;
}

/// Why a rule cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError<E> {
    /// The kernel does not have the extension, or only revisions that cannot hold what the rule asks for.
    #[error("the kernel has no {kind} {name} that could do this")]
    Unsupported {
        /// `match` or `target`.
        kind: &'static str,
        /// The extension's name.
        name: String,
    },
    /// The extension refuses.
    #[error("{name}: {reason}")]
    Info {
        /// The extension's name.
        name: &'static str,
        /// Why.
        reason: InfoError,
    },
    /// The kernel could not be asked.
    #[error(transparent)]
    Kernel(E),
}

/// Writes rules; keeps memory between them.
#[derive(Debug, Default)]
pub struct RuleEncoder {
    info: Vec<u8>,
}

impl RuleEncoder {
    /// Writes what a rule does: the expressions, and what nft_compat is told of the rule's protocol.
    ///
    /// What was written by the time of an error is to be thrown away.
    pub fn write<R: Revisions>(
        &mut self,
        rule: &Rule,
        scope: &RuleScope<'_>,
        revisions: &mut R,
        sets: &dyn Sets,
        writer: &mut Writer,
    ) -> Result<(), RuleError<R::Error>> {
        let list = writer.begin_nest(EXPRESSIONS);
        let mut compat = false;
        header::write(&rule.header, scope.family, &mut NativeWriter::new(writer));
        for part in &rule.matches {
            compat |= self.write_match(part, scope, revisions, sets, writer)?;
        }
        let Counters { packets, bytes } = rule.counters.unwrap_or_default();
        template::counter(packets, bytes, writer);
        compat |= self.write_target(&rule.target, scope, revisions, sets, writer)?;
        writer.end(list);
        if let Some(protocol) = rule.header.protocol.filter(|_| compat) {
            let nest = writer.begin_nest(COMPAT);
            writer.put_be_u32(COMPAT_PROTOCOL, protocol.value.into());
            let flags = if protocol.not { RuleCompatFlags::INV } else { RuleCompatFlags::empty() };
            writer.put_be_u32(COMPAT_FLAGS, flags.bits());
            writer.end(nest);
        }
        Ok(())
    }

    /// Tells whether it took an nft_compat expression.
    fn write_match<R: Revisions>(
        &mut self,
        part: &Match,
        scope: &RuleScope<'_>,
        revisions: &mut R,
        sets: &dyn Sets,
        writer: &mut Writer,
    ) -> Result<bool, RuleError<R::Error>> {
        match part {
            Match::Opaque(opaque) => write_opaque(Kind::Match, opaque, writer),
            Match::Known(instance) => {
                if instance.to_native(scope, &mut NativeWriter::new(writer)) {
                    return Ok(false);
                }
                self.write_instance(&**instance, scope.family, revisions, sets, writer)?;
            }
        }
        Ok(true)
    }

    fn write_target<R: Revisions>(
        &mut self,
        target: &Target,
        scope: &RuleScope<'_>,
        revisions: &mut R,
        sets: &dyn Sets,
        writer: &mut Writer,
    ) -> Result<bool, RuleError<R::Error>> {
        match target {
            Target::None => {}
            Target::Verdict(Verdict::Accept) => template::verdict(VerdictCode::ACCEPT, writer),
            Target::Verdict(Verdict::Drop) => template::verdict(VerdictCode::DROP, writer),
            Target::Verdict(Verdict::Return) => template::verdict(VerdictCode::RETURN, writer),
            Target::Verdict(Verdict::Queue) => to_queue().encode_element(writer),
            Target::Jump(chain) => write_verdict(to_chain(VerdictCode::JUMP, chain), writer),
            Target::Goto(chain) => write_verdict(to_chain(VerdictCode::GOTO, chain), writer),
            Target::Opaque(opaque) => {
                write_opaque(Kind::Target, opaque, writer);
                return Ok(true);
            }
            Target::Known(instance) => {
                if !instance.to_native(scope, &mut NativeWriter::new(writer)) {
                    self.write_instance(&**instance, scope.family, revisions, sets, writer)?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn write_instance<R: Revisions>(
        &mut self,
        instance: &dyn Instance,
        family: Family,
        revisions: &mut R,
        sets: &dyn Sets,
        writer: &mut Writer,
    ) -> Result<(), RuleError<R::Error>> {
        let descriptor = instance.descriptor();
        let mut refused = None;
        for layout in descriptor.revisions(family) {
            let supported = revisions.supports(descriptor.kind, descriptor.xt_name, family, layout.number);
            if !supported.map_err(RuleError::Kernel)? {
                continue;
            }
            self.info.clear();
            match instance.encode(layout.number, family, sets, &mut self.info) {
                Ok(()) => {
                    write_xt(descriptor.kind, descriptor.xt_name, layout.number, &self.info, writer);
                    return Ok(());
                }
                Err(reason) => refused = refused.or(Some(reason)),
            }
        }
        Err(match refused {
            Some(reason) => RuleError::Info { name: descriptor.name, reason },
            None => RuleError::Unsupported {
                kind: if descriptor.kind == Kind::Match { "match" } else { "target" },
                name: descriptor.name.to_owned(),
            },
        })
    }
}

/// What `-j QUEUE` does: nf_tables takes no verdict of that name, but hands packets to queue 0 all the same.
pub(super) const fn to_queue() -> Queue<'static> {
    Queue {
        number: Some(0),
        total: Some(1),
        flags: Some(QueueFlags::empty()),
        sreg: None,
        unknown: Vec::new(),
    }
}

fn to_chain(code: VerdictCode, chain: &str) -> nft::Verdict<'_> {
    nft::Verdict::to_chain(code, Text::from(chain))
}

fn write_verdict(verdict: nft::Verdict<'_>, writer: &mut Writer) {
    Immediate::verdict(verdict).encode_element(writer);
}

fn write_opaque(kind: Kind, opaque: &Opaque, writer: &mut Writer) {
    write_xt(kind, &opaque.name, opaque.revision, &opaque.info, writer);
}

fn write_xt(kind: Kind, name: &str, revision: u8, info: &[u8], writer: &mut Writer) {
    let (name, revision, info) = (Some(Text::from(name)), Some(u32::from(revision)), Some(Bytes::new(info)));
    match kind {
        Kind::Match => expr::Match { name, revision, info, ..expr::Match::default() }.encode_element(writer),
        Kind::Target => {
            expr::Target { name, revision, info, ..expr::Target::default() }.encode_element(writer)
        }
    }
}
