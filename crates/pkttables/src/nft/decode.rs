use super::encode::to_queue;
use super::header;
use crate::model::{Counters, Family, Match, Opaque, Rule, TableName, Target, Verdict};
use crate::registry::{
    Condition, Descriptor, Instance, Kind, Load, Native, Recognised, Registry, RuleScope, Sets, Test,
};
use pkttnetlink::nft::expr::{BitwiseOp, Cmp, Expression, MetaKey, Range, RangeOp};
use pkttnetlink::nft::{self, Data, Register, UserData, VerdictCode};

/// A rule of the kernel.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleBody {
    /// One that an iptables could have written.
    Known(Rule),
    /// One that another program wrote, as it is.
    Foreign(Box<nft::Rule<'static>>),
}

/// Reads a rule of the kernel; whatever an iptables would not have written is kept as it is.
#[must_use]
pub fn read_rule(
    rule: &nft::Rule<'_>,
    family: Family,
    table: Option<TableName>,
    registry: &Registry,
    sets: &dyn Sets,
) -> RuleBody {
    let mut decoder =
        Decoder { family, table, registry, sets, rule: Rule::default(), loaded: None, stage: Stage::Header };
    let understood = rule.unknown.is_empty()
        && rule.expressions.iter().try_for_each(|expression| decoder.expression(expression)).is_some()
        && decoder.user_data(rule).is_some();
    if understood {
        RuleBody::Known(decoder.rule)
    } else {
        RuleBody::Foreign(Box::new(rule.clone().into_owned()))
    }
}

/// How far the rule has been read. Order matters: a condition behind a counter or a `limit` is another rule
/// than one before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Header,
    /// The last match was native, so that another condition may belong to it.
    NativeMatch,
    Match,
    Counter,
    Target,
}

