//! Whether jumps end, and whether what rules do may be done where they are reached from.

use std::collections::HashMap;

use nfnetlink::Errno;

use crate::state::{Base, Chain, Fits, Table};

/// `NFT_JUMP_STACK_SIZE`: a chain this many jumps below a base chain is too deep, as one in a loop is.
const MAX_LEVEL: usize = 16;

/// What is below a chain.
#[derive(Clone, Copy)]
struct Below {
    /// How many jumps the longest way down has.
    height: usize,
    fits: Fits,
}

/// Checks all that can be reached from the base chains of a table; linear in it.
///
/// What cannot be reached is not looked at, so loops may stand there.
pub(crate) fn validate(table: &Table) -> Result<(), Errno> {
    let mut seen = HashMap::new();
    let mut is_valid = |base: &Base, chain| {
        visit(table, chain, 0, &mut seen).is_ok_and(|below| below.fits.check(Fits::bit(base)).is_ok())
    };
    if table.chains().all(|chain| chain.base.as_ref().is_none_or(|base| is_valid(base, chain))) {
        return Ok(());
    }
    // Something is wrong; the kernel tells what it meets first.
    for chain in table.chains() {
        if let Some(base) = &chain.base {
            walk(table, chain, 0, Fits::bit(base), &mut HashMap::new())?;
        }
    }
    Ok(())
}

/// Looks at everything below a base chain in the order in which packets come by.
///
/// `right` are the chains that were looked at, with the level they were seen at. Recurses no deeper than [`MAX_LEVEL`].
fn walk(
    table: &Table,
    chain: &Chain,
    level: usize,
    bit: u32,
    right: &mut HashMap<u64, usize>,
) -> Result<(), Errno> {
    if level >= MAX_LEVEL {
        return Err(Errno::EMLINK);
    }
    if right.get(&chain.handle).is_some_and(|&seen| level <= seen) {
        return Ok(());
    }
    for entry in chain.live() {
        entry.rule.fits.check(bit)?;
        for target in entry.rule.callees(table).filter_map(|callee| table.chain(callee)) {
            walk(table, target, level + 1, bit, right)?;
        }
    }
    right.insert(chain.handle, level);
    Ok(())
}

/// Recurses no deeper than [`MAX_LEVEL`].
fn visit(table: &Table, chain: &Chain, level: usize, seen: &mut HashMap<u64, Below>) -> Result<Below, Errno> {
    if level >= MAX_LEVEL {
        return Err(Errno::EMLINK);
    }
    if let Some(&below) = seen.get(&chain.handle) {
        return if level + below.height < MAX_LEVEL { Ok(below) } else { Err(Errno::EMLINK) };
    }
    let mut below = Below { height: 0, fits: Fits::default() };
    // Most chains have nothing to be looked at.
    for entry in chain.live().take(if chain.demanding > 0 { usize::MAX } else { 0 }) {
        below.fits = below.fits.and(entry.rule.fits);
        for callee in entry.rule.callees(table) {
            let Some(target) = table.chain(callee) else { continue };
            let further = visit(table, target, level + 1, seen)?;
            below.height = below.height.max(further.height + 1);
            below.fits = below.fits.and(further.fits);
        }
    }
    seen.insert(chain.handle, below);
    Ok(below)
}
