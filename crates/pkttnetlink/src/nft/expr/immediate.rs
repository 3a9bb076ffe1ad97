use crate::codec::attributes;
use crate::nft::{Data, Register, Verdict};

attributes! {
    /// Puts a value into a register, or a verdict into the verdict register.
    pub struct Immediate<'a> = "NFTA_IMMEDIATE_" {
        /// The register.
        1 DREG => dreg: Option<Register>,
        /// The value or verdict.
        2 DATA => data: Option<Data<'a>>,
    }
}

impl<'a> Immediate<'a> {
    /// The expression that gives the rule's verdict.
    #[must_use]
    pub const fn verdict(verdict: Verdict<'a>) -> Self {
        Self { dreg: Some(Register::VERDICT), data: Some(Data::Verdict(verdict)), unknown: Vec::new() }
    }
}
