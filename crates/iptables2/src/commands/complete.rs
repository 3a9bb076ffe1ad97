use super::Cli;
use crate::connect::Options;
use clap::{Args, CommandFactory as _, ValueEnum};
use pkttables::model::{Family, TableName, Verdict, protocol};
use pkttables::registry::{Descriptor, Domain, Kind, ObjectKind, Param, Registry};
use std::process::ExitCode;

/// `iptables2 completions`
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// `iptables2 complete`
#[derive(Debug, Args)]
pub(super) struct Complete {
    /// The words of the command line up to the cursor, the program's name first
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

const BASH: &str = r#"_iptables2() {
    local line
    COMPREPLY=()
    while IFS=$'\t' read -r line _; do
        COMPREPLY+=("$line")
    done < <(iptables2 complete -- "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
    [ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default
}
complete -F _iptables2 iptables2 iptables ip6tables
"#;

const ZSH: &str = r#"#compdef iptables2 iptables ip6tables
_iptables2() {
    local -a found
    local line
    while IFS= read -r line; do
        found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done < <(iptables2 complete -- "${words[@]:0:$CURRENT}" 2>/dev/null)
    if (( ${#found} )); then _describe iptables2 found; else _files; fi
}
if [ "$funcstack[1]" = _iptables2 ]; then
    _iptables2 "$@"
else
    compdef _iptables2 iptables2 iptables ip6tables
fi
"#;

const FISH: &str = r#"function __iptables2_complete
    iptables2 complete -- (commandline -opc) (commandline -ct) 2>/dev/null
end
for program in iptables2 iptables ip6tables
    complete -c $program -f -a '(__iptables2_complete)'
end
"#;

/// Options of the language itself whose words can be listed, and what they are for.
const OPTIONS: [(&str, &str); 35] = [
    ("--append", "add a rule at the end of a chain"),
    ("--check", "tell whether a rule is there"),
    ("--delete", "delete a rule"),
    ("--delete-chain", "delete an empty chain"),
    ("--destination", "where the packet goes"),
    ("--exact", "show exact numbers"),
    ("--flush", "delete all rules of a chain"),
    ("--fragments", "second and further fragments, which have no ports; IPv4 only"),
    ("--goto", "go on in another chain"),
    ("--help", "explain the options, and those of matches and targets that stand before"),
    ("--in-interface", "by which the packet came in"),
    ("--insert", "add a rule at a place in a chain"),
    ("--ipv4", "only for IPv4"),
    ("--ipv6", "only for IPv6"),
    ("--jump", "what is done with the packet"),
    ("--line-numbers", "number the rules of a list"),
    ("--list", "show the rules"),
    ("--list-rules", "show the rules as they are written"),
    ("--match", "use a match"),
    ("--modprobe", "accepted; the kernel loads modules itself"),
    ("--new-chain", "make a chain"),
    ("--numeric", "show numbers instead of names"),
    ("--out-interface", "by which the packet goes out"),
    ("--policy", "what a built-in chain does in the end"),
    ("--protocol", "the transport protocol"),
    ("--rename-chain", "give a chain another name"),
    ("--replace", "put another rule in the place of one"),
    ("--set-counters", "begin counting from these numbers of packets and bytes"),
    ("--source", "where the packet comes from"),
    ("--table", "the table"),
    ("--verbose", "show more"),
    ("--version", "print the version"),
    ("--wait", "accepted; nothing has to be waited for"),
    ("--wait-interval", "accepted; nothing has to be waited for"),
    ("--zero", "set counters to zero"),
];

const VERDICTS: [(Verdict, &str); 4] = [
    (Verdict::Accept, "let the packet through"),
    (Verdict::Drop, "throw the packet away"),
    (Verdict::Return, "go back to the calling chain, or to the policy"),
    (Verdict::Queue, "hand the packet to a program, by queue 0"),
];

type Found = (String, String);

impl Completions {
    pub(super) fn run(&self) -> ExitCode {
        print!(
            "{}",
            match self.shell {
                Shell::Bash => BASH,
                Shell::Zsh => ZSH,
                Shell::Fish => FISH,
            }
        );
        ExitCode::SUCCESS
    }
}

impl Complete {
    pub(super) fn run(&self) -> ExitCode {
        for (word, help) in complete(&self.words) {
            println!("{word}\t{help}");
        }
        ExitCode::SUCCESS
    }
}

/// What the last word can be continued to.
fn complete(words: &[String]) -> Vec<Found> {
    let (words, attached_to) = apart(words);
    let Some((program, words)) = words.split_first() else { return Vec::new() };
    let name = program.rsplit('/').next().unwrap_or_default();
    // Options such as `--embedded` may stand before the rest.
    let options = words.iter().take_while(|word| word.starts_with("--")).count();
    let rest = words.get(options.min(words.len().saturating_sub(1))..).unwrap_or_default();
    let mut found = match (name, rest) {
        (name, _) if name.starts_with("ip6tables") => of_rule(words, Family::Ipv6),
        ("iptables2", ["ip6tables", rest @ ..]) => of_rule(rest, Family::Ipv6),
        ("iptables2", ["iptables", rest @ ..]) => of_rule(rest, Family::Ipv4),
        ("iptables2", rest) => of_subcommand(rest),
        _ => of_rule(words, Family::Ipv4),
    };
    let begun = words.last().copied().unwrap_or_default();
    found.retain(|(word, _)| {
        word.starts_with(begun) || word.to_lowercase().starts_with(&begun.to_lowercase())
    });
    found.iter_mut().for_each(|(word, _)| word.insert_str(0, attached_to));
    found
}

/// The words, with values apart from the options that they are attached to; and the option and `=` of the last word, which
/// bash takes for words of their own.
fn apart(words: &[String]) -> (Vec<&str>, &str) {
    let (mut parts, mut attached_to): (Vec<&str>, _) = (Vec::new(), "");
    for word in words {
        attached_to = "";
        match word.split_once('=') {
            Some(("", "")) if parts.last().is_some_and(|option| option.starts_with("--")) => parts.push(""),
            Some((option, value)) if option.starts_with("--") && !Options::has(word) => {
                parts.extend([option, value]);
                attached_to = word.strip_suffix(value).unwrap_or_default();
            }
            // A value behind the `=` that is a word of its own.
            _ if parts.last().is_some_and(|last| last.is_empty()) => {
                parts.pop();
                parts.push(word);
            }
            _ => parts.push(word),
        }
    }
    (parts, attached_to)
}

fn of_subcommand(words: &[&str]) -> Vec<Found> {
    match without_options(words).as_slice() {
        ["query", rest @ ..] if !words.last().is_some_and(|last| last.starts_with('-')) => of_query(rest),
        _ => of_program(words),
    }
}

/// The words that stand for themselves; the last one is there in any case.
fn without_options<'w>(words: &[&'w str]) -> Vec<&'w str> {
    const WITH_VALUE: [&str; 4] = ["-f", "--family", "-p", "--protocol"];
    let Some((last, before)) = words.split_last() else { return Vec::new() };
    let mut previous = "";
    let mut kept = Vec::new();
    for &word in before {
        if !word.starts_with('-') && !WITH_VALUE.contains(&previous) {
            kept.push(word);
        }
        previous = word;
    }
    kept.push(*last);
    kept
}

/// Words of a question; those of its kinds are the program's own.
fn of_query(words: &[&str]) -> Vec<Found> {
    let registry = Registry::builtin();
    let named = |names: &mut dyn Iterator<Item = &'static Descriptor>| -> Vec<Found> {
        names.map(|one| (one.name.to_owned(), one.help.summary())).collect()
    };
    let find =
        |kind: Kind, name: &str| Family::ALL.into_iter().find_map(|family| registry.find(kind, name, family));
    let any = |name: &str| find(Kind::Match, name).or_else(|| find(Kind::Target, name));
    let params = |found: Option<&'static Descriptor>| -> Vec<Found> {
        let params = found.map_or(&[][..], |found| found.params);
        params.iter().map(|param| (param.name.to_owned(), param.help.summary())).collect()
    };
    match words {
        ["match", _] => named(&mut registry.all().iter().copied().filter(|one| one.kind == Kind::Match)),
        ["target", _] => named(&mut registry.all().iter().copied().filter(|one| one.kind == Kind::Target)),
        ["match", name, _] => params(find(Kind::Match, name)),
        ["target", name, _] => params(find(Kind::Target, name)),
        ["why" | "schema", _] => named(&mut registry.all().iter().copied()),
        ["why", name, _] => params(any(name)),
        ["why", name, param, value] => {
            let found = any(name);
            let of_family =
                |family| found.and_then(|found| found.param(param, family)).map(|param| (param, family));
            let known = Family::ALL.into_iter().find_map(of_family);
            known.map(|(param, family)| values(param, value, family)).unwrap_or_default()
        }
        ["at", _] => TableName::ALL.map(|table| (table.name().to_owned(), String::new())).into(),
        ["at", table, _] => TableName::from_name(table).map(builtin_chains).unwrap_or_default(),
        [_] => of_program(&["query", ""]),
        _ => Vec::new(),
    }
}

