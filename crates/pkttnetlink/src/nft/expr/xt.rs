use crate::codec::attributes;
use crate::{Bytes, Text};

attributes! {
    /// An xt match of the kernel, run by nft_compat (`linux/netfilter/nf_tables_compat.h`).
    pub struct Match<'a> = "NFTA_MATCH_" {
        /// The match's name.
        1 NAME => name: Option<Text<'a>>,
        /// The revision of its parameters.
        2 REV => revision: Option<u32>,
        /// Its parameters: a C structure in host order, padded to the alignment of `u64`.
        3 INFO => info: Option<Bytes<'a>>,
    }
}

attributes! {
    /// An xt target of the kernel, run by nft_compat (`linux/netfilter/nf_tables_compat.h`).
    pub struct Target<'a> = "NFTA_TARGET_" {
        /// The target's name.
        1 NAME => name: Option<Text<'a>>,
        /// The revision of its parameters.
        2 REV => revision: Option<u32>,
        /// Its parameters: a C structure in host order, padded to the alignment of `u64`.
        3 INFO => info: Option<Bytes<'a>>,
    }
}
