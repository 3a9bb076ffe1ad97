use super::domain::{Choice, Domain};
use crate::model::Family;

/// A word that a value, or its next part, can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The whole value up to the end of the word.
    pub text: String,
    /// What it means, in one line.
    pub help: String,
}

impl Domain {
    /// The words that can be named one by one, those in parts of the value among them.
    #[must_use]
    pub fn choices(&self, family: Family) -> Vec<&'static Choice> {
        match *self {
            Self::Choice(choices) | Self::Flags { choices, .. } => {
                choices.iter().filter(|choice| choice.families.has(family)).collect()
            }
            Self::Range { of, .. } | Self::Pair { of, .. } | Self::List { of, .. } => of.choices(family),
            Self::Words(parts) | Self::Joined { parts, .. } | Self::OneOf(parts) => {
                let mut all: Vec<&Choice> = Vec::new();
                for choice in parts.iter().flat_map(|part| part.choices(family)) {
                    if !all.iter().any(|known| known.name == choice.name) {
                        all.push(choice);
                    }
                }
                all
            }
            Self::PerFamily { .. } => self.of_family(family).choices(family),
            _ => Vec::new(),
        }
    }

    /// What `begun`, the beginning of a value, can be continued to, as far as that can be listed.
    ///
    /// In a list it is the part behind the last separator that is completed; words already there are not offered
    /// again.
    #[must_use]
    pub fn complete(&self, begun: &str, family: Family) -> Vec<Completion> {
        match *self {
            Self::Choice(choices) => continued("", begun, choices, family).collect(),
            Self::Flags { choices, separator } => {
                let (before, last) = split_last(begun, separator);
                let given: Vec<&str> = before.split(separator).collect();
                continued(before, last, choices, family)
                    .filter(|completion| {
                        !given.contains(&completion.text.get(before.len()..).unwrap_or_default())
                    })
                    .collect()
            }
            Self::List { of, separator, .. }
            | Self::Range { of, separator }
            | Self::Pair { of, separator } => {
                let (before, last) = split_last(begun, separator);
                let mut completions = of.complete(last, family);
                completions.iter_mut().for_each(|completion| completion.text.insert_str(0, before));
                completions
            }
            Self::Words(parts) => complete_part(parts, ' ', begun, family),
            Self::Joined { parts, separator } => complete_part(parts, separator, begun, family),
            Self::PerFamily { .. } => self.of_family(family).complete(begun, family),
            Self::OneOf(kinds) => kinds.iter().flat_map(|kind| kind.complete(begun, family)).collect(),
            Self::Rate { units, .. } => match begun.split_once('/') {
                Some((count, unit)) => units
                    .iter()
                    .filter(|known| known.starts_with(unit))
                    .map(|known| Completion { text: format!("{count}/{known}"), help: String::new() })
                    .collect(),
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

/// The words that start like `last`, behind what comes `before` it.
fn continued<'a>(
    before: &'a str,
    last: &'a str,
    choices: &'static [Choice],
    family: Family,
) -> impl Iterator<Item = Completion> + 'a {
    let begins = |name: &str| name.get(..last.len()).is_some_and(|start| start.eq_ignore_ascii_case(last));
    choices
        .iter()
        .filter(move |choice| choice.families.has(family) && begins(choice.name))
        .map(move |choice| Completion { text: format!("{before}{}", choice.name), help: choice.meaning() })
}

/// Completes that of several parts which is being typed.
fn complete_part(parts: &[Domain], separator: char, begun: &str, family: Family) -> Vec<Completion> {
    let (before, last) = split_last(begun, separator);
    let part = parts.get(before.matches(separator).count());
    let mut completions = part.map(|part| part.complete(last, family)).unwrap_or_default();
    completions.iter_mut().for_each(|completion| completion.text.insert_str(0, before));
    completions
}

/// What stands up to and with the last separator, and what stands behind it.
fn split_last(text: &str, separator: char) -> (&str, &str) {
    text.split_at(text.rfind(separator).map_or(0, |place| place + separator.len_utf8()))
}

#[cfg(test)]
mod tests {
    use crate::model::Family;
    use crate::registry::{Kind, Registry};

    fn complete(name: &str, param: &str, begun: &str) -> Vec<String> {
        let found = Registry::builtin().find(Kind::Match, name, Family::Ipv4).expect("a match");
        let param = found.param(param, Family::Ipv4).expect("a parameter");
        param.domain.complete(begun, Family::Ipv4).into_iter().map(|completion| completion.text).collect()
    }

    #[test]
    fn words_are_completed_behind_the_last_separator() {
        assert_eq!(complete("conntrack", "ctstate", "NEW,EST"), ["NEW,ESTABLISHED"]);
        assert!(!complete("conntrack", "ctstate", "NEW,").contains(&"NEW,NEW".to_owned()));
        assert_eq!(complete("pkttype", "pkt-type", "b"), ["broadcast"]);
        assert_eq!(complete("limit", "limit", "5/m"), ["5/minute"]);
        assert_eq!(complete("tcp", "tcp-flags", "SYN,ACK SY"), ["SYN,ACK SYN"]);
        assert!(complete("length", "length", "1").is_empty());
    }
}
