use super::connection::Kernel;
use super::error::KernelError;
use crate::model::{Counters, Family, Hook, Policy, Rule, TableName};
use crate::registry::RuleScope;
use nfnetlink::wire::Writer;
use nfnetlink::{Batch, BatchBuilder, EncodeError, Flags, Transport};
use pkttnetlink::nft::{self, Body, ChainCounters, ChainHook, Message, VerdictCode, kind};

/// `NFNL_SUBSYS_NFTABLES`.
const NF_TABLES: u8 = 10;

/// Changes that a kernel makes all at once or not at all ([`Kernel::commit`]).
///
/// Each carries a tag of the caller's choice (a line number, say), by which a refusal names it.
#[derive(Debug)]
pub struct Transaction {
    batch: BatchBuilder,
    beginning: Beginning,
    commutes: bool,
}

/// Adds changes to one table of a transaction.
#[derive(Debug)]
pub struct TableEdit<'t> {
    batch: &'t mut BatchBuilder,
    beginning: &'t mut Beginning,
    family: Family,
    table: TableName,
}

/// How the last rule message began that named nothing but table and chain: the next one mostly begins the same.
#[derive(Debug, Default)]
struct Beginning {
    of: Option<(Family, TableName)>,
    chain: String,
    bytes: Vec<u8>,
}

/// A rule to be put into a chain.
#[derive(Clone, Copy, Debug)]
pub struct NewRule<'r> {
    /// The chain.
    pub chain: &'r str,
    /// Where in the chain.
    pub place: Place,
    /// A number by which the rest of the transaction can name it.
    pub id: Option<u32>,
    /// What it does; without counters it starts at zero.
    pub rule: &'r Rule,
}

/// A place in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before all other rules.
    First,
    /// After all other rules.
    Last,
    /// Just before this rule.
    Before(RuleRef),
    /// Just after this rule.
    After(RuleRef),
    /// In the place of the rule with this handle, which goes.
    Instead(u64),
}

/// A rule in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleRef {
    /// The rule to which the kernel has given this number.
    Handle(u64),
    /// The rule of the same transaction to which [`NewRule::id`] gives this number.
    Id(u32),
}

impl Transaction {
    /// An empty transaction that is applied to whatever is there.
    #[must_use]
    pub fn new() -> Self {
        Self::with(BatchBuilder::new(NF_TABLES))
    }

    /// An empty transaction that is refused ([`KernelError::Changed`]) if the ruleset is of another generation.
    #[must_use]
    pub fn at(generation: u32) -> Self {
        Self::with(BatchBuilder::with_generation(NF_TABLES, generation))
    }

    fn with(batch: BatchBuilder) -> Self {
        Self { batch, beginning: Beginning::default(), commutes: false }
    }

    /// Says that it does what it shall do even if somebody else changes other things before, unless the kernel
    /// refuses it. [`Kernel::update`] makes use of that where others change things all the time.
    pub const fn set_commutes(&mut self) {
        self.commutes = true;
    }

    pub(super) const fn commutes(&self) -> bool {
        self.commutes
    }

    /// Has it applied whatever the generation is.
    pub(super) fn forget_generation(&mut self) {
        self.batch.forget_generation();
    }

    /// How many changes there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.batch.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// For changes to a table, which need not exist.
    pub const fn table(&mut self, family: Family, table: TableName) -> TableEdit<'_> {
        TableEdit { batch: &mut self.batch, beginning: &mut self.beginning, family, table }
    }

    /// What is sent, for instance to be kept and sent again.
    #[must_use]
    pub fn into_batch(self) -> Batch {
        self.batch.end()
    }
}

impl Default for Transaction {
    fn default() -> Self {
        Self::new()
    }
}

impl<'r> NewRule<'r> {
    /// A rule at the end of a chain.
    #[must_use]
    pub const fn append(chain: &'r str, rule: &'r Rule) -> Self {
        Self { chain, place: Place::Last, id: None, rule }
    }
}

