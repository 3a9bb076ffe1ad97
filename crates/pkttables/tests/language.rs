//! Command lines as iptables 1.8.11 takes, prints and refuses them.

use pkttables::model::{Counters, Family, Policy};
use pkttables::registry::Registry;
use pkttables::text::save::{CounterStyle, write_append};
use pkttables::text::{Command, Diagnostic, Invocation, Listing, Parser, Wait, Words, Zero};
use std::net::IpAddr;

/// What the rules of a command line look like when saved, or what is wrong with it.
fn saved(family: Family, line: &str) -> Result<Vec<String>, Box<Diagnostic>> {
    with(family, line, |invocation| {
        let (Command::Append { chain, rules }
        | Command::Insert { chain, rules, .. }
        | Command::Check { chain, rules }
        | Command::Delete { chain, rules }) = invocation.command
        else {
            return Vec::new();
        };
        let write = |rule| {
            let mut text = String::new();
            write_append(&mut text, family, chain, rule, CounterStyle::Hidden);
            text
        };
        rules.iter().map(write).collect()
    })
}

fn with<T>(family: Family, line: &str, then: impl FnOnce(Invocation<'_>) -> T) -> Result<T, Box<Diagnostic>> {
    let args: Vec<String> = shell_words(line);
    let mut words = Words::new();
    words.read_args(&args);
    let mut parser = Parser::new(family, Registry::builtin()).with_resolver(no_hosts);
    parser.command_line(&words).map(then)
}

/// Splits as a shell does, as far as the tests need it: single quotes.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for letter in line.chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

fn no_hosts(_: &str, _: Family) -> Vec<IpAddr> {
    Vec::new()
}

fn message(line: &str) -> (u8, String) {
    match saved(Family::Ipv4, line) {
        Ok(saved) => (0, format!("{saved:?}")),
        Err(error) => (error.exit_code(), error.problem.to_string().trim().to_owned()),
    }
}

#[test]
fn rules_are_saved_in_the_usual_form() {
    for (line, expected) in [
        (
            "-A FORWARD -f -m length --length 5 -c 3 4 -j ACCEPT",
            "-A FORWARD -f -m length --length 5 -j ACCEPT",
        ),
        ("-A FORWARD -p tcp --dport 80 -g foo", "-A FORWARD -p tcp -m tcp --dport 80 -g foo"),
        ("-A FORWARD -p tcp --source-po 80", "-A FORWARD -p tcp -m tcp --sport 80"),
        ("-A FORWARD -p tcp --dport=80 --table=filter", "-A FORWARD -p tcp -m tcp --dport 80"),
        ("-A FORWARD -p tcp --fragm", "-A FORWARD -p tcp -f"),
        ("-A FORWARD -ptcp -jACCEPT -ieth0", "-A FORWARD -i eth0 -p tcp -j ACCEPT"),
        ("-A FORWARD -vfptcp", "-A FORWARD -p tcp -f"),
        ("-AFORWARD --jump=ACCEPT --protocol udp", "-A FORWARD -p udp -j ACCEPT"),
        ("-A FORWARD -d 8/8 -s 10/8", "-A FORWARD -s 10.0.0.0/8 -d 8.0.0.0/8"),
        ("-A FORWARD -i + ! -o +", "-A FORWARD ! -o +"),
        ("-A FORWARD -s 0/0 ! -d 0.0.0.0/0", "-A FORWARD ! -d 0.0.0.0/0"),
        ("-A FORWARD -d 010.0.0.1/255.0.255.0", "-A FORWARD -d 8.0.0.0/255.0.255.0"),
        ("-A FORWARD -p 6 --dport 1", "-A FORWARD -p tcp -m tcp --dport 1"),
        ("-A FORWARD -p 47", "-A FORWARD -p 47"),
        ("-A FORWARD -p 0x6", "-A FORWARD -p tcp"),
        ("-A FORWARD -p TCP --dport 1", "-A FORWARD -p tcp -m tcp --dport 1"),
        ("-A FORWARD ! -p icmpv6", "-A FORWARD ! -p ipv6-icmp"),
        ("-A FORWARD -p all -j CONTINUE", "-A FORWARD"),
        ("-A FORWARD -c 1,2 -j DROP", "-A FORWARD -j DROP"),
        ("-A FORWARD -m tcp -p tcp ! --syn", "-A FORWARD -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN"),
        (
            "-A FORWARD -p tcp -m tcp --tcp-flags=SYN,ACK SYN",
            "-A FORWARD -p tcp -m tcp --tcp-flags SYN,ACK SYN",
        ),
        ("-A FORWARD -m tcp --dport 3 -p tcp", "-A FORWARD -p tcp -m tcp --dport 3"),
        (
            "-A FORWARD -p tcp -m conntrack --ctstate NEW --dport 3",
            "-A FORWARD -p tcp -m conntrack --ctstate NEW -m tcp --dport 3",
        ),
        (
            "-A FORWARD -p tcp -m multiport --dports 1,2 -m multiport --sports 3",
            "-A FORWARD -p tcp -m multiport --dports 1,2 -m multiport --sports 3",
        ),
        (
            "-A FORWARD -m mark --mark 1 -m connmark --mark 2",
            "-A FORWARD -m mark --mark 0x1 -m connmark --mark 0x2",
        ),
        (
            "-A FORWARD -p tcp -j REJECT --reject-w tcp-reset",
            "-A FORWARD -p tcp -j REJECT --reject-with tcp-reset",
        ),
        (
            "-A FORWARD -m comment --comment '\"its\" \\ é'",
            "-A FORWARD -m comment --comment \"\\\"its\\\" \\\\ é\"",
        ),
        (
            "-A FORWARD -m comment --comment -j -j LOG --log-prefix='a b'",
            "-A FORWARD -m comment --comment -j -j LOG --log-prefix \"a b\"",
        ),
        ("-A FORWARD -w 5 -W 100 -j NOSUCHCHAIN", "-A FORWARD -j NOSUCHCHAIN"),
        ("-I FORWARD -i eth++ -4", "-A FORWARD -i eth++"),
        ("-A FORWARD -j RETURN --", "-A FORWARD -j RETURN"),
    ] {
        let expected = vec![expected.to_owned()];
        assert_eq!(saved(Family::Ipv4, line), Ok(expected), "{line}");
    }
    for (line, expected) in [
        ("-A FORWARD -p icmpv6 --icmpv6-type 1", "-A FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 1"),
        ("-A FORWARD -p 58 -m ipv6-icmp --icmpv6-type 1", "-A FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 1"),
        ("-A FORWARD -s ::/0 ! -d ::1 -p mh", "-A FORWARD ! -d ::1/128 -p mobility-header"),
        ("-A FORWARD -s 2001:db8::1/ffff:0:ffff:: -6", "-A FORWARD -s 2001::/ffff:0:ffff::"),
    ] {
        assert_eq!(saved(Family::Ipv6, line), Ok(vec![expected.to_owned()]), "{line}");
    }
}

#[test]
fn several_addresses_are_several_rules() {
    let rules = saved(Family::Ipv4, "-A FORWARD -s 1.1.1.1,2/8 -d '3.3.3.3, 4.4.4.4' -j DROP");
    let expected = [
        "-A FORWARD -s 1.1.1.1/32 -d 3.3.3.3/32 -j DROP",
        "-A FORWARD -s 1.1.1.1/32 -d 4.4.4.4/32 -j DROP",
        "-A FORWARD -s 2.0.0.0/8 -d 3.3.3.3/32 -j DROP",
        "-A FORWARD -s 2.0.0.0/8 -d 4.4.4.4/32 -j DROP",
    ];
    assert_eq!(rules, Ok(expected.map(str::to_owned).to_vec()));
    let rules = saved(Family::Ipv4, "-D FORWARD -d 1.1.1.1,any/0 -s 9.9.9.9");
    let expected = ["-A FORWARD -s 9.9.9.9/32 -d 1.1.1.1/32", "-A FORWARD -s 9.9.9.9/32"];
    assert_eq!(rules, Ok(expected.map(str::to_owned).to_vec()));
}

#[test]
fn refusals_are_worded_as_usual() {
    for (line, code, expected) in [
        ("-A INPUT --foo", 2, "unknown option \"--foo\""),
        ("-A INPUT --dport 22", 2, "unknown option \"--dport\""),
        ("-A INPUT --dport 22 -p tcp", 2, "unknown option \"--dport\""),
        ("-A INPUT -p tcp --dport", 2, "option \"--dport\" requires an argument"),
        ("-A INPUT -p tcp --tcp-flags SYN -j DROP", 2, "option \"--tcp-flags\" requires an argument"),
        ("-A INPUT -m foo", 2, "Couldn't load match `foo':No such file or directory"),
        ("-A INPUT -p foo", 2, "unknown protocol \"foo\" specified"),
        ("-A INPUT -s 1.2.3.4.5", 2, "host/network `1.2.3.4.5' not found"),
        ("-A INPUT -s 1.2.3.4/33", 2, "invalid mask `33' specified"),
        ("-A INPUT bar", 2, "Bad argument `bar'"),
        ("-A INPUT -", 2, "Bad argument `-'"),
        ("-A INPUT -p tcp --d 22", 2, "unknown option \"--d\""),
        ("-A INPUT -p tcp --de 22", 2, "unknown option \"--de\""),
        ("-A INPUT -Q", 2, "unknown option \"-Q\""),
        ("-A", 2, "option \"-A\" requires an argument"),
        ("", 2, "no command specified"),
        ("-j ACCEPT", 2, "no command specified"),
        ("-t foo -S", 3, "table 'foo' does not exist"),
        ("-A INPUT -o lo", 2, "Can't use --out-interface with INPUT"),
        ("-A POSTROUTING -t nat -i lo", 2, "Can't use --in-interface with POSTROUTING"),
        (
            "-A INPUT ! -s 1.1.1.1,2.2.2.2",
            2,
            "! not allowed with multiple source or destination IP addresses",
        ),
        ("-A INPUT !", 2, "nothing appropriate following !"),
        ("-A INPUT ! ! -s 1.1.1.1", 2, "multiple consecutive ! not allowed"),
        (
            "-A INPUT -i abcdefghijklmnop",
            2,
            "interface name `abcdefghijklmnop' must be shorter than 16 characters",
        ),
        ("-A INPUT -i ''", 2, "Empty interface is likely to be undesired"),
        ("-A INPUT -j ''", 2, "Invalid target name (too short)"),
        ("-A INPUT -j 'a b'", 2, "Invalid target name `a b'"),
        ("-6 -A INPUT", 2, "`-6' asks for the other address family"),
        ("-N LOG", 2, "chain name may not clash with target name"),
        ("-N ACCEPT", 2, "chain name may not clash with target name"),
        ("-N -foo", 2, "chain name not allowed to start with `-'"),
        ("-N 'a b'", 2, "Invalid chain name `a b'"),
        ("-L -Z -n", 2, "Illegal option `--numeric' with this command"),
        ("-S -n", 2, "Illegal option `--numeric' with this command"),
        ("-A INPUT -x", 2, "Illegal option `--exact' with this command"),
        ("-D FORWARD 1 -s 1.1.1.1", 2, "Illegal option `--source' with this command"),
        ("-D FORWARD -c 1 2", 2, "Illegal option `--set-counters' with this command"),
        ("-L -g x", 2, "Illegal option `--jump' with this command"),
        ("-P INPUT FOO", 1, "Bad policy name"),
        ("-A FORWARD ! -p all", 2, "rule would never match protocol"),
        ("-A FORWARD -- foo", 2, "unknown arguments found on commandline"),
        ("-A FORWARD -c 1", 2, "--set-counters requires packet and byte counter"),
        ("-A FORWARD -c x 2", 2, "--set-counters packet counter not numeric"),
        ("-A FORWARD -c 1,", 2, "--set-counters byte counter not numeric"),
        ("-A FORWARD -c ,", 2, "--set-counters packet counter not numeric"),
        ("-A FORWARD ! -j ACCEPT", 2, "cannot have ! before --jump"),
        ("-A FORWARD ! -m udp", 2, "unexpected ! flag before --match"),
        ("! -A FORWARD", 2, "unexpected '!' flag"),
        ("! -t filter -A FORWARD", 2, "unexpected ! flag before --table"),
        ("-A FORWARD -p tcp -p udp", 2, "multiple --protocol options not allowed"),
        ("-A FORWARD -j LOG -g x", 2, "multiple --jump options not allowed"),
        ("-A FORWARD -L", 2, "Cannot use -L with -A"),
        ("-D FORWARD 2 -A FORWARD", 2, "Cannot use -A with -D"),
        ("-D FORWARD 0", 2, "Invalid rule number `0'"),
        ("-D FORWARD 1:2", 2, "Rule ranges are not supported"),
        ("-I FORWARD x", 2, "Invalid rule number `x'"),
        ("-R FORWARD", 2, "-R requires a rule number"),
        ("-P FORWARD", 2, "-P requires a chain and a policy"),
        ("-E foo", 2, "-E requires old-chain-name and new-chain-name"),
        (
            "-A FORWARD -j aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            2,
            "Invalid target name `aaaaaaaaaaaaaaaaaaaaaaaaaaaaa' (28 chars max)",
        ),
        (
            "-A aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            2,
            "chain name `aaaaaaaaaaaaaaaaaaaaaaaaaaaaa' too long (must be under 29 chars)",
        ),
        ("-A FORWARD -j LOG --foo", 2, "unknown option \"--foo\""),
        ("-w x -S", 2, "wait seconds not numeric"),
        (
            "-t nat -A PREROUTING -j DROP",
            2,
            "The \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.",
        ),
        (
            "-t nat -P PREROUTING DROP",
            2,
            "The \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.",
        ),
    ] {
        assert_eq!(message(line), (code, expected.to_owned()), "{line}");
    }
    for (line, expected) in [
        ("-A INPUT -f", "`-f' is not supported in IPv6, use -m frag instead"),
        ("-A INPUT -m icmp", "Couldn't load match `icmp':No such file or directory"),
        ("-A INPUT -s 1.2.3.4", "host/network `1.2.3.4' not found"),
    ] {
        assert_eq!(
            saved(Family::Ipv6, line).map_err(|error| error.problem.to_string()),
            Err(expected.into()),
            "{line}"
        );
    }
}

#[test]
fn errors_point_at_the_word_and_say_what_may_be_meant() {
    for (line, column, word, hint) in [
        ("-A INPUT -p tcp --dprot 22", 17, "--dprot", "did you mean `--dport'?"),
        ("-A INPUT --ctstate NEW", 10, "--ctstate", "it belongs to -m conntrack, which must come before it"),
        ("-A INPUT --tcp-option 1", 10, "--tcp-option", "it belongs to -m tcp, which needs -p tcp before it"),
        ("-A INPUT -m conntrck", 13, "conntrck", "did you mean `conntrack'?"),
        ("-A INPUT -m LOG", 13, "LOG", "`LOG' is a target: it goes behind -j"),
        ("-A INPUT -p tpc", 13, "tpc", "did you mean `tcp'?"),
        ("-A INPUT -s ! 1.1.1.1", 13, "!", ""),
        ("-S -t nta", 7, "nta", "did you mean `nat'?"),
        (
            "-A INPUT -p tcp --d 22",
            17,
            "--d",
            "it could mean --delete, --delete-chain, --destination, --destination-port, --dport, --dst",
        ),
        ("-A INPUT -p tcp --dport", 24, "", ""),
    ] {
        let error = saved(Family::Ipv4, line).expect_err(line);
        assert_eq!((error.column(), error.word()), (column, word), "{line}");
        assert_eq!(error.hint.as_deref().unwrap_or_default(), hint, "{line}");
    }
}

#[test]
fn commands_without_rules() {
    let filter = |command| Some((pkttables::model::TableName::Filter, command));
    let listing = Listing { chain: Some("foo"), number: None, zero: None };
    let all = Zero { chain: None, number: None };
    for (line, expected) in [
        ("-vnLfoo", Command::List(listing)),
        ("-vnL foo", Command::List(listing)),
        ("--list=foo", Command::List(listing)),
        ("--list foo 3", Command::List(Listing { number: Some(3), ..listing })),
        ("-L -Z", Command::List(Listing { chain: None, number: None, zero: Some(all) })),
        ("-L -Z foo", Command::List(Listing { zero: Some(Zero { chain: Some("foo"), ..all }), ..listing })),
        ("-S", Command::ListRules(Listing { chain: None, ..listing })),
        ("-Z foo 2", Command::Zero(Zero { chain: Some("foo"), number: Some(2) })),
        ("-F", Command::Flush { chain: None }),
        ("--flu foo", Command::Flush { chain: Some("foo") }),
        ("-X", Command::DeleteChain { chain: None }),
        ("-N foo", Command::NewChain { chain: "foo" }),
        ("-E a b", Command::RenameChain { chain: "a", name: "b" }),
        ("-D foo 7", Command::DeleteNumber { chain: "foo", number: 7 }),
        (
            "-P INPUT DROP -c 1 2",
            Command::Policy {
                chain: "INPUT",
                policy: Policy::Drop,
                counters: Some(Counters { packets: 1, bytes: 2 }),
            },
        ),
        ("-V", Command::Version),
        (
            "-p tcp -h --nonsense",
            Command::Help { extensions: vec![(pkttables::registry::Kind::Match, "tcp")] },
        ),
    ] {
        let found = with(Family::Ipv4, line, |invocation| {
            assert_eq!(Some((invocation.table, invocation.command)), filter(expected), "{line}");
        });
        assert!(found.is_ok(), "{line}: {found:?}");
    }
    let output = with(Family::Ipv4, "-t nat -vvnxL --line-numbers -w3", |invocation| {
        assert_eq!(invocation.wait, Some(Wait::Seconds(3)));
        invocation.output
    });
    let output = output.expect("a listing");
    assert_eq!((output.verbose, output.numeric, output.exact, output.line_numbers), (2, true, true, true));
}

#[test]
fn extensions_given_by_their_bytes_are_kept() {
    for line in [
        "-A INPUT -p esp -m esp [revision 0 04 00 00 00 03 00 00 00 00 00 00 00 00 00 00 00] -j DROP",
        "-A INPUT -m length --length 5 -m later [revision 7] -m mark --mark 0x1 -j LATER [revision 255 0a ff]",
    ] {
        assert_eq!(saved(Family::Ipv4, line).map_err(|error| error.to_string()), Ok(vec![line.into()]));
    }
    for (line, word) in [
        ("-A INPUT -m later [revision", ""),
        ("-A INPUT -m later [revision 256 00]", "256"),
        ("-A INPUT -m later [revision 0 0]", "0]"),
        ("-A INPUT -m later [revision 0 +1]", "+1]"),
        ("-A INPUT -m later [revision 0 00 -j DROP", ""),
        ("-A INPUT -m later [revision 0 00]x", "00]x"),
        ("-A INPUT -m later [revision 0 00] --option", "--option"),
    ] {
        let error = saved(Family::Ipv4, line).expect_err(line);
        assert_eq!((error.exit_code(), error.word()), (2, word), "{line}");
    }
}

#[test]
fn what_iptables_leaves_to_the_kernel_is_told_last_and_only_of_new_rules() {
    let refused = [
        ("-A INPUT -m sctp", (4, "sctp: needs `-p` with one of sctp")),
        ("-A INPUT -p udp -m tcp --dport 1", (2, "tcp: needs `-p` with one of tcp")),
        ("-I INPUT -m ecn --ecn-tcp-cwr", (4, "ecn: the tests of TCP bits need `-p tcp`")),
        ("-A INPUT -m sctp -m ttl", (2, "ttl: at least one option is required")),
        ("-A INPUT -m owner --uid-owner 2-1 --nosuch", (2, "unknown option \"--nosuch\"")),
        ("-R INPUT 1 -j REJECT --reject-with tcp-reset", (4, "REJECT: tcp-reset needs `-p tcp`")),
        ("-A INPUT -m cgroup", (4, "cgroup: at least one option is required")),
    ];
    for (line, (code, text)) in refused {
        assert_eq!(message(line), (code, text.to_owned()), "{line}");
    }
    assert_eq!(message("-D INPUT -m sctp"), (0, "[\"-A INPUT -m sctp\"]".to_owned()));
    assert_eq!(message("-C INPUT -m cgroup"), (0, "[\"-A INPUT -m cgroup\"]".to_owned()));
}
