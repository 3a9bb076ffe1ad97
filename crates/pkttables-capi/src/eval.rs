//! What would become of a packet, without a kernel.

use crate::error::pktt_error;
use crate::failure::{Failure, given};
use crate::ffi::{Bytes, Strings, Text};
use crate::guard::{get, handle, value_or};
use crate::host::{interface_name, pktt_host};
use crate::names::{HookNumber, TableNumber, pktt_hook, pktt_table};
use crate::ruleset::pktt_ruleset;
use pkttables::model::Family;
use pkttables::packet::{Data, Link, Meta, PacketKind};
use pkttables::registry::Backend;
use pkttables::text::save::write_extension;
use pkttables_eval::builder::{Made, PacketBuilder};
use pkttables_eval::{Evaluator, Event, Fate, Host, Observer, Origin, Verdict};
use std::ffi::c_char;
use std::ptr;

/// Judges packets by a ruleset as the kernel would, with its connections, counters and clocks.
#[derive(Debug)]
pub struct pktt_evaluator {
    evaluator: Evaluator<Host>,
    fate: pktt_fate,
    /// What the fate points to.
    bytes: Vec<Vec<u8>>,
    pieces: Vec<Vec<u8>>,
    strings: Strings,
    seen: Seen,
}

/// Whose behaviour an evaluator follows where they differ.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_backend {
    /// nf_tables, as of iptables-nft.
    PKTT_BACKEND_NFT = 1,
    /// ip_tables, as of iptables-legacy.
    PKTT_BACKEND_LEGACY = 2,
}

/// The end of a packet's way.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_fate_verdict {
    /// It left, or came to this host.
    PKTT_FATE_ACCEPT = 1,
    /// It was thrown away.
    PKTT_FATE_DROP = 2,
    /// It was thrown away and the sender told.
    PKTT_FATE_REJECT = 3,
    /// It was handed to a program.
    PKTT_FATE_QUEUE = 4,
    /// A part of the kernel kept it, as a fragment of a packet that is not yet complete.
    PKTT_FATE_STOLEN = 5,
}

/// A packet and what is known of it. Set all of it to zero first (`memset(&packet, 0, sizeof packet)`), then what is
/// known. What it points to is only used during the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct pktt_packet<'a> {
    /// The bytes from the IP header on, with right checksums and lengths: a packet with a bad IPv4 header comes to no
    /// hook, and one with a bad checksum behind it is INVALID to connection tracking.
    pub bytes: Bytes<'a>,
    /// How many bytes there are.
    pub len: usize,
    /// The interface by which it came or, if it is `local`, by which it leaves. NULL if there is none.
    pub interface: Text<'a>,
    /// Whether it was made on this host (OUTPUT) instead of received (PREROUTING).
    pub local: bool,
    /// Its mark.
    pub mark: u32,
    /// Its queueing class.
    pub priority: u32,
    /// When it came, in nanoseconds since 1970: the clock of the evaluator, which never goes back.
    pub time: u64,
    /// The 14 bytes of the Ethernet header of a packet that was received; NULL if there is none.
    pub ethernet: Bytes<'a>,
}

/// What became of a packet. What does not apply is NULL or 0.
#[repr(C)]
#[derive(Debug)]
pub struct pktt_fate {
    /// The end of its way.
    pub verdict: pktt_fate_verdict,
    /// The last hook that it came to; 0 if it came to none.
    pub hook: HookNumber,
    /// The table of the rule that decided; 0 if none was asked.
    pub table: TableNumber,
    /// The chain of the rule that decided.
    pub chain: *const c_char,
    /// The number of that rule, from 1; 0 means the chain's policy.
    pub rule_number: usize,
    /// The packet as it leaves, from the IP header on; NULL if it does not leave or is for this host.
    pub out: *const u8,
    /// How many bytes that has.
    pub out_len: usize,
    /// The interface by which it leaves.
    pub out_interface: *const c_char,
    /// What its sender is told, from the IP header on, if it was rejected.
    pub reply: *const u8,
    /// How many bytes that has.
    pub reply_len: usize,
    /// The number of the queue that it was handed to; -1 for none.
    pub queue: i32,
    /// Its mark.
    pub mark: u32,
    /// If it came in fragments and was put together: as how many fragments it leaves; see pktt_evaluator_piece.
    pub piece_count: usize,
}

