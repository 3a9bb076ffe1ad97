use nfnetlink::{Errno, Flags};
use pkttnetlink::nft::{Family, SetFlags, Table as TableMessage, TableFlags, kind};

use super::check_name;
use crate::refusal::Refusal;
use crate::reply::{self, RuleAt};
use crate::state::Table;
use crate::transaction::{Request, Transaction};

const NAME: u16 = 1;
const HANDLE: u16 = 4;

impl Transaction<'_> {
    pub(crate) fn new_table(&mut self, request: &Request, message: &TableMessage<'_>) -> Result<(), Refusal> {
        if !matches!(
            request.family,
            Family::INET | Family::IPV4 | Family::ARP | Family::NETDEV | Family::BRIDGE | Family::IPV6
        ) {
            return Err(Errno::EOPNOTSUPP.into());
        }
        check_name(message.name.as_ref(), NAME)?;
        let handle = match self.table(request.family, message.name.as_ref(), NAME) {
            Ok(_) if request.flags.contains(Flags::EXCL) => return Err(Refusal::at(Errno::EEXIST, NAME)),
            Ok(_) if request.flags.contains(Flags::REPLACE) => return Err(Errno::EOPNOTSUPP.into()),
            Ok(table) => {
                let (handle, present) = (table.handle, table.flags);
                match message.flags {
                    Some(flags) if flags != present => self.update_table(handle, flags)?,
                    _ => return Ok(()),
                }
                handle
            }
            Err(refusal) if refusal.errno == Errno::ENOENT => self.add_table(request, message)?,
            Err(refusal) => return Err(Refusal::new(refusal.errno)),
        };
        self.event(request, Flags::CREATE | Flags::EXCL, |envelope, ruleset, writer| {
            ruleset.table_by_handle(handle).map_or(Ok(()), |table| reply::table(envelope, table, writer))
        });
        Ok(())
    }

    fn add_table(&mut self, request: &Request, message: &TableMessage<'_>) -> Result<u64, Refusal> {
        let flags = message.flags.unwrap_or_default();
        if !(TableFlags::DORMANT | TableFlags::OWNER | TableFlags::PERSIST).contains(flags) {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let name = message.name.as_ref().map_or(&b""[..], |name| name.as_bytes());
        let handle = self.ruleset.new_handle();
        let mut table = Table::new(request.family, name, handle);
        table.flags = flags;
        table.owner = flags.contains(TableFlags::OWNER).then_some(self.port);
        table.user_data = message.user_data.as_deref().map(Box::from).unwrap_or_default();
        self.ruleset.add_table(table);
        self.changed = true;
        Ok(handle)
    }

    fn update_table(&mut self, handle: u64, flags: TableFlags) -> Result<(), Refusal> {
        let port = self.port;
        let present = self.ruleset.table_by_handle(handle).map(|table| table.flags).unwrap_or_default();
        let changed = flags.symmetric_difference(present);
        if !(TableFlags::DORMANT | TableFlags::OWNER | TableFlags::PERSIST).contains(flags)
            || changed.contains(TableFlags::PERSIST)
            || changed.contains(TableFlags::OWNER) && present.contains(TableFlags::OWNER)
        {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let table = self.table_mut(handle)?;
        table.flags = flags;
        table.owner = flags.contains(TableFlags::OWNER).then_some(port);
        Ok(())
    }

    pub(crate) fn delete_table(
        &mut self,
        request: &Request,
        message: &TableMessage<'_>,
    ) -> Result<(), Refusal> {
        if request.family == Family::UNSPEC || message.name.is_none() && message.handle.is_none() {
            return self.delete_tables(request, message);
        }
        let found = match message.handle {
            Some(handle) => {
                let table =
                    self.ruleset.table_by_handle(handle).filter(|table| table.family == request.family);
                table.ok_or(Refusal::at(Errno::ENOENT, HANDLE)).and_then(|table| {
                    if table.owner.is_some_and(|owner| owner != self.port) {
                        return Err(Refusal::at(Errno::EPERM, HANDLE));
                    }
                    Ok(table)
                })
            }
            None => self.table(request.family, message.name.as_ref(), NAME),
        };
        let table = match found {
            Err(refusal) if request.destroy && refusal.errno == Errno::ENOENT => return Ok(()),
            found => found?,
        };
        if request.flags.contains(Flags::NONREC) && table.use_count() > 0 {
            return Err(Errno::EBUSY.into());
        }
        let handle = table.handle;
        self.remove_table(request, handle);
        Ok(())
    }

    /// Deletes all tables of a family, or of a name in any family, that no other socket owns.
    fn delete_tables(&mut self, request: &Request, message: &TableMessage<'_>) -> Result<(), Refusal> {
        let wanted = |table: &&Table| {
            (request.family == Family::UNSPEC || request.family == table.family)
                && table.owner.is_none_or(|owner| owner == self.port)
                && message.name.as_ref().is_none_or(|name| *name.as_bytes() == *table.name)
        };
        let handles: Vec<_> = self.ruleset.tables().filter(wanted).map(|table| table.handle).collect();
        for handle in handles {
            self.remove_table(request, handle);
        }
        Ok(())
    }

    fn remove_table(&mut self, request: &Request, handle: u64) {
        let Some(table) = self.ruleset.remove_table(handle) else { return };
        self.changed = true;
        for chain in table.chains() {
            for entry in chain.live() {
                let at = RuleAt { table: &table, chain, entry, previous: None };
                self.event(request, Flags::default(), |envelope, _, writer| {
                    reply::rule(kind::DELETE_RULE, envelope, at, writer)
                });
                let sets =
                    entry.rule.references.iter().filter_map(|reference| table.sets.get(reference.set()?));
                for set in sets.filter(|set| set.has(SetFlags::ANONYMOUS)) {
                    self.event(request, Flags::default(), |envelope, _, writer| {
                        reply::deleted_set(envelope, &table, set, writer)
                    });
                }
            }
        }
        for flowtable in table.flowtables.iter() {
            self.event(request, Flags::default(), |envelope, _, writer| {
                reply::flowtable(kind::DELETE_FLOWTABLE, envelope, &table, flowtable, writer)
            });
        }
        for set in table.sets.iter().filter(|set| !set.has(SetFlags::ANONYMOUS)) {
            self.event(request, Flags::default(), |envelope, _, writer| {
                reply::deleted_set(envelope, &table, set, writer)
            });
        }
        for object in table.objects.iter() {
            self.event(request, Flags::default(), |envelope, _, writer| {
                reply::object(kind::DELETE_OBJECT, envelope, &table, object, writer)
            });
        }
        for chain in table.chains() {
            self.event(request, Flags::default(), |envelope, _, writer| {
                reply::deleted_chain(envelope, &table, chain, writer)
            });
        }
        self.event(request, Flags::default(), |envelope, _, writer| {
            reply::deleted_table(envelope, &table, writer)
        });
    }
}
