//! Rulesets, rules and what the registry knows as JSON, and the JSON Schema of all of them.
//!
//! A ruleset is written by [`ruleset`] and read by [`read_ruleset`], a plan by [`plan()`] and [`read_plan`]; [`schema`]
//! describes both. An option that a rule
//! gives is a member of `options`: `true` for one without a value, a whole number where the value is one, an array
//! where it is a list of words, otherwise text as it stands in a saved rule, without quotes. `{"not": …}` around it is
//! the `!` before it. Where an option is given more than once, `options` is an array of objects of one member each.

mod describe;
mod plan;
mod read;
mod read_plan;
mod schema;
mod write;

pub use describe::{extension, parameter};
pub use plan::plan;
pub use read::{JsonError, read_rule, read_ruleset};
pub use read_plan::read_plan;
pub use schema::{extension_schema, schema};
pub use write::{rule, ruleset};

/// The families by their names here.
const FAMILIES: [(crate::model::Family, &str); 2] =
    [(crate::model::Family::Ipv4, "ipv4"), (crate::model::Family::Ipv6, "ipv6")];

fn family_name(family: crate::model::Family) -> &'static str {
    FAMILIES.iter().find(|(known, _)| *known == family).map_or("", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::Registry;
    use crate::text::{Parser, ReadOptions, Reader, save};

    const SAVED: &str = "*filter\n:INPUT DROP [1:2]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:user - [0:0]\n\
        [3:4] -A INPUT -s 10.0.0.0/8 ! -i eth0 -p tcp -m tcp --dport 22 ! --tcp-flags FIN,SYN SYN -m comment --comment \"a \\\"b\\\"\" -j user\n\
        [0:0] -A INPUT -m conntrack ! --ctstate INVALID,NEW -j LOG --log-prefix \"x: \"\n\
        [0:0] -A INPUT -m set --match-set foo src,dst -j ACCEPT\n\
        [0:0] -A user -g user\nCOMMIT\n";

    #[test]
    fn a_saved_ruleset_comes_back() {
        let parser = Parser::new(Family::Ipv4, Registry::builtin());
        let options = ReadOptions { counters: true, table: None };
        let mut reader = Reader::new(SAVED.as_bytes(), parser, options);
        let read = crate::text::read_ruleset(&mut reader).expect("a ruleset");
        let written = ruleset(&read);
        let first = &written["tables"][0]["chains"][0]["rules"][0];
        assert_eq!(first["source"], "10.0.0.0/8");
        assert_eq!(first["in-interface"]["not"], "eth0");
        assert_eq!(first["matches"][0]["options"]["tcp-flags"]["not"], "FIN,SYN SYN");
        assert_eq!(first["matches"][1]["options"]["comment"], "a \"b\"");
        let again = read_ruleset(&written, Registry::builtin()).expect("what was written");
        assert_eq!(again, read);
        let mut text = String::new();
        save::write_ruleset(&mut text, &again, save::CounterStyle::Before);
        assert_eq!(text, SAVED);
    }

    #[test]
    fn errors_say_where() {
        let text = r#"{"family":"ipv4","tables":[{"name":"filter","chains":[{"name":"INPUT","policy":"ACCEPT",
            "rules":[{"matches":[{"name":"length","options":{"length":"1:70000"}}]}]}]}]}"#;
        let value = serde_json::from_str(text).expect("JSON");
        let error = read_ruleset(&value, Registry::builtin()).expect_err("too long");
        let place = "/tables/0/chains/0/rules/0/matches/0";
        assert!(error.place.starts_with(place), "{error}");
        assert!(error.to_string().contains("65535"), "{error}");
    }
}
