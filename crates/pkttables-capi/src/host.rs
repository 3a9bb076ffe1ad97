//! The host that an evaluator plays.

use crate::error::{pktt_error, pktt_status};
use crate::failure::{Failure, given};
use crate::ffi::Text;
use crate::guard::{handle, status};
use crate::names::{FamilyNumber, pktt_family};
use pkttables::domain::parse_address;
use pkttables::model::{AddressMask, Family, Ruleset};
use pkttables::packet::InterfaceName;
use pkttables::registry::{Route, Scope, Value as _};
use pkttables_eval::ipset::Sets;
use pkttables_eval::{Host, Setup, SetupError};

/// A host or router: its routes, its own addresses, its sets and kernel settings, for packets of one family.
#[derive(Debug)]
pub struct pktt_host {
    pub(crate) family: Family,
    pub(crate) host: Host,
    /// Names and values as of sysctl, which are known to be good.
    settings: Vec<(String, String)>,
}

impl pktt_host {
    /// The rules on this host.
    pub(crate) fn setup(&self, rules: Ruleset) -> Result<Setup, SetupError> {
        let setup = Setup::new(rules).host(self.host.clone());
        self.settings.iter().try_fold(setup, |setup, (key, value)| setup.sysctl(key, value))
    }
}

/// Makes a host without routes and addresses: until it has some, every packet that comes is dropped behind PREROUTING,
/// for want of a way. To be freed with pktt_host_free.
///
/// NULL, with PKTT_ERROR_ARGUMENT, if `family` is no family.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_host_new(
    family: FamilyNumber,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_host>> {
    handle(error, || {
        Ok(pktt_host { family: pktt_family::read(family)?, host: Host::new(), settings: Vec::new() })
    })
}

/// Frees a host; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_host_free(host: Option<Box<pktt_host>>) {
    drop(host);
}

/// Adds a route: packets to `prefix`, such as `10.0.0.0/8`, leave by `interface`, to the router `gateway` unless that
/// is NULL, in packets of at most `mtu` bytes; 0 means 1500. The longest prefix counts.
///
/// PKTT_ERROR_ARGUMENT if an argument makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_host_add_route(
    host: Option<&mut pktt_host>,
    prefix: Text<'_>,
    interface: Text<'_>,
    gateway: Text<'_>,
    mtu: u32,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let pktt_host { family, host, .. } = given(host, "host")?;
        let prefix = prefix.get("prefix")?;
        let no_prefix = |reason| Failure::argument(format!("prefix {prefix}: {reason}"));
        let mask =
            AddressMask::parse(prefix, &Scope { family: *family, protocol: None }).map_err(no_prefix)?;
        let interface = interface_name(interface.get("interface")?)?;
        let gateway = gateway.optional("gateway")?;
        let gateway = gateway.map(|gateway| {
            parse_address(gateway, *family)
                .map_err(|reason| Failure::argument(format!("gateway {gateway}: {reason}")))
        });
        let mtu = if mtu == 0 { 1500 } else { mtu };
        host.add_route(mask, Route { interface, gateway: gateway.transpose()?, mtu });
        Ok(())
    })
}

/// Adds an address of the host's own, to which packets come in by INPUT. It belongs to the interface whose route it
/// lies in.
///
/// PKTT_ERROR_ARGUMENT if it is no address of the host's family.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_host_add_local(
    host: Option<&mut pktt_host>,
    address: Text<'_>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let pktt_host { family, host, .. } = given(host, "host")?;
        let address = address.get("address")?;
        let parsed = parse_address(address, *family);
        host.add_local(parsed.map_err(|reason| Failure::argument(format!("address {address}: {reason}")))?);
        Ok(())
    })
}

/// Gives the host the sets that `ipset save` has printed, instead of those that it had. `text` ends with a NUL.
///
/// PKTT_ERROR_SYNTAX, with line and column, at the first line that `ipset restore` would refuse.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_host_set_sets(
    host: Option<&mut pktt_host>,
    text: Text<'_>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let host = given(host, "host")?;
        host.host.set_sets(Sets::parse(text.get("text")?).map_err(SetupError::from)?);
        Ok(())
    })
}

/// Makes a kernel setting, by its name and value as of `sysctl`, such as `net.netfilter.nf_conntrack_udp_timeout`. The
/// host is a router unless told otherwise: `net.ipv4.ip_forward` and `net.ipv6.conf.all.forwarding` are 1.
///
/// PKTT_ERROR_ARGUMENT if there is no such setting that decides what becomes of packets, or it takes no such value.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_host_set_sysctl(
    host: Option<&mut pktt_host>,
    name: Text<'_>,
    value: Text<'_>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let host = given(host, "host")?;
        let (name, value) = (name.get("name")?, value.get("value")?);
        Setup::new(Ruleset { family: host.family, tables: Vec::new() }).sysctl(name, value)?;
        host.settings.push((name.into(), value.into()));
        Ok(())
    })
}

/// An interface's name.
pub(crate) fn interface_name(name: &str) -> Result<InterfaceName, Failure> {
    let named = InterfaceName::new(name.as_bytes());
    named.ok_or_else(|| Failure::argument(format!("no interface can be called `{name}'")))
}