/// Subcommands and options of the program itself.
fn of_program(words: &[&str]) -> Vec<Found> {
    let help = |help: Option<&clap::builder::StyledStr>| help.map(ToString::to_string).unwrap_or_default();
    let mut command = Cli::command();
    // This is what gives the options of all questions to each.
    command.build();
    let Some((_, before)) = words.split_last() else { return Vec::new() };
    for word in before.iter().filter(|word| !word.starts_with('-')) {
        match command.find_subcommand(word) {
            Some(found) => command = found.clone(),
            None => break,
        }
    }
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    let mut found: Vec<Found> =
        commands.map(|command| (command.get_name().to_owned(), help(command.get_about()))).collect();
    let options = command.get_arguments().filter_map(|argument| Some((argument.get_long()?, argument)));
    found.extend(options.map(|(long, argument)| (format!("--{long}"), help(argument.get_help()))));
    found
}

/// What a value can be continued to: by its description, or by what the system has.
fn values(param: &Param, begun: &str, family: Family) -> Vec<Found> {
    let by_system = match *param.domain {
        Domain::Interface | Domain::Object { kind: ObjectKind::Device, .. } => interfaces(),
        _ => Vec::new(),
    };
    let described = param.domain.complete(begun, family).into_iter().map(|one| (one.text, one.help));
    described.chain(by_system).collect()
}

