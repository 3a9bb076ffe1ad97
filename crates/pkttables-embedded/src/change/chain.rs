use std::sync::Arc;

use nfnetlink::{Errno, Flags};
use pkttnetlink::Text;
use pkttnetlink::nft::{
    Chain as ChainMessage, ChainCounters, ChainFlags, ChainHook, Device, Family, VerdictCode,
};

use super::check_name;
use crate::refusal::Refusal;
use crate::reply;
use crate::state::{Base, Chain, ChainType, Counters, Name, Table};
use crate::transaction::{ChainUpdate, Request, Transaction};

const TABLE: u16 = 1;
const HANDLE: u16 = 2;
const NAME: u16 = 3;
const POLICY: u16 = 5;
const TYPE: u16 = 7;

/// `NF_IP_PRI_CONNTRACK`: nat must come later.
const CONNTRACK_PRIORITY: i32 = -200;
/// The hook ingress of the family inet, and both of netdev, are attached to devices.
const INET_INGRESS: u32 = 5;

impl Transaction<'_> {
    pub(crate) fn new_chain(&mut self, request: &Request, message: &ChainMessage<'_>) -> Result<(), Refusal> {
        check_name(message.name.as_ref(), NAME)?;
        let table = self.table(request.family, message.table.as_ref(), TABLE)?;
        let (found, named_by) = match (&message.handle, &message.name, &message.id) {
            (Some(handle), ..) => {
                (Some(table.chain(*handle).ok_or(Refusal::at(Errno::ENOENT, HANDLE))?), HANDLE)
            }
            (None, Some(name), _) => (table.chain_named(name.as_bytes()), NAME),
            (None, None, Some(_)) => (None, NAME),
            (None, None, None) => return Err(Errno::EINVAL.into()),
        };
        if let Some(policy) = message.policy {
            if found.map_or_else(|| message.hook.is_none(), |chain| chain.base.is_none()) {
                return Err(Refusal::at(Errno::EOPNOTSUPP, POLICY));
            }
            if !matches!(policy, VerdictCode::ACCEPT | VerdictCode::DROP) {
                return Err(Errno::EINVAL.into());
            }
        }
        let flags = message.flags.or_else(|| found.map(|chain| chain.flags)).unwrap_or_default();
        if !(ChainFlags::BASE | ChainFlags::HW_OFFLOAD | ChainFlags::BINDING).contains(flags)
            || flags.intersects(ChainFlags::HW_OFFLOAD | ChainFlags::BINDING)
        {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let handle = table.handle;
        let chain = match found {
            None => self.add_chain(handle, flags, message)?,
            Some(_) if request.flags.contains(Flags::EXCL) => {
                return Err(Refusal::at(Errno::EEXIST, named_by));
            }
            Some(_) if request.flags.contains(Flags::REPLACE) => return Err(Errno::EOPNOTSUPP.into()),
            Some(chain) => {
                let update = update(table, chain, message, named_by)?;
                if update.name.as_ref().is_some_and(|name| self.is_name_promised(handle, name)) {
                    return Err(Refusal::at(Errno::EEXIST, NAME));
                }
                let chain = update.chain;
                self.changed = true;
                self.updates.push(update);
                chain
            }
        };
        self.chain_event(request, handle, chain);
        Ok(())
    }

    /// Whether a chain will have this name after the commit.
    fn is_name_promised(&self, table: u64, name: &Name) -> bool {
        self.updates.iter().any(|update| update.table == table && update.name.as_ref() == Some(name))
    }

    fn add_chain(
        &mut self,
        table: u64,
        flags: ChainFlags,
        message: &ChainMessage<'_>,
    ) -> Result<u64, Refusal> {
        let family = self.ruleset.table_by_handle(table).map(|table| table.family).unwrap_or_default();
        let base = match &message.hook {
            Some(hook) => Some(new_base(family, hook, message)?),
            None if flags.contains(ChainFlags::BASE) => return Err(Errno::EINVAL.into()),
            None => None,
        };
        let name = message.name.as_ref().ok_or(Errno::EINVAL)?.as_bytes();
        // The kernel would let the chain have the name too that another is about to get.
        if self.is_name_promised(table, &Name::from(name)) {
            return Err(Refusal::at(Errno::EEXIST, NAME));
        }
        let in_table = self.table_mut(table)?;
        let handle = in_table.new_handle();
        let mut chain = Chain::new(name, handle);
        chain.flags = if base.is_some() { flags | ChainFlags::BASE } else { flags };
        chain.base = base;
        chain.user_data = message.user_data.as_deref().map(Box::from).unwrap_or_default();
        in_table.add_chain(chain).map_err(|errno| Refusal::at(errno, NAME))?;
        if let Some(id) = message.id {
            self.ids.chains.entry(id).or_insert((table, handle));
        }
        Ok(handle)
    }

    pub(crate) fn delete_chain(
        &mut self,
        request: &Request,
        message: &ChainMessage<'_>,
    ) -> Result<(), Refusal> {
        let table = self.table(request.family, message.table.as_ref(), TABLE)?;
        let (found, named_by) = match (message.handle, &message.name) {
            (Some(handle), _) => (table.chain(handle), HANDLE),
            (None, Some(name)) => (table.chain_named(name.as_bytes()), NAME),
            (None, None) => return Err(Errno::EINVAL.into()),
        };
        let chain = match found {
            Some(chain) => chain,
            None if request.destroy => return Ok(()),
            None => return Err(Refusal::at(Errno::ENOENT, named_by)),
        };
        if message.hook.is_some() && request.destroy {
            return Err(Errno::EOPNOTSUPP.into());
        }
        if request.flags.contains(Flags::NONREC) && chain.use_count() > 0 {
            return Err(Errno::EBUSY.into());
        }
        let (table, handle, used) = (table.handle, chain.handle, chain.jumps_here > 0);
        self.clear_chain(request, table, handle)?;
        if used {
            return Err(Refusal::at(Errno::EBUSY, named_by));
        }
        let Some(chain) = self.table_mut(table)?.remove_chain(handle) else { return Ok(()) };
        self.event(request, Flags::default(), |envelope, ruleset, writer| {
            ruleset
                .table_by_handle(table)
                .map_or(Ok(()), |table| reply::deleted_chain(envelope, table, &chain, writer))
        });
        Ok(())
    }
}