/// What is in a register.
enum Loaded<'a> {
    Value(&'a [u8]),
    Load { load: Load, mask: Option<&'a [u8]> },
}

struct Decoder<'a> {
    family: Family,
    table: Option<TableName>,
    registry: &'a Registry,
    sets: &'a dyn Sets,
    rule: Rule,
    loaded: Option<(Register, Loaded<'a>)>,
    stage: Stage,
}

impl<'a> Decoder<'a> {
    /// `None` if an iptables would not write this here.
    fn expression(&mut self, expression: &'a Expression<'a>) -> Option<()> {
        if self.stage == Stage::Target {
            return None;
        }
        match expression {
            Expression::Payload(payload) if payload.sreg.is_none() && payload.unknown.is_empty() => {
                let load = Load::Payload { base: payload.base?, offset: payload.offset?, len: payload.len? };
                self.load(payload.dreg?, Loaded::Load { load, mask: None })
            }
            Expression::Meta(meta) if !meta.unknown.is_empty() => None,
            Expression::Meta(meta) => match (meta.dreg, meta.sreg) {
                (Some(register), None) => {
                    self.load(register, Loaded::Load { load: Load::Meta(meta.key?), mask: None })
                }
                (None, Some(register)) => self.set_meta(meta.key?, register),
                _ => None,
            },
            Expression::Bitwise(bitwise) => self.bitwise(bitwise),
            Expression::Cmp(cmp) => self.cmp(cmp),
            Expression::Range(range) => self.range(range),
            Expression::Immediate(immediate) if immediate.unknown.is_empty() => {
                match (immediate.dreg?, immediate.data.as_ref()?) {
                    (Register::VERDICT, Data::Verdict(verdict)) => self.verdict(verdict),
                    (register, Data::Value(value)) => self.load(register, Loaded::Value(value)),
                    _ => None,
                }
            }
            Expression::Counter(counter) if counter.unknown.is_empty() && self.stage < Stage::Counter => {
                self.finish_load()?;
                self.rule.counters = Some(Counters { packets: counter.packets?, bytes: counter.bytes? });
                self.stage = Stage::Counter;
                Some(())
            }
            Expression::Match(part) if part.unknown.is_empty() && self.stage < Stage::Counter => {
                self.finish_load()?;
                let (name, revision) = (part.name.as_ref()?.as_str()?, u8::try_from(part.revision?).ok()?);
                let part =
                    self.extension(Kind::Match, name, revision, part.info.as_deref().unwrap_or_default());
                self.rule.matches.push(part.map_or_else(Match::Opaque, Match::Known));
                self.stage = Stage::Match;
                Some(())
            }
            Expression::Target(part) if part.unknown.is_empty() => {
                self.finish_load()?;
                let (name, revision) = (part.name.as_ref()?.as_str()?, u8::try_from(part.revision?).ok()?);
                let part =
                    self.extension(Kind::Target, name, revision, part.info.as_deref().unwrap_or_default());
                self.rule.target = part.map_or_else(Target::Opaque, Target::Known);
                self.stage = Stage::Target;
                Some(())
            }
            Expression::Queue(queue) if *queue == to_queue() => {
                self.finish_load()?;
                self.rule.target = Target::Verdict(Verdict::Queue);
                self.stage = Stage::Target;
                Some(())
            }
            other => {
                self.finish_load()?;
                self.native(&Native::Expression(other))
            }
        }
    }

    fn load(&mut self, register: Register, loaded: Loaded<'a>) -> Option<()> {
        self.finish_load()?;
        self.loaded = Some((register, loaded));
        Some(())
    }

    /// A load that nothing has used is not what an iptables writes, but for `-i +`, of which older versions keep
    /// the load and leave out the comparison.
    fn finish_load(&mut self) -> Option<()> {
        match self.loaded.take() {
            None => Some(()),
            Some((_, Loaded::Load { load: Load::Meta(MetaKey::IIFNAME | MetaKey::OIFNAME), mask: None })) => {
                Some(())
            }
            Some(_) => None,
        }
    }

    fn bitwise(&mut self, bitwise: &'a nft::expr::Bitwise<'a>) -> Option<()> {
        let plain = matches!(bitwise.op, None | Some(BitwiseOp::MASK_XOR))
            && bitwise.data.is_none()
            && bitwise.sreg2.is_none()
            && bitwise.unknown.is_empty();
        let mask = bitwise.mask.as_ref()?.as_value()?;
        let xor = bitwise.xor.as_ref()?.as_value()?;
        match &mut self.loaded {
            Some((register, Loaded::Load { mask: masked @ None, .. }))
                if plain && Some(*register) == bitwise.sreg && xor.iter().all(|&byte| byte == 0) =>
            {
                *masked = Some(mask);
                *register = bitwise.dreg?;
                Some(())
            }
            _ => None,
        }
    }

    fn cmp(&mut self, cmp: &'a Cmp<'a>) -> Option<()> {
        let test = Test::Compare(cmp.op?, cmp.data.as_ref()?.as_value()?);
        if cmp.unknown.is_empty() { self.condition(cmp.sreg?, test) } else { None }
    }

    fn range(&mut self, range: &'a Range<'a>) -> Option<()> {
        let not = match range.op? {
            RangeOp::EQ => false,
            RangeOp::NEQ => true,
            _ => return None,
        };
        let (from, to) = (range.from.as_ref()?.as_value()?, range.to.as_ref()?.as_value()?);
        if range.unknown.is_empty() {
            self.condition(range.sreg?, Test::Range { not, from, to })
        } else {
            None
        }
    }

    fn condition(&mut self, register: Register, test: Test<'a>) -> Option<()> {
        let Some((loaded, Loaded::Load { load, mask })) = self.loaded.take() else { return None };
        if loaded != register {
            return None;
        }
        let condition = Condition { load, mask, test };
        if self.stage == Stage::Header && header::read(&mut self.rule.header, self.family, &condition) {
            return Some(());
        }
        self.native(&Native::Condition(condition))
    }

    fn set_meta(&mut self, key: MetaKey, register: Register) -> Option<()> {
        match self.loaded.take() {
            Some((loaded, Loaded::Value(value))) if loaded == register => {
                self.native(&Native::SetMeta(key, value))
            }
            _ => None,
        }
    }

    fn native(&mut self, native: &Native<'_>) -> Option<()> {
        let Rule { header, matches, target, .. } = &mut self.rule;
        let scope = RuleScope { family: self.family, table: self.table, chain: None, header };
        let family = self.family;
        for descriptor in self.registry.native().iter().filter(|descriptor| descriptor.families.has(family)) {
            if descriptor.kind == Kind::Match && self.stage >= Stage::Counter {
                continue;
            }
            let previous = matches.last_mut().filter(|_| self.stage == Stage::NativeMatch);
            let previous = previous.and_then(|previous| of_kind(previous, descriptor));
            let recognised = descriptor.from_native.map(|from_native| from_native(native, &scope, previous));
            match recognised {
                None | Some(Recognised::No) => continue,
                Some(Recognised::Merged) => {}
                Some(Recognised::New(instance)) if descriptor.kind == Kind::Match => {
                    matches.push(Match::Known(instance));
                    self.stage = Stage::NativeMatch;
                }
                Some(Recognised::New(instance)) => {
                    *target = Target::Known(instance);
                    self.stage = Stage::Target;
                }
            }
            return Some(());
        }
        None
    }

    fn verdict(&mut self, verdict: &nft::Verdict<'_>) -> Option<()> {
        self.finish_load()?;
        let chain = || Some(verdict.chain.as_ref()?.as_str()?.into());
        self.rule.target = match verdict.code? {
            VerdictCode::ACCEPT => Target::Verdict(Verdict::Accept),
            VerdictCode::DROP => Target::Verdict(Verdict::Drop),
            VerdictCode::RETURN => Target::Verdict(Verdict::Return),
            VerdictCode::JUMP => Target::Jump(chain()?),
            VerdictCode::GOTO => Target::Goto(chain()?),
            _ => return None,
        };
        self.stage = Stage::Target;
        Some(())
    }

    /// The typed extension if its bytes come out again as they went in or are of a module that it replaces, else the
    /// bytes.
    fn extension(
        &self,
        kind: Kind,
        name: &str,
        revision: u8,
        info: &[u8],
    ) -> Result<Box<dyn Instance>, Opaque> {
        let mut again = Vec::with_capacity(info.len());
        for descriptor in self.registry.find_by_xt_name(kind, name, self.family) {
            if let Some(Ok(instance)) = descriptor.decode(revision, self.family, info, self.sets) {
                again.clear();
                let encoded = instance.encode(revision, self.family, self.sets, &mut again);
                if encoded.is_ok() && again == info {
                    return Ok(instance);
                }
            }
        }
        let own = self.registry.find(kind, name, self.family).map_or(&[][..], |found| found.own_layouts);
        let mut own = own.iter().filter(|layout| layout.revision == revision);
        let read = own.find_map(|layout| (layout.read)(info));
        read.ok_or_else(|| Opaque { name: name.into(), revision, info: info.into() })
    }

    /// Older versions of iptables-nft keep a comment with the rule instead of in an expression.
    fn user_data(&mut self, rule: &nft::Rule<'_>) -> Option<()> {
        self.finish_load()?;
        let Some(data) = rule.user_data.as_deref() else { return Some(()) };
        let comment = str::from_utf8(UserData::new(data).comment()?).ok()?;
        let descriptor = self.registry.find(Kind::Match, "comment", self.family)?;
        let mut instance = descriptor.instance();
        let scope = crate::registry::Scope { family: self.family, protocol: self.rule.header.protocol };
        descriptor.param("comment", self.family)?.set(&mut *instance, comment, false, &scope).ok()?;
        self.rule.matches.push(Match::Known(instance));
        Some(())
    }
}

/// The instance in `part`, if it is one of this extension.
fn of_kind<'m>(part: &'m mut Match, descriptor: &Descriptor) -> Option<&'m mut dyn Instance> {
    match part {
        Match::Known(instance) if instance.descriptor().is(descriptor) => Some(&mut **instance),
        _ => None,
    }
}