/// The network devices that there are.
fn interfaces() -> Vec<Found> {
    let devices = std::fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    devices.filter_map(|device| Some((device.file_name().into_string().ok()?, String::new()))).collect()
}

fn builtin_chains(table: TableName) -> Vec<Found> {
    table.hooks().iter().map(|hook| (hook.chain().to_owned(), String::new())).collect()
}

fn of_rule(words: &[&str], family: Family) -> Vec<Found> {
    let Some((last, before)) = words.split_last() else { return Vec::new() };
    let registry = Registry::builtin();
    let names = |kind: Kind| {
        registry
            .of_family(family)
            .filter(move |one| one.kind == kind)
            .map(|one| (one.name.to_owned(), one.help.summary()))
    };
    let loaded = extensions(before, family);
    let param = |word: &str| -> Option<&'static Param> {
        let name = word.strip_prefix("--")?;
        loaded.iter().rev().find_map(|one| one.param(name, family))
    };
    // The word may be the second of its option.
    if let [.., option, first] = before
        && let Some(param) = param(option).filter(|param| param.words > 1)
    {
        let word = |text: &str| text.get(first.len() + 1..).unwrap_or_default().to_owned();
        let found = values(param, &format!("{first} {last}"), family);
        return found.into_iter().map(|(text, help)| (word(&text), help)).collect();
    }
    match before.last().copied() {
        Some("-t" | "--table") => TableName::ALL.map(|table| (table.name().to_owned(), String::new())).into(),
        Some("-m" | "--match") => names(Kind::Match).collect(),
        Some("-j" | "--jump") => {
            let verdicts = VERDICTS.map(|(verdict, help)| (verdict.name().to_owned(), help.to_owned()));
            names(Kind::Target).chain(verdicts).collect()
        }
        Some("-p" | "--protocol") => {
            let known = (0..=u8::MAX).filter_map(protocol::known_name);
            known.map(|name| (name.to_owned(), String::new())).collect()
        }
        Some(
            "-A" | "--append" | "-I" | "--insert" | "-D" | "--delete" | "-C" | "--check" | "-R" | "--replace"
            | "-P" | "--policy" | "-L" | "--list" | "-S" | "--list-rules" | "-F" | "--flush" | "-Z"
            | "--zero",
        ) => {
            let table = before.windows(2).find(|pair| matches!(pair, ["-t" | "--table", _]));
            let table =
                table.and_then(|pair| TableName::from_name(pair.last()?)).unwrap_or(TableName::Filter);
            builtin_chains(table)
        }
        Some("-i" | "--in-interface" | "-o" | "--out-interface") => interfaces(),
        Some(option) if param(option).is_some_and(|param| param.words == 1) => {
            param(option).map(|param| values(param, last, family)).unwrap_or_default()
        }
        _ if last.starts_with('-') || last.is_empty() => {
            let own =
                loaded.iter().rev().flat_map(|one| one.params).filter(|param| param.families.has(family));
            let own = own.map(|param| (format!("--{}", param.name), param.help.summary()));
            own.chain(OPTIONS.map(|(name, help)| (name.to_owned(), help.to_owned()))).collect()
        }
        _ => Vec::new(),
    }
}

