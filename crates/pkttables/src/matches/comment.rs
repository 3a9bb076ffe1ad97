//! `-m comment`: carries a remark.

use crate::domain::Text;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Context, Domain, Extension, Lister, Outcome, Revision, Scope, Value, ValueError};
use nfnetlink::wire::Problem;

/// The `comment` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comment {
    /// The remark.
    pub comment: Remark,
}

/// What a comment says: at most 255 bytes (`XT_MAX_COMMENT_LEN` less the NUL).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Remark(Text<{ Self::MAX }>);

extension! {
    /// Attach a remark to the rule; matches every packet.
    ///
    /// The kernel keeps the remark and does nothing with it.
    match "comment" => Comment {} params {
        /// The remark, of which the first 255 bytes are kept.
        "comment": Remark {
            set: |m, comment, _| m.comment = comment,
            get: |m| Some((m.comment.clone(), false)),
            required: true,
        }
    }
}

impl Extension for Comment {
    fn matches(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        Outcome::Match
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 256,
        families: Families::all(),
        encode: |m, w| {
            w.c_string(m.comment.as_str().as_bytes(), 256);
            Ok(())
        },
        decode: |r, _| {
            let at = r.error("comment", Problem::String);
            let text = std::str::from_utf8(r.c_string(256, "comment")?).map_err(|_| at)?;
            Ok(Some(Self { comment: Remark(Text::new(text).map_err(|_| at)?) }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" /* {} */", self.comment.0.as_str()));
    }
}

impl Remark {
    /// The most bytes it has.
    pub const MAX: usize = 255;

    /// Takes as much of `text` as there is room for; an error if it contains a NUL.
    pub fn new(text: &str) -> Result<Self, ValueError> {
        let end = (0..=Self::MAX.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
        let kept = end.and_then(|end| text.get(..end)).unwrap_or_default();
        Text::new(kept).map(Self)
    }

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Value for Remark {
    const DOMAIN: Domain = Domain::Text { min: 0, max: usize::MAX, forbidden: "" };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        Self::new(text)
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        self.0.write(out, scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{layout_cases, text_cases};
    use crate::registry::{Describe, NoSets};

    #[test]
    fn saved_forms() {
        text_cases! { Comment, Ipv4:
            "--comment foo" => same, "--comment a.b" => "--comment \"a.b\"", "--comment a_b-c" => same,
            "--comment don't" => "--comment \"don\\'t\"", "! --comment x" => fails, "" => fails, "--comment" => fails,
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_between_characters() {
        assert_eq!(Remark::new(&"x".repeat(300)).map(|remark| remark.as_str().len()), Ok(255));
        assert_eq!(Remark::new(&"é".repeat(300)).map(|remark| remark.as_str().len()), Ok(254));
    }

    #[test]
    fn bytes_that_are_no_text_are_not_understood() {
        let mut info = [0; 256];
        info[0] = 0xff;
        let decoded = Comment::DESCRIPTOR.decode(0, Family::Ipv4, &info, &NoSets);
        assert!(decoded.is_some_and(|decoded| decoded.is_err()));
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Comment, Ipv4: "--comment foo", 0 => "666f6f" }
    }
}
