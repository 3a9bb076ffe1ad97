use std::collections::BTreeMap;

/// The chains whose rules call a chain, and how many rules of each do. Most chains are called by one.
#[derive(Clone, Debug)]
pub(super) enum Callers {
    One { caller: u32, rules: u32 },
    Many(BTreeMap<u32, u32>),
}

impl Default for Callers {
    fn default() -> Self {
        Self::One { caller: 0, rules: 0 }
    }
}

impl Callers {
    /// Notes a rule; tells whether it is the first one of this caller.
    pub(super) fn add(&mut self, caller: u32) -> bool {
        match self {
            Self::One { rules: 0, .. } => {
                *self = Self::One { caller, rules: 1 };
                true
            }
            Self::One { caller: known, rules } if *known == caller => {
                *rules += 1;
                false
            }
            &mut Self::One { caller: known, rules } => {
                *self = Self::Many([(known, rules), (caller, 1)].into());
                true
            }
            Self::Many(callers) => {
                let rules = callers.entry(caller).or_default();
                *rules += 1;
                *rules == 1
            }
        }
    }

    /// Notes that a rule is gone; tells whether it was the last one of this caller, `None` if there was none.
    pub(super) fn remove(&mut self, caller: u32) -> Option<bool> {
        let rules = match self {
            Self::One { caller: known, rules } => (*known == caller).then_some(rules),
            Self::Many(callers) => callers.get_mut(&caller),
        };
        let rules = rules.filter(|rules| **rules > 0)?;
        *rules -= 1;
        let is_last = *rules == 0;
        if let (true, Self::Many(callers)) = (is_last, self) {
            callers.remove(&caller);
        }
        Some(is_last)
    }

    /// The callers in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let (one, many) = match self {
            Self::One { caller, rules } => ((*rules > 0).then_some(*caller), None),
            Self::Many(callers) => (None, Some(callers.keys().copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_as_a_map_does(edits in prop::collection::vec((any::<bool>(), 0..4u32), 0..40)) {
            let mut callers = Callers::default();
            let mut map = BTreeMap::<u32, u32>::new();
            for (add, caller) in edits {
                if add {
                    let rules = map.entry(caller).or_default();
                    *rules += 1;
                    prop_assert_eq!(callers.add(caller), *rules == 1);
                } else {
                    let left = map.get_mut(&caller).map(|rules| { *rules -= 1; *rules });
                    map.retain(|_, rules| *rules > 0);
                    prop_assert_eq!(callers.remove(caller), left.map(|left| left == 0));
                }
                prop_assert!(callers.iter().eq(map.keys().copied()));
            }
        }
    }
}
