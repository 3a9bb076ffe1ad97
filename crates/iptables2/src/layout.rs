//! The layout of `-L`: a heading for each chain, a row for each rule.

use pkttables::model::{
    AddressMask, Counters, Family, Header, InterfacePattern, Match, Negatable, Policy, Rule, Target, protocol,
};
use pkttables::nft::RuleBody;
use pkttables::registry::{Lister, Scope, bang};
use pkttables::system::Protocols;
use pkttables::text::Output;
use std::fmt::Write as _;
use std::net::IpAddr;

/// How rows look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) family: Family,
    pub(crate) output: Output,
    /// In columns; otherwise as `-v` of an edit shows its rule.
    pub(crate) columns: bool,
}

/// What the heading of a chain tells.
#[derive(Clone, Copy, Debug)]
pub(crate) enum About {
    Builtin(Policy, Counters),
    User { references: u32 },
}

impl Layout {
    pub(crate) fn heading(&self, out: &mut String, chain: &str, about: About) {
        let _ = write!(out, "Chain {chain}");
        let _ = match about {
            About::Builtin(policy, Counters { packets, bytes }) if self.output.verbose > 0 => {
                let (packets, bytes) = (self.count(packets, 0), self.count(bytes, 0));
                writeln!(out, " (policy {} {packets} packets, {bytes} bytes)", policy.name())
            }
            About::Builtin(policy, _) => writeln!(out, " (policy {})", policy.name()),
            About::User { references } => writeln!(out, " ({references} references)"),
        };
        if self.output.line_numbers {
            out.push_str("num  ");
        }
        match (self.output.verbose > 0, self.output.exact) {
            (true, true) => out.push_str("    pkts      bytes "),
            (true, false) => out.push_str(" pkts bytes "),
            (false, _) => {}
        }
        out.push_str("target     prot opt");
        if self.output.verbose > 0 {
            out.push_str(" in     out    ");
        }
        out.push_str(" source               destination         \n");
    }

    pub(crate) fn row(&self, out: &mut String, number: u32, handle: u64, body: &RuleBody) {
        if self.output.line_numbers && self.columns {
            let _ = write!(out, "{number:<4} ");
        }
        match body {
            RuleBody::Known(rule) => self.rule(out, rule),
            RuleBody::Foreign(rule) => {
                let names: Vec<String> =
                    rule.expressions.iter().map(|part| part.name().to_string()).collect();
                let _ = write!(out, "(rule of another program, handle {handle}: {})", names.join(", "));
            }
        }
        out.push('\n');
    }

    pub(crate) fn rule(&self, out: &mut String, rule: &Rule) {
        let header = &rule.header;
        let verbose = self.output.verbose > 0;
        if verbose && self.columns {
            let Counters { packets, bytes } = rule.counters.unwrap_or_default();
            let width = if self.output.exact { 8 } else { 5 };
            let (packets, bytes) = (self.count(packets, width), self.count(bytes, width));
            let _ = write!(out, "{packets} {bytes} ");
        }
        let (protocol, not) = self.protocol(header);
        let space = |not| if not { '!' } else { ' ' };
        let _ = if self.columns {
            write!(out, "{:<9} {}{protocol:<4} ", target_name(&rule.target), space(not))
        } else {
            write!(out, "{} {}{protocol} opt ", target_name(&rule.target), space(not))
        };
        out.push_str(match (self.family, header.fragment) {
            (Family::Ipv6, _) | (_, None) => "-- ",
            (_, Some(fragment)) if fragment.not => "!f ",
            _ => "-f ",
        });
        let (came, goes) = (self.interface(header.in_interface), self.interface(header.out_interface));
        let _ = match (verbose, self.columns) {
            (true, true) => write!(out, " {came:<6} {goes:<6} "),
            (true, false) => write!(out, "in {came} out {goes} "),
            (false, _) => Ok(()),
        };
        let (source, not_source) = self.address(header.source);
        let (destination, not_destination) = self.address(header.destination);
        let (from, to) = (space(not_source), space(not_destination));
        let _ = match self.columns {
            true => write!(out, "{from}{source:<19} {to}{destination:<19} "),
            false => write!(out, "{from}{source} {to}-> {destination}  "),
        };
        if matches!(rule.target, Target::Goto(_)) {
            out.push_str("[goto] ");
        }
        let scope = Scope { family: self.family, protocol: header.protocol };
        let mut lister = Lister::new(out, scope, self.output.numeric);
        for part in &rule.matches {
            match part {
                Match::Known(instance) => instance.list(&mut lister),
                Match::Opaque(opaque) => {
                    lister.add(format_args!(" {} (unknown revision {})", opaque.name, opaque.revision));
                }
            }
        }
        match &rule.target {
            Target::Known(instance) => instance.list(&mut lister),
            Target::Opaque(opaque) => lister.add(format_args!(" (unknown revision {})", opaque.revision)),
            Target::None | Target::Verdict(_) | Target::Jump(_) | Target::Goto(_) => {}
        }
    }

