/// Bytes that are not what the format says.
///
/// `offset` counts from the start of the outermost buffer that was handed to the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {problem} at byte {offset}")]
pub struct DecodeError {
    /// The field or structure that was being read.
    pub what: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
    /// Where it starts.
    pub offset: usize,
}

/// The ways in which bytes can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The buffer ends before the field does.
    #[error("{needed} bytes needed, {available} left")]
    Truncated {
        /// Bytes that the field takes.
        needed: usize,
        /// Bytes that were there.
        available: usize,
    },
    /// A length field that cannot be.
    #[error("impossible length {0}")]
    Length(usize),
    /// Bytes that nothing claims.
    #[error("{0} bytes left over")]
    Leftover(usize),
    /// A value outside the range of the field.
    #[error("impossible value {0}")]
    Value(u64),
    /// A string without its closing NUL, or with bytes that may not stand in it.
    #[error("malformed string")]
    String,
    /// An attribute that must be present is not.
    #[error("missing")]
    Missing,
    /// An attribute that may stand once stands twice.
    #[error("given twice")]
    Duplicate,
    /// Nesting deeper than any message has.
    #[error("nested too deep")]
    Depth,
}

/// A message that the format cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// An attribute of more than 65,535 bytes, header included (`nla_len` has 16 bits).
    #[error("attribute {kind} takes {len} bytes, more than the 65535 that netlink can carry")]
    AttributeTooLong {
        /// The attribute's number.
        kind: u16,
        /// Its length with header.
        len: usize,
    },
    /// A message of more than 4 GiB.
    #[error("message takes {0} bytes, more than netlink can carry")]
    MessageTooLong(usize),
    /// A value that this revision or form cannot express.
    #[error("{0} cannot be expressed in this form")]
    NotRepresentable(&'static str),
}
