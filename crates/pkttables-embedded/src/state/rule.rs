use nfnetlink::{Errno, Writer};
use pkttnetlink::Text;
use pkttnetlink::nft::expr::Immediate;
use pkttnetlink::nft::{Verdict, VerdictCode};

use super::chain::{Base, ChainType};
use super::table::Table;

/// A rule, in the form in which it is dumped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    /// Its expressions as elements of a list, without the jumps.
    pub(crate) expressions: Box<[u8]>,
    /// Its jumps in order. They are written when it is dumped, since chains can be renamed.
    pub(crate) jumps: Box<[Jump]>,
    /// What its expressions name besides chains.
    pub(crate) references: Box<[Reference]>,
    pub(crate) user_data: Box<[u8]>,
    /// Where it may be reached from.
    pub(crate) fits: Fits,
}

/// A jump or goto within a rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jump {
    /// Before which byte of the expressions it stands.
    pub(crate) at: u32,
    pub(crate) code: VerdictCode,
    /// The handle of the chain it leads to.
    pub(crate) chain: u64,
}

/// Something else of the table, by its handle. It is written by name: only chains can be renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    Set(u64),
    /// A verdict map, whose elements decide where the rule leads.
    Verdicts(u64),
    /// A set that packets add to.
    Updated(u64),
    Object(u64),
    Flowtable(u64),
}

impl Reference {
    /// The set that is referred to.
    pub(crate) const fn set(self) -> Option<u64> {
        match self {
            Self::Set(handle) | Self::Verdicts(handle) | Self::Updated(handle) => Some(handle),
            Self::Object(_) | Self::Flowtable(_) => None,
        }
    }
}

impl Rule {
    /// Whether it jumps, or may not be reached from everywhere.
    pub(crate) fn is_demanding(&self) -> bool {
        !self.jumps.is_empty()
            || self.fits != Fits::default()
            || self.references.iter().any(|reference| matches!(reference, Reference::Verdicts(_)))
    }

    /// The chains that it leads to, by its own jumps and by those of maps.
    pub(crate) fn callees<'t>(&'t self, table: &'t Table) -> impl Iterator<Item = u64> + 't {
        let maps = self.references.iter().filter_map(|reference| match reference {
            Reference::Verdicts(handle) => table.sets.get(*handle),
            _ => None,
        });
        let of_maps = maps.flat_map(|set| set.elements().filter_map(|(_, element)| element.value.chain()));
        self.jumps.iter().map(|jump| jump.chain).chain(of_maps)
    }

    /// Writes the elements of the list of expressions.
    pub(crate) fn write_expressions(&self, table: &Table, writer: &mut Writer) {
        let mut written = 0;
        for jump in &self.jumps {
            let at = jump.at as usize;
            writer.bytes(self.expressions.get(written..at).unwrap_or_default());
            written = at;
            let name = table.chain(jump.chain).map(|chain| Text::new(&chain.name)).unwrap_or_default();
            Immediate::verdict(Verdict::to_chain(jump.code, name)).encode_element(writer);
        }
        writer.bytes(self.expressions.get(written..).unwrap_or_default());
    }
}

/// The base chains from which something may be reached: a bit for each type and hook.
///
/// Native expressions and xt targets are refused with different errors, so they are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fits {
    pub(crate) native: u32,
    pub(crate) xt: u32,
}

impl Fits {
    const HOOKS: u32 = 8;

    /// All base chains of one of the `types` and at a hook of the mask `hooks`.
    pub(crate) fn mask(types: &[ChainType], hooks: u32) -> u32 {
        let hooks = hooks & ((1 << Self::HOOKS) - 1);
        types.iter().fold(0, |mask, &chain_type| mask | hooks << (chain_type as u32 * Self::HOOKS))
    }

    /// Only what fits both.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self { native: self.native & other.native, xt: self.xt & other.xt }
    }

    /// Whether the base chain of this bit is among them.
    pub(crate) const fn check(self, bit: u32) -> Result<(), Errno> {
        if self.native & bit == 0 {
            Err(Errno::EOPNOTSUPP)
        } else if self.xt & bit == 0 {
            Err(Errno::EINVAL)
        } else {
            Ok(())
        }
    }

    /// The bit of a base chain.
    pub(crate) const fn bit(base: &Base) -> u32 {
        1 << (base.chain_type as u32 * Self::HOOKS + base.hook % Self::HOOKS)
    }
}

impl Default for Fits {
    fn default() -> Self {
        Self { native: u32::MAX, xt: u32::MAX }
    }
}