/// What an event on a packet's way is.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_trace_kind {
    /// It matched a rule.
    PKTT_TRACE_RULE = 1,
    /// It came to the end of a chain that was called.
    PKTT_TRACE_RETURN = 2,
    /// It came to the policy.
    PKTT_TRACE_POLICY = 3,
    /// A target such as LOG reported it.
    PKTT_TRACE_REPORT = 4,
    /// A copy of it was sent to another host.
    PKTT_TRACE_COPY = 5,
    /// It did not match a rule; told only after pktt_evaluator_explain.
    PKTT_TRACE_MISS = 6,
}

/// An event on a packet's way.
#[repr(C)]
#[derive(Debug)]
pub struct pktt_trace {
    /// What it is.
    pub kind: pktt_trace_kind,
    /// The table; 0 for a copy.
    pub table: TableNumber,
    /// The chain; NULL for a copy.
    pub chain: *const c_char,
    /// The rule's number, from 1; at the end of a chain one more than it has rules.
    pub rule_number: usize,
    /// The target that reports, as it is saved; the host that the copy is sent to; or the first condition of the rule
    /// that does not hold, and what the packet has instead. Else NULL.
    pub detail: *const c_char,
}

const NOWHERE: pktt_fate = pktt_fate {
    verdict: pktt_fate_verdict::PKTT_FATE_DROP,
    hook: 0,
    table: 0,
    chain: ptr::null(),
    rule_number: 0,
    out: ptr::null(),
    out_len: 0,
    out_interface: ptr::null(),
    reply: ptr::null(),
    reply_len: 0,
    queue: -1,
    mark: 0,
    piece_count: 0,
};

/// Collects what happens.
#[derive(Debug)]
struct Seen {
    family: Family,
    /// Whether it is told why rules do not match.
    explain: bool,
    events: Vec<pktt_trace>,
    strings: Strings,
}

impl Observer for Seen {
    fn event(&mut self, event: Event<'_>) {
        let strings = &mut self.strings;
        let number = |table| pktt_table::from(table) as u32;
        let seen = match event {
            Event::Trace { table, chain, kind, rule, .. } => pktt_trace {
                kind: match kind {
                    "return" => pktt_trace_kind::PKTT_TRACE_RETURN,
                    "policy" => pktt_trace_kind::PKTT_TRACE_POLICY,
                    _ => pktt_trace_kind::PKTT_TRACE_RULE,
                },
                table: number(table),
                chain: strings.keep(chain),
                rule_number: rule,
                detail: ptr::null(),
            },
            Event::Report { table, chain, rule, target, packet, .. } => {
                let protocol = packet.layout.protocol;
                let protocol = protocol.map(|value| pkttables::model::Negatable { value, not: false });
                let scope = pkttables::registry::Scope { family: self.family, protocol };
                let mut detail = String::new();
                write_extension(&mut detail, target, &scope);
                pktt_trace {
                    kind: pktt_trace_kind::PKTT_TRACE_REPORT,
                    table: number(table),
                    chain: strings.keep(chain),
                    rule_number: rule,
                    detail: strings.keep(&detail),
                }
            }
            Event::Miss { table, chain, rule, reason, .. } => pktt_trace {
                kind: pktt_trace_kind::PKTT_TRACE_MISS,
                table: number(table),
                chain: strings.keep(chain),
                rule_number: rule,
                detail: strings.keep(&reason.to_string()),
            },
            Event::Copy { gateway, .. } => pktt_trace {
                kind: pktt_trace_kind::PKTT_TRACE_COPY,
                table: 0,
                chain: ptr::null(),
                rule_number: 0,
                detail: strings.keep(&gateway.to_string()),
            },
            _ => return,
        };
        self.events.push(seen);
    }

    fn wants_reasons(&self) -> bool {
        self.explain
    }
}

/// Prepares to judge packets by a ruleset, on a host. Both are copied. `backend` is one of pktt_backend; 0 means
/// PKTT_BACKEND_NFT.
///
/// To be freed with pktt_evaluator_free. NULL with PKTT_ERROR_NOT_FOUND if a rule names a chain or a set that does not
/// exist, PKTT_ERROR_LOOP if chains call each other in a circle, PKTT_ERROR_ARGUMENT if the host is of another family.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_evaluator_new(
    ruleset: Option<&pktt_ruleset>,
    host: Option<&pktt_host>,
    backend: u32,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_evaluator>> {
    handle(error, || {
        let (ruleset, host) = (given(ruleset, "ruleset")?, given(host, "host")?);
        let family = ruleset.family;
        if host.family != family {
            return Err(Failure::argument("the host is of another family than the ruleset"));
        }
        let backend = match backend {
            0 | 1 => Backend::Nft,
            2 => Backend::Legacy,
            other => return Err(Failure::argument(format!("{other} is no backend"))),
        };
        Ok(pktt_evaluator {
            evaluator: host.setup(ruleset.model())?.backend(backend).evaluator()?,
            fate: NOWHERE,
            bytes: Vec::new(),
            pieces: Vec::new(),
            strings: Strings::default(),
            seen: Seen { family, explain: false, events: Vec::new(), strings: Strings::default() },
        })
    })
}

