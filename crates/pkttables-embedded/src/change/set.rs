use std::sync::Arc;

use nfnetlink::{Errno, Flags};
use pkttnetlink::nft::{DataType, Set as SetMessage, SetDescription, SetFlags, SetPolicy};

use super::check_name;
use crate::expression::{Context, same_kinds, stateful};
use crate::refusal::Refusal;
use crate::reply;
use crate::state::set::{Settings, Shape};
use crate::state::{Set, Table};
use crate::transaction::{Request, Transaction};

const TABLE: u16 = 1;
const NAME: u16 = 2;
const HANDLE: u16 = 16;

/// `NFT_DATA_VALUE_MAXLEN`.
const MAX_LEN: u32 = 64;
/// The length of a verdict in a register.
const VERDICT_LEN: u32 = 16;
/// `NFT_SET_MAX_ANONLEN`, without the closing NUL.
const MAX_PATTERN: usize = 15;
/// How many registers of 4 bytes there are.
const REGISTERS: u32 = 16;
/// Data types with these bits set are the kernel's own.
const RESERVED: u32 = 0xffff_ff00;

impl Transaction<'_> {
    pub(crate) fn new_set(&mut self, request: &Request, mut message: SetMessage<'_>) -> Result<(), Refusal> {
        let (Some(name), Some(id)) = (message.name.clone(), message.id) else {
            return Err(Errno::EINVAL.into());
        };
        if message.table.is_none() {
            return Err(Errno::EINVAL.into());
        }
        check_name(Some(&name), NAME)?;
        let (mut shape, settings) = (shape(&message)?, settings(&message)?);
        let table = self.table(request.family, message.table.as_ref(), TABLE)?;
        let context = Context { table, extensions: self.extensions, ids: &self.ids };
        let expressions = || -> Result<_, Errno> {
            if message.expression.is_none()
                && !message.expressions.is_empty()
                && !shape.flags.contains(SetFlags::EXPR)
            {
                return Err(Errno::EINVAL);
            }
            stateful(message.expression.as_deref(), &message.expressions, &context)
        };
        let handle = table.handle;
        let set = match table.sets.called(name.as_bytes()) {
            Some(_) if request.flags.contains(Flags::EXCL) => return Err(Refusal::at(Errno::EEXIST, NAME)),
            Some(_) if request.flags.contains(Flags::REPLACE) => return Err(Errno::EOPNOTSUPP.into()),
            Some(set) if set.has(SetFlags::ANONYMOUS) => return Err(Errno::EOPNOTSUPP.into()),
            Some(set) => {
                shape.expressions = expressions()?;
                if !is_same(&set.shape, &shape) {
                    return Err(Refusal::at(Errno::EEXIST, NAME));
                }
                let set = set.handle;
                if let Some(present) = self.table_mut(handle)?.sets.get_mut(set) {
                    update(&mut present.settings, settings);
                }
                set
            }
            None if !request.flags.contains(Flags::CREATE) => return Err(Errno::ENOENT.into()),
            None => {
                check_representation(&shape, &settings)?;
                let name = free_name(table, name.as_bytes())?;
                shape.expressions = expressions()?;
                let is_anonymous = shape.flags.contains(SetFlags::ANONYMOUS);
                let in_table = self.table_mut(handle)?;
                let set_handle = in_table.new_handle();
                let mut set = Set::new(Arc::clone(&name), set_handle, shape, settings);
                set.user_data = message.user_data.take().map(|data| Box::from(&*data)).unwrap_or_default();
                in_table.sets.insert(set_handle, name, set);
                if is_anonymous {
                    self.unbound.insert((handle, set_handle));
                }
                set_handle
            }
        };
        self.ids.sets.insert(id, (handle, set));
        self.event(request, Flags::CREATE | Flags::EXCL, |envelope, ruleset, writer| {
            let table = ruleset.table_by_handle(handle);
            let found = table.and_then(|table| Some((table, table.sets.get(set)?)));
            found.map_or(Ok(()), |(table, set)| reply::set(envelope, table, set, writer))
        });
        Ok(())
    }

    pub(crate) fn delete_set(&mut self, request: &Request, message: &SetMessage<'_>) -> Result<(), Refusal> {
        let table = self.table(request.family, message.table.as_ref(), TABLE)?;
        let (found, named_by) = match (message.handle, &message.name) {
            (Some(handle), _) => (table.sets.get(handle), HANDLE),
            (None, Some(name)) => (table.sets.called(name.as_bytes()), NAME),
            (None, None) => return Err(Errno::EINVAL.into()),
        };
        let set = match found {
            Some(set) => set,
            None if request.destroy => return Ok(()),
            None => return Err(Refusal::at(Errno::ENOENT, named_by)),
        };
        if set.uses > 0 || request.flags.contains(Flags::NONREC) && !set.is_empty() {
            return Err(Refusal::at(Errno::EBUSY, named_by));
        }
        let (handle, set) = (table.handle, set.handle);
        if let Some(set) = self.table_mut(handle)?.remove_set(set) {
            self.set_deleted(request, handle, &set);
        }
        Ok(())
    }

    /// Tells of a set that is gone.
    pub(super) fn set_deleted(&mut self, request: &Request, table: u64, set: &Set) {
        self.event(request, Flags::default(), |envelope, ruleset, writer| {
            let table = ruleset.table_by_handle(table);
            table.map_or(Ok(()), |table| reply::deleted_set(envelope, table, set, writer))
        });
    }
}

