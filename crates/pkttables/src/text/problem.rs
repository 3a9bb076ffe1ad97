use super::lex::LexError;
use crate::registry::ParamError;

/// What is wrong with a line; the texts that programs look for are those of iptables.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A word that is neither an option nor the value of one.
    #[error("Bad argument `{0}'")]
    BadArgument(Box<str>),
    /// An option that neither iptables nor a loaded extension has, or an abbreviation that fits several.
    #[error("unknown option \"{0}\"")]
    UnknownOption(Box<str>),
    /// An extension that is given by its bytes, in another form than `[revision NUMBER BYTES]`.
    #[error("a revision and bytes of two hexadecimal digits are expected, with ] at the end")]
    OpaqueForm,
    /// The value of an option is missing.
    #[error("option \"{0}\" requires an argument")]
    NeedsArgument(Box<str>),
    /// `--name=value` of an option that takes no value.
    #[error("option \"{0}\" doesn't allow an argument")]
    TakesNoArgument(Box<str>),
    /// Words behind `--`.
    #[error("unknown arguments found on commandline")]
    UnknownArguments,
    /// Nothing says what is to be done.
    #[error("no command specified")]
    NoCommand,
    /// Two commands that do not go together.
    #[error("Cannot use -{0} with -{1}")]
    TwoCommands(char, char),
    /// `!` before a command.
    #[error("unexpected '!' flag")]
    NotCommand,
    /// `!` before an option that has no opposite.
    #[error("cannot have ! before --{0}")]
    NotOption(&'static str),
    /// `!` before `-m` or `-t`.
    #[error("unexpected ! flag before --{0}")]
    UnexpectedNot(&'static str),
    /// `! !`
    #[error("multiple consecutive ! not allowed")]
    TwiceNot,
    /// `!` at the end.
    #[error("nothing appropriate following !")]
    LoneNot,
    /// The option was there before.
    #[error("multiple --{0} options not allowed")]
    Repeated(&'static str),
    /// The option means nothing for this command.
    #[error("Illegal option `--{0}' with this command")]
    IllegalOption(&'static str),
    /// An interface that packets have not yet, or no longer, in this chain.
    #[error("Can't use --{0} with {1}")]
    InterfaceInChain(&'static str, Box<str>),
    /// Not a rule number.
    #[error("Invalid rule number `{0}'")]
    RuleNumber(Box<str>),
    /// `-D CHAIN 1:2`
    #[error("Rule ranges are not supported")]
    RuleRange,
    /// A command lacks its second word.
    #[error("-{0} requires {1}")]
    CommandNeeds(char, &'static str),
    /// A chain name that is too long.
    #[error("chain name `{0}' too long (must be under 29 chars)")]
    ChainTooLong(Box<str>),
    /// A chain name that would look like an option.
    #[error("chain name not allowed to start with `{0}'")]
    ChainStart(char),
    /// A chain name with blanks.
    #[error("Invalid chain name `{0}'")]
    ChainBlank(Box<str>),
    /// A chain named like a target.
    #[error("chain name may not clash with target name")]
    ChainIsTarget,
    /// `-j ''`
    #[error("Invalid target name (too short)")]
    TargetEmpty,
    /// A target name that is too long.
    #[error("Invalid target name `{0}' (28 chars max)")]
    TargetTooLong(Box<str>),
    /// A target name with blanks.
    #[error("Invalid target name `{0}'")]
    TargetBlank(Box<str>),
    /// No match has this name.
    #[error("Couldn't load match `{0}':No such file or directory")]
    UnknownMatch(Box<str>),
    /// A match name that is too long.
    #[error("Invalid match name \"{0}\" (28 chars max)")]
    MatchTooLong(Box<str>),
    /// No protocol has this name.
    #[error("unknown protocol \"{0}\" specified")]
    UnknownProtocol(Box<str>),
    /// `! -p all`
    #[error("rule would never match protocol")]
    NoProtocol,
    /// Neither an address nor the name of a host.
    #[error("host/network `{0}' not found")]
    UnknownHost(Box<str>),
    /// What stands behind `/` is no mask.
    #[error("invalid mask `{0}' specified")]
    BadMask(Box<str>),
    /// `!` with a list of addresses.
    #[error("! not allowed with multiple source or destination IP addresses")]
    NotSeveralAddresses,
    /// `-i ''`
    #[error("Empty interface is likely to be undesired")]
    EmptyInterface,
    /// An interface name that is too long.
    #[error("interface name `{0}' must be shorter than 16 characters")]
    InterfaceTooLong(Box<str>),
    /// `-f` with IPv6.
    #[error("`-f' is not supported in IPv6, use -m frag instead")]
    FragmentIpv6,
    /// `-c` with one number.
    #[error("--set-counters requires packet and byte counter")]
    CountersNeeded,
    /// `-c` with something else than a number.
    #[error("--set-counters {0} counter not numeric")]
    CounterNotNumeric(&'static str),
    /// `-w` with something else than a number.
    #[error("wait seconds not numeric")]
    WaitNotNumeric,
    /// `-W` without a number.
    #[error("wait interval {0}")]
    WaitInterval(&'static str),
    /// An option that a line of a save file cannot have.
    #[error("You cannot use `-{0}' from iptables-restore")]
    NotInRestore(char),
    /// `-t` in a line of a save file.
    #[error("The -t option cannot be used in iptables-restore.")]
    TableInRestore,
    /// `-4` of ip6tables, or `-6` of iptables.
    #[error("`-{0}' asks for the other address family")]
    OtherFamily(char),
    /// DROP in the nat table.
    #[error("\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n")]
    DropInNat,
    /// No table has this name.
    #[error("table '{0}' does not exist")]
    UnknownTable(Box<str>),
    /// Neither ACCEPT nor DROP.
    #[error("Bad policy name")]
    BadPolicy,
    /// An extension refuses a parameter, or the lack of one.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// The same, where iptables would have the kernel refuse it.
    #[error(transparent)]
    ByKernel(ParamError),
    /// A command of a save file that cannot be carried out.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A rule jumps to a chain that the file does not have.
    #[error("Chain '{0}' does not exist")]
    UnknownChain(Box<str>),
    /// A line that cannot be split into words.
    #[error(transparent)]
    Lex(#[from] LexError),
    /// A line that is not UTF-8.
    #[error("not UTF-8 text")]
    NotUtf8,
    /// The input cannot be read.
    #[error("cannot read: {0}")]
    Read(std::io::ErrorKind),
    /// A line that is longer than any that makes sense.
    #[error("the line is too long")]
    LineTooLong,
    /// `*name` with a name that no table has.
    #[error("table name '{0}' invalid")]
    TableLine(Box<str>),
    /// `:` without a chain, or a chain without a policy.
    #[error("{0} invalid")]
    ChainLine(&'static str),
    /// `:CHAIN POLICY` without counters, or with something else.
    #[error("invalid policy counters for chain '{0}'")]
    PolicyCounters(Box<str>),
    /// `[` without `:` or `]`.
    #[error("need {0}")]
    RuleCounters(char),
    /// A line before the first `*table` or after `COMMIT`.
    #[error("failed: no table has been opened")]
    OutsideTable,
    /// The file ends within a table.
    #[error("COMMIT expected")]
    CommitExpected,
}

/// Why a command cannot be carried out on the tables as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The chain is not there.
    #[error("No chain/target/match by that name")]
    NoChain,
    /// No rule is equal to the one that was given.
    #[error("Bad rule (does a matching rule exist in that chain?)")]
    NoRule,
    /// `-I` behind the end of the chain.
    #[error("Index of insertion too big")]
    InsertionIndex,
    /// `-R` behind the end of the chain.
    #[error("Index of replacement too big")]
    ReplacementIndex,
    /// `-D` behind the end of the chain.
    #[error("Index of deletion too big")]
    DeletionIndex,
    /// `-N` of a chain that is there.
    #[error("Chain already exists")]
    ChainExists,
    /// `-E` to the name of a chain that is there.
    #[error("File exists")]
    NameTaken,
    /// `-X` of a chain with rules.
    #[error("Chain is not empty")]
    ChainNotEmpty,
    /// `-X` of a chain that rules jump to.
    #[error("Directory not empty")]
    ChainInUse,
    /// `-P` of a chain that has no policy.
    #[error("Bad built-in chain name")]
    NotBuiltIn,
}

impl Problem {
    /// The exit code that iptables gives: 2 for bad arguments, 3 for an unknown table, 4 for what it leaves to the
    /// kernel to refuse, 1 for the rest.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownTable(_) => 3,
            Self::ByKernel(_) => 4,
            Self::BadPolicy
            | Self::Refused(_)
            | Self::Read(_)
            | Self::LineTooLong
            | Self::OutsideTable
            | Self::CommitExpected => 1,
            _ => 2,
        }
    }
}