/// Frees an evaluator; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_evaluator_free(evaluator: Option<Box<pktt_evaluator>>) {
    drop(evaluator);
}

/// Has the way of every packet traced, not only of those that met a TRACE target. Nothing is done for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_evaluator_trace_all(evaluator: Option<&mut pktt_evaluator>, trace: bool) {
    if let Some(evaluator) = evaluator {
        evaluator.evaluator.trace_all(trace);
    }
}

/// Has it told of every rule that a packet does not match, and why: events of the kind PKTT_TRACE_MISS. The rules that it
/// does match are told after pktt_evaluator_trace_all; call both to see all. Nothing is done for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_evaluator_explain(evaluator: Option<&mut pktt_evaluator>, explain: bool) {
    if let Some(evaluator) = evaluator {
        evaluator.seen.explain = explain;
    }
}

/// Sends a packet on its way and tells what became of it. A packet that is malformed is dropped at no hook.
///
/// What is told lives, with all that it points to, until the next packet or until the evaluator is freed. NULL with
/// PKTT_ERROR_UNSUPPORTED, and table, chain and rule in the problem, if the packet came to an extension that cannot be
/// evaluated; with PKTT_ERROR_ARGUMENT if it is of another family than the rules or an argument makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_evaluator_process<'e>(
    evaluator: Option<&'e mut pktt_evaluator>,
    packet: Option<&pktt_packet<'_>>,
    error: Option<&mut pktt_error>,
) -> Option<&'e pktt_fate> {
    value_or(error, None, || {
        let evaluator = given(evaluator, "evaluator")?;
        let packet = given(packet, "packet")?;
        // What the last packet became may be sent on its way again, so it is copied before it is forgotten.
        let bytes = packet.bytes.get(packet.len, "bytes")?.to_vec();
        let (meta, origin) = circumstances(packet)?;
        evaluator.judge(&Made { bytes, meta, origin }).map(Some)
    })
}

/// Makes a packet from words, such as `in=eth0 src=192.0.2.7 dst=198.51.100.1 proto=tcp dport=22`, sends it on its way
/// as pktt_evaluator_process does, and tells the same of it. Lengths and checksums are right, a TCP segment is the first
/// one of its connection, and the clock stands still, unless words say otherwise.
///
/// `src`, `dst` and `proto` are needed, and `dport` of protocols with ports; `in` names the interface by which it came, `out`
/// the one by which it leaves if it was made on this host. docs/testing-rulesets.md has a table of all words. `time` counts
/// from 1970.
///
/// NULL with PKTT_ERROR_SYNTAX, and the word in the problem, if it cannot be made; else as for pktt_evaluator_process.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_evaluator_process_words<'e>(
    evaluator: Option<&'e mut pktt_evaluator>,
    words: Text<'_>,
    error: Option<&mut pktt_error>,
) -> Option<&'e pktt_fate> {
    value_or(error, None, || {
        let evaluator = given(evaluator, "evaluator")?;
        let packet = PacketBuilder::parse(words.get("words")?)?.build().map_err(Failure::argument)?;
        evaluator.judge(&packet).map(Some)
    })
}

impl pktt_evaluator {
    /// Sends a packet on its way, and keeps what is told of it.
    fn judge(&mut self, packet: &Made) -> Result<&pktt_fate, Failure> {
        let Self { evaluator, seen, fate, strings, .. } = self;
        (*fate, self.pieces) = (NOWHERE, Vec::new());
        seen.events.clear();
        seen.strings.clear();
        strings.clear();
        let told = evaluator.process(Data::new(&packet.bytes), &packet.meta, packet.origin, seen)?;
        self.bytes = vec![told.out.unwrap_or_default().to_vec(), told.reply.unwrap_or_default().to_vec()];
        self.pieces = told.pieces.to_vec();
        *fate = lend(&told, &self.bytes, strings);
        Ok(&self.fate)
    }
}

