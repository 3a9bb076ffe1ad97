//! Errors and what may have been meant; none of this runs for a line without an error.

use super::diagnostic::Diagnostic;
use super::line::Line;
use super::options::KNOWN;
use super::problem::Problem;
use super::suggest::{self, did_you_mean};
use crate::model::protocol;
use crate::registry::Kind;

impl<'a> Line<'_, '_, 'a> {
    pub(super) fn word(&self, index: usize) -> &'a str {
        self.words.get(index).unwrap_or_default()
    }

    /// A problem with the option.
    pub(super) fn error(&self, problem: Problem) -> Box<Diagnostic> {
        Diagnostic::at(self.words, self.at, problem)
    }

    /// A problem with the option's value.
    pub(super) fn value_error(&self, problem: Problem) -> Box<Diagnostic> {
        Diagnostic::at(self.words, self.cursor.last(), problem)
    }

    /// Something is missing behind the word that was read last.
    pub(super) fn missing(&self, problem: Problem) -> Box<Diagnostic> {
        let (offset, width) = self.words.place(self.cursor.last());
        Diagnostic::within(self.words.source(), offset + width, 0, problem)
    }

    pub(super) fn needs_argument(&self) -> Box<Diagnostic> {
        self.missing(Problem::NeedsArgument(self.word(self.at).into()))
    }

    pub(super) fn bad_argument(&self, word: &str) -> Box<Diagnostic> {
        let hint = if word == "COMMIT" {
            Some("COMMIT stands alone in its line".to_owned())
        } else if word.starts_with('*') && self.draft.restore {
            Some("the table before is not closed by COMMIT".to_owned())
        } else if self.at > 0 && self.not {
            Some("`!' comes before the option, not before its value".to_owned())
        } else {
            None
        };
        self.error(Problem::BadArgument(word.into())).hint(hint)
    }

    pub(super) fn unknown_match(&self, name: &str) -> Box<Diagnostic> {
        let (registry, family) = (self.parser.registry, self.parser.family);
        let all =
            registry.all().iter().filter(|other| other.kind == Kind::Match && other.families.has(family));
        let names = all.flat_map(|other| std::iter::once(&other.name).chain(other.aliases)).copied();
        let hint = if registry.find(Kind::Target, name, family).is_some() {
            Some(format!("`{name}' is a target: it goes behind -j"))
        } else {
            suggest::nearest(name, names).map(did_you_mean)
        };
        self.value_error(Problem::UnknownMatch(name.into())).hint(hint)
    }

    pub(super) fn unknown_option(&self, name: &str) -> Box<Diagnostic> {
        let problem = Problem::UnknownOption(self.word(self.at).split('=').next().unwrap_or_default().into());
        self.error(problem).hint(self.option_hint(name))
    }

    fn option_hint(&self, name: &str) -> Option<String> {
        let mut candidates: Vec<&str> = self.abbreviated(name).map(|(long, _)| long).collect();
        candidates.sort_unstable();
        candidates.dedup();
        if let [_, _, ..] = *candidates {
            return Some(format!("it could mean --{}", candidates.join(", --")));
        }
        let family = self.parser.family;
        let owners = self.parser.registry.all().iter().filter(|owner| owner.families.has(family));
        let owner = owners.clone().find(|owner| owner.param(name, family).is_some());
        if let Some(owner) = owner {
            let option = if owner.kind == Kind::Match { "-m" } else { "-j" };
            return Some(match (owner.kind, owner.protocols) {
                (Kind::Match, [protocol]) => format!(
                    "it belongs to -m {}, which needs -p {} before it",
                    owner.name,
                    protocol::name(*protocol)
                ),
                _ => format!("it belongs to {option} {}, which must come before it", owner.name),
            });
        }
        let loaded = self.parser.loaded.iter().flat_map(|loaded| loaded.builder.descriptor().params);
        let params = loaded.filter(|param| param.families.has(family)).map(|param| param.name);
        let base = KNOWN.iter().flat_map(|known| known.names).copied();
        let near = suggest::nearest(name, params.chain(base)).or_else(|| {
            let all = owners.flat_map(|owner| owner.params).map(|param| param.name);
            suggest::nearest(name, all)
        });
        near.map(|near| did_you_mean(&format!("--{near}")))
    }
}
