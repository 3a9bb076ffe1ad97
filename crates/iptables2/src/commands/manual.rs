use super::Cli;
use crate::Result;
use clap::{Args, CommandFactory as _};
use pkttables::model::Families;
use pkttables::registry::{Descriptor, Domain, Kind, Param, Registry};
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
        ".TH IPTABLES2-EXTENSIONS 8\n.SH NAME\niptables2-extensions \\- the matches and targets of iptables2\n",
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
    paragraphs(page, &extension.help.text());
    extension.params.iter().for_each(|each| param(page, each));
}

fn param(page: &mut String, param: &Param) {
    let not = if param.negatable { "[!] " } else { "" };
    let value = if *param.domain == Domain::Nothing { "" } else { " \\fIvalue\\fR" };
    let _ = writeln!(page, ".TP\n{not}\\fB{}\\fR{value}", roff(&format!("--{}", param.name)));
    paragraphs(page, &param.help.text());
    if *param.domain != Domain::Nothing {
        let _ = writeln!(page, ".IP\nIt takes {}.", roff(&param.domain.describe()));
    }
    if let Some(default) = param.default {
        let _ = writeln!(page, "Without it: {}.", roff(default));
    }
}

fn paragraphs(page: &mut String, text: &str) {
    for (place, paragraph) in text.split("\n\n").enumerate() {
        if place > 0 {
            page.push_str(".IP\n");
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
            }
        }
        assert!(!page.lines().any(|line| line.starts_with('\'')));
    }
}