fn circumstances(packet: &pktt_packet<'_>) -> Result<(Meta, Origin), Failure> {
    let interface = packet.interface.optional("interface")?.map(interface_name).transpose()?;
    let mut meta =
        Meta { mark: packet.mark, priority: packet.priority, time: packet.time, ..Meta::default() };
    if packet.local {
        meta.output = interface;
        return Ok((meta, Origin::Local));
    }
    meta.input = interface;
    if let Some([d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, high, low]) = packet.ethernet.array() {
        let link = Link {
            destination: [d0, d1, d2, d3, d4, d5],
            source: [s0, s1, s2, s3, s4, s5],
            ethertype: u16::from_be_bytes([high, low]),
        };
        meta.kind = match link.destination {
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => PacketKind::Broadcast,
            [first, ..] if first & 1 != 0 => PacketKind::Multicast,
            _ => PacketKind::Host,
        };
        meta.link = Some(link);
    }
    Ok((meta, Origin::Received))
}

fn lend(fate: &Fate<'_>, bytes: &[Vec<u8>], strings: &mut Strings) -> pktt_fate {
    let lent = |bytes: Option<&Vec<u8>>, is: bool| match bytes.filter(|_| is) {
        Some(bytes) => (bytes.as_ptr(), bytes.len()),
        None => (ptr::null(), 0),
    };
    let (out, out_len) = lent(bytes.first(), fate.out.is_some());
    let (reply, reply_len) = lent(bytes.get(1), fate.reply.is_some());
    pktt_fate {
        verdict: match fate.verdict {
            Verdict::Accept => pktt_fate_verdict::PKTT_FATE_ACCEPT,
            Verdict::Drop => pktt_fate_verdict::PKTT_FATE_DROP,
            Verdict::Reject => pktt_fate_verdict::PKTT_FATE_REJECT,
            Verdict::Queue => pktt_fate_verdict::PKTT_FATE_QUEUE,
            Verdict::Stolen => pktt_fate_verdict::PKTT_FATE_STOLEN,
        },
        hook: fate.hook.map_or(0, |hook| pktt_hook::from(hook) as u32),
        table: fate.rule.map_or(0, |rule| pktt_table::from(rule.table) as u32),
        chain: strings.keep_some(fate.rule.map(|rule| rule.chain)),
        rule_number: fate.rule.map_or(0, |rule| rule.number),
        out,
        out_len,
        out_interface: strings.keep_some(fate.output.map(|output| output.to_string()).as_deref()),
        reply,
        reply_len,
        queue: fate.queue.map_or(-1, i32::from),
        mark: fate.mark,
        piece_count: fate.pieces.len(),
    }
}

/// One of the fragments as which the last packet leaves, counted from 0, with its length in `*len`; NULL if there are
/// not so many. Lives until the next packet.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_evaluator_piece(
    evaluator: Option<&pktt_evaluator>,
    index: usize,
    len: Option<&mut std::mem::MaybeUninit<usize>>,
) -> *const u8 {
    get(ptr::null(), || match evaluator.and_then(|evaluator| evaluator.pieces.get(index)) {
        Some(piece) => {
            crate::ffi::put(len, piece.len());
            piece.as_ptr()
        }
        None => ptr::null(),
    })
}

/// How many events there were on the way of the last packet; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_evaluator_trace_count(evaluator: Option<&pktt_evaluator>) -> usize {
    evaluator.map_or(0, |evaluator| evaluator.seen.events.len())
}

/// One of the events on the way of the last packet, counted from 0; NULL if there are not so many. Lives until the
/// next packet.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_evaluator_trace_at(
    evaluator: Option<&pktt_evaluator>,
    index: usize,
) -> Option<&pktt_trace> {
    get(None, || evaluator?.seen.events.get(index))
}

/// A copy of the ruleset with what its rules and policies have counted up to now.
///
/// To be freed with pktt_ruleset_free. NULL, with PKTT_ERROR_ARGUMENT, for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_evaluator_ruleset(
    evaluator: Option<&mut pktt_evaluator>,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_ruleset>> {
    handle(error, || Ok(given(evaluator, "evaluator")?.evaluator.ruleset().clone().into()))
}

/// `accept`, `drop`, `reject`, `queue` or `stolen`; NULL for any other number than one of a fate's verdict. Lives for
/// ever.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_fate_verdict_name(verdict: u32) -> *const c_char {
    let name = match verdict {
        1 => c"accept",
        2 => c"drop",
        3 => c"reject",
        4 => c"queue",
        5 => c"stolen",
        _ => return ptr::null(),
    };
    name.as_ptr()
}
