use super::Cli;
use super::facts::{chains, conditions, protocols, requirement, tables};
use crate::Result;
use clap::{Args, CommandFactory as _};
use pkttables::model::{Families, Family};
use pkttables::registry::{Choice, Descriptor, Domain, Kind, Param, Registry};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// `iptables2 man`
#[derive(Debug, Args)]
pub(super) struct Man {
    /// Where they go; one page for each subcommand and one for all extensions
    folder: PathBuf,
}

impl Man {
    pub(super) fn run(&self) -> Result<ExitCode> {
        std::fs::create_dir_all(&self.folder)?;
        clap_mangen::generate_to(Cli::command(), &self.folder)?;
        std::fs::write(self.folder.join("iptables2-extensions.8"), extensions())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The page of all extensions, from their descriptions.
fn extensions() -> String {
    let mut page = String::from(
        ".TH IPTABLES2-EXTENSIONS 8\n.nh\n.SH NAME\niptables2-extensions \\- the matches and targets of iptables2\n",
    );
    for (kind, title) in [(Kind::Match, "MATCHES"), (Kind::Target, "TARGETS")] {
        let _ = writeln!(page, ".SH {title}");
        let mut all: Vec<&Descriptor> =
            Registry::builtin().all().iter().copied().filter(|one| one.kind == kind).collect();
        all.sort_by_key(|one| one.name);
        all.into_iter().for_each(|one| extension(&mut page, one));
    }
    page
}

fn extension(page: &mut String, extension: &Descriptor) {
    let families = match extension.families {
        Families::IPV4 => " (IPv4)",
        Families::IPV6 => " (IPv6)",
        _ => "",
    };
    let _ = writeln!(page, ".SS {}{families}", roff(extension.name));
    paragraphs(page, ".PP", &extension.help.text());
    let mut facts = Vec::new();
    let mut fact = |what: &str, list: Vec<String>| {
        if !list.is_empty() {
            facts.push(format!("{what} {}.", list.join(", ")));
        }
    };
    let named = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    fact("Also called", named(extension.aliases.to_vec()));
    if !extension.tables.is_all() {
        fact("Only in table", named(tables(extension)));
    }
    if !extension.hooks.is_all() {
        fact("Only at", named(chains(extension.hooks)));
    }
    fact("Needs -p with", protocols(extension));
    fact("Of the options", requirement(extension.require).into_iter().collect());
    if !facts.is_empty() {
        let _ = writeln!(page, ".PP\n{}", facts.iter().map(|fact| roff(fact)).collect::<Vec<_>>().join("\n"));
    }
    extension.params.iter().for_each(|each| param(page, each));
}

fn param(page: &mut String, param: &Param) {
    let not = if param.negatable { "[!] " } else { "" };
    let value = match *param.domain {
        Domain::Nothing => "",
        _ if param.optional_word => " [\\fIvalue\\fR]",
        _ => " \\fIvalue\\fR",
    };
    let names: Vec<String> = std::iter::once(&param.name)
        .chain(param.aliases)
        .map(|name| format!("\\fB{}\\fR", roff(&format!("--{name}"))))
        .collect();
    let _ = writeln!(page, ".TP\n{not}{}{value}", names.join(", "));
    paragraphs(page, ".IP", &param.help.text());
    let mut facts = Vec::new();
    if *param.domain != Domain::Nothing {
        facts.push(format!("It takes {}.", param.domain.describe()));
    }
    facts.extend(param.default.map(|default| format!("Without it: {default}.")));
    facts.extend(conditions(param).into_iter().map(|condition| format!("{condition}.")));
    if !facts.is_empty() {
        let _ = writeln!(page, ".IP\n{}", roff(&facts.join("\n")));
    }
    let words = choices(param);
    if !words.is_empty() {
        page.push_str(".RS\n");
        for choice in words {
            let names = std::iter::once(&choice.name).chain(choice.aliases);
            let names: Vec<String> = names.map(|name| roff(name)).collect();
            let _ = writeln!(page, ".TP\n{}\n{}", names.join(", "), roff(&choice.meaning()));
        }
        page.push_str(".RE\n");
    }
}

/// The words of both families.
fn choices(param: &Param) -> Vec<&'static Choice> {
    let mut all: Vec<&Choice> = Vec::new();
    for choice in Family::ALL.into_iter().flat_map(|family| param.domain.choices(family)) {
        if !all.iter().any(|known| known.name == choice.name) {
            all.push(choice);
        }
    }
    all
}

fn paragraphs(page: &mut String, between: &str, text: &str) {
    for (place, paragraph) in text.split("\n\n").enumerate() {
        if place > 0 {
            let _ = writeln!(page, "{between}");
        }
        let _ = writeln!(page, "{}", roff(paragraph));
    }
}

/// Text that roff shows as it is.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let lines = text
        .lines()
        .map(|line| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_extension_and_option_has_its_place() {
        let page = extensions();
        for descriptor in Registry::builtin().all() {
            assert!(page.contains(&format!(".SS {}", roff(descriptor.name))), "{}", descriptor.name);
            for param in descriptor.params {
                assert!(page.contains(&roff(&format!("--{}", param.name))), "{}", param.name);
                for choice in choices(param) {
                    assert!(page.contains(&roff(&choice.meaning())), "{}", choice.name);
                }
            }
        }
        assert!(!page.lines().any(|line| line.starts_with('\'')));
    }
}
