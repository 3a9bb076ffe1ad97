//! Differences that are known, each with its reason.

use crate::compare::Outcome;
use crate::generate::RuleCase;

/// The version of iptables-nft that is compared with: major, minor and patch level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version([u32; 3]);

impl Version {
    /// Reads what `-V` prints, such as `iptables v1.8.9 (nf_tables)`.
    pub(crate) fn of(text: &str) -> Self {
        let number = text.split_once(" v").map_or("", |(_, rest)| rest.split(' ').next().unwrap_or(""));
        let mut parts = number.trim().split('.').map(|part| part.parse().unwrap_or(0));
        Self([(); 3].map(|()| parts.next().unwrap_or(0)))
    }
}

pub(crate) const V1_8_11: Version = Version([1, 8, 11]);

/// A kind of difference.
struct Exception {
    name: &'static str,
    /// Why it is there, and why it is left so.
    #[allow(dead_code, reason = "for those who read this file")]
    reason: &'static str,
    /// The version that does it as iptables2 does; none does if there is none.
    since: Option<Version>,
    applies: fn(&RuleCase, &Outcome) -> bool,
}

/// The name of the exception that a difference falls under.
pub(crate) fn find(version: Version, rule: &RuleCase, outcome: &Outcome) -> Option<&'static str> {
    let old = |exception: &&Exception| exception.since.is_none_or(|since| version < since);
    let found = EXCEPTIONS.iter().filter(old).find(|exception| (exception.applies)(rule, outcome));
    found.map(|exception| exception.name)
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        name: "cut",
        reason: "iptables stores as many bits of a number, or bytes of a name, as there is room for: port 65536 is 0; \
                 iptables2 refuses what it cannot store",
        since: None,
        applies: |_, outcome| {
            outcome.ours.code == 2
                && [0, 4].contains(&outcome.theirs.code)
                && ["out of range", "too long"].iter().any(|why| outcome.ours.said.contains(why))
        },
    },
    Exception {
        name: "ignored rest",
        reason: "these are read by iptables up to what it does not understand, or nothing is read as 0",
        since: None,
        applies: |rule, outcome| {
            let sloppy = [
                "CLASSIFY",
                "CT",
                "DSCP",
                "HMARK",
                "NETMAP",
                "RATEEST",
                "TEE",
                "TPROXY",
                "ah",
                "bpf",
                "connbytes",
                "connlimit",
                "conntrack",
                "dccp",
                "dscp",
                "dst",
                "esp",
                "frag",
                "hashlimit",
                "hbh",
                "icmp",
                "icmp6",
                "ipcomp",
                "iprange",
                "length",
                "limit",
                "mac",
                "osf",
                "rateest",
                "rt",
                "set",
                "statistic",
                "string",
                "tcp",
                "time",
                "u32",
                "udp",
            ];
            outcome.ours.code == 2
                && [0, 4].contains(&outcome.theirs.code)
                && (rule.has(&sloppy) || rule.words.iter().any(|word| is_odd(word)))
                && ["expected form", "unknown name"].iter().any(|why| outcome.ours.said.contains(why))
        },
    },
    Exception {
        name: "ignored options",
        reason: "the target SET of iptables takes `!`, repeated options and blanks, and ignores them",
        since: None,
        applies: |rule, outcome| {
            rule.has(&["SET"])
                && outcome.ours.code == 2
                && ["be inverted", "multiple times", "unknown name"]
                    .iter()
                    .any(|why| outcome.ours.said.contains(why))
        },
    },
    Exception {
        name: "quotes",
        reason: "iptables prints these names as they are, so that they cannot always be read back",
        since: None,
        applies: |rule, outcome| {
            let bare = ["CT", "IDLETIMER", "RATEEST", "TEE", "hashlimit", "osf", "rateest", "recent"];
            let odd = |c: char| c.is_whitespace() || "\"'\\".contains(c);
            let given = outcome.is_taken() && rule.has(&bare);
            given && rule.words.iter().any(|word| word.contains(odd))
        },
    },
    Exception {
        name: "left out",
        reason: "iptables does not save an empty prefix, nor the beginning of 1970 as the last moment: what is saved then \
                 does not read back, or means something else",
        since: None,
        applies: |_, outcome| {
            let [own, by_other, ..] = saved(outcome);
            let parts = [" --src-pfx ::/0", " --dst-pfx ::/0", " --datestop 1970-01-01T00:00:00"];
            outcome.is_taken()
                && own != by_other
                && parts.iter().fold(own.to_owned(), |line, part| line.replace(part, "")) == by_other
        },
    },
    Exception {
        name: "rounded",
        reason: "iptables saves rates and bursts of bytes rounded down to a unit, and twice how bytes and packets are \
                 compared",
        since: None,
        applies: |rule, outcome| {
            let [own, by_other, ..] = saved(outcome);
            outcome.is_taken()
                && rule.has(&["hashlimit", "rateest"])
                && without_bytes(own) == without_bytes(by_other)
        },
    },
    Exception {
        name: "cluster of more than 32",
        reason: "iptables refuses a mask of nodes above 32, though it is a mask of up to 32 bits in its manual and for the kernel",
        since: None,
        applies: |rule, outcome| rule.has(&["cluster"]) && outcome.theirs.said.contains("nodemask"),
    },
    Exception {
        name: "pinned program",
        reason: "iptables opens a pinned BPF program before the kernel does, only to see whether it is there",
        since: None,
        applies: |rule, outcome| rule.has(&["bpf"]) && codes(outcome) == (4, 2),
    },
    Exception {
        name: "listed program",
        reason: "iptables-nft lists a BPF program with a NUL byte at its end",
        since: None,
        applies: |rule, outcome| {
            rule.has(&["bpf"])
                && outcome.is_taken()
                && saved(outcome).iter().all(|line| *line == saved(outcome)[0])
        },
    },
    Exception {
        name: "more than 32 bits",
        reason: "iptables refuses larger numbers than it can store, and leaves it to the kernel to refuse others",
        since: None,
        applies: |_, outcome| codes(outcome) == (4, 2) && outcome.ours.said.contains("out of range"),
    },
    Exception {
        name: "several at once",
        reason: "which of several things that are wrong is told first is not the same where names are looked up",
        since: None,
        applies: |rule, outcome| rule.extensions.len() > 1 && codes(outcome) == (4, 2),
    },
    Exception {
        name: "twice the same",
        reason: "iptables-nft shows two matches of ports, one behind the other, as one",
        since: None,
        applies: |_, outcome| {
            let twice = |name: &str| outcome.ours.shown[0].saved.matches(name).count() > 1;
            outcome.is_taken() && (twice(" -m tcp ") || twice(" -m udp "))
        },
    },
    Exception {
        name: "crash",
        reason: "iptables does not survive it",
        since: None,
        applies: |_, outcome| outcome.theirs.code == -1,
    },
    Exception {
        name: "long words",
        reason: "iptables-restore takes no words of more than 1023 bytes",
        since: None,
        applies: |rule, outcome| rule.restored && outcome.theirs.said.contains("Parameter too long"),
    },
    Exception {
        name: "shared tables",
        reason: "the kernel refuses a table of hashlimit that another rule uses for packets and not bytes, which can be a \
                 rule that only one of the programs has added",
        since: None,
        applies: |rule, outcome| rule.has(&["hashlimit"]) && [(0, 4), (4, 0)].contains(&codes(outcome)),
    },
    Exception {
        name: "two names of a zone",
        reason: "for iptables --localtz is another option than --kerneltz, though it does the same",
        since: None,
        applies: |rule, outcome| {
            let both =
                ["--l", "--k"].iter().all(|start| rule.words.iter().any(|word| word.starts_with(start)));
            rule.has(&["time"]) && codes(outcome) == (2, 0) && both
        },
    },
    Exception {
        name: "no interface",
        reason: "iptables takes an empty interface name, which no packet has",
        since: None,
        applies: |_, outcome| {
            codes(outcome) == (2, 0) && outcome.ours.said.contains("an empty interface name")
        },
    },
    Exception {
        name: "groups that do not count",
        reason: "--suppl-groups asks for a --gid-owner that is right",
        since: None,
        applies: |rule, outcome| rule.has(&["owner"]) && codes(outcome) == (2, 4),
    },
    Exception {
        name: "no name",
        reason: "the kernel refuses an empty name, which iptables hands to it",
        since: None,
        applies: |rule, outcome| {
            codes(outcome) == (2, 4) && rule.words.iter().any(|word| word.is_empty() || word.ends_with('='))
        },
    },
    Exception {
        name: "days with zeros",
        reason: "iptables takes two characters at a time for a day of the month, in any base: 028 is 2 and 09 is wrong",
        since: None,
        applies: |rule, outcome| {
            let days = rule.words.iter().any(|word| word.starts_with("--mo"));
            outcome.theirs.code != 4 && days && rule.words.iter().any(|word| word.contains(['0', ' ', '+']))
        },
    },
    Exception {
        name: "blanks in addresses",
        reason: "blanks and signs before the numbers of an address are for iptables right in some places and wrong in \
                 others, of which NETMAP is one",
        since: None,
        applies: |rule, outcome| {
            (rule.has(&["NETMAP", "conntrack", "recent"]) && codes(outcome) == (0, 2))
                || (codes(outcome) == (2, 0)
                    && ["host/network", "invalid mask"].iter().any(|why| outcome.ours.said.contains(why)))
        },
    },
    Exception {
        name: "sets that there are not",
        reason: "iptables looks for a set as soon as it is named, so that this is what is wrong first",
        since: None,
        applies: |_, outcome| outcome.theirs.code == 2 && outcome.theirs.said.contains("doesn't exist"),
    },
    Exception {
        name: "empty rates",
        reason: "for iptables2 an empty rate is as good as none, for iptables it is a wrong one",
        since: None,
        applies: |rule, outcome| {
            rule.has(&["rateest"]) && rule.words.iter().any(String::is_empty) && outcome.theirs.code == 2
        },
    },
    Exception {
        name: "TCP options without TCP",
        reason: "iptables leaves a rule with --tcp-option to the kernel; it is refused either way",
        since: None,
        applies: |rule, outcome| rule.has(&["tcp"]) && codes(outcome) == (2, 4),
    },
    Exception {
        name: "no module",
        reason: "what the kernel does not have is not looked at closely by iptables",
        since: None,
        applies: |_, outcome| outcome.ours.code == 2 && outcome.theirs.said.contains("missing kernel module"),
    },
    Exception {
        name: "segment masks",
        reason: "iptables shows -1 as the length of a mask that has gaps",
        since: None,
        applies: |rule, outcome| rule.has(&["srh"]) && outcome.theirs.shown[1].saved.contains("/4294967295"),
    },
    Exception {
        name: "timer's message",
        reason: "--send_nl_msg is an option on Android only",
        since: None,
        applies: |rule, outcome| rule.has(&["IDLETIMER"]) && codes(outcome) == (4, 2),
    },
    Exception {
        name: "no TCP flags",
        reason: "iptables-nft forgets a test of no flags at all, which never or always matches",
        since: None,
        applies: |rule, outcome| {
            rule.has(&["tcp"])
                && outcome.is_taken()
                && rule.words.iter().any(|word| word.to_uppercase().contains("NONE") || word.is_empty())
        },
    },
    Exception {
        name: "other than TCP",
        reason: "iptables-nft looks for the ports of TCP in packets of other protocols if -p is negated",
        since: None,
        applies: |rule, outcome| {
            rule.has(&["tcp", "udp"]) && outcome.theirs.code == 0 && outcome.ours.said.contains("needs `-p`")
        },
    },
    Exception {
        name: "unused transformation",
        reason: "iptables keeps parameters of transformations that `--pol none` makes void, and does not show them",
        since: None,
        applies: |rule, outcome| {
            rule.has(&["policy"]) && outcome.is_taken() && rule.words.iter().any(|word| word == "none")
        },
    },
    Exception {
        name: "protocol behind ports",
        reason: "the match multiport of iptables wants -p before it, for iptables2 it may come later",
        since: None,
        applies: |rule, outcome| rule.has(&["multiport"]) && codes(outcome) == (0, 2),
    },
    Exception {
        name: "reversed ranges",
        reason: "1.8.9 does not look whether a range ends before it begins, or leaves it to the kernel",
        since: Some(V1_8_11),
        applies: |_, outcome| outcome.ours.said.contains("the range ends before it begins"),
    },
    Exception {
        name: "attached addresses",
        reason: "1.8.9 takes `--destination=` for a part of the address",
        since: Some(V1_8_11),
        applies: |rule, outcome| {
            let attached = |word: &String| {
                word.split_once('=')
                    .is_some_and(|(name, _)| name.len() > 2 && "--destination".starts_with(name))
            };
            outcome.theirs.code == 2 && rule.words.iter().any(attached)
        },
    },
    Exception {
        name: "order of options",
        reason: "1.8.9 looks at single options, not at all together: what comes first, or excludes each other",
        since: Some(V1_8_11),
        applies: |rule, outcome| {
            rule.has(&["recent", "rt", "multiport"]) && outcome.ours.code != outcome.theirs.code
        },
    },
    Exception {
        name: "masks with gaps",
        reason: "1.8.9 forgets the mask of an address if it has gaps",
        since: Some(V1_8_11),
        applies: |rule, outcome| rule.has(&["NETMAP", "conntrack", "policy", "srh"]) && outcome.is_taken(),
    },
    Exception {
        name: "large numbers of seconds",
        reason: "1.8.9 prints them as negative ones",
        since: Some(V1_8_11),
        applies: |rule, outcome| {
            rule.has(&["recent"]) && outcome.theirs.shown[1].saved.contains("--seconds -")
        },
    },
    Exception {
        name: "names of protocols",
        reason: "1.8.9 saves names of rare protocols, which /etc/protocols has",
        since: Some(V1_8_11),
        applies: |_, outcome| {
            outcome.is_taken() && {
                let [own, by_other, ..] = saved(outcome)
                    .map(|line| line.split_once(" -p ").and_then(|(_, rest)| rest.split_once(' ')));
                own.zip(by_other).is_some_and(|(own, other)| own.0 != other.0 && own.1 == other.1)
            }
        },
    },
    Exception {
        name: "any protocol or type",
        reason: "1.8.9 takes the protocol 0 of a connection, and all codes of the ICMP type that stands for any",
        since: Some(V1_8_11),
        applies: |rule, outcome| rule.has(&["conntrack", "icmp"]) && outcome.theirs.code == 0,
    },
    Exception {
        name: "all queues from one on",
        reason: "1.8.9 takes 65535 for the last queue where none is named, which it does not take if it is",
        since: Some(V1_8_11),
        applies: |rule, outcome| {
            rule.has(&["NFQUEUE"]) && outcome.is_taken() && saved(outcome)[0].contains(":65534")
        },
    },
    Exception {
        name: "all types, negated",
        reason: "1.8.9 does not save that a message is to have none of all types of mobile IPv6",
        since: Some(V1_8_11),
        applies: |rule, outcome| {
            rule.has(&["mh"]) && outcome.is_taken() && saved(outcome)[0].contains("! --mh-type 0:255")
        },
    },
    Exception {
        name: "names of ICMPv6 types",
        reason: "1.8.9 has no names for the messages of MLD, and others twice, so that their beginnings are ambiguous",
        since: Some(V1_8_11),
        applies: |rule, outcome| {
            let listed = &outcome.theirs.shown[1].listed;
            let unnamed = ["type 130", "type 131", "type 132"].iter().any(|kind| listed.contains(kind));
            let unknown = outcome.theirs.said.contains("Unknown ICMPv6 type `mld");
            rule.has(&["icmp6"]) && (codes(outcome) == (0, 2) || unknown || (outcome.is_taken() && unnamed))
        },
    },
];

