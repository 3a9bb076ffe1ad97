use super::describe::{Descriptor, Param, Require};
use super::extension::{Instance, RuleScope};
use super::value::{Scope, ValueError};
use crate::model::Family;

/// Puts an extension together from its parameters, and checks what the description asks for.
#[derive(Debug)]
pub struct Builder {
    descriptor: &'static Descriptor,
    instance: Box<dyn Instance>,
    /// One bit per parameter, by its place in the description.
    given: u64,
    /// The first value that only the kernel refuses.
    left: Option<ParamError>,
}

/// What is wrong with a parameter of an extension.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{extension}: {problem}")]
pub struct ParamError {
    /// The extension's name.
    pub extension: &'static str,
    /// The parameter's name, where it is about one.
    pub param: Option<&'static str>,
    /// What is wrong.
    pub problem: ParamProblem,
}

/// The ways in which parameters can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamProblem {
    /// The value is refused.
    #[error("bad value for \"--{option}\": {reason}; it takes {accepts}")]
    Value {
        /// Of which option.
        option: &'static str,
        /// Why.
        reason: ValueError,
        /// What would be accepted.
        accepts: String,
    },
    /// `!` before an option that has no opposite.
    #[error("option \"--{0}\" cannot be inverted")]
    NotNegatable(&'static str),
    /// The option was there before.
    #[error("option \"--{0}\" cannot be used multiple times")]
    Repeated(&'static str),
    /// A required option is not there.
    #[error("option \"--{0}\" must be specified")]
    Missing(&'static str),
    /// Two options that exclude each other.
    #[error("option \"--{0}\" cannot be used together with \"--{1}\"")]
    Excludes(&'static str, &'static str),
    /// An option that needs another one.
    #[error("option \"--{0}\" also requires \"--{1}\"")]
    Needs(&'static str, &'static str),
    /// None of the options is there.
    #[error("at least one option is required")]
    NoneGiven,
    /// More than one of options that exclude each other.
    #[error("only one option is allowed")]
    MoreThanOne,
    /// The rule does not name a protocol that the extension works with.
    #[error("needs `-p` with one of {0}")]
    Protocol(String),
    /// The rule as a whole does not suit the extension.
    #[error("{0}")]
    Rule(ValueError),
}

impl Builder {
    /// Starts with every parameter at its default.
    #[must_use]
    pub fn new(descriptor: &'static Descriptor) -> Self {
        Self { descriptor, instance: descriptor.instance(), given: 0, left: None }
    }

    /// The extension that is being put together.
    #[must_use]
    pub const fn descriptor(&self) -> &'static Descriptor {
        self.descriptor
    }

    /// Sets a parameter, which must be one of the extension's own, from text. Where only the kernel would refuse the
    /// value, [`finish`](Self::finish) gives the error again.
    pub fn set(
        &mut self,
        param: &'static Param,
        text: &str,
        not: bool,
        scope: &Scope,
    ) -> Result<(), ParamError> {
        let error = |problem| Err(self.error(Some(param.name), problem));
        let Some(bit) = self.place(param).and_then(bit) else {
            return error(ParamProblem::Missing(param.name));
        };
        if not && !param.negatable {
            return error(ParamProblem::NotNegatable(param.name));
        }
        if self.given & bit != 0 && !param.repeatable {
            return error(ParamProblem::Repeated(param.name));
        }
        if let Err(reason) = param.set(&mut *self.instance, text, not, scope) {
            let reason = match reason {
                ValueError::OutOfRange { .. } | ValueError::TooLong { .. } | ValueError::UnknownName
                    if param.by_kernel =>
                {
                    reason.by_kernel()
                }
                reason => reason,
            };
            let is_left = reason.is_by_kernel();
            let problem =
                ParamProblem::Value { option: param.name, reason, accepts: param.domain.describe() };
            let error = self.error(Some(param.name), problem);
            if is_left {
                self.given |= bit;
                self.left.get_or_insert_with(|| error.clone());
            }
            return Err(error);
        }
        self.given |= bit;
        Ok(())
    }

    /// Checks what was given against the description and the rule.
    pub fn finish(self, rule: &RuleScope<'_>) -> Result<Box<dyn Instance>, ParamError> {
        match self.finish_as_iptables(rule)? {
            (instance, None) => Ok(instance),
            (_, Some(error)) => Err(error),
        }
    }

    /// Checks what iptables itself checks, and gives what it leaves to the kernel to refuse along with the instance.
    pub fn finish_as_iptables(
        mut self,
        rule: &RuleScope<'_>,
    ) -> Result<(Box<dyn Instance>, Option<ParamError>), ParamError> {
        let given = self.check_given(rule.family);
        let protocol = self.check_protocol(rule);
        let suits = self.instance.check(rule);
        let suits = suits.map_err(|reason| self.error(None, ParamProblem::Rule(reason)));
        let mut left = self.left.take();
        for error in [given, protocol, suits].into_iter().filter_map(Result::err) {
            if !self.is_by_kernel(&error.problem) {
                return Err(error);
            }
            left.get_or_insert(error);
        }
        Ok((self.instance, left))
    }

    /// Whether iptables leaves it to the kernel to refuse this.
    const fn is_by_kernel(&self, problem: &ParamProblem) -> bool {
        match problem {
            ParamProblem::Missing(_)
            | ParamProblem::Excludes(..)
            | ParamProblem::Needs(..)
            | ParamProblem::NoneGiven
            | ParamProblem::MoreThanOne => self.descriptor.by_kernel,
            ParamProblem::Protocol(_) => !self.descriptor.protocol_checked || self.given == 0,
            ParamProblem::Value { reason, .. } | ParamProblem::Rule(reason) => reason.is_by_kernel(),
            ParamProblem::NotNegatable(_) | ParamProblem::Repeated(_) => false,
        }
    }

    fn check_given(&self, family: Family) -> Result<(), ParamError> {
        let params = self.descriptor.params;
        let is_in = |place: usize| bit(place).is_some_and(|bit| self.given & bit != 0);
        let is_given = |name: &str| params.iter().position(|param| param.is_called(name)).is_some_and(is_in);
        let has_conditions =
            |param: &Param| param.required || !param.excludes.is_empty() || !param.needs.is_empty();
        let of_family = params.iter().enumerate().filter(|(_, param)| param.families.has(family));
        for (place, param) in of_family.filter(|(_, param)| has_conditions(param)) {
            let problem = if !is_in(place) {
                param.required.then_some(ParamProblem::Missing(param.name))
            } else if let Some(&other) = param.excludes.iter().find(|&&other| is_given(other)) {
                Some(ParamProblem::Excludes(param.name, other))
            } else {
                let missing = param.needs.iter().find(|&&other| !is_given(other));
                missing.map(|&other| ParamProblem::Needs(param.name, other))
            };
            if let Some(problem) = problem {
                return Err(self.error(Some(param.name), problem));
            }
        }
        let given = |names: &[&str]| names.iter().filter(|name| is_given(name)).count();
        let (most, count) = match self.descriptor.require {
            Require::Any => return Ok(()),
            Require::AtLeastOne => (usize::MAX, self.given.count_ones() as usize),
            Require::ExactlyOne => (1, self.given.count_ones() as usize),
            Require::AtLeastOneOf(names) => (names.len(), given(names)),
            Require::ExactlyOneOf(names) => (1, given(names)),
        };
        match count {
            0 => Err(self.error(None, ParamProblem::NoneGiven)),
            count if count > most => Err(self.error(None, ParamProblem::MoreThanOne)),
            _ => Ok(()),
        }
    }

    fn check_protocol(&self, rule: &RuleScope<'_>) -> Result<(), ParamError> {
        let wanted = self.descriptor.protocols;
        let named = rule.header.protocol.filter(|protocol| !protocol.not);
        if wanted.is_empty() || named.is_some_and(|protocol| wanted.contains(&protocol.value)) {
            return Ok(());
        }
        let names: Vec<String> = wanted.iter().map(|&number| crate::model::protocol::name(number)).collect();
        Err(self.error(None, ParamProblem::Protocol(names.join(", "))))
    }

    fn place(&self, param: &'static Param) -> Option<usize> {
        self.descriptor.params.iter().position(|own| std::ptr::eq(own, param))
    }

    const fn error(&self, param: Option<&'static str>, problem: ParamProblem) -> ParamError {
        ParamError { extension: self.descriptor.name, param, problem }
    }
}

/// The bit of the parameter at this place.
fn bit(place: usize) -> Option<u64> {
    1_u64.checked_shl(u32::try_from(place).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Header;
    use crate::registry::{Kind, Registry};

    #[test]
    fn what_only_the_kernel_refuses_is_refused_at_the_end_too() {
        let descriptor = Registry::builtin().find(Kind::Match, "hashlimit", Family::Ipv4).unwrap();
        let scope = Scope { family: Family::Ipv4, protocol: None };
        let mut builder = Builder::new(descriptor);
        let mut set = |name: &str, value: &str| {
            let param = descriptor.params.iter().find(|param| param.is_called(name)).unwrap();
            builder.set(param, value, false, &scope)
        };
        set("hashlimit-upto", "1/sec").unwrap();
        let refused = set("hashlimit-name", "a/b").unwrap_err();
        let header = Header::default();
        let rule = RuleScope { family: Family::Ipv4, table: None, chain: None, header: &header };
        assert_eq!(builder.finish(&rule).unwrap_err(), refused);
    }
}
