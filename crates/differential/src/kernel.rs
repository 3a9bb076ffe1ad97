//! The real kernel as a router: rules are loaded, packets put on the wire one by one, and everything that it does
//! with each of them is seen.

use crate::nflog::{GROUP, Log};
use crate::topology::{self, PORTS};
use crate::{Sent, Source, sets};
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrIn6, bind, recv,
    sendto, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike as _};
use nix::unistd::Pid;
use pkttables::model::Family;
use pkttables::registry::Backend;
use std::collections::HashMap;
use std::error::Error;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the kernel did with a packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// When it came, in nanoseconds since 1970.
    pub time: u64,
    /// What left: the interface, and the frames from the network header on.
    pub left: Vec<(&'static str, Vec<u8>)>,
    /// What came to the local sockets.
    pub delivered: Vec<Vec<u8>>,
    /// What the router would have answered.
    pub replies: Vec<Vec<u8>>,
}

/// Tells that what was sent before has gone its way. Its protocol number is one for experiments.
const SENTINEL: [u8; 14] = [2, 0, 0, 0, 9, 9, 2, 0, 0, 0, 9, 8, 0x88, 0xb5];

/// From a cable through the router to another cable a packet waits twice for the processor.
const WAITS: usize = 2;

/// Marks the packets that are to go out as if this host had made them.
const OWN_MARK: u32 = 0x7365_6e74;

const HEADER: usize = 14;

/// A router in the network namespace of the thread that made it.
#[derive(Debug)]
pub struct Router {
    family: Family,
    backend: Backend,
    /// The other ends of the router's cables.
    cables: Vec<Cable>,
    /// Both ends of a cable for sentinels.
    sentinels: [Cable; 2],
    raw: OwnedFd,
    log: Log,
}

/// An end of a cable, where packets are sent and received.
///
/// A socket does not see what it sends itself, and nothing else listens: a packet that somebody listens to is a shared
/// one to the kernel, which it cuts into fragments in another way.
#[derive(Debug)]
struct Cable {
    socket: OwnedFd,
    link: LinkAddr,
}

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