    /// The name, and whether it is negated.
    fn protocol(&self, header: &Header) -> (String, bool) {
        let Some(Negatable { value, not }) = header.protocol else { return ("all".into(), false) };
        let known = protocol::known_name(value);
        let name = known.or_else(|| Protocols::system().name(value).filter(|_| !self.output.numeric));
        (name.map_or_else(|| value.to_string(), str::to_owned), not)
    }

    fn interface(&self, interface: Option<Negatable<InterfacePattern>>) -> String {
        let Some(Negatable { value, not }) = interface else {
            return if self.output.numeric { "*" } else { "any" }.into();
        };
        let plus = if value.is_prefix() { "+" } else { "" };
        format!("{}{}{plus}", bang(not), String::from_utf8_lossy(value.name()))
    }

    /// The text, and whether it is negated.
    fn address(&self, address: Option<Negatable<AddressMask>>) -> (String, bool) {
        let Some(Negatable { value, not }) = address else {
            let all = match (self.output.numeric, self.family) {
                (false, _) => "anywhere",
                (true, Family::Ipv4) => "0.0.0.0/0",
                (true, Family::Ipv6) => "::/0",
            };
            return (all.into(), false);
        };
        let text = value.to_string();
        let (address, mask) = text.split_once('/').unwrap_or((&text, ""));
        let parsed: Option<IpAddr> = address.parse().ok().filter(|_| !self.output.numeric);
        if matches!(parsed, Some(IpAddr::V6(address)) if address.is_unspecified()) {
            return ("anywhere".into(), not);
        }
        let name = parsed.and_then(name_of).unwrap_or_else(|| address.to_owned());
        let single = if self.family == Family::Ipv4 { "32" } else { "128" };
        let mask = if mask == single { String::new() } else { format!("/{mask}") };
        (format!("{name}{mask}"), not)
    }

    /// A counter at least `width` wide, in thousands (K), millions (M) and so on unless it shall be exact.
    fn count(&self, number: u64, width: usize) -> String {
        if self.output.exact || number <= 99_999 {
            return format!("{number:width$}");
        }
        let mut number = number.saturating_add(500) / 1000;
        let mut units = "KMGTPE".chars();
        let mut unit = units.next();
        while number > 9999 {
            let Some(larger) = units.next() else { break };
            number = (number + 500) / 1000;
            unit = Some(larger);
        }
        let width = width.saturating_sub(1);
        format!("{number:width$}{}", unit.unwrap_or_default())
    }
}

fn target_name(target: &Target) -> &str {
    match target {
        Target::None => "",
        Target::Verdict(verdict) => verdict.name(),
        Target::Jump(chain) | Target::Goto(chain) => chain,
        Target::Known(instance) => instance.descriptor().xt_name,
        Target::Opaque(opaque) => &opaque.name,
    }
}

/// The name of a host, or else of a network.
fn name_of(address: IpAddr) -> Option<String> {
    let host = dns_lookup::lookup_addr(&address).ok();
    host.or_else(|| pkttables::system::network_name(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_counters_are_shortened() {
        let layout = Layout { family: Family::Ipv4, output: Output::default(), columns: true };
        let shown = |number| layout.count(number, 5);
        assert_eq!(shown(0), "    0");
        assert_eq!(shown(99_999), "99999");
        assert_eq!(shown(123_456), " 123K");
        assert_eq!(shown(9_999_499), "9999K");
        assert_eq!(shown(9_999_500), "  10M");
        assert_eq!(shown(9_999_999_999_999), "  10T");
        assert_eq!(layout.count(123_456, 0), "123K");
        let exact = Layout { output: Output { exact: true, ..Output::default() }, ..layout };
        assert_eq!(exact.count(123_456, 8), "  123456");
    }
}