/// The extensions that the words name, those that a protocol brings with it among them.
fn extensions(words: &[&str], family: Family) -> Vec<&'static Descriptor> {
    let registry = Registry::builtin();
    let pairs = words.windows(2).filter_map(|pair| match *pair {
        ["-m" | "--match", name] | ["-p" | "--protocol", name] => registry.find(Kind::Match, name, family),
        ["-j" | "--jump", name] => registry.find(Kind::Target, name, family),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        complete(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
            .into_iter()
            .map(|(word, _)| word)
            .collect()
    }

    #[test]
    fn options_and_values_of_the_match_being_typed() {
        assert_eq!(words("iptables -A INPUT -m conntrack --cts"), ["--ctstate", "--ctstatus"]);
        assert_eq!(words("iptables -A INPUT -m conntrack --ctstate NEW,EST"), ["NEW,ESTABLISHED"]);
        assert_eq!(words("iptables -A INPUT -p tcp --dpo"), ["--dport"]);
        assert_eq!(words("iptables -A INPUT -p tcp --tcp-flags SYN,ACK SY"), ["SYN"]);
        assert_eq!(words("iptables -t nat -A P"), ["PREROUTING", "POSTROUTING"]);
        assert_eq!(words("iptables -A INPUT -j REJ"), ["REJECT"]);
        assert_eq!(words("ip6tables -A INPUT -m hl --hl-"), ["--hl-eq", "--hl-lt", "--hl-gt"]);
        assert!(words("iptables -A INPUT -m hl --hl-").is_empty());
        assert_eq!(words("iptables -A INPUT -j DR"), ["DROP"]);
        assert_eq!(words("iptables -A INPUT -m conntrack --ctstate=EST"), ["--ctstate=ESTABLISHED"]);
        assert_eq!(words("iptables -A INPUT -m conntrack --ctstate = EST"), ["ESTABLISHED"]);
        assert_eq!(words("iptables -A INPUT -m conntrack --ctdir = "), ["ORIGINAL", "REPLY"]);
        assert_eq!(words("iptables --table=nat -A POST"), ["POSTROUTING"]);
    }

    #[test]
    fn subcommands() {
        assert_eq!(words("iptables2 query match conntr"), ["conntrack"]);
        assert_eq!(words("iptables2 query match length le"), ["length"]);
        assert_eq!(words("iptables2 query --json -f ipv6 match conntr"), ["conntrack"]);
        assert_eq!(words("iptables2 query why conntrack ctst"), ["ctstate", "ctstatus"]);
        assert_eq!(words("iptables2 query why conntrack ctstate NEW,EST"), ["NEW,ESTABLISHED"]);
        assert_eq!(words("iptables2 query at nat POST"), ["POSTROUTING"]);
        assert_eq!(words("iptables2 query schema conntr"), ["conntrack"]);
        assert_eq!(words("iptables2 query match conntrack --js"), ["--json"]);
        assert_eq!(words("iptables2 query ma"), ["matches", "match"]);
        assert_eq!(words("iptables2 --embedded iptables -A INPUT -j REJ"), ["REJECT"]);
        assert!(words("iptables2 qu").contains(&"query".to_owned()));
        assert!(!words("iptables2 comp").contains(&"complete".to_owned()));
    }
}