impl Router {
    /// Makes interfaces, routes, settings and the guard.
    pub fn new(family: Family, backend: Backend) -> Result<Self> {
        stay_on_one_processor()?;
        // The guard comes first: interfaces have something to say as soon as they are up.
        run("nft", &["-f", "-"], &guard())?;
        // Interfaces have their addresses at once.
        for name in ["all", "default"] {
            set(&format!("net/ipv6/conf/{name}/accept_dad"), "0")?;
        }
        run("ip", &["-batch", "-"], &topology::commands())?;
        set_up_host()?;
        run("ipset", &["restore"], &sets::text(family))?;
        let kind = match family {
            Family::Ipv4 => AddressFamily::Inet,
            Family::Ipv6 => AddressFamily::Inet6,
        };
        let raw = socket(kind, SockType::Raw, SockFlag::empty(), SockProtocol::Raw)?;
        setsockopt(&raw, sockopt::Mark, &OWN_MARK)?;
        let links: HashMap<String, LinkAddr> = getifaddrs()?
            .filter_map(|interface| Some((interface.interface_name, *interface.address?.as_link_addr()?)))
            .collect();
        let cable = |name: &str| -> Result<Cable> {
            let link = links.get(name).copied().ok_or_else(|| format!("no interface {name}"))?;
            let socket =
                socket(AddressFamily::Packet, SockType::Raw, SockFlag::empty(), SockProtocol::EthAll)?;
            setsockopt(&socket, sockopt::RcvBufForce, &(1 << 22))?;
            setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(500))?;
            bind(socket.as_raw_fd(), &link)?;
            let cable = Cable { socket, link };
            // What came by other interfaces before.
            while cable.receive(&mut [0; 1], MsgFlags::MSG_DONTWAIT)?.is_some() {}
            Ok(cable)
        };
        let mut cables = Vec::new();
        for port in &PORTS {
            cables.push(cable(&format!("{}p", port.name))?);
        }
        let sentinels = [cable("sync")?, cable("syncp")?];
        Ok(Self { family, backend, cables, sentinels, raw, log: Log::open()? })
    }

    /// Makes more sets, as `ipset restore` reads them.
    pub(crate) fn make_sets(&self, text: &str) -> Result<()> {
        if text.is_empty() { Ok(()) } else { run("ipset", &["restore"], text).map(drop) }
    }

    /// Loads rules.
    pub fn load(&self, rules: &str) -> Result<()> {
        run(&self.program("restore"), &[], rules).map(drop)
    }

    /// Changes a setting of the kernel, such as `net/netfilter/nf_conntrack_udp_timeout`.
    pub fn set(&self, name: &str, value: &str) -> Result<()> {
        set(name, value)
    }

    /// The rules with what they counted, as iptables-save prints them.
    pub fn save(&self) -> Result<String> {
        run(&self.program("save"), &["-c"], "")
    }

    /// Sends a packet and sees what becomes of it.
    pub fn send(&mut self, sent: &Sent) -> Result<Observed> {
        std::thread::sleep(Duration::from_millis(sent.after));
        let time = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        match sent.source {
            Source::Wire { port, destination } => {
                let mut frame = destination.to_vec();
                frame.extend([2, 0, 0, 0, 10, port as u8 + 1]);
                frame.extend(match self.family {
                    Family::Ipv4 => [8, 0],
                    Family::Ipv6 => [0x86, 0xdd],
                });
                frame.extend(&sent.bytes);
                self.cables.get(port).ok_or("no such port")?.send(&frame)?;
            }
            // What the kernel does not take is no packet.
            Source::Own { .. } => drop(self.send_own(&sent.bytes)),
        }
        let [from, to] = &self.sentinels;
        for _ in 0..WAITS {
            while to.receive(&mut [0; HEADER], MsgFlags::MSG_DONTWAIT)?.is_some() {}
            from.send(&SENTINEL)?;
            // A busy machine may lose one.
            while to.receive(&mut [0; HEADER], MsgFlags::empty())? != Some(HEADER) {
                from.send(&SENTINEL)?;
            }
        }
        Ok(Observed { time: u64::try_from(time)?, ..self.observe()? })
    }

    fn send_own(&self, packet: &[u8]) -> Result<()> {
        match self.family {
            Family::Ipv4 => {
                let to: [u8; 4] = packet.get(16..20).ok_or("too short")?.try_into()?;
                let to = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::from(to), 0));
                Ok(sendto(self.raw.as_raw_fd(), packet, &to, MsgFlags::empty()).map(drop)?)
            }
            Family::Ipv6 => {
                let to: [u8; 16] = packet.get(24..40).ok_or("too short")?.try_into()?;
                let to = SockaddrIn6::from(SocketAddrV6::new(Ipv6Addr::from(to), 0, 0, 0));
                Ok(sendto(self.raw.as_raw_fd(), packet, &to, MsgFlags::empty()).map(drop)?)
            }
        }
    }

    /// Everything that has come out.
    fn observe(&mut self) -> Result<Observed> {
        let mut observed = Observed::default();
        let mut buffer = [0; 1 << 16];
        for (cable, port) in self.cables.iter().zip(&PORTS) {
            while let Some(len) = cable.receive(&mut buffer, MsgFlags::MSG_DONTWAIT)? {
                let packet = buffer.get(HEADER..len).ok_or("a short frame")?;
                observed.left.push((port.name, packet.to_vec()));
            }
        }
        for (prefix, packet) in self.log.drain()? {
            match prefix {
                b'I' => observed.delivered.push(packet),
                _ if is_discovery(&packet) => {}
                _ => observed.replies.push(packet),
            }
        }
        Ok(observed)
    }

    fn program(&self, what: &str) -> String {
        program(self.family, self.backend, what)
    }
}

/// The program that loads or saves rules: `iptables-nft-restore` and the like.
#[must_use]
pub fn program(family: Family, backend: Backend, what: &str) -> String {
    let family = match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    };
    let backend = match backend {
        Backend::Nft => "nft",
        Backend::Legacy => "legacy",
    };
    format!("{family}-{backend}-{what}")
}

