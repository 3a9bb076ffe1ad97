//! The options that say which packets a rule is about and what happens to them.

use super::address::Addresses;
use super::diagnostic::Diagnostic;
use super::header::{interface_condition, lowercase, protocol_condition};
use super::line::Line;
use super::number::leading_u64;
use super::options::Base;
use super::parser::{Loaded, MAX_NAME, Warning};
use super::problem::Problem;
use super::suggest;
use crate::model::{Counters, Family, Negatable, Target, Verdict};
use crate::registry::Builder;

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

impl<'a> Line<'_, '_, 'a> {
    pub(super) fn addresses(&mut self, option: Base, value: &'a str) -> Result<()> {
        self.once(option)?;
        let addresses = Addresses::parse(value, self.parser.family, self.parser.resolver);
        let addresses = addresses.map_err(|problem| self.value_error(problem))?;
        if self.not && !addresses.others.is_empty() {
            return Err(self.value_error(Problem::NotSeveralAddresses));
        }
        self.draft.set_addresses(option, addresses, self.not);
        Ok(())
    }

    pub(super) fn protocol(&mut self, value: &'a str) -> Result<()> {
        self.once(Base::Protocol)?;
        let name = lowercase(value);
        let protocol = protocol_condition(&name, self.not).map_err(|problem| {
            let names = ["tcp", "udp", "icmp", "icmpv6", "sctp", "dccp", "esp", "ah", "gre", "all"];
            let hint = suggest::nearest(&name, names).map(suggest::did_you_mean);
            self.value_error(problem).hint(hint)
        })?;
        // Routing, fragment, authentication and destination options headers.
        if self.parser.family == Family::Ipv6
            && protocol.is_some_and(|protocol| !protocol.not && matches!(protocol.value, 43 | 44 | 51 | 60))
        {
            self.parser.warnings.push(Warning::NeverMatchedProtocol(name.as_ref().into()));
        }
        self.draft.header.protocol = protocol;
        self.draft.protocol_match = Some((name, self.cursor.last()));
        Ok(())
    }

    pub(super) fn interface(&mut self, option: Base, value: &'a str) -> Result<()> {
        self.once(option)?;
        let condition = interface_condition(value, self.not).map_err(|problem| self.value_error(problem))?;
        if value.contains(['/', ' ']) {
            self.parser.warnings.push(Warning::OddInterface(value.into()));
        }
        if option == Base::InInterface {
            self.draft.header.in_interface = condition;
        } else {
            self.draft.header.out_interface = condition;
        }
        Ok(())
    }

    pub(super) fn fragments(&mut self) -> Result<()> {
        if self.parser.family == Family::Ipv6 {
            return Err(self.error(Problem::FragmentIpv6));
        }
        self.once(Base::Fragments)?;
        self.draft.header.fragment = Some(Negatable { value: (), not: self.not });
        Ok(())
    }

    pub(super) fn goto(&mut self, chain: &'a str) -> Result<()> {
        self.once(Base::Jump)?;
        self.check_target_name(chain)?;
        self.draft.jump = Some(chain);
        self.draft.target = Target::Goto(chain.into());
        Ok(())
    }

    pub(super) fn jump(&mut self, name: &'a str) -> Result<()> {
        self.once(Base::Jump)?;
        self.check_target_name(name)?;
        if name == "CONTINUE" {
            return Ok(());
        }
        self.draft.jump = Some(name);
        if let Some(opaque) = self.opaque(name)? {
            self.draft.target = Target::Opaque(opaque);
            return Ok(());
        }
        let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.name() == name);
        self.draft.target = if let Some(verdict) = verdict {
            Target::Verdict(verdict)
        } else if let Some(descriptor) = self.parser.target(name) {
            self.parser.loaded.push(Loaded { builder: Builder::new(descriptor), word: self.cursor.last() });
            Target::None
        } else {
            Target::Jump(name.into())
        };
        Ok(())
    }

    pub(super) fn load_match(&mut self, name: &'a str) -> Result<()> {
        if self.not {
            return Err(self.error(Problem::UnexpectedNot("match")));
        }
        if name.len() > MAX_NAME {
            return Err(self.value_error(Problem::MatchTooLong(name.into())));
        }
        if let Some(opaque) = self.opaque(name)? {
            self.draft.opaque.push((self.parser.loaded.len(), opaque));
            return Ok(());
        }
        let Some(descriptor) = self.parser.find_match(name) else {
            return Err(self.unknown_match(name));
        };
        self.parser.loaded.push(Loaded { builder: Builder::new(descriptor), word: self.cursor.last() });
        Ok(())
    }

    pub(super) fn counters(&mut self, value: &'a str) -> Result<()> {
        self.once(Base::Counters)?;
        let (packets, bytes) = match value.split_once(',') {
            Some(pair) => pair,
            None => match self.cursor.plain_word() {
                Some(bytes) => (value, bytes),
                None => return Err(self.missing(Problem::CountersNeeded)),
            },
        };
        let number =
            |text, what| leading_u64(text).ok_or_else(|| self.value_error(Problem::CounterNotNumeric(what)));
        let counters = Counters { packets: number(packets, "packet")?, bytes: number(bytes, "byte")? };
        self.draft.counters = Some(counters);
        Ok(())
    }

    pub(super) fn check_target_name(&self, name: &str) -> Result<()> {
        let problem = if name.is_empty() {
            Problem::TargetEmpty
        } else if name.len() > MAX_NAME {
            Problem::TargetTooLong(name.into())
        } else if name.bytes().any(|byte| byte.is_ascii_whitespace()) {
            Problem::TargetBlank(name.into())
        } else {
            return Ok(());
        };
        Err(self.value_error(problem))
    }
}
