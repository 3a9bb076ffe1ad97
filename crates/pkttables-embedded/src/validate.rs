//! Whether jumps end, and whether what rules do may be done where they are reached from.

use std::collections::HashMap;

use nfnetlink::Errno;

use crate::state::{Chain, Fits, Table};

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
    for chain in table.chains() {
        let Some(base) = &chain.base else { continue };
        let Below { fits, .. } = visit(table, chain, 0, &mut seen)?;
        let bit = Fits::bit(base);
        if fits.native & bit == 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        if fits.xt & bit == 0 {
            return Err(Errno::EINVAL);
        }
    }
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
    for entry in chain.live() {
        below.fits = below.fits.and(entry.rule.fits);
        for jump in &entry.rule.jumps {
            let Some(target) = table.chain(jump.chain) else { continue };
            let further = visit(table, target, level + 1, seen)?;
            below.height = below.height.max(further.height + 1);
            below.fits = below.fits.and(further.fits);
        }
    }
    seen.insert(chain.handle, below);
    Ok(below)
}