/// Keeps the thread on one processor, so that packets are handled in the order in which they are sent.
fn stay_on_one_processor() -> Result<()> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let mut one = CpuSet::new();
    let first = (0..CpuSet::count()).find(|cpu| allowed.is_set(*cpu).unwrap_or(false));
    one.set(first.ok_or("no processor")?)?;
    Ok(sched_setaffinity(this, &one)?)
}

/// A host that routes and keeps quiet otherwise.
fn set_up_host() -> Result<()> {
    let mut settings = vec![
        ("net/ipv4/ip_forward".to_owned(), "1"),
        ("net/ipv6/conf/all/forwarding".to_owned(), "1"),
        ("net/ipv4/icmp_ratemask".to_owned(), "0"),
        ("net/ipv6/icmp/ratelimit".to_owned(), "0"),
        // The limit for all destinations together, which the one above does not lift; 255 is no error.
        ("net/ipv6/icmp/ratemask".to_owned(), "255"),
    ];
    for name in ["all", "default", "in0", "in1", "out0", "out1"] {
        for (setting, value) in [
            ("ipv4/conf/NAME/rp_filter", "0"),
            ("ipv4/conf/NAME/send_redirects", "0"),
            ("ipv4/conf/NAME/accept_redirects", "0"),
            ("ipv6/conf/NAME/accept_redirects", "0"),
            ("ipv6/conf/NAME/accept_ra", "0"),
        ] {
            settings.push((format!("net/{}", setting.replace("NAME", name)), value));
        }
    }
    for port in &PORTS {
        settings.push((format!("net/ipv6/conf/{}p/disable_ipv6", port.name), "1"));
    }
    settings.iter().try_for_each(|(name, value)| set(name, value))
}

fn set(name: &str, value: &str) -> Result<()> {
    std::fs::write(format!("/proc/sys/{name}"), value).map_err(|error| format!("{name}: {error}").into())
}

/// Tells of packets that come to local sockets, and tells of and holds back what the host says on its own.
///
/// Connections are confirmed at the last priority there is, before what was there earlier: the guard sees what is left.
fn guard() -> String {
    let table = |family| {
        format!(
            "table {family} guard {{\n\
             chain input {{ type filter hook input priority 2147483647; log prefix \"I\" group {GROUP}; }}\n\
             chain output {{ type filter hook output priority -500;\n\
             meta mark {OWN_MARK} meta mark set 0 accept\n\
             log prefix \"R\" group {GROUP}\n drop; }}\n}}\n"
        )
    };
    table("ip") + &table("ip6")
}

/// Neighbour and group discovery, which comes when it wants, and redirects.
fn is_discovery(packet: &[u8]) -> bool {
    let message = |next, at: usize| (next == Some(&58)).then(|| packet.get(at).copied()).flatten();
    let v6 = packet.first().is_some_and(|first| first >> 4 == 6);
    let kind = match packet.get(6) {
        // Listener reports have a router alert option.
        Some(0) => message(packet.get(40), 48),
        next => message(next, 40),
    };
    v6 && kind.is_some_and(|kind| matches!(kind, 130..=137 | 143))
}

impl Cable {
    fn send(&self, frame: &[u8]) -> Result<()> {
        sendto(self.socket.as_raw_fd(), frame, &self.link, MsgFlags::empty())?;
        Ok(())
    }

    /// Receives a frame; its length, or nothing if there is none and waiting was not asked for.
    fn receive(&self, buffer: &mut [u8], flags: MsgFlags) -> Result<Option<usize>> {
        match recv(self.socket.as_raw_fd(), buffer, flags) {
            Ok(len) => Ok(Some(len)),
            Err(Errno::EAGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Runs a program; what it printed, or an error with what it complained of.
fn run(name: &str, arguments: &[&str], input: &str) -> Result<String> {
    let path = testkit::find(name).ok_or_else(|| format!("{name} is not installed"))?;
    let mut command = Command::new(path);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(|| stdin.map(|mut stdin| std::io::Write::write_all(&mut stdin, input.as_bytes())));
        child.wait_with_output()
    })?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}
