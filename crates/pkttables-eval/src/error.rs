use crate::conntrack::Unread;
use pkttables::model::TableName;

/// Why rules cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A rule jumps to a chain that its table does not have.
    #[error("rule {rule} of chain {chain} in table {} jumps to {target}, which does not exist", table.name())]
    NoChain {
        /// The table.
        table: TableName,
        /// The chain of the rule.
        chain: Box<str>,
        /// The rule's number.
        rule: usize,
        /// The chain that does not exist.
        target: Box<str>,
    },
    /// Chains jump to each other in a circle, or the jumps are more than nf_tables allows.
    #[error("the jumps from chain {chain} in table {} come back to it or go too deep", table.name())]
    Loop {
        /// The table.
        table: TableName,
        /// A chain of the circle.
        chain: Box<str>,
    },
    /// A packet came to an extension that cannot be evaluated.
    #[error("rule {rule} of chain {chain} in table {}: `{extension}` cannot be evaluated", table.name())]
    Unsupported {
        /// The table.
        table: TableName,
        /// The chain of the rule.
        chain: Box<str>,
        /// The rule's number.
        rule: usize,
        /// The extension's name.
        extension: Box<str>,
    },
    /// A packet came to a helper that cannot be evaluated.
    #[error(transparent)]
    Helper(#[from] Unread),
    /// The packet is not of the rules' family.
    #[error("the packet is of another family than the rules")]
    Family,
}
