use super::fingerprint::Fingerprints;
use super::handles::Handles;
use super::list::{ItemId, Iter, List};
use super::table::callee;
use crate::kernel::{RuleEntry, RuleRef};
use crate::model::{Family, Rule};
use crate::nft::RuleBody;
use std::collections::HashMap;
use std::sync::Arc;

/// After this many rules were looked for by what they do, an index of that is made.
const SEARCHES: u32 = 2;

/// The rules of a chain, found by number, by handle and by what they do.
#[derive(Clone, Debug)]
pub struct ChainRules {
    family: Family,
    list: List<CachedRule>,
    /// Made when it is first needed.
    by_handle: Option<Box<Handles>>,
    by_content: Option<Box<Contents>>,
    searches: u32,
}

/// The rules that have each fingerprint.
#[derive(Clone, Debug, Default)]
struct Contents {
    fingerprints: Fingerprints,
    ids: HashMap<u64, Vec<ItemId>>,
}

/// A rule of the kernel, or one that a transaction puts there.
#[derive(Clone, Debug, PartialEq)]
pub struct CachedRule {
    /// By what it can be named.
    pub at: RuleRef,
    kind: Kind,
    /// Shared, so that moving and cloning are cheap.
    body: Arc<RuleBody>,
}

/// What is often asked of a rule, so that it is not to be read for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Foreign,
    /// It jumps or goes to a chain.
    Calling,
    Other,
}

impl ChainRules {
    /// No rules.
    #[must_use]
    pub fn new(family: Family) -> Self {
        Self { family, list: List::default(), by_handle: None, by_content: None, searches: 0 }
    }

    /// How many rules there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The rule at a place, from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&CachedRule> {
        self.list.get(index)
    }

    /// The rules in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, CachedRule> {
        self.list.iter()
    }

    /// Those of the rules that an iptables could have written.
    pub(crate) fn known(&self) -> impl Iterator<Item = &CachedRule> {
        self.iter().filter(|rule| !rule.is_foreign())
    }

    /// The place of the rule with this handle, from 0.
    pub fn index_of_handle(&mut self, handle: u64) -> Option<usize> {
        let list = &self.list;
        let index = self.by_handle.get_or_insert_with(|| {
            Box::new(Handles::of(list.with_ids().filter_map(|(id, rule)| Some((rule.handle()?, id)))))
        });
        let id =
            index.get(handle).filter(|&id| list.item(id).and_then(CachedRule::handle) == Some(handle))?;
        list.index_of(id)
    }

    /// The place of the first rule that does the same as this one, from 0.
    pub fn find(&mut self, rule: &Rule) -> Option<usize> {
        if self.by_content.is_none() {
            self.searches += 1;
            if self.searches <= SEARCHES {
                return self.list.iter().position(|own| own.does(rule));
            }
            self.index_content();
        }
        let contents = self.by_content.as_mut()?;
        let ids = contents.ids.get(&contents.fingerprints.of(self.family, rule))?;
        let same = ids.iter().filter(|&&id| self.list.item(id).is_some_and(|own| own.does(rule)));
        same.filter_map(|&id| self.list.index_of(id)).min()
    }

    /// Adds a rule behind all others.
    pub fn push(&mut self, rule: CachedRule) {
        self.insert(self.list.len(), rule);
    }

    /// Puts a rule at a place, from 0; those there and behind move on. Nothing is done if the place is beyond the
    /// end.
    pub fn insert(&mut self, index: usize, rule: CachedRule) {
        let handle = rule.handle();
        let fingerprint = self.fingerprint(&rule);
        let Some(id) = self.list.insert(index, rule) else { return };
        if let (Some(by_handle), Some(handle)) = (&mut self.by_handle, handle) {
            by_handle.insert(handle, id);
        }
        if let (Some(contents), Some(fingerprint)) = (&mut self.by_content, fingerprint) {
            contents.ids.entry(fingerprint).or_default().push(id);
        }
    }

    /// Takes out the rule at a place, from 0.
    pub fn remove(&mut self, index: usize) -> Option<CachedRule> {
        let (id, rule) = self.list.take(index)?;
        if let (Some(by_handle), Some(handle)) = (&mut self.by_handle, rule.handle()) {
            by_handle.remove(handle);
        }
        if let Some(fingerprint) = self.fingerprint(&rule)
            && let Some(Contents { ids: by_content, .. }) = self.by_content.as_deref_mut()
            && let Some(ids) = by_content.get_mut(&fingerprint)
        {
            ids.retain(|&other| other != id);
            if ids.is_empty() {
                by_content.remove(&fingerprint);
            }
        }
        Some(rule)
    }

    fn index_content(&mut self) {
        let mut contents = Box::<Contents>::default();
        for (id, rule) in self.list.with_ids() {
            if let Some(rule) = rule.known() {
                let fingerprint = contents.fingerprints.of(self.family, rule);
                contents.ids.entry(fingerprint).or_default().push(id);
            }
        }
        self.by_content = Some(contents);
    }

    fn fingerprint(&mut self, rule: &CachedRule) -> Option<u64> {
        let contents = self.by_content.as_mut()?;
        Some(contents.fingerprints.of(self.family, rule.known()?))
    }
}

