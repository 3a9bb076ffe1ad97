use nfnetlink::Errno;
use nfnetlink::wire::{Attributes, Reader, Writer};
use pkttnetlink::nft::expr::{Counter, Expression, Immediate, Quota, QuotaFlags};
use pkttnetlink::nft::{CompatKind, Data, Family, Register, Rule as RuleMessage, Verdict, VerdictCode};

use super::Normalise;
use super::fits::{self, xt_target};
use super::load::data_len;
use super::refer::refer;
use super::registers::Registers;
use crate::extensions::Extensions;
use crate::refusal::Refusal;
use crate::state::{Fits, Jump, Rule, Table};
use crate::transaction::Ids;

/// `NFTA_RULE_EXPRESSIONS`.
const EXPRESSIONS: u16 = 4;
/// The size of a rule's expressions in the kernel is limited; this is about what they take there.
const MAX_SIZE: usize = 1 << 16;

/// What a rule's expressions may refer to.
pub(crate) struct Context<'t> {
    pub(crate) table: &'t Table,
    pub(crate) extensions: &'t Extensions,
    pub(crate) ids: &'t Ids,
}

/// Takes in a rule's expressions. The chains that it jumps to are not told of it yet.
pub(crate) fn parse(mut message: RuleMessage<'_>, context: &Context<'_>) -> Result<Rule, Refusal> {
    let mut registers = Registers::default();
    let mut writer = Writer::with_capacity(256);
    let (mut jumps, mut references) = (Vec::new(), Vec::new());
    let mut fits = Fits::default();
    for (index, expression) in message.expressions.iter_mut().enumerate() {
        let refused = |errno| Refusal::at_element(errno, EXPRESSIONS, index);
        if let Expression::Immediate(immediate) = expression
            && let Some(verdict) = verdict(immediate).map_err(refused)?
        {
            if let Some(chain) = target(&verdict, context).map_err(refused)? {
                let code = verdict.code.unwrap_or_default();
                let at = u32::try_from(writer.len()).map_err(|_| refused(Errno::EFBIG))?;
                jumps.push(Jump { at, code, chain });
                continue;
            }
        } else if let Some(reference) = refer(expression, &mut registers, context).map_err(refused)? {
            references.push(reference);
            fits = fits.and(fits::of(expression));
        } else {
            normalise(expression, &mut registers, context).map_err(refused)?;
            fits = fits.and(fits::of(expression));
        }
        expression.encode_element(&mut writer);
    }
    let expressions = writer.into_bytes().map_err(|_| Refusal::new(Errno::EFBIG))?;
    if expressions.len() >= MAX_SIZE {
        return Err(Refusal::new(Errno::EFBIG));
    }
    let user_data = message.user_data.map(|data| Box::from(&*data)).unwrap_or_default();
    Ok(Rule {
        expressions: expressions.into_boxed_slice(),
        jumps: jumps.into_boxed_slice(),
        references: references.into_boxed_slice(),
        user_data,
        fits,
    })
}

/// The verdict of an immediate expression, if it gives one.
fn verdict<'a>(immediate: &Immediate<'a>) -> Result<Option<Verdict<'a>>, Errno> {
    match (immediate.dreg, &immediate.data) {
        (None, _) | (_, None) => Err(Errno::EINVAL),
        (Some(Register::VERDICT), Some(Data::Verdict(verdict))) => Ok(Some(verdict.clone())),
        (Some(Register::VERDICT), Some(_)) | (Some(_), Some(Data::Verdict(_))) => Err(Errno::EINVAL),
        _ => Ok(None),
    }
}

/// The chain that a verdict leads to.
pub(crate) fn target(verdict: &Verdict<'_>, context: &Context<'_>) -> Result<Option<u64>, Errno> {
    match verdict.code.ok_or(Errno::EINVAL)? {
        VerdictCode::ACCEPT
        | VerdictCode::DROP
        | VerdictCode::QUEUE
        | VerdictCode::CONTINUE
        | VerdictCode::BREAK
        | VerdictCode::RETURN => return Ok(None),
        VerdictCode::JUMP | VerdictCode::GOTO => {}
        _ => return Err(Errno::EINVAL),
    }
    let chain = match (&verdict.chain, verdict.chain_id) {
        (Some(name), _) => context.table.chain_named(name.as_bytes()),
        (None, Some(id)) => context.ids.chain(context.table, id),
        (None, None) => return Err(Errno::EINVAL),
    };
    let chain = chain.ok_or(Errno::ENOENT)?;
    if chain.base.is_some() { Err(Errno::EOPNOTSUPP) } else { Ok(Some(chain.handle)) }
}