impl TableEdit<'_> {
    /// Makes the table if there is none.
    pub fn create(&mut self, tag: u32) -> Result<(), EncodeError> {
        self.push(tag, Flags::CREATE, Body::NewTable(self.named_table()))
    }

    /// Deletes the table with all that is in it; refused if there is none.
    pub fn delete(&mut self, tag: u32) -> Result<(), EncodeError> {
        self.push(tag, Flags::default(), Body::DeleteTable(self.named_table()))
    }

    /// Makes the table an empty one, whether there is one or not.
    pub fn clear(&mut self, tag: u32) -> Result<(), EncodeError> {
        self.create(tag)?;
        self.delete(tag)?;
        self.create(tag)
    }

    /// Makes the built-in chain at `hook` if it is missing, and gives it a policy and counters; without them they
    /// stay as they are, and a new chain accepts and does not count.
    pub fn set_builtin(
        &mut self,
        tag: u32,
        hook: Hook,
        policy: Option<Policy>,
        counters: Option<Counters>,
    ) -> Result<(), EncodeError> {
        let place = ChainHook {
            hook: Some(nft::Hook(hook.number())),
            priority: Some(self.table.priority(hook)),
            ..ChainHook::default()
        };
        let chain = nft::Chain {
            hook: Some(place),
            policy: policy.map(|policy| match policy {
                Policy::Accept => VerdictCode::ACCEPT,
                Policy::Drop => VerdictCode::DROP,
            }),
            chain_type: Some(self.table.chain_type(hook).into()),
            counters: counters.map(|Counters { packets, bytes }| ChainCounters {
                packets: Some(packets),
                bytes: Some(bytes),
                ..ChainCounters::default()
            }),
            ..self.named_chain(hook.chain())
        };
        self.push(tag, Flags::CREATE, Body::NewChain(chain))
    }

    /// Makes the built-in chain at `hook`, which is known to be missing: it accepts, and counts.
    pub fn create_builtin(&mut self, tag: u32, hook: Hook) -> Result<(), EncodeError> {
        self.set_builtin(tag, hook, Some(Policy::Accept), Some(Counters::default()))
    }

    /// Makes a chain; refused if there is one of this name.
    pub fn create_chain(&mut self, tag: u32, name: &str) -> Result<(), EncodeError> {
        self.push(tag, Flags::CREATE | Flags::EXCL, Body::NewChain(self.named_chain(name)))
    }

    /// Makes a chain if there is none of this name.
    pub fn ensure_chain(&mut self, tag: u32, name: &str) -> Result<(), EncodeError> {
        self.push(tag, Flags::CREATE, Body::NewChain(self.named_chain(name)))
    }

    /// Gives the chain with this handle another name.
    pub fn rename_chain(&mut self, tag: u32, handle: u64, name: &str) -> Result<(), EncodeError> {
        let chain = nft::Chain { handle: Some(handle), ..self.named_chain(name) };
        self.push(tag, Flags::default(), Body::NewChain(chain))
    }

    /// Deletes a chain; refused if it has rules or is jumped to.
    pub fn delete_chain(&mut self, tag: u32, name: &str) -> Result<(), EncodeError> {
        self.push(tag, Flags::NONREC, Body::DeleteChain(self.named_chain(name)))
    }

    /// Deletes the chain with this handle; refused if it has rules or is jumped to.
    pub fn delete_chain_by_handle(&mut self, tag: u32, handle: u64) -> Result<(), EncodeError> {
        let chain = nft::Chain {
            table: Some(self.table.name().into()),
            handle: Some(handle),
            ..nft::Chain::default()
        };
        self.push(tag, Flags::NONREC, Body::DeleteChain(chain))
    }

    /// Deletes all rules of a chain.
    pub fn flush_chain(&mut self, tag: u32, chain: &str) -> Result<(), EncodeError> {
        self.push(tag, Flags::default(), Body::DeleteRule(self.rule_in(chain)))
    }

    /// Deletes all rules of all chains; refused if there is no such table.
    pub fn flush(&mut self, tag: u32) -> Result<(), EncodeError> {
        let rule = nft::Rule { table: Some(self.table.name().into()), ..nft::Rule::default() };
        self.push(tag, Flags::default(), Body::DeleteRule(rule))
    }

    /// Deletes a rule.
    pub fn delete_rule(&mut self, tag: u32, chain: &str, rule: RuleRef) -> Result<(), EncodeError> {
        let (handle, id) = rule.parts();
        self.push(tag, Flags::default(), Body::DeleteRule(nft::Rule { handle, id, ..self.rule_in(chain) }))
    }

    /// Adds a rule. `kernel` is asked which extensions it has, where that is not known yet.
    pub fn add_rule<T: Transport>(
        &mut self,
        tag: u32,
        new: &NewRule<'_>,
        kernel: &mut Kernel<T>,
    ) -> Result<(), KernelError> {
        let scope = RuleScope {
            family: self.family,
            table: Some(self.table),
            chain: Some(new.chain),
            header: &new.rule.header,
        };
        let flags = match new.place {
            Place::First | Place::Before(_) => Flags::CREATE,
            Place::Last | Place::After(_) => Flags::CREATE | Flags::APPEND,
            Place::Instead(_) => Flags::CREATE | Flags::REPLACE,
        };
        if let (None, Place::First | Place::Last) = (new.id, new.place) {
            self.begin_in(new.chain)?;
            let Self { batch, beginning, .. } = self;
            return push_rule(batch, (tag, flags), &scope, new.rule, kernel, |writer| {
                writer.bytes(&beginning.bytes);
            });
        }
        let mut rule = nft::Rule { id: new.id, ..self.rule_in(new.chain) };
        match new.place {
            Place::Instead(handle) => rule.handle = Some(handle),
            Place::Before(other) | Place::After(other) => {
                (rule.position, rule.position_id) = other.parts();
            }
            Place::First | Place::Last => {}
        }
        let message = self.message(Body::NewRule(rule));
        push_rule(self.batch, (tag, flags), &scope, new.rule, kernel, |writer| message.encode_payload(writer))
    }

    /// Has `beginning` be that of a rule in this chain.
    fn begin_in(&mut self, chain: &str) -> Result<(), EncodeError> {
        let of = Some((self.family, self.table));
        if self.beginning.of != of || self.beginning.chain != chain {
            let mut writer = Writer::new();
            self.message(Body::NewRule(self.rule_in(chain))).encode_payload(&mut writer);
            *self.beginning = Beginning { of, chain: chain.into(), bytes: writer.into_bytes()? };
        }
        Ok(())
    }

    /// Puts a rule into the place of the one with this handle.
    pub fn replace_rule<T: Transport>(
        &mut self,
        tag: u32,
        chain: &str,
        handle: u64,
        rule: &Rule,
        kernel: &mut Kernel<T>,
    ) -> Result<(), KernelError> {
        self.add_rule(tag, &NewRule { chain, place: Place::Instead(handle), id: None, rule }, kernel)
    }

    fn push(&mut self, tag: u32, flags: Flags, body: Body<'_>) -> Result<(), EncodeError> {
        let message = self.message(body);
        let flags = first_of(self.batch) | flags;
        self.batch.push(tag, message.body.kind(), flags, |writer| message.encode_payload(writer))
    }

    const fn message<'m>(&self, body: Body<'m>) -> Message<'m> {
        Message::new(nft::Family(self.family.nfproto()), body)
    }

    fn named_table(&self) -> nft::Table<'static> {
        nft::Table { name: Some(self.table.name().into()), ..nft::Table::default() }
    }

    fn named_chain<'c>(&self, name: &'c str) -> nft::Chain<'c> {
        nft::Chain { table: Some(self.table.name().into()), name: Some(name.into()), ..nft::Chain::default() }
    }

    fn rule_in<'c>(&self, chain: &'c str) -> nft::Rule<'c> {
        nft::Rule { table: Some(self.table.name().into()), chain: Some(chain.into()), ..nft::Rule::default() }
    }
}

/// Adds a rule's message, whose attributes before its expressions `begin` writes.
fn push_rule<T: Transport>(
    batch: &mut BatchBuilder,
    (tag, flags): (u32, Flags),
    scope: &RuleScope<'_>,
    rule: &Rule,
    kernel: &mut Kernel<T>,
    begin: impl FnOnce(&mut Writer),
) -> Result<(), KernelError> {
    let mut written = Ok(());
    let pushed = batch.push(tag, kind::NEW_RULE, first_of(batch) | flags, |writer| {
        begin(writer);
        written = kernel.write_rule(rule, scope, writer);
        if written.is_err() {
            // The batch leaves the message out then.
            writer.fail(EncodeError::NotRepresentable("the rule"));
        }
    });
    written?;
    Ok(pushed?)
}

/// Has the first message echoed: the kernel then tells the new generation too.
const fn first_of(batch: &BatchBuilder) -> Flags {
    if batch.is_empty() { Flags::ECHO } else { Flags(0) }
}

impl RuleRef {
    const fn parts(self) -> (Option<u64>, Option<u32>) {
        match self {
            Self::Handle(handle) => (Some(handle), None),
            Self::Id(id) => (None, Some(id)),
        }
    }
}