/// What a message changes in a chain that exists.
fn update(
    table: &Table,
    chain: &Chain,
    message: &ChainMessage<'_>,
    named_by: u16,
) -> Result<ChainUpdate, Refusal> {
    if let Some(hook) = &message.hook {
        let base = chain.base.as_ref().ok_or_else(|| Refusal::at(Errno::EEXIST, named_by))?;
        if hook.hook.is_some_and(|hook| hook.0 != base.hook)
            || hook.priority.is_some_and(|priority| priority != base.priority)
        {
            return Err(Errno::EOPNOTSUPP.into());
        }
        if let Some(name) = &message.chain_type
            && chain_type(table.family, name)? != base.chain_type
        {
            return Err(Refusal::at(Errno::EEXIST, named_by));
        }
        if !needs_device(table.family, base.hook) && has_device(hook) {
            return Err(Errno::EOPNOTSUPP.into());
        }
    }
    // A name beside a handle is the new one.
    let name = message.name.as_ref().filter(|_| message.handle.is_some());
    if name.is_some_and(|name| table.chain_named(name.as_bytes()).is_some()) {
        return Err(Refusal::at(Errno::EEXIST, NAME));
    }
    let counters = match &message.counters {
        Some(_) if chain.base.is_none() => return Err(Errno::EOPNOTSUPP.into()),
        Some(counters) => Some(read_counters(counters)?),
        None => None,
    };
    Ok(ChainUpdate {
        table: table.handle,
        chain: chain.handle,
        name: name.map(|name| Arc::from(name.as_bytes())),
        policy: message.policy,
        counters,
    })
}

fn read_counters(counters: &ChainCounters<'_>) -> Result<Counters, Errno> {
    match (counters.packets, counters.bytes) {
        (Some(packets), Some(bytes)) => Ok(Counters { packets, bytes }),
        _ => Err(Errno::EINVAL),
    }
}

/// The chain type of a name, if the family has it.
fn chain_type(family: Family, name: &Text<'_>) -> Result<ChainType, Refusal> {
    let found = ChainType::ALL.into_iter().find(|chain_type| name == chain_type.name());
    found.filter(|&chain_type| hooks(family, chain_type) != 0).ok_or(Refusal::at(Errno::ENOENT, TYPE))
}

/// The hooks of a chain type, 0 where the family does not have it.
const fn hooks(family: Family, chain_type: ChainType) -> u32 {
    match (family, chain_type) {
        (Family::INET, ChainType::Filter) => 0b11_1111,
        (Family::IPV4 | Family::IPV6 | Family::BRIDGE, ChainType::Filter) => 0b1_1111,
        (Family::ARP | Family::NETDEV, ChainType::Filter) => 0b11,
        (Family::IPV4 | Family::IPV6 | Family::INET, ChainType::Nat) => 0b1_1011,
        (Family::IPV4 | Family::IPV6 | Family::INET, ChainType::Route) => 0b1000,
        _ => 0,
    }
}

fn needs_device(family: Family, hook: u32) -> bool {
    family == Family::NETDEV || family == Family::INET && hook == INET_INGRESS
}

const fn has_device(hook: &ChainHook<'_>) -> bool {
    hook.device.is_some() || !hook.devices.is_empty()
}

fn new_base(family: Family, hook: &ChainHook<'_>, message: &ChainMessage<'_>) -> Result<Base, Refusal> {
    let (Some(number), Some(priority)) = (hook.hook, hook.priority) else {
        return Err(Refusal::at(Errno::ENOENT, NAME));
    };
    let number = number.0;
    let chain_type = match &message.chain_type {
        Some(name) => chain_type(family, name)?,
        None => ChainType::Filter,
    };
    if number >= u32::BITS || hooks(family, chain_type) & 1 << number == 0 {
        return Err(Errno::EOPNOTSUPP.into());
    }
    if chain_type == ChainType::Nat && priority <= CONNTRACK_PRIORITY {
        return Err(Errno::EOPNOTSUPP.into());
    }
    if !needs_device(family, number) && has_device(hook) {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let name_of = |device: &Device<'_>| match device {
        Device::Name(name) | Device::Prefix(name) => Name::from(name.as_bytes()),
        Device::Unterminated(name) => Name::from(&**name),
    };
    let mut devices: Vec<_> = hook.devices.iter().map(name_of).collect();
    devices.extend(hook.device.as_ref().map(|name| Name::from(name.as_bytes())));
    Ok(Base {
        hook: number,
        priority,
        chain_type,
        policy: message.policy.unwrap_or(VerdictCode::ACCEPT),
        counters: message.counters.as_ref().map(read_counters).transpose()?,
        devices,
    })
}
