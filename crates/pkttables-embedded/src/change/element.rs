use nfnetlink::{Errno, Flags};
use pkttnetlink::nft::{
    Data, SetElement as ElementMessage, SetElementFlags, SetElements as ElementsMessage, SetFlags, kind,
};

use crate::expression::{Context, same_kinds, stateful, target};
use crate::refusal::Refusal;
use crate::reply;
use crate::state::set::{Element, Inserted, Key, Value};
use crate::state::{Set, Table};
use crate::transaction::{Request, Transaction};

const TABLE: u16 = 1;
const SET: u16 = 2;
const ELEMENTS: u16 = 3;

impl Transaction<'_> {
    pub(crate) fn new_elements(
        &mut self,
        request: &Request,
        message: ElementsMessage<'_>,
    ) -> Result<(), Refusal> {
        if message.elements.is_empty() {
            return Err(Errno::EINVAL.into());
        }
        let table = self.table(request.family, message.table.as_ref(), TABLE)?;
        let name = message.set.as_ref().ok_or(Refusal::at(Errno::EINVAL, SET))?;
        let named = table.sets.called(name.as_bytes());
        let set =
            named.or_else(|| self.ids.set(table, message.set_id?)).ok_or(Refusal::at(Errno::ENOENT, SET))?;
        if set.is_fixed() {
            return Err(Errno::EBUSY.into());
        }
        let (table, set) = (table.handle, set.handle);
        for (index, element) in message.elements.iter().enumerate() {
            self.new_element(request, (table, set), element)
                .map_err(|errno| Refusal::at_element(errno, ELEMENTS, index))?;
        }
        self.check_eagerly(table)
    }

    fn new_element(
        &mut self,
        request: &Request,
        (table, set): (u64, u64),
        message: &ElementMessage<'_>,
    ) -> Result<(), Errno> {
        let found = self.ruleset.table_by_handle(table).and_then(|table| Some((table, table.sets.get(set)?)));
        let (in_table, in_set) = found.ok_or(Errno::ENOENT)?;
        let context = Context { table: in_table, extensions: self.extensions, ids: &self.ids };
        let (key, element) = read(message, in_set, &context)?;
        // The table is only told of what refers to something.
        let leads = in_set.uses > 0 && element.value.chain().is_some();
        let in_table = self.ruleset.table_mut(table).ok_or(Errno::ENOENT)?;
        let in_set = in_table.sets.get_mut(set).ok_or(Errno::ENOENT)?;
        match in_set.insert(key.clone(), element.clone())? {
            Inserted::New => self.changed = true,
            _ if request.flags.contains(Flags::EXCL) => return Err(Errno::EEXIST),
            Inserted::Same => return Ok(()),
            Inserted::Renewed => {
                self.changed = true;
                return Ok(());
            }
        }
        in_table.count_element(&element, true);
        if leads {
            self.needs_check(table);
        }
        self.event(request, Flags::CREATE | Flags::EXCL, |envelope, ruleset, writer| {
            let table = ruleset.table_by_handle(table);
            let found = table.and_then(|table| Some((table, table.sets.get(set)?)));
            found.map_or(Ok(()), |(table, set)| {
                reply::elements(kind::NEW_SET_ELEMENTS, envelope, (table, set), [(&key, &element)], writer)
            })
        });
        Ok(())
    }

    pub(crate) fn delete_elements(
        &mut self,
        request: &Request,
        message: &ElementsMessage<'_>,
    ) -> Result<(), Refusal> {
        let table = self.table(request.family, message.table.as_ref(), TABLE)?;
        let name = message.set.as_ref().ok_or(Refusal::at(Errno::EINVAL, SET))?;
        let set = table.sets.called(name.as_bytes()).ok_or(Refusal::at(Errno::ENOENT, SET))?;
        if set.has(SetFlags::ANONYMOUS) {
            return Err(Errno::EOPNOTSUPP.into());
        }
        if set.is_fixed() {
            return Err(Errno::EBUSY.into());
        }
        let (handle, set_handle) = (table.handle, set.handle);
        if message.elements.is_empty() {
            let keys: Vec<_> = set.elements().map(|(key, _)| key.clone()).collect();
            keys.iter().for_each(|key| self.remove_element(request, (handle, set_handle), key));
            return Ok(());
        }
        for (index, element) in message.elements.iter().enumerate() {
            let refused = |errno| Refusal::at_element(errno, ELEMENTS, index);
            let set = self.ruleset.table_by_handle(handle).and_then(|table| table.sets.get(set_handle));
            let set = set.ok_or(Refusal::new(Errno::ENOENT))?;
            let key = key(element, set).map_err(refused)?;
            match set.find(&key).map(|(key, _)| key.clone()) {
                Some(key) => self.remove_element(request, (handle, set_handle), &key),
                None if request.destroy => {}
                None => return Err(refused(Errno::ENOENT)),
            }
        }
        Ok(())
    }

    fn remove_element(&mut self, request: &Request, (table, set): (u64, u64), key: &Key) {
        let Ok(in_table) = self.table_mut(table) else { return };
        let Some(element) = in_table.sets.get_mut(set).and_then(|set| set.remove(key)) else { return };
        in_table.count_element(&element, false);
        self.left.insert((table, set));
        if element.value.chain().is_some() {
            self.needs_check_after_removal(table);
        }
        self.event(request, Flags::default(), |envelope, ruleset, writer| {
            let table = ruleset.table_by_handle(table);
            let found = table.and_then(|table| Some((table, table.sets.get(set)?)));
            found.map_or(Ok(()), |(table, set)| {
                reply::elements(kind::DELETE_SET_ELEMENTS, envelope, (table, set), [(key, &element)], writer)
            })
        });
    }
}

