use std::sync::Arc;

use nfnetlink::{Errno, Flags};
use pkttnetlink::nft::{
    Family, Flowtable as FlowtableMessage, FlowtableFlags, FlowtableHook, IngressHook,
    Object as ObjectMessage, ObjectData, ObjectType, kind,
};

use super::check_name;
use crate::expression::object_data;
use crate::refusal::Refusal;
use crate::reply;
use crate::state::{Flowtable, Name, Object};
use crate::transaction::{Request, Transaction};

const TABLE: u16 = 1;
const NAME: u16 = 2;
const OBJECT_HANDLE: u16 = 6;
const FLOWTABLE_HANDLE: u16 = 5;

impl Transaction<'_> {
    pub(crate) fn new_object(
        &mut self,
        request: &Request,
        message: ObjectMessage<'_>,
    ) -> Result<(), Refusal> {
        let message = message.into_owned();
        let (Some(name), Some(object_type), Some(data)) = (&message.name, message.object_type, message.data)
        else {
            return Err(Errno::EINVAL.into());
        };
        check_name(Some(name), NAME)?;
        let table = self.table(request.family, message.table.as_ref(), TABLE)?;
        let (handle, name) = (table.handle, Name::from(name.as_bytes()));
        let object = match table.objects.called(&(object_type, Arc::clone(&name))) {
            Some(_) if request.flags.contains(Flags::EXCL) => return Err(Refusal::at(Errno::EEXIST, NAME)),
            Some(_) if request.flags.contains(Flags::REPLACE) => return Err(Errno::EOPNOTSUPP.into()),
            // The kernel takes over new limits of quotas alone.
            Some(_) if object_type != ObjectType::QUOTA => return Ok(()),
            Some(object) => {
                let object = object.handle;
                let data = object_data(object_type, data)?;
                if let Some(present) = self.table_mut(handle)?.objects.get_mut(object) {
                    set_quota(&mut present.data, data);
                }
                object
            }
            None => {
                let data = object_data(object_type, data)?;
                let in_table = self.table_mut(handle)?;
                let object = in_table.new_handle();
                let user_data = message.user_data.as_deref().map(Box::from).unwrap_or_default();
                let made =
                    Object { name: Arc::clone(&name), handle: object, object_type, data, user_data, uses: 0 };
                in_table.objects.insert(object, (object_type, name), made);
                object
            }
        };
        self.event(request, Flags::CREATE | Flags::EXCL, |envelope, ruleset, writer| {
            let table = ruleset.table_by_handle(handle);
            let found = table.and_then(|table| Some((table, table.objects.get(object)?)));
            found.map_or(Ok(()), |(table, object)| {
                reply::object(kind::NEW_OBJECT, envelope, table, object, writer)
            })
        });
        Ok(())
    }

    pub(crate) fn delete_object(
        &mut self,
        request: &Request,
        message: &ObjectMessage<'_>,
    ) -> Result<(), Refusal> {
        let Some(object_type) = message.object_type else { return Err(Errno::EINVAL.into()) };
        if message.name.is_none() && message.handle.is_none() {
            return Err(Errno::EINVAL.into());
        }
        let table = self.table(request.family, message.table.as_ref(), TABLE)?;
        let (found, named_by) = match (message.handle, &message.name) {
            (None, Some(name)) => (table.objects.called(&(object_type, name.as_bytes().into())), NAME),
            (handle, _) => {
                let found = handle.and_then(|handle| table.objects.get(handle));
                (found.filter(|object| object.object_type == object_type), OBJECT_HANDLE)
            }
        };
        let object = match found {
            Some(object) if object.uses > 0 => return Err(Refusal::at(Errno::EBUSY, named_by)),
            Some(object) => object.handle,
            None if request.destroy => return Ok(()),
            None => return Err(Refusal::at(Errno::ENOENT, named_by)),
        };
        let table = table.handle;
        let Some(object) = self.table_mut(table)?.objects.remove(object) else { return Ok(()) };
        self.event(request, Flags::default(), |envelope, ruleset, writer| {
            ruleset
                .table_by_handle(table)
                .map_or(Ok(()), |table| reply::object(kind::DELETE_OBJECT, envelope, table, &object, writer))
        });
        Ok(())
    }

    pub(crate) fn new_flowtable(
        &mut self,
        request: &Request,
        message: FlowtableMessage<'_>,
    ) -> Result<(), Refusal> {
        if message.table.is_none() || message.name.is_none() || message.hook.is_none() {
            return Err(Errno::EINVAL.into());
        }
        let table = self.table(request.family, message.table.as_ref(), TABLE)?;
        let name = message.name.as_ref().map(|name| Name::from(name.as_bytes())).unwrap_or_default();
        let handle = table.handle;
        if let Some(present) = table.flowtables.called(&*name) {
            if request.flags.contains(Flags::EXCL) {
                return Err(Refusal::at(Errno::EEXIST, NAME));
            }
            check_same(present, message.hook.as_ref(), message.flags)?;
            // Nothing but the devices can differ, and those are names here.
            self.changed = true;
            return Ok(());
        }
        if !matches!(request.family, Family::IPV4 | Family::IPV6 | Family::INET) {
            return Err(Errno::ENOENT.into());
        }
        let hook = message.hook.as_ref().ok_or(Errno::EINVAL)?;
        let flags = message.flags.unwrap_or_default();
        if !(FlowtableFlags::HW_OFFLOAD | FlowtableFlags::COUNTER).contains(flags) {
            return Err(Errno::EOPNOTSUPP.into());
        }
        if hook.hook.is_none() || hook.priority.is_none() {
            return Err(Errno::EINVAL.into());
        }
        if hook.hook != Some(IngressHook::INGRESS) {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let content = FlowtableMessage {
            table: None,
            name: None,
            handle: None,
            use_count: None,
            flags: Some(flags),
            ..message.into_owned()
        };
        let in_table = self.table_mut(handle)?;
        let flowtable = in_table.new_handle();
        let made = Flowtable { name: Arc::clone(&name), handle: flowtable, content, uses: 0 };
        in_table.flowtables.insert(flowtable, name, made);
        self.event(request, Flags::CREATE | Flags::EXCL, |envelope, ruleset, writer| {
            let table = ruleset.table_by_handle(handle);
            let found = table.and_then(|table| Some((table, table.flowtables.get(flowtable)?)));
            found.map_or(Ok(()), |(table, flowtable)| {
                reply::flowtable(kind::NEW_FLOWTABLE, envelope, table, flowtable, writer)
            })
        });
        Ok(())
    }

    pub(crate) fn delete_flowtable(
        &mut self,
        request: &Request,
        message: &FlowtableMessage<'_>,
    ) -> Result<(), Refusal> {
        let table = self.table(request.family, message.table.as_ref(), TABLE)?;
        let (found, named_by) = match (message.handle, &message.name) {
            (Some(handle), _) => (table.flowtables.get(handle), FLOWTABLE_HANDLE),
            (None, Some(name)) => (table.flowtables.called(name.as_bytes()), NAME),
            (None, None) => return Err(Errno::EINVAL.into()),
        };
        let flowtable = match found {
            Some(flowtable) if flowtable.uses > 0 => return Err(Refusal::at(Errno::EBUSY, named_by)),
            Some(flowtable) => flowtable.handle,
            None if request.destroy => return Ok(()),
            None => return Err(Refusal::at(Errno::ENOENT, named_by)),
        };
        let table = table.handle;
        let Some(flowtable) = self.table_mut(table)?.flowtables.remove(flowtable) else { return Ok(()) };
        self.event(request, Flags::default(), |envelope, ruleset, writer| {
            ruleset.table_by_handle(table).map_or(Ok(()), |table| {
                reply::flowtable(kind::DELETE_FLOWTABLE, envelope, table, &flowtable, writer)
            })
        });
        Ok(())
    }
}

/// Gives a quota another limit.
fn set_quota(present: &mut ObjectData<'_>, wanted: ObjectData<'_>) {
    if let (ObjectData::Quota(present), ObjectData::Quota(wanted)) = (present, wanted) {
        (present.bytes, present.flags) = (wanted.bytes, wanted.flags);
    }
}

/// Refuses to move a flowtable or to make it another one.
fn check_same(
    present: &Flowtable,
    hook: Option<&FlowtableHook<'_>>,
    flags: Option<FlowtableFlags>,
) -> Result<(), Errno> {
    let there = present.content.hook.as_ref();
    let differs = |wanted: Option<i32>, there: Option<i32>| wanted.is_some() && wanted != there;
    if differs(hook.and_then(|hook| hook.priority), there.and_then(|hook| hook.priority))
        || flags.is_some() && flags != present.content.flags
    {
        return Err(Errno::EOPNOTSUPP);
    }
    Ok(())
}
