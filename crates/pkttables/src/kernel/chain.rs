use crate::model::{Counters, Hook, Policy, TableName};
use pkttnetlink::nft::{self, ChainFlags, VerdictCode};

/// A chain as the kernel has it, without its rules.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainEntry {
    /// The name.
    pub name: Box<str>,
    /// The number that the kernel gave it.
    pub handle: u64,
    /// How often it is used: by its own rules, by those that call it, and by elements of sets that do.
    pub uses: u32,
    /// What it is.
    pub kind: ChainKind,
}

/// What a chain of the kernel is to an iptables.
#[derive(Clone, Debug, PartialEq)]
pub enum ChainKind {
    /// One of the table's built-in chains, where it belongs.
    Builtin {
        /// Its hook.
        hook: Hook,
        /// What becomes of packets at its end.
        policy: Policy,
        /// What the policy has counted; `None` if the chain does not count.
        counters: Option<Counters>,
    },
    /// One that rules jump to.
    User,
    /// One that another program made and that an iptables has no place for, as it is.
    Foreign(Box<nft::Chain<'static>>),
}

impl ChainEntry {
    /// Reads what the kernel says of a chain in `table`.
    pub(super) fn new(table: TableName, chain: &nft::Chain<'_>) -> Self {
        let text = chain.name.as_ref().map(nft_text).unwrap_or_default();
        let kind = classify(table, chain)
            .unwrap_or_else(|| ChainKind::Foreign(Box::new(chain.clone().into_owned())));
        let uses = chain.use_count.unwrap_or_default();
        Self { name: text, handle: chain.handle.unwrap_or_default(), uses, kind }
    }

    /// Whether it is one of the table's built-in chains.
    #[must_use]
    pub const fn is_builtin(&self) -> bool {
        matches!(self.kind, ChainKind::Builtin { .. })
    }

    /// Whether an iptables has no place for it.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        matches!(self.kind, ChainKind::Foreign(_))
    }
}

fn nft_text(text: &pkttnetlink::Text<'_>) -> Box<str> {
    text.to_string_lossy().into()
}

/// `None` if an iptables has no place for it.
fn classify(table: TableName, chain: &nft::Chain<'_>) -> Option<ChainKind> {
    let name = chain.name.as_ref()?.as_str()?;
    let flags = chain.flags.unwrap_or_default();
    let Some(place) = &chain.hook else {
        return flags.is_empty().then_some(ChainKind::User);
    };
    let hook = table.hook(name)?;
    let fits = place.hook.is_some_and(|number| number.0 == hook.number())
        && place.priority == Some(table.priority(hook))
        && chain.chain_type.as_ref().is_some_and(|kind| *kind == table.chain_type(hook))
        && ChainFlags::BASE.contains(flags);
    let policy = match chain.policy {
        Some(VerdictCode::DROP) => Policy::Drop,
        None | Some(VerdictCode::ACCEPT) => Policy::Accept,
        Some(_) => return None,
    };
    let counters = chain.counters.as_ref().map(|counters| Counters {
        packets: counters.packets.unwrap_or_default(),
        bytes: counters.bytes.unwrap_or_default(),
    });
    fits.then_some(ChainKind::Builtin { hook, policy, counters })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pkttnetlink::nft::ChainHook;

    fn base(name: &'static str, hook: u32, priority: i32, chain_type: &'static str) -> nft::Chain<'static> {
        nft::Chain {
            name: Some(name.into()),
            hook: Some(ChainHook {
                hook: Some(nft::Hook(hook)),
                priority: Some(priority),
                ..ChainHook::default()
            }),
            chain_type: Some(chain_type.into()),
            policy: Some(VerdictCode::DROP),
            ..nft::Chain::default()
        }
    }

    #[test]
    fn built_in_chains_are_told_by_name_hook_priority_and_type() {
        let input = ChainEntry::new(TableName::Filter, &base("INPUT", 1, 0, "filter"));
        assert_eq!(
            input.kind,
            ChainKind::Builtin { hook: Hook::Input, policy: Policy::Drop, counters: None }
        );
        for foreign in [
            base("input", 1, 0, "filter"),
            base("INPUT", 2, 0, "filter"),
            base("INPUT", 1, -1, "filter"),
            base("INPUT", 1, 0, "route"),
            base("PREROUTING", 0, 0, "filter"),
        ] {
            assert!(ChainEntry::new(TableName::Filter, &foreign).is_foreign(), "{foreign:?}");
        }
        assert!(ChainEntry::new(TableName::Mangle, &base("OUTPUT", 3, -150, "route")).is_builtin());
    }

    #[test]
    fn a_chain_without_hook_is_the_users_unless_it_is_bound_to_a_rule() {
        let mut chain = nft::Chain { name: Some("INPUT".into()), ..nft::Chain::default() };
        assert_eq!(ChainEntry::new(TableName::Filter, &chain).kind, ChainKind::User);
        chain.flags = Some(ChainFlags::BINDING);
        assert!(ChainEntry::new(TableName::Filter, &chain).is_foreign());
    }
}
