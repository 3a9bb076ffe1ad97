//! The host that an evaluator plays.

use crate::error::{pktt_error, pktt_status};
use crate::failure::{Failure, given};
use crate::ffi::Text;
use crate::guard::{handle, status};
use crate::names::{FamilyNumber, pktt_family};
use pkttables::domain::parse_address;
use pkttables::model::{AddressMask, Family};
use pkttables::packet::InterfaceName;
use pkttables::registry::{Route, Scope, Value as _};
use pkttables_eval::Host;

/// A host or router: its routes and its own addresses, all of one family.
#[derive(Debug)]
pub struct pktt_host {
    pub(crate) family: Family,
    pub(crate) host: Host,
}

/// Makes a host without routes and addresses. To be freed with pktt_host_free.
///
/// NULL, with PKTT_ERROR_ARGUMENT, if `family` is no family.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_host_new(
    family: FamilyNumber,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_host>> {
    handle(error, || Ok(pktt_host { family: pktt_family::read(family)?, host: Host::new() }))
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
        let pktt_host { family, host } = given(host, "host")?;
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
        let pktt_host { family, host } = given(host, "host")?;
        let address = address.get("address")?;
        let parsed = parse_address(address, *family);
        host.add_local(parsed.map_err(|reason| Failure::argument(format!("address {address}: {reason}")))?);
        Ok(())
    })
}

/// An interface's name.
pub(crate) fn interface_name(name: &str) -> Result<InterfaceName, Failure> {
    let named = InterfaceName::new(name.as_bytes());
    named.ok_or_else(|| Failure::argument(format!("no interface can be called `{name}'")))
}
