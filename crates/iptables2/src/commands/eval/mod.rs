//! `iptables2 eval`

pub(super) mod arguments;
pub(super) mod report;

use crate::Result;
use crate::connect::Options;
use crate::failure::Failure;
use arguments::Rules;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use iptables2::capture::{self, Captured};
use pkttables::packet::{Data, InterfaceName};
use pkttables::text::save::{CounterStyle, write_ruleset};
use pkttables_eval::builder::{Made, PacketBuilder};
use pkttables_eval::{Evaluator, Setup};
use report::{Seen, json, text};
use std::io::{BufReader, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

/// `iptables2 eval`
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("input").required(true).multiple(true).args(["packets", "packet"])))]
pub(super) struct Eval {
    #[command(flatten)]
    rules: Rules,
    /// The packets: a pcapng or pcap file; - is standard input
    ///
    /// Frames of Ethernet, with VLAN tags too, of Linux cooked captures and raw IP packets are read. In pcapng the
    /// names of the interfaces are those that packets come in by; packets flagged as outbound are made by this host.
    #[arg(long, value_name = "FILE")]
    packets: Option<PathBuf>,
    /// The interface that packets come in by where the capture does not tell
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// A packet in words, such as "in=eth0 src=10.0.0.1 dst=10.0.0.2 proto=tcp sport=1025 dport=22 flags=syn"
    ///
    /// May be given many times; the packets are sent in order, after those of --packets. Further words: out, seq, ack,
    /// window, mss, type, code, icmp-id, tag, spi, key, payload, length, ttl, tos, id, df, frag, options, checksum,
    /// mark, smac, dmac, time.
    #[arg(long, value_name = "WORDS")]
    packet: Vec<String>,
    /// Show every rule that a packet meets, as the TRACE target would
    #[arg(long)]
    trace: bool,
    /// Show for each rule that did not match the first condition that failed, and what the packet has instead
    #[arg(long)]
    why: bool,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each packet
    Text,
    /// The rules with what they counted, as of iptables-save -c
    Save,
    /// A JSON object for each packet
    Json,
}

impl Eval {
    pub(super) fn run(&self, options: &Options) -> Result<ExitCode> {
        let ruleset = match self.rules.read(options)? {
            Ok(ruleset) => ruleset,
            Err(code) => return Ok(code),
        };
        let name = self.rules.name();
        let setup = self.rules.complete(Setup::new(ruleset))?.trace(self.trace);
        let evaluator = setup.evaluator().map_err(|error| Failure::Other(1, format!("{name}: {error}")))?;
        let made = self.made()?;
        let out = std::io::BufWriter::new(std::io::stdout().lock());
        let mut run = Run { options: self, evaluator, out, number: 0, last: None };
        if let Some(file) = &self.packets {
            run.captured(file)?;
        }
        let start = run.last.unwrap_or_else(now);
        for (words, mut packet) in self.packet.iter().zip(made) {
            packet.meta.time = packet.meta.time.saturating_add(start);
            run.judge(&packet).map_err(|error| Failure::Other(1, format!("--packet `{words}': {error}")))?;
        }
        run.finish()?;
        Ok(ExitCode::SUCCESS)
    }

    /// The packets in words.
    fn made(&self) -> Result<Vec<Made>> {
        let make = |words: &String| {
            let fail = |error: String| Failure::Other(2, format!("--packet \"{words}\": {error}"));
            let packet = PacketBuilder::parse(words).map_err(|error| fail(error.to_string()))?;
            packet.build().map_err(|error| fail(error.to_string()))
        };
        self.packet.iter().map(make).collect()
    }

    fn interface(&self) -> Result<Option<InterfaceName>> {
        let Some(name) = &self.interface else { return Ok(None) };
        match InterfaceName::new(name.as_bytes()) {
            Some(name) => Ok(Some(name)),
            None => Err(Failure::Other(2, format!("--interface {name}: no interface can have this name"))),
        }
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// Packets on their way through.
struct Run<'a, W: Write> {
    options: &'a Eval,
    evaluator: Evaluator,
    out: W,
    number: usize,
    /// When the last packet came.
    last: Option<u64>,
}

impl<W: Write> Run<'_, W> {
    /// Sends the packets of a capture.
    fn captured(&mut self, path: &Path) -> Result<()> {
        let interface = self.options.interface()?;
        let fail = |error: String| Failure::Other(1, format!("{}: {error}", path.display()));
        let open = || -> std::io::Result<(Box<dyn std::io::Read>, u64)> {
            if path == Path::new("-") {
                return Ok((Box::new(std::io::stdin()), 0));
            }
            let file = std::fs::File::open(path)?;
            let length = file.metadata()?.len();
            Ok((Box::new(file), length))
        };
        let (input, length) = open().map_err(|error| fail(crate::restore::reason(&error)))?;
        let progress = progress(length);
        let read = capture::read(BufReader::new(progress.wrap_read(input)), interface, |number, packet| {
            self.number = number;
            let Captured { bytes, meta, origin, is_ip } = packet;
            if !is_ip {
                return Ok(());
            }
            self.number -= 1;
            self.judge(&Made { bytes, meta, origin }).map_err(|error| format!("packet {number}: {error}"))
        });
        progress.finish_and_clear();
        self.out.flush()?;
        read.map_err(fail)
    }

    /// Sends one packet, and says what became of it.
    fn judge(&mut self, packet: &Made) -> std::result::Result<(), String> {
        self.number += 1;
        self.last = Some(packet.meta.time);
        let mut seen = Seen::new(self.options.why);
        let fate = self
            .evaluator
            .process(Data::new(&packet.bytes), &packet.meta, packet.origin, &mut seen)
            .map_err(|error| error.to_string())?;
        let written = match self.options.format {
            Format::Save => Ok(()),
            Format::Json => {
                let object = json(self.number, &fate, &seen, self.options.trace);
                writeln!(self.out, "{object}")
            }
            Format::Text => self.out.write_all(text(self.number, &fate, &seen).as_bytes()),
        };
        written.map_err(|error| error.to_string())
    }

    fn finish(mut self) -> Result<()> {
        if self.options.format == Format::Save {
            let mut text = String::new();
            write_ruleset(&mut text, self.evaluator.ruleset(), CounterStyle::Before);
            self.out.write_all(text.as_bytes())?;
        }
        self.out.flush()?;
        Ok(())
    }
}

/// How far a large capture was read; shown on a terminal only.
fn progress(length: u64) -> ProgressBar {
    const LARGE: u64 = 16 << 20;
    if length < LARGE || !std::io::stderr().is_terminal() || std::io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} ({eta})");
    let bar = ProgressBar::new(length);
    bar.enable_steady_tick(Duration::from_millis(200));
    style.map(|style| bar.clone().with_style(style)).unwrap_or(bar)
}
