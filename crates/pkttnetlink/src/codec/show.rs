use std::fmt::{self, Write};

use super::value::RawAttribute;

/// Writes the readable form: one line per attribute, nests indented by two spaces, no newline at the end.
pub(crate) struct Printer<'a> {
    out: &'a mut dyn Write,
    indent: usize,
    empty: bool,
}

impl<'a> Printer<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, indent: 0, empty: true }
    }

    pub(crate) fn line(&mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        if !std::mem::take(&mut self.empty) {
            self.out.write_char('\n')?;
        }
        write!(self.out, "{:1$}{text}", "", self.indent)
    }

    pub(crate) fn nest(&mut self, name: &str, content: impl FnOnce(&mut Self) -> fmt::Result) -> fmt::Result {
        self.line(format_args!("{name}"))?;
        self.indented(content)
    }

    pub(crate) fn indented(&mut self, content: impl FnOnce(&mut Self) -> fmt::Result) -> fmt::Result {
        self.indent += 2;
        let result = content(self);
        self.indent -= 2;
        result
    }

    pub(crate) fn unknown(&mut self, attributes: &[RawAttribute<'_>]) -> fmt::Result {
        attributes.iter().try_for_each(|RawAttribute { raw_kind, value }| {
            self.line(format_args!("attribute {raw_kind} {value}"))
        })
    }
}
