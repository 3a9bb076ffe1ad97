//! What named objects hold, as the kernel takes it and dumps it.

use nfnetlink::Errno;
use pkttnetlink::nft::expr::{ConnlimitFlags, SynproxyFlags};
use pkttnetlink::nft::{CtHelper, ObjectData, ObjectType};

use super::Normalise as _;
use super::parse::{set_counter_back, set_quota_back};
use super::registers::Registers;

/// The helpers of connection tracking that there are.
const HELPERS: [&str; 10] = ["ftp", "sip", "tftp", "irc", "amanda", "pptp", "RAS", "Q.931", "H.245", "sane"];
/// `NF_CT_HELPER_NAME_LEN`, with the closing NUL.
const HELPER_NAME_LEN: usize = 16;

/// Checks what an object of this type is to hold, and brings it into the form in which it is dumped.
pub(crate) fn object_data(
    object_type: ObjectType,
    data: ObjectData<'static>,
) -> Result<ObjectData<'static>, Errno> {
    let mut data = data;
    let registers = &mut Registers::default();
    match &mut data {
        ObjectData::Counter(counter) => counter.normalise(registers)?,
        ObjectData::Quota(quota) => quota.normalise(registers)?,
        ObjectData::Limit(limit) => limit.normalise(registers)?,
        ObjectData::Connlimit(connlimit) => {
            connlimit.normalise(registers)?;
            connlimit.flags.get_or_insert(ConnlimitFlags::empty());
        }
        ObjectData::Synproxy(synproxy) => {
            synproxy.normalise(registers)?;
            synproxy.flags.get_or_insert(SynproxyFlags::empty());
        }
        ObjectData::CtHelper(helper) => check_helper(helper)?,
        ObjectData::CtTimeout(timeout) if timeout.l3_protocol.is_none() || timeout.l4_protocol.is_none() => {
            return Err(Errno::EINVAL);
        }
        ObjectData::CtExpect(expect)
            if expect.l4_protocol.is_none()
                || expect.port.is_none()
                || expect.timeout.is_none()
                || expect.size.is_none() =>
        {
            return Err(Errno::EINVAL);
        }
        ObjectData::CtTimeout(_) | ObjectData::CtExpect(_) => {}
        // There is no security module, and no tunnel.
        ObjectData::Secmark(_) | ObjectData::Other(_) => return Err(Errno::ENOENT),
    }
    if data.object_type() == Some(object_type) { Ok(data) } else { Err(Errno::EINVAL) }
}

fn check_helper(helper: &CtHelper<'_>) -> Result<(), Errno> {
    let (Some(name), Some(protocol)) = (&helper.name, helper.l4_protocol) else { return Err(Errno::EINVAL) };
    if protocol == 0 {
        return Err(Errno::ENOENT);
    }
    if name.as_bytes().len() >= HELPER_NAME_LEN {
        return Err(Errno::ERANGE);
    }
    if HELPERS.iter().any(|helper| name == helper) { Ok(()) } else { Err(Errno::ENOENT) }
}

/// Sets what an object has counted back.
pub(crate) fn set_object_back(data: &mut ObjectData<'_>) {
    match data {
        ObjectData::Counter(counter) => set_counter_back(counter),
        ObjectData::Quota(quota) => set_quota_back(quota),
        _ => {}
    }
}
