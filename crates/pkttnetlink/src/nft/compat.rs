use crate::Text;
use crate::codec::{attributes, named};

named! {
    /// Which kind of xt extension is meant.
    pub struct CompatKind(u32) {
        /// A match.
        MATCH = 0,
        /// A target.
        TARGET = 1,
    }
}

attributes! {
    /// Asks whether the kernel has a revision of an xt extension; answered with the same attributes, or with
    /// `ENOENT` (no such extension) or `EPROTONOSUPPORT` (no such revision).
    ///
    /// The message's family is that of the rules that are to use it.
    pub struct Compat<'a> = "NFTA_COMPAT_" {
        /// The extension's name.
        1 NAME => name: Option<Text<'a>>,
        /// In a request the revision wanted, in the answer the best one the kernel has.
        2 REV => revision: Option<u32>,
        /// Match or target.
        3 TYPE => kind: Option<CompatKind>,
    }
}
