use crate::cache::{Cache, CachedTable, Differences};
use crate::kernel::{Kernel, KernelError, Snapshot};
use crate::model::{Family, TableName};
use nfnetlink::Transport;
use std::collections::BTreeSet;

/// What a decision was made on: some chains of a table as they were read.
#[derive(Clone, Debug)]
pub struct Basis {
    family: Family,
    table: TableName,
    chains: BTreeSet<Box<str>>,
    read: CachedTable,
}

impl Basis {
    /// Reads chains of a table. Chains that there are not are remembered as such.
    pub fn read<T: Transport>(
        kernel: &mut Kernel<T>,
        family: Family,
        table: TableName,
        chains: impl IntoIterator<Item = impl Into<Box<str>>>,
    ) -> Result<Self, KernelError> {
        let chains: BTreeSet<Box<str>> = chains.into_iter().map(Into::into).collect();
        let read = kernel.read(|snapshot| read(snapshot, (family, table), &chains))?;
        Ok(Self { family, table, chains, read })
    }

    /// The table as it was read, with the rules of the chains that were asked for.
    #[must_use]
    pub const fn table(&self) -> &CachedTable {
        &self.read
    }

    /// What others have changed in these chains since.
    pub(super) fn differences<T: Transport>(
        &self,
        snapshot: &mut Snapshot<'_, T>,
    ) -> Result<Vec<Differences>, KernelError> {
        let place = (self.family, self.table);
        let now = read(snapshot, place, &self.chains)?;
        let differences = Differences::between(place, &self.read, &now, |chain| self.chains.contains(chain));
        Ok(if differences.is_empty() { Vec::new() } else { vec![differences] })
    }
}

fn read<T: Transport>(
    snapshot: &mut Snapshot<'_, T>,
    (family, table): (Family, TableName),
    chains: &BTreeSet<Box<str>>,
) -> Result<CachedTable, KernelError> {
    let mut cache = Cache::new();
    Ok(cache.table_where(snapshot, family, table, |chain| chains.contains(chain))?.clone())
}
