//! What `-h` prints.

use crate::personality::{Personality, VERSION};
use pkttables::registry::{Kind, Registry};
use std::fmt::Write as _;

const USAGE: &str = "  -A CHAIN RULE            --append        add a rule at the end of a chain
  -I CHAIN [NUMBER] RULE   --insert        add it at a place, the first if none is given
  -R CHAIN NUMBER RULE     --replace       put it in the place of another
  -D CHAIN RULE|NUMBER     --delete        delete a rule
  -C CHAIN RULE            --check         tell by the exit code whether a rule is there
  -L [CHAIN [NUMBER]]      --list          show rules in columns
  -S [CHAIN [NUMBER]]      --list-rules    show rules as commands that make them
  -F [CHAIN]               --flush         delete all rules
  -Z [CHAIN [NUMBER]]      --zero          set counters to 0
  -N CHAIN                 --new-chain     make a chain
  -X [CHAIN]               --delete-chain  delete a chain that is empty and not used
  -E CHAIN NAME            --rename-chain  give a chain another name
  -P CHAIN ACCEPT|DROP     --policy        what becomes of packets at the end of a built-in chain

A rule:
  [!] -s ADDRESS[/MASK][,...]  --source         where packets come from
  [!] -d ADDRESS[/MASK][,...]  --destination    where they go
  [!] -i NAME[+]               --in-interface   by which interface they come
  [!] -o NAME[+]               --out-interface  by which interface they go
  [!] -p PROTOCOL              --protocol       their transport protocol
  [!] -f                       --fragments      fragments but the first (IPv4)
  -m MATCH OPTIONS             --match          a further condition
  -j TARGET OPTIONS            --jump           what is done with them, or the chain that goes on
  -g CHAIN                     --goto           a chain to go on in without coming back
  -c PACKETS BYTES             --set-counters   what the counters begin with

Besides:
  -t TABLE  --table            filter, nat, mangle, raw or security; filter if none is given
  -n -v -x  --line-numbers     lists with numbers only, more columns, exact counters, numbered rules
  -4 -6     --ipv4 --ipv6      do nothing unless the program is for that family
  -w [SECONDS]  --wait         accepted; there is no lock to wait for
  -V  --version    -h  --help  `-m MATCH -h' and `-j TARGET -h' tell of an extension
";

/// Tells about the program, and the extensions that the command named.
pub(crate) fn text(personality: &Personality, extensions: &[(Kind, &'static str)]) -> String {
    let name = &personality.name;
    let mut text =
        format!("{name} {VERSION}\n\nUsage: {name} [-t TABLE] COMMAND [OPTION]...\n\nCommands:\n{USAGE}\n");
    for (kind, name) in extensions {
        if let Some(descriptor) = Registry::builtin().find(*kind, name, personality.family) {
            let _ = writeln!(text, "\n{name}: {}", descriptor.help.text());
            for param in descriptor.params.iter().filter(|param| param.families.has(personality.family)) {
                let not = if param.negatable { "[!] " } else { "" };
                let _ = writeln!(text, "  {not}--{}\t{}", param.name, param.help.summary());
            }
        }
    }
    text
}
