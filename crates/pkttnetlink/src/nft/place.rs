use std::fmt;

use nfnetlink::{Attributes, Message};

use super::expr;
use super::message::Body;
use crate::Text;
use crate::codec::{Inside, LIST_ELEMENT};

/// A place in a message, by the names of the attributes that lead to it.
///
/// The kernel's extended acknowledgements point at one by its offset. In words it is for instance
/// `NFTA_RULE_EXPRESSIONS, element 3, match, NFTA_EXPR_DATA, NFTA_MATCH_INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// From the outermost attribute to the place.
    pub path: Vec<Step<'a>>,
}

/// A step on the way to a [`Place`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Into an attribute.
    Attribute(&'static str),
    /// Into an element of a list, the first being 0.
    Element(usize),
    /// Into an expression.
    Expression(Text<'a>),
    /// Into an attribute without a name here.
    Unknown(u16),
}

impl<'a> Place<'a> {
    /// What lies `offset` bytes from the start of a message of nf_tables or nft_compat, if there is an attribute.
    #[must_use]
    pub fn find(message: &Message<'a>, offset: u32) -> Option<Self> {
        let mut inside = Inside::Attributes(Body::attribute_names(message.header.kind)?);
        let mut siblings = message.netfilter().ok()?.1;
        let mut path = Vec::new();
        for attribute in message.attributes_at(offset) {
            let found = match inside {
                Inside::Nothing => None,
                Inside::Attributes(names) => find(names, attribute.kind()),
                Inside::Expression => {
                    let (name, names) = expr::describe(siblings);
                    path.push(Step::Expression(name));
                    find(&names, attribute.kind())
                }
            };
            path.push(match found {
                Some((LIST_ELEMENT, "NFTA_LIST_ELEM", _)) => {
                    Step::Element(position(siblings, attribute.offset))
                }
                Some((_, name, _)) => Step::Attribute(name),
                None => Step::Unknown(attribute.kind()),
            });
            inside = found.map_or(Inside::Nothing, |(.., inside)| inside);
            siblings = attribute.nested();
        }
        if let Inside::Expression = inside {
            path.push(Step::Expression(expr::describe(siblings).0));
        }
        (!path.is_empty()).then_some(Self { path })
    }

    /// Which of a rule's expressions it is in, the first being 0.
    #[must_use]
    pub fn expression(&self) -> Option<usize> {
        match self.path.as_slice() {
            [Step::Attribute("NFTA_RULE_EXPRESSIONS"), Step::Element(index), ..] => Some(*index),
            _ => None,
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.iter().enumerate().try_for_each(|(at, step)| {
            f.write_str(if at == 0 { "" } else { ", " })?;
            match step {
                Step::Attribute(name) => f.write_str(name),
                Step::Element(index) => write!(f, "element {index}"),
                Step::Expression(name) => write!(f, "{name}"),
                Step::Unknown(kind) => write!(f, "attribute {kind}"),
            }
        })
    }
}

type Named = (u16, &'static str, Inside);

fn find(names: &[Named], kind: u16) -> Option<Named> {
    names.iter().copied().find(|(number, ..)| *number == kind)
}

fn position(siblings: Attributes<'_>, offset: usize) -> usize {
    siblings.map_while(Result::ok).take_while(|sibling| sibling.offset < offset).count()
}

#[cfg(test)]
mod tests {
    use nfnetlink::{Header, Messages, Writer};

    use super::*;
    use crate::nft::expr::{Cmp, Counter, Immediate};
    use crate::nft::{self, Data, Family, Rule, Verdict, VerdictCode};

    #[test]
    fn every_attribute_of_a_rule_has_a_place() {
        let rule = Rule {
            table: Some("t".into()),
            expressions: vec![
                Counter::default().into(),
                Cmp { data: Some(Data::value(b"1234")), ..Cmp::default() }.into(),
                Immediate::verdict(Verdict::new(VerdictCode::DROP)).into(),
            ],
            ..Rule::default()
        };
        let mut writer = Writer::new();
        nft::Message::new(Family::IPV4, Body::NewRule(rule)).encode(&Header::default(), &mut writer).unwrap();
        let message = Messages::new(writer.as_bytes()).next().unwrap().unwrap();

        let mut places = Vec::new();
        for offset in (20..writer.len() as u32).step_by(4) {
            let place = Place::find(&message, offset).unwrap();
            assert!(!place.path.iter().any(|step| matches!(step, Step::Unknown(_))), "{place}");
            if places.last().is_none_or(|(last, _)| *last != place.to_string()) {
                places.push((place.to_string(), place.expression()));
            }
        }
        let text: Vec<_> = places.iter().map(|(text, _)| text.as_str()).collect();
        let cmp = "NFTA_RULE_EXPRESSIONS, element 1, cmp";
        assert!(text.contains(&"NFTA_RULE_TABLE"), "{text:?}");
        assert!(text.contains(&cmp), "{text:?}");
        assert!(text.contains(&&*format!("{cmp}, NFTA_EXPR_NAME")), "{text:?}");
        assert!(
            text.contains(&&*format!("{cmp}, NFTA_EXPR_DATA, NFTA_CMP_DATA, NFTA_DATA_VALUE")),
            "{text:?}"
        );
        let verdict = "NFTA_RULE_EXPRESSIONS, element 2, immediate, NFTA_EXPR_DATA, NFTA_IMMEDIATE_DATA, \
                       NFTA_DATA_VERDICT, NFTA_VERDICT_CODE";
        assert_eq!(places.last(), Some(&(verdict.to_owned(), Some(2))));
        assert_eq!(Place::find(&message, 16), None);
    }
}