macro_rules! normalise {
    ($expression:expr, $registers:expr; $($variant:ident)*) => {
        match $expression {
            $( Expression::$variant(expression) => {
                expression.unknown.clear();
                expression.normalise($registers)
            } )*
            Expression::Immediate(immediate) => {
                let len = data_len(immediate.data.as_ref())?;
                $registers.store(&mut immediate.dreg, len)
            }
            // What refers to something is read elsewhere.
            Expression::Lookup(_) | Expression::Dynset(_) | Expression::Objref(_) | Expression::FlowOffload(_)
            | Expression::Inner(_) => Err(Errno::EOPNOTSUPP),
            Expression::Unknown(_) => Err(Errno::ENOENT),
        }
    };
}

fn normalise(
    expression: &mut Expression<'_>,
    registers: &mut Registers,
    context: &Context<'_>,
) -> Result<(), Errno> {
    normalise! { expression, registers;
        Payload Cmp Meta Bitwise Counter Match Target Range Limit Log Nat Masquerade Redirect Reject Ct Fib Socket
        Rt Exthdr Quota Numgen Hash Queue Dup Fwd Notrack Last Connlimit Byteorder Tproxy Synproxy Osf Xfrm Tunnel
    }?;
    let (kind, name, revision) = match expression {
        Expression::Match(it) => (CompatKind::MATCH, &it.name, it.revision),
        Expression::Target(it) => (CompatKind::TARGET, &it.name, it.revision),
        _ => return Ok(()),
    };
    let name = name.as_ref().map_or(&b""[..], |name| name.as_bytes());
    if !matches!(
        context.table.family,
        Family::IPV4 | Family::IPV6 | Family::INET | Family::BRIDGE | Family::ARP
    ) {
        return Err(Errno::EOPNOTSUPP);
    }
    context.extensions.best(kind, name, revision.unwrap_or_default()).map_err(|_| Errno::ENOENT)?;
    let wanted = (kind == CompatKind::TARGET).then(|| xt_target(name).table).flatten();
    if wanted.is_some_and(|table| *table.as_bytes() != *context.table.name) {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// Takes in the expressions that elements of a set carry: those that keep something.
pub(crate) fn stateful(
    expression: Option<&Expression<'_>>,
    list: &[Expression<'_>],
    context: &Context<'_>,
) -> Result<Vec<Expression<'static>>, Errno> {
    let mut taken: Vec<_> = expression.into_iter().chain(list).map(|it| it.clone().into_owned()).collect();
    for expression in &mut taken {
        if !matches!(
            expression,
            Expression::Counter(_)
                | Expression::Quota(_)
                | Expression::Limit(_)
                | Expression::Last(_)
                | Expression::Connlimit(_)
        ) {
            return Err(Errno::EOPNOTSUPP);
        }
        normalise(expression, &mut Registers::default(), context)?;
    }
    Ok(taken)
}

/// A rule's expressions with counters and quotas set back; nothing if there are none.
pub(crate) fn without_counts(expressions: &[u8]) -> Option<Box<[u8]>> {
    let mut writer = Writer::with_capacity(expressions.len() + 4);
    // The elements are decoded as the list of a rule of their own.
    let list = writer.begin(EXPRESSIONS);
    writer.bytes(expressions);
    writer.end(list);
    let list = writer.into_bytes().ok()?;
    let mut rule = RuleMessage::decode(Attributes::new(Reader::new(&list))).ok()?;
    let mut found = false;
    for expression in &mut rule.expressions {
        found |= set_back(expression);
    }
    let mut writer = Writer::with_capacity(expressions.len());
    rule.expressions.iter().for_each(|expression| expression.encode_element(&mut writer));
    found.then(|| writer.into_bytes().ok()).flatten().map(Vec::into_boxed_slice)
}

/// Sets a counter or quota back; false if it is neither.
pub(crate) fn set_back(expression: &mut Expression<'_>) -> bool {
    match expression {
        Expression::Counter(counter) => set_counter_back(counter),
        Expression::Quota(quota) => set_quota_back(quota),
        _ => return false,
    }
    true
}

pub(crate) const fn set_counter_back(counter: &mut Counter<'_>) {
    (counter.bytes, counter.packets) = (Some(0), Some(0));
}

pub(crate) fn set_quota_back(quota: &mut Quota<'_>) {
    quota.consumed = Some(0);
    quota.flags = quota.flags.map(|flags| flags - QuotaFlags::DEPLETED);
}
