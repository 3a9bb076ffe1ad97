use iptables2::scenario_file::{self as file, File, Words};
use pkttables::model::{Family, Hook};
use pkttables::registry::{Backend, Registry};
use pkttables::text::{self, Diagnostic, Parser, ReadOptions, read_ruleset};
use pkttables_eval::builder::{Made, PacketBuilder};
use pkttables_eval::{Expected, FIELDS, Setup, SetupError, Verdict};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// A file of tests, read and checked.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) setup: Setup,
    /// When the first packet of each test comes, in nanoseconds since 1970.
    pub(super) start: Option<u64>,
    pub(super) tests: Vec<Test>,
}

#[derive(Debug)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) packets: Vec<Step>,
}

/// A packet and what is expected of it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) words: String,
    pub(super) line: usize,
    pub(super) packet: Made,
    pub(super) expected: Expected,
}

/// Reads a file of tests and what it refers to; or says what is wrong, and where.
pub(super) fn read(path: &Path) -> Result<Plan, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{}: {}", path.display(), crate::restore::reason(&error)))?;
    let reader = Reader { path, text: &text };
    let file: File = toml::from_str(&text).map_err(|error| {
        let message = error.message().trim().replace('\n', "; ");
        reader.error(error.span().unwrap_or_default(), &message)
    })?;
    let start = file.start.as_ref().map(|start| reader.start(start)).transpose()?;
    let setup = reader.setup(&file)?;
    setup.clone().evaluator().map_err(|error| format!("{}: {error}", path.display()))?;
    let tests = file.tests.iter().map(|test| reader.test(test)).collect::<Result<_, _>>()?;
    Ok(Plan { setup, start, tests })
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    /// What is wrong at a place of the file.
    fn error(&self, at: Range<usize>, message: &str) -> String {
        let before = self.text.get(..at.start).unwrap_or_default();
        let column = before.rsplit('\n').next().map_or(0, str::len) + 1;
        format!("{}:{}:{column}: {message}", self.path.display(), self.line(at.start))
    }

    fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or_default().matches('\n').count() + 1
    }

    fn start(&self, start: &Spanned<toml::value::Datetime>) -> Result<u64, String> {
        let parsed = start.get_ref().to_string().parse::<jiff::Timestamp>();
        parsed.ok().and_then(|start| u64::try_from(start.as_nanosecond()).ok()).ok_or_else(|| {
            self.error(start.span(), "expected date, time and zone, such as 2026-01-31T12:00:00Z")
        })
    }

    fn setup(&self, file: &File) -> Result<Setup, String> {
        let family = match file.family {
            file::Family::Ipv4 => Family::Ipv4,
            file::Family::Ipv6 => Family::Ipv6,
        };
        let setup = match (&file.rules, &file.ruleset) {
            (Some(rules), None) => {
                let (path, text) = self.beside(rules)?;
                let parser = Parser::new(family, Registry::builtin());
                let reader = text::Reader::new(text.as_bytes(), parser, ReadOptions::default());
                let read = read_ruleset(&mut reader.with_file(&path.display().to_string()));
                let rendered = |errors: Vec<Diagnostic>| {
                    errors.iter().map(Diagnostic::render).collect::<Vec<_>>().join("\n")
                };
                Setup::new(read.map_err(rendered)?)
            }
            (None, Some(text)) => {
                let said = |error: SetupError| self.error(text.span(), &format!("in the ruleset: {error}"));
                Setup::parse(family, text.get_ref()).map_err(said)?
            }
            (Some(_), Some(text)) => {
                return Err(self.error(text.span(), "rules were given by `rules` already"));
            }
            (None, None) => {
                return Err(self.error(0..0, "expected `rules`, a file, or `ruleset`, the rules themselves"));
            }
        };
        let mut setup = setup.backend(match file.backend {
            file::Backend::Nft => Backend::Nft,
            file::Backend::Legacy => Backend::Legacy,
        });
        for route in &file.routes {
            let said = |error: SetupError| self.error(route.span(), &error.to_string());
            setup = setup.route(route.get_ref()).map_err(said)?;
        }
        for local in &file.locals {
            setup = setup.local(*local.get_ref());
        }
        for (key, value) in &file.sysctl {
            let said = |error: SetupError| self.error(key.span(), &error.to_string());
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            setup = setup.sysctl(key.get_ref(), &value).map_err(said)?;
        }
        match (&file.ipset, &file.sets) {
            (Some(sets), None) => {
                let (path, text) = self.beside(sets)?;
                setup.sets(&text).map_err(|error| of_file(&path, error))
            }
            (None, Some(text)) => {
                setup.sets(text.get_ref()).map_err(|error| self.error(text.span(), &error.to_string()))
            }
            (Some(_), Some(text)) => Err(self.error(text.span(), "sets were given by `ipset` already")),
            (None, None) => Ok(setup),
        }
    }

    /// A file that is named from the folder of the tests.
    fn beside(&self, name: &Spanned<PathBuf>) -> Result<(PathBuf, String), String> {
        let path = self.path.parent().unwrap_or_else(|| Path::new("")).join(name.get_ref());
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok((path, text)),
            Err(error) => {
                let message = format!("{}: {}", path.display(), crate::restore::reason(&error));
                Err(self.error(name.span(), &message))
            }
        }
    }

    fn test(&self, test: &file::Test) -> Result<Test, String> {
        let packets: Vec<Step> =
            test.packets.iter().map(|packet| self.step(packet)).collect::<Result<_, _>>()?;
        match packets.first().map(|first| first.line) {
            Some(line) => Ok(Test { name: test.name.clone(), line, packets }),
            None => Err(self.error(0..0, &format!("test `{}' sends no packets", test.name))),
        }
    }

    fn step(&self, packet: &file::Packet) -> Result<Step, String> {
        let words = packet.send.get_ref().text();
        let said = |error: String| self.error(packet.send.span(), &error);
        let built = PacketBuilder::parse(&words).map_err(|error| said(error.to_string()))?;
        let made = built.build().map_err(|error| said(error.to_string()))?;
        let expected = Expected {
            verdict: packet.expect.map(|verdict| match verdict {
                file::Verdict::Accept => Verdict::Accept,
                file::Verdict::Drop => Verdict::Drop,
                file::Verdict::Reject => Verdict::Reject,
                file::Verdict::Queue => Verdict::Queue,
                file::Verdict::Stolen => Verdict::Stolen,
            }),
            hook: packet.hook.map(|hook| match hook {
                file::Hook::Prerouting => Hook::Prerouting,
                file::Hook::Input => Hook::Input,
                file::Hook::Forward => Hook::Forward,
                file::Hook::Output => Hook::Output,
                file::Hook::Postrouting => Hook::Postrouting,
            }),
            rule: packet.rule.clone(),
            mark: packet.mark,
            output: packet.output.clone(),
            out: packet.out.as_ref().map(|out| self.fields(out)).transpose()?.unwrap_or_default(),
            logs: packet.log.clone(),
            records: packet.nflog.clone(),
            copies: packet.copies.clone(),
            trace: packet.trace.clone(),
        };
        if expected == Expected::default() {
            return Err(said(
                "nothing is expected of the packet; say `expect = \"accept\"` or the like".into(),
            ));
        }
        let line = self.line(packet.send.span().start);
        Ok(Step { words, line, packet: made, expected })
    }

    fn fields(&self, out: &Spanned<Words>) -> Result<Vec<(String, String)>, String> {
        let pairs = out.get_ref().pairs();
        let pairs = pairs.ok_or_else(|| self.error(out.span(), "expected words of the form KEY=VALUE"))?;
        match pairs.iter().find(|(key, _)| !FIELDS.contains(&&**key)) {
            Some((key, _)) => {
                let message = format!("`{key}' is no field of a packet; there are {}", FIELDS.join(", "));
                Err(self.error(out.span(), &message))
            }
            None => Ok(pairs),
        }
    }
}

/// What is wrong in a file that the tests refer to.
fn of_file(path: &Path, error: SetupError) -> String {
    let name = path.display();
    match error {
        SetupError::Sets(error) => format!("{name}:{error}"),
        error => format!("{name}: {error}"),
    }
}
