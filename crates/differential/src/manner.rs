//! How a random trial goes: what the kernel is told first, how many conversations there are and how odd they are.

use fastrand::Rng;

/// What a trial's rules and packets have in common.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Between two packets the kernel's clock ticks, so that it looks for connections that are over.
    pub ticks: bool,
    /// Time passes now and then, so that what lasts for two seconds is over.
    pub pauses: bool,
    /// No packet comes in fragments.
    pub whole: bool,
    /// Files are transferred, which helpers follow.
    pub helpers: bool,
    /// How many conversations there are at once.
    pub flows: usize,
    /// One in so many packets of a conversation is an odd one.
    pub oddity: u8,
}

/// How long connections last in their states, which rules can ask: each has a span of its own, drawn anew for each trial.
const TIMEOUTS: [&str; 25] = [
    "tcp_timeout_syn_sent",
    "tcp_timeout_syn_recv",
    "tcp_timeout_established",
    "tcp_timeout_fin_wait",
    "tcp_timeout_close_wait",
    "tcp_timeout_last_ack",
    "tcp_timeout_time_wait",
    "tcp_timeout_close",
    "tcp_timeout_max_retrans",
    "tcp_timeout_unacknowledged",
    "udp_timeout",
    "udp_timeout_stream",
    "icmp_timeout",
    "icmpv6_timeout",
    "generic_timeout",
    "gre_timeout",
    "gre_timeout_stream",
    "sctp_timeout_closed",
    "sctp_timeout_cookie_wait",
    "sctp_timeout_cookie_echoed",
    "sctp_timeout_established",
    "sctp_timeout_shutdown_sent",
    "sctp_timeout_shutdown_recd",
    "sctp_timeout_shutdown_ack_sent",
    "sctp_timeout_heartbeat_sent",
];

/// The seconds between two of these spans.
const STEP: usize = 1000;

/// What other settings there are than the usual ones, each now and then.
const SWITCHES: [(&str, &str); 6] = [
    ("tcp_be_liberal", "1"),
    ("tcp_loose", "0"),
    ("tcp_ignore_invalid_rst", "1"),
    ("tcp_max_retrans", "1"),
    ("checksum", "0"),
    ("acct", "1"),
];

impl Manner {
    /// Any manner.
    pub fn random(rng: &mut Rng) -> Self {
        Self {
            ticks: rng.u8(..16) == 0,
            pauses: rng.u8(..24) == 0,
            whole: rng.u8(..8) == 0,
            helpers: rng.u8(..12) == 0,
            flows: rng.choice([1, 2, 8, 8, 8]).unwrap_or(8),
            oddity: rng.choice([4, 12, 12]).unwrap_or(12),
        }
    }

    /// How many milliseconds pass before a packet.
    pub(crate) fn pause(&self, rng: &mut Rng) -> u64 {
        const TICK: u64 = 6;
        const LONG: u64 = 2500;
        match self {
            Self { pauses: true, .. } if rng.u8(..100) == 0 => LONG,
            Self { ticks: true, .. } => TICK,
            _ => 0,
        }
    }

    /// What the kernel is told before rules are loaded.
    pub(crate) fn world(&self, rng: &mut Rng) -> Vec<String> {
        let setting = |name: &str, value: &str| format!("set net.netfilter.nf_conntrack_{name} {value}");
        let mut spans: Vec<usize> = (1..=TIMEOUTS.len()).map(|number| number * STEP).collect();
        rng.shuffle(&mut spans);
        if self.pauses {
            spans.iter_mut().filter(|_| rng.bool()).for_each(|span| *span = 2);
        }
        let mut world: Vec<String> =
            TIMEOUTS.iter().zip(spans).map(|(name, span)| setting(name, &span.to_string())).collect();
        world.extend(SWITCHES.iter().filter(|_| rng.u8(..16) == 0).map(|(name, value)| setting(name, value)));
        world
    }
}

/// A span that connections last for at the most, as a condition on what is left of it.
pub(crate) fn expiry(rng: &mut Rng) -> String {
    // Trials take less time than this.
    const SHORTER: usize = 90;
    match rng.u8(..12) {
        0 => "0".into(),
        // The span of two SYNs, which cannot be set.
        1 => "30:120".into(),
        _ => {
            let most = rng.usize(1..=TIMEOUTS.len()) * STEP;
            format!("{}:{most}", most - SHORTER)
        }
    }
}
