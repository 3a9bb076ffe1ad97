use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// A filter table in the form of a save file: `rules` rules spread over `chains` chains, each called from
/// `FORWARD` for a network of its own.
///
/// The jumps come on top of `rules`. The text is the same for the same numbers.
#[must_use]
pub fn ruleset(rules: usize, chains: usize) -> String {
    let mut text = String::with_capacity(rules * 96 + chains * 64);
    text.push_str("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n");
    for chain in 0..chains {
        let _ = writeln!(text, ":host-{chain} - [0:0]");
    }
    for chain in 0..chains {
        let _ = writeln!(text, "-A FORWARD -d {}/24 -j host-{chain}", network(chain));
    }
    for Rule { chain, source, protocol, port, accept } in generated(rules, chains) {
        let target = if accept { "ACCEPT" } else { "DROP" };
        let _ = writeln!(
            text,
            "-A host-{chain} -s {source}/32 -p {protocol} -m {protocol} --dport {port} -j {target}",
        );
    }
    text.push_str("COMMIT\n");
    text
}

/// What [`ruleset`] gives, with `changed` of the chains, spread evenly, each with its first rule replaced and one
/// more rule behind that.
#[must_use]
pub fn changed_ruleset(text: &str, chains: usize, changed: usize) -> String {
    let starts: Vec<String> =
        (0..changed).map(|number| format!("-A host-{} ", number * chains / changed)).collect();
    let mut starts = starts.iter().peekable();
    let mut result = String::with_capacity(text.len() + changed * 64);
    for line in text.lines() {
        let Some(start) = starts.next_if(|start| line.starts_with(start.as_str())) else {
            result.extend([line, "\n"]);
            continue;
        };
        let rule = line.rsplit_once(" -j ").map_or(line, |(rule, _)| rule);
        let _ = writeln!(result, "{rule} -j RETURN\n{start}-p icmp -j ACCEPT");
    }
    result
}

/// A filter table in the form of a save file: `rules` rules in `FORWARD`, each of which jumps to one of `chains`
/// chains without rules.
#[must_use]
pub fn jumps(rules: usize, chains: usize) -> String {
    let mut text = String::with_capacity(rules * 64 + chains * 24);
    text.push_str("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n");
    for chain in 0..chains {
        let _ = writeln!(text, ":host-{chain} - [0:0]");
    }
    for Rule { source, protocol, port, .. } in generated(rules, 1) {
        let chain = (port - 1) % chains;
        let _ = writeln!(
            text,
            "-A FORWARD -s {source}/32 -p {protocol} -m {protocol} --dport {port} -j host-{chain}",
        );
    }
    text.push_str("COMMIT\n");
    text
}

/// The same table as [`ruleset`] gives, in the language of `nft -f`.
#[must_use]
pub fn nft_ruleset(rules: usize, chains: usize) -> String {
    let mut text = String::with_capacity(rules * 96 + chains * 64);
    text.push_str("table ip filter {\n");
    for chain in 0..chains {
        let _ = writeln!(text, "chain host-{chain} {{ }}");
    }
    let mut open = None;
    for Rule { chain, source, protocol, port, accept } in generated(rules, chains) {
        let before = open.replace(chain);
        if before != Some(chain) {
            let _ = writeln!(text, "{}chain host-{chain} {{", if before.is_some() { "}\n" } else { "" });
        }
        let verdict = if accept { "accept" } else { "drop" };
        let _ = writeln!(text, "ip saddr {source} {protocol} dport {port} counter {verdict}");
    }
    if open.is_some() {
        text.push_str("}\n");
    }
    for (chain, hook) in [("INPUT", "input"), ("FORWARD", "forward"), ("OUTPUT", "output")] {
        let _ = writeln!(text, "chain {chain} {{ type filter hook {hook} priority 0; policy accept;");
        for chain in 0..if hook == "forward" { chains } else { 0 } {
            let _ = writeln!(text, "ip daddr {}/24 counter jump host-{chain}", network(chain));
        }
        text.push_str("}\n");
    }
    text.push_str("}\n");
    text
}

/// One of the generated rules.
struct Rule {
    chain: usize,
    source: Ipv4Addr,
    protocol: &'static str,
    port: usize,
    accept: bool,
}

fn generated(rules: usize, chains: usize) -> impl Iterator<Item = Rule> {
    (0..rules).map(move |rule| Rule {
        chain: rule * chains / rules,
        source: Ipv4Addr::new(
            192,
            168 + (rule >> 16 & 7) as u8,
            (rule >> 8 & 255) as u8,
            (rule % 250) as u8 + 1,
        ),
        protocol: if rule % 4 == 3 { "udp" } else { "tcp" },
        port: 1 + rule % 65535,
        accept: rule % 10 != 9,
    })
}

/// The network for which a chain is called.
const fn network(chain: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, (chain >> 8 & 255) as u8, (chain & 255) as u8, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_as_many_rules_and_chains_as_asked_for() {
        let text = ruleset(1000, 100);
        let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(count(":host-"), 100);
        assert_eq!(count("-A host-"), 1000);
        assert_eq!(count("-A host-7 "), 10);
        assert_eq!(count("-A FORWARD"), 100);
    }

    #[test]
    fn some_chains_are_changed() {
        let text = ruleset(1000, 100);
        let changed = changed_ruleset(&text, 100, 10);
        assert_eq!(changed.lines().count(), text.lines().count() + 10);
        assert_eq!(changed.matches("-j RETURN").count(), 10);
        let rules = |chain: &str| changed.lines().filter(|line| line.starts_with(chain)).count();
        assert_eq!((rules("-A host-90 "), rules("-A host-9 ")), (11, 10));
    }

    #[test]
    fn all_jump_from_one_chain() {
        let text = jumps(1000, 100);
        assert_eq!(text.lines().filter(|line| line.starts_with("-A FORWARD ")).count(), 1000);
        assert_eq!(text.matches("-j host-7\n").count(), 10);
    }

    #[test]
    fn nft_gets_as_many() {
        let text = nft_ruleset(1000, 100);
        let count = |part: &str| text.lines().filter(|line| line.contains(part)).count();
        assert_eq!(count(" dport "), 1000);
        assert_eq!(count(" jump host-"), 100);
        assert_eq!(count("{"), 1 + 100 + 100 + 3);
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }
}
