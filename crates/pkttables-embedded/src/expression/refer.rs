//! Expressions that name sets, objects and flowtables.

use nfnetlink::Errno;
use pkttnetlink::Text;
use pkttnetlink::nft::SetFlags;
use pkttnetlink::nft::expr::{
    Dynset, DynsetFlags, DynsetOp, Expression, FlowOffload, Lookup, LookupFlags, Objref,
};

use super::parse::{Context, stateful};
use super::registers::Registers;
use crate::state::{DYNAMIC_SIZE, Reference, Set};

/// What an expression refers to; nothing if it is none of those that do. It takes on the form in which it is dumped.
pub(super) fn refer(
    expression: &mut Expression<'_>,
    registers: &mut Registers,
    context: &Context<'_>,
) -> Result<Option<Reference>, Errno> {
    match expression {
        Expression::Lookup(lookup) => refer_lookup(lookup, registers, context),
        Expression::Dynset(dynset) => refer_dynset(dynset, registers, context),
        Expression::Objref(objref) => refer_objref(objref, registers, context),
        Expression::FlowOffload(flow) => refer_flowtable(flow, context),
        _ => return Ok(None),
    }
    .map(Some)
}

/// The set of a name or, where there is none, of a number. The expression takes on its name.
fn find<'t>(
    name: &mut Option<Text<'_>>,
    id: &mut Option<u32>,
    context: &Context<'t>,
) -> Result<&'t Set, Errno> {
    let named = context.table.sets.called(name.as_ref().ok_or(Errno::EINVAL)?.as_bytes());
    let id = id.take();
    let set = named.or_else(|| context.ids.set(context.table, id?)).ok_or(Errno::ENOENT)?;
    *name = Some(Text::new(&set.name).into_owned());
    Ok(set)
}

/// A set of one rule has no place in another.
const fn bind(set: &Set) -> Result<(), Errno> {
    if set.uses > 0 && set.has(SetFlags::ANONYMOUS) { Err(Errno::EBUSY) } else { Ok(()) }
}

fn refer_lookup(
    lookup: &mut Lookup<'_>,
    registers: &mut Registers,
    context: &Context<'_>,
) -> Result<Reference, Errno> {
    lookup.unknown.clear();
    if lookup.sreg.is_none() {
        return Err(Errno::EINVAL);
    }
    let set = find(&mut lookup.set, &mut lookup.set_id, context)?;
    registers.load(&mut lookup.sreg, set.shape.key_len)?;
    let flags = *lookup.flags.get_or_insert(LookupFlags::empty());
    if !LookupFlags::INV.contains(flags) {
        return Err(Errno::EINVAL);
    }
    let is_map = set.has(SetFlags::MAP);
    let gives_verdicts = set.is_verdict_map();
    if lookup.dreg.is_some() {
        if flags.contains(LookupFlags::INV) || !is_map {
            return Err(Errno::EINVAL);
        }
        registers.store_value(&mut lookup.dreg, gives_verdicts, set.shape.data_len)?;
    } else if is_map && set.has(SetFlags::ANONYMOUS) {
        return Err(Errno::EINVAL);
    }
    bind(set)?;
    Ok(if gives_verdicts { Reference::Verdicts(set.handle) } else { Reference::Set(set.handle) })
}

fn refer_dynset(
    dynset: &mut Dynset<'_>,
    registers: &mut Registers,
    context: &Context<'_>,
) -> Result<Reference, Errno> {
    dynset.unknown.clear();
    if dynset.op.is_none() || dynset.sreg_key.is_none() {
        return Err(Errno::EINVAL);
    }
    let flags = *dynset.flags.get_or_insert(DynsetFlags::empty());
    if !(DynsetFlags::INV | DynsetFlags::EXPR).contains(flags) {
        return Err(Errno::EOPNOTSUPP);
    }
    let set = find(&mut dynset.set, &mut dynset.set_id, context)?;
    if set.has(SetFlags::OBJECT) || !can_be_updated(set) {
        return Err(Errno::EOPNOTSUPP);
    }
    if set.has(SetFlags::CONSTANT) {
        return Err(Errno::EBUSY);
    }
    if dynset.op.is_some_and(|op| op > DynsetOp::DELETE)
        || dynset.timeout.is_some() && !set.has(SetFlags::TIMEOUT)
    {
        return Err(Errno::EOPNOTSUPP);
    }
    dynset.timeout.get_or_insert(0);
    registers.load(&mut dynset.sreg_key, set.shape.key_len)?;
    if dynset.sreg_data.is_some() {
        if !set.has(SetFlags::MAP) || set.is_verdict_map() {
            return Err(Errno::EOPNOTSUPP);
        }
        registers.load(&mut dynset.sreg_data, set.shape.data_len)?;
    } else if set.has(SetFlags::MAP) {
        return Err(Errno::EINVAL);
    }
    let given = dynset.expression.is_some() || !dynset.expressions.is_empty();
    if given && !set.has(SetFlags::EVAL) {
        return Err(Errno::EINVAL);
    }
    let wanted = &set.shape.expressions;
    let mut expressions = stateful(dynset.expression.as_deref(), &dynset.expressions, context)?;
    if given && !wanted.is_empty() && !same_kinds(wanted, &expressions) {
        return Err(Errno::EOPNOTSUPP);
    }
    (dynset.expression, dynset.expressions) = match expressions.len() {
        1 => (expressions.pop().map(Box::new), Vec::new()),
        _ => (None, expressions),
    };
    dynset.flags = Some(flags & DynsetFlags::INV);
    bind(set)?;
    Ok(Reference::Updated(set.handle))
}

/// Whether expressions are of the same kinds, whatever they hold.
pub(crate) fn same_kinds(some: &[Expression<'_>], others: &[Expression<'_>]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(one, other)| one.name() == other.name())
}

/// Whether packets can add to a set, which its representation decides.
fn can_be_updated(set: &Set) -> bool {
    let grows = set.shape.flags.intersects(SetFlags::EVAL | SetFlags::TIMEOUT);
    let has_no_size = set.settings.size.is_none_or(|size| size == DYNAMIC_SIZE);
    !set.has(SetFlags::INTERVAL) && (grows || has_no_size && set.shape.key_len > 2)
}

fn refer_objref(
    objref: &mut Objref<'_>,
    registers: &mut Registers,
    context: &Context<'_>,
) -> Result<Reference, Errno> {
    objref.unknown.clear();
    if objref.sreg.is_some() && (objref.set.is_some() || objref.set_id.is_some()) {
        let set = find(&mut objref.set, &mut objref.set_id, context)?;
        if !set.has(SetFlags::OBJECT) {
            return Err(Errno::EINVAL);
        }
        registers.load(&mut objref.sreg, set.shape.key_len)?;
        bind(set)?;
        (objref.name, objref.object_type) = (None, None);
        return Ok(Reference::Set(set.handle));
    }
    let (Some(name), Some(object_type)) = (&objref.name, objref.object_type) else {
        return Err(Errno::EOPNOTSUPP);
    };
    let object = context.table.objects.called(&(object_type, name.as_bytes().into())).ok_or(Errno::ENOENT)?;
    Ok(Reference::Object(object.handle))
}

fn refer_flowtable(flow: &mut FlowOffload<'_>, context: &Context<'_>) -> Result<Reference, Errno> {
    flow.unknown.clear();
    let name = flow.flowtable.as_ref().ok_or(Errno::EINVAL)?;
    let flowtable = context.table.flowtables.called(name.as_bytes()).ok_or(Errno::ENOENT)?;
    Ok(Reference::Flowtable(flowtable.handle))
}