/// What an element is found by.
pub(crate) fn key(message: &ElementMessage<'_>, set: &Set) -> Result<Key, Errno> {
    let flags = message.flags.unwrap_or_default();
    if !(SetElementFlags::INTERVAL_END | SetElementFlags::CATCHALL).contains(flags) {
        return Err(Errno::EOPNOTSUPP);
    }
    let is_end = flags.contains(SetElementFlags::INTERVAL_END);
    let catchall = flags.contains(SetElementFlags::CATCHALL);
    if is_end && (catchall || !set.has(SetFlags::INTERVAL)) || catchall == message.key.is_some() {
        return Err(Errno::EINVAL);
    }
    let is_range = set.has(SetFlags::CONCAT | SetFlags::INTERVAL);
    if message.key_end.is_some() && !is_range || is_range && is_end {
        return Err(Errno::EINVAL);
    }
    let bytes = |data: &Data<'_>| {
        let value = data.as_value().filter(|value| value.len() == set.shape.key_len as usize);
        value.map(Box::from).ok_or(Errno::EINVAL)
    };
    let first = message.key.as_ref().map(bytes).transpose()?.unwrap_or_default();
    let last = message.key_end.as_ref().map(bytes).transpose()?;
    Ok(Key { catchall, first, is_start: !is_end, last })
}

fn read(message: &ElementMessage<'_>, set: &Set, context: &Context<'_>) -> Result<(Key, Element), Errno> {
    let key = key(message, set)?;
    let has_expressions = message.expression.is_some() || !message.expressions.is_empty();
    let is_end = !key.is_start;
    for (flag, is_given) in
        [(SetFlags::MAP, message.data.is_some()), (SetFlags::OBJECT, message.object.is_some())]
    {
        if is_given != set.has(flag) && (is_given || !is_end) {
            return Err(Errno::EINVAL);
        }
    }
    let more = message.data.is_some()
        || message.object.is_some()
        || message.timeout.is_some()
        || message.expiration.is_some()
        || message.user_data.is_some()
        || has_expressions;
    if is_end && more {
        return Err(Errno::EINVAL);
    }
    let (timeout, expiration) = times(message, set)?;
    let wanted = &set.shape.expressions;
    let expressions = if has_expressions {
        let taken = stateful(message.expression.as_deref(), &message.expressions, context)?;
        if !wanted.is_empty() && !same_kinds(wanted, &taken) {
            return Err(Errno::EOPNOTSUPP);
        }
        taken
    } else if is_end {
        Vec::new()
    } else {
        wanted.clone()
    };
    let object = match (&message.object, set.shape.object_type) {
        (Some(name), Some(object_type)) => {
            let found = context.table.objects.called(&(object_type, name.as_bytes().into()));
            Some(found.ok_or(Errno::ENOENT)?.handle)
        }
        _ => None,
    };
    let value = message.data.as_ref().map_or(Ok(Value::Nothing), |data| value(data, set, context))?;
    let user_data = message.user_data.as_deref().map(Box::from).unwrap_or_default();
    Ok((key, Element { value, object, expressions, timeout, expiration, user_data }))
}

/// After how long an element times out, and in how long it will have.
fn times(message: &ElementMessage<'_>, set: &Set) -> Result<(Option<u64>, Option<u64>), Errno> {
    if (message.timeout.is_some() || message.expiration.is_some()) && !set.has(SetFlags::TIMEOUT) {
        return Err(Errno::EINVAL);
    }
    let timeout = message.timeout.or(set.settings.timeout).filter(|&timeout| timeout != 0);
    match (message.expiration, timeout) {
        (Some(_), None) => Err(Errno::EINVAL),
        (Some(expiration), Some(timeout)) if expiration > timeout => Err(Errno::ERANGE),
        (expiration, timeout) => Ok((message.timeout.and(timeout), expiration.or(timeout))),
    }
}

fn value(data: &Data<'_>, set: &Set, context: &Context<'_>) -> Result<Value, Errno> {
    match data {
        Data::Verdict(verdict) if set.is_verdict_map() => {
            let code = verdict.code.unwrap_or_default();
            Ok(target(verdict, context)?.map_or(Value::Verdict(code), |chain| Value::Chain(code, chain)))
        }
        Data::Value(bytes) if !set.is_verdict_map() && bytes.len() == set.shape.data_len as usize => {
            Ok(Value::Bytes(Box::from(&**bytes)))
        }
        _ => Err(Errno::EINVAL),
    }
}

/// A set and some of its elements.
type Named<'t> = (&'t Set, Vec<(&'t Key, &'t Element)>);

/// The elements that a request names, as it finds them.
pub(crate) fn named<'t>(table: &'t Table, message: &ElementsMessage<'_>) -> Result<Named<'t>, Refusal> {
    let name = message.set.as_ref().ok_or(Refusal::at(Errno::EINVAL, SET))?;
    let set = table.sets.called(name.as_bytes()).ok_or(Refusal::at(Errno::ENOENT, SET))?;
    let find = |(index, element): (usize, &ElementMessage<'_>)| {
        let refused = |errno| Refusal::at_element(errno, ELEMENTS, index);
        let key = key(element, set).map_err(refused)?;
        set.find(&key).ok_or_else(|| refused(Errno::ENOENT))
    };
    let found: Result<Vec<_>, Refusal> = message.elements.iter().enumerate().map(find).collect();
    Ok((set, found?))
}