impl CachedRule {
    /// A rule that can be named so and does this.
    #[must_use]
    pub fn new(at: RuleRef, body: RuleBody) -> Self {
        let kind = match &body {
            RuleBody::Foreign(_) => Kind::Foreign,
            RuleBody::Known(rule) if callee(rule).is_some() => Kind::Calling,
            RuleBody::Known(_) => Kind::Other,
        };
        Self { at, kind, body: Arc::new(body) }
    }

    /// What it does.
    #[must_use]
    pub fn body(&self) -> &RuleBody {
        &self.body
    }

    /// Whether no iptables could have written it.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        matches!(self.kind, Kind::Foreign)
    }

    /// The chain that it jumps or goes to.
    #[must_use]
    pub fn callee(&self) -> Option<&str> {
        if self.kind == Kind::Calling { callee(self.known()?) } else { None }
    }

    /// What it does, if an iptables could have written it.
    #[must_use]
    pub fn known(&self) -> Option<&Rule> {
        match &*self.body {
            RuleBody::Known(rule) => Some(rule),
            RuleBody::Foreign(_) => None,
        }
    }

    /// The kernel's number, if it has one yet.
    #[must_use]
    pub const fn handle(&self) -> Option<u64> {
        match self.at {
            RuleRef::Handle(handle) => Some(handle),
            RuleRef::Id(_) => None,
        }
    }

    /// Whether it does the same as `rule`, whatever either has counted.
    #[must_use]
    pub fn does(&self, rule: &Rule) -> bool {
        self.known().is_some_and(|own| own.does_the_same(rule))
    }
}

impl From<RuleEntry> for CachedRule {
    fn from(entry: RuleEntry) -> Self {
        Self::new(RuleRef::Handle(entry.handle), entry.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Target;
    use proptest::prelude::*;

    fn rule(target: u8) -> Rule {
        Rule { target: Target::Jump(target.to_string().into()), ..Rule::default() }
    }

    proptest! {
        #[test]
        fn rules_are_found_by_handle_and_by_what_they_do(
            edits in prop::collection::vec((0..3u8, any::<usize>(), 0..9u8), 0..200)
        ) {
            let mut rules = ChainRules::new(Family::Ipv4);
            let mut vector: Vec<(u64, u8)> = Vec::new();
            for (edit, (remove, place, target)) in edits.into_iter().enumerate() {
                // Some are far from the others.
                let handle = |edit: u64| if edit.is_multiple_of(7) { edit << 40 } else { edit };
                let (half, handle) = (handle(edit as u64 / 2), handle(edit as u64));
                if remove == 0 && !vector.is_empty() {
                    let place = place % vector.len();
                    vector.remove(place);
                    rules.remove(place);
                } else {
                    let place = place % (vector.len() + 1);
                    vector.insert(place, (handle, target));
                    let at = RuleRef::Handle(handle);
                    rules.insert(place, CachedRule::new(at, RuleBody::Known(rule(target))));
                }
                let by_content = vector.iter().position(|&(_, other)| other == target);
                prop_assert_eq!(rules.find(&rule(target)), by_content);
                let by_handle = vector.iter().position(|&(other, _)| other == half);
                prop_assert_eq!(rules.index_of_handle(half), by_handle);
            }
            let handles = rules.iter().filter_map(CachedRule::handle);
            prop_assert!(handles.eq(vector.iter().map(|&(handle, _)| handle)));
        }
    }
}