/// What a set is to be like; without its expressions.
fn shape(message: &SetMessage<'_>) -> Result<Shape, Errno> {
    let key_type = message.key_type.unwrap_or_default();
    let key_len = message.key_len.ok_or(Errno::EINVAL)?;
    if key_type.0 & RESERVED == RESERVED || key_len == 0 || key_len > MAX_LEN {
        return Err(Errno::EINVAL);
    }
    let flags = message.flags.unwrap_or_default();
    let excluded = [
        SetFlags::MAP | SetFlags::OBJECT,
        SetFlags::EVAL | SetFlags::OBJECT,
        SetFlags::ANONYMOUS | SetFlags::TIMEOUT | SetFlags::EVAL,
        SetFlags::CONSTANT | SetFlags::TIMEOUT,
    ];
    if !SetFlags::all().contains(flags) || excluded.iter().any(|together| flags.contains(*together)) {
        return Err(Errno::EOPNOTSUPP);
    }
    let (is_map, has_objects) = (flags.contains(SetFlags::MAP), flags.contains(SetFlags::OBJECT));
    if message.data_type.is_some() != is_map {
        return Err(Errno::EINVAL);
    }
    let data_type = message.data_type.unwrap_or_default();
    let data_len = match message.data_type {
        None => 0,
        Some(DataType::VERDICT_MAP) => VERDICT_LEN,
        Some(other) if other.0 & RESERVED == RESERVED => return Err(Errno::EINVAL),
        Some(_) => message.data_len.filter(|len| (1..=MAX_LEN).contains(len)).ok_or(Errno::EINVAL)?,
    };
    match message.object_type {
        Some(_) if !has_objects => return Err(Errno::EINVAL),
        Some(object_type) if object_type.0 == 0 || object_type.0 > 10 => return Err(Errno::EOPNOTSUPP),
        None if has_objects => return Err(Errno::EINVAL),
        _ => {}
    }
    let object_type = message.object_type;
    Ok(Shape { flags, key_type, key_len, data_type, data_len, object_type, expressions: Vec::new() })
}

fn settings(message: &SetMessage<'_>) -> Result<Settings, Errno> {
    let flags = message.flags.unwrap_or_default();
    if message.timeout.is_some() || message.gc_interval.is_some() {
        if !flags.contains(SetFlags::TIMEOUT) {
            return Err(Errno::EINVAL);
        }
        if flags.contains(SetFlags::ANONYMOUS) {
            return Err(Errno::EOPNOTSUPP);
        }
    }
    let policy = message.policy.unwrap_or_default();
    if policy > SetPolicy::MEMORY {
        return Err(Errno::EOPNOTSUPP);
    }
    let fields = message.description.as_ref().map_or_else(|| Ok(Vec::new()), |desc| fields(message, desc))?;
    if flags.contains(SetFlags::CONCAT) != (fields.len() > 1) {
        return Err(Errno::EINVAL);
    }
    Ok(Settings {
        timeout: message.timeout.filter(|&timeout| timeout != 0),
        gc_interval: message.gc_interval.filter(|&interval| interval != 0),
        policy,
        size: message.description.as_ref().and_then(|desc| desc.size).filter(|&size| size != 0),
        fields,
    })
}

/// The lengths of the fields of concatenations.
fn fields(message: &SetMessage<'_>, description: &SetDescription<'_>) -> Result<Vec<u32>, Errno> {
    let len = |field: Option<u32>| field.filter(|len| (1..=255).contains(len)).ok_or(Errno::EINVAL);
    let fields: Vec<_> = description.fields.iter().map(|field| len(field.len)).collect::<Result<_, _>>()?;
    let registers: u32 = fields.iter().map(|len| len.div_ceil(4)).sum();
    if registers > REGISTERS {
        return Err(Errno::E2BIG);
    }
    if !fields.is_empty() && registers != message.key_len.unwrap_or_default().div_ceil(4) {
        return Err(Errno::EINVAL);
    }
    Ok(fields)
}

/// Refuses what no representation of the kernel's can do.
fn check_representation(shape: &Shape, settings: &Settings) -> Result<(), Errno> {
    let (has, intervals) = (|flags| shape.flags.contains(flags), shape.flags.contains(SetFlags::INTERVAL));
    if intervals && (has(SetFlags::EVAL) || has(SetFlags::CONCAT) && settings.fields.len() < 2) {
        return Err(Errno::EOPNOTSUPP);
    }
    Ok(())
}

fn is_same(present: &Shape, wanted: &Shape) -> bool {
    let plain = |shape: &Shape| Shape { expressions: Vec::new(), ..shape.clone() };
    plain(present) == plain(wanted) && same_kinds(&present.expressions, &wanted.expressions)
}

/// What another message about a set changes.
fn update(present: &mut Settings, wanted: Settings) {
    present.timeout = wanted.timeout.or(present.timeout);
    present.gc_interval = wanted.gc_interval.or(present.gc_interval);
    present.size = wanted.size.or(present.size);
}

/// The name itself or, where it has `%d`, with the least number there that is free.
fn free_name(table: &Table, name: &[u8]) -> Result<Arc<[u8]>, Refusal> {
    let Some(mark) = name.iter().position(|&byte| byte == b'%') else { return Ok(name.into()) };
    let (before, after) = name.split_at(mark);
    let after = after.strip_prefix(b"%d").filter(|after| !after.contains(&b'%')).ok_or(Errno::EINVAL)?;
    if name.len() > MAX_PATTERN {
        return Err(Errno::EINVAL.into());
    }
    let numbered = |number: usize| [before, number.to_string().as_bytes(), after].concat();
    let free = (0..=table.sets.len()).map(numbered).find(|name| table.sets.called(&**name).is_none());
    free.map(Arc::from).ok_or(Refusal::new(Errno::ENFILE))
}
