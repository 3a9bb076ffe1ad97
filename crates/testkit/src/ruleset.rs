use std::fmt::Write as _;

/// A filter table in the form of a save file: `rules` rules spread over `chains` chains, each called from
/// `FORWARD` for a network of its own.
///
/// The jumps come on top of `rules`. The text is the same for the same numbers.
#[must_use]
pub fn ruleset(rules: usize, chains: usize) -> String {
    let mut text = String::with_capacity(rules * 64 + chains * 64);
    text.push_str("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n");
    for chain in 0..chains {
        let _ = writeln!(text, ":host-{chain} - [0:0]");
    }
    for chain in 0..chains {
        let _ = writeln!(text, "-A FORWARD -d 10.{}.{}.0/24 -j host-{chain}", chain >> 8 & 255, chain & 255);
    }
    for rule in 0..rules {
        let (chain, place) = (rule * chains / rules, rule % 250 + 1);
        let protocol = if rule % 4 == 3 { "udp" } else { "tcp" };
        let target = if rule % 10 == 9 { "DROP" } else { "ACCEPT" };
        let _ = writeln!(
            text,
            "-A host-{chain} -s 192.{}.{}.{place}/32 -p {protocol} -m {protocol} --dport {} -j {target}",
            168 + (rule >> 16 & 7),
            rule >> 8 & 255,
            1 + rule % 65535,
        );
    }
    text.push_str("COMMIT\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_as_many_rules_and_chains_as_asked_for() {
        let text = ruleset(1000, 100);
        assert_eq!(text.lines().filter(|line| line.starts_with(":host-")).count(), 100);
        assert_eq!(text.lines().filter(|line| line.starts_with("-A host-")).count(), 1000);
        assert_eq!(text.lines().filter(|line| line.starts_with("-A host-7 ")).count(), 10);
        assert_eq!(text.lines().filter(|line| line.starts_with("-A FORWARD")).count(), 100);
    }
}