const fn codes(outcome: &Outcome) -> (i32, i32) {
    (outcome.ours.code, outcome.theirs.code)
}

/// What both programs save of what both have added.
fn saved(outcome: &Outcome) -> [&str; 4] {
    let [[own, by_other], [others, other]] = [&outcome.ours, &outcome.theirs].map(|side| &side.shown);
    [&own.saved, &by_other.saved, &others.saved, &other.saved]
}

/// Whether a word is empty, or has blanks, or numbers in it with a sign, a fraction or letters behind them.
fn is_odd(word: &str) -> bool {
    let value = match word.split_once('=') {
        Some((option, value)) if option.starts_with("--") => value,
        _ if word.starts_with("--") => return false,
        _ => word,
    };
    let odd_number = |part: &str| {
        let digits = part.trim_start_matches(['+', '-']);
        let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        let (signed, number) = (digits.len() < part.len(), rest.len() < digits.len());
        // Not an address, nor the beginning of a hexadecimal number.
        let fraction = rest.starts_with('.') && rest.matches('.').count() == 1;
        number && (signed || fraction || (rest.starts_with(['x', 'e']) && !digits.starts_with("0x")))
    };
    let mut parts = value.split([',', ':', '/']);
    value.is_empty() || value.contains(char::is_whitespace) || parts.any(odd_number)
}

/// A saved rule without numbers of bytes and bits, and without the comparison of rates.
fn without_bytes(line: &str) -> Vec<&str> {
    let is_amount = |word: &&str| {
        word.starts_with(|first: char| first.is_ascii_digit())
            && (word.ends_with('b') || word.ends_with("bit"))
    };
    let compares = |word: &&str| ["--rateest-lt", "--rateest-gt", "--rateest-eq", "!"].contains(word);
    line.split(' ').filter(|word| !is_amount(word) && !compares(word)).collect()
}
