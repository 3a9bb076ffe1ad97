use super::build::{Builder, ParamError};
use super::describe::{Descriptor, Param};
use super::lookup::Registry;
use super::value::Scope;
use crate::model::{Family, Hook, TableName};

impl Registry {
    /// The extensions of a family, in the order in which they were added.
    pub fn of_family(&self, family: Family) -> impl Iterator<Item = &'static Descriptor> + '_ {
        self.all().iter().copied().filter(move |descriptor| descriptor.families.has(family))
    }

    /// The extensions that may stand in a table, reached from a hook if one is given.
    ///
    /// Single parameters can be narrower: [`Param::hooks`].
    pub fn in_place(
        &self,
        table: TableName,
        hook: Option<Hook>,
    ) -> impl Iterator<Item = &'static Descriptor> + '_ {
        self.all().iter().copied().filter(move |descriptor| {
            descriptor.tables.contains(table.as_set())
                && hook.is_none_or(|hook| {
                    descriptor.hooks.contains(hook.as_set()) && table.hooks().contains(&hook)
                })
        })
    }

    /// The extensions that carry `word`, in letters of either case, in their names or help or in those of their
    /// parameters; with the parameters that carry it.
    pub fn about<'a>(
        &'a self,
        word: &'a str,
    ) -> impl Iterator<Item = (&'static Descriptor, Vec<&'static Param>)> + 'a {
        let word = word.to_lowercase();
        self.all().iter().filter_map(move |descriptor| {
            let carries = |text: &str| text.to_lowercase().contains(&word);
            let param_carries = |param: &&Param| {
                carries(param.name)
                    || param.aliases.iter().any(|alias| carries(alias))
                    || carries(&param.help.text())
                    || Family::ALL.iter().any(|family| {
                        let choices = param.domain.choices(*family);
                        choices.iter().any(|choice| carries(choice.name) || carries(choice.help))
                    })
            };
            let params: Vec<_> = descriptor.params.iter().filter(param_carries).collect();
            let own = carries(descriptor.name)
                || descriptor.aliases.iter().any(|alias| carries(alias))
                || carries(&descriptor.help.text());
            (own || !params.is_empty()).then_some((*descriptor, params))
        })
    }
}

impl Descriptor {
    /// Why a parameter, which must be one of the extension's own, does not take `value`; `None` if it does.
    #[must_use]
    pub fn why_refused(
        &'static self,
        param: &'static Param,
        value: &str,
        not: bool,
        scope: &Scope,
    ) -> Option<ParamError> {
        Builder::new(self).set(param, value, not, scope).err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Kind;

    #[test]
    fn places_words_and_refusals() {
        let registry = Registry::builtin();
        let at = |table, hook| -> Vec<&str> {
            let there = registry.in_place(table, hook);
            there.filter(|found| found.kind == Kind::Target).map(|found| found.name).collect()
        };
        let postrouting = at(TableName::Nat, Some(Hook::Postrouting));
        assert!(postrouting.contains(&"MASQUERADE") && postrouting.contains(&"SNAT"));
        assert!(!postrouting.contains(&"REDIRECT"));
        assert!(at(TableName::Filter, Some(Hook::Postrouting)).is_empty());

        let about: Vec<&str> = registry.about("WEEKDAY").map(|(found, _)| found.name).collect();
        assert_eq!(about, ["time"]);

        let scope = Scope { family: Family::Ipv4, protocol: None };
        let length = registry.find(Kind::Match, "length", Family::Ipv4).expect("built in");
        let param = length.param("length", Family::Ipv4).expect("its only one");
        assert_eq!(length.why_refused(param, "5:6", false, &scope), None);
        let refusal = length.why_refused(param, "5:70000", false, &scope).expect("too long");
        assert!(refusal.to_string().contains("65535"), "{refusal}");
    }
}
