use super::extension::Extension;
use super::value::{Scope, Sink, WriteValue};
use crate::model::protocol;
use crate::system::Services;
use std::fmt::{Display, Write as _};

/// Takes the form of extensions in a listing (`iptables -L`), which is made for reading, not for being read back.
#[derive(Debug)]
pub struct Lister<'a> {
    out: &'a mut String,
    scope: Scope,
    numeric: bool,
}

impl<'a> Lister<'a> {
    /// Appends to `out`, for a rule with this scope; with names of services and users if not `numeric`.
    pub const fn new(out: &'a mut String, scope: Scope, numeric: bool) -> Self {
        Self { out, scope, numeric }
    }

    /// Whether numbers are wanted rather than names.
    #[must_use]
    pub const fn is_numeric(&self) -> bool {
        self.numeric
    }

    /// Appends something; what an extension appends begins with a space.
    pub fn add(&mut self, what: impl Display) {
        let _ = write!(self.out, "{what}");
    }

    /// A port, by the service's name if there is one for the rule's protocol.
    pub fn port(&mut self, port: u16) {
        let protocol = self.scope.protocol.and_then(|protocol| protocol::known_name(protocol.value));
        match Services::system().name(port, protocol).filter(|_| !self.numeric) {
            Some(name) => self.out.push_str(name),
            None => self.add(port),
        }
    }

    /// A value as it stands in a saved rule.
    pub fn value(&mut self, value: &dyn WriteValue) {
        value.write_value(self.out, &self.scope);
    }

    /// One port or two with `:` between them.
    pub fn ports(&mut self, min: u16, max: u16) {
        self.port(min);
        if min != max {
            self.out.push(':');
            self.port(max);
        }
    }

    /// ` LABEL:PORT` or ` LABELs:PORT:PORT`; nothing if all ports are meant.
    pub fn labelled_ports(&mut self, label: &str, not: bool, min: u16, max: u16) {
        if (min, max) != (0, u16::MAX) || not {
            self.add(format_args!(" {label}{}:{}", if min == max { "" } else { "s" }, bang(not)));
            self.ports(min, max);
        }
    }

    /// Has `each` see the parameters that the extension prints: name, negation, text.
    pub fn each<T: Extension>(
        &mut self,
        extension: &T,
        mut each: impl FnMut(&mut Self, &'static str, bool, &str),
    ) {
        let mut params = Texts { texts: Vec::new(), scope: self.scope };
        extension.params(&mut params);
        for (name, not, text) in &params.texts {
            each(self, name, *not, text);
        }
    }

    /// ` LABEL:VALUE`, or ` LABELs:VALUE` where the value is a range.
    pub fn labelled(&mut self, label: &str, not: bool, text: &str) {
        self.out.push(' ');
        self.label(label, not, text);
    }

    /// The same without the space.
    pub fn label(&mut self, label: &str, not: bool, text: &str) {
        let plural = if text.contains(':') { "s" } else { "" };
        self.add(format_args!("{label}{plural}:{}{text}", bang(not)));
    }

    /// Each parameter as ` NAME VALUE`, with `!` before it if it is negated, and `prefix` before the name.
    pub fn plain<T: Extension>(&mut self, extension: &T, prefix: &str) {
        self.each(extension, |out, name, not, text| {
            out.add(format_args!("{} {prefix}{name}", if not { " !" } else { "" }));
            if !text.is_empty() {
                out.add(format_args!(" {text}"));
            }
        });
    }
}

/// `!` if something is negated.
#[must_use]
pub const fn bang(not: bool) -> &'static str {
    if not { "!" } else { "" }
}

struct Texts {
    texts: Vec<(&'static str, bool, String)>,
    scope: Scope,
}

impl Sink for Texts {
    fn param(&mut self, name: &'static str, not: bool, value: &dyn WriteValue) {
        let mut text = String::new();
        value.write_value(&mut text, &self.scope);
        self.texts.push((name, not, text));
    }
}
