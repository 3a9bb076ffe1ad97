use super::error::KernelError;
use super::fetch::{ReadAhead, Source};
use super::revisions::{Asking, KnownRevisions};
use super::sets::KernelSets;
use super::snapshot::Snapshot;
use super::transaction::Transaction;
use crate::model::{Family, Rule};
use crate::nft::{Revisions as _, RuleEncoder, RuleError};
use crate::registry::{Descriptor, NoSets, Registry, RevisionInfo, RuleScope, Sets};
use nfnetlink::wire::Writer;
use nfnetlink::{Connection, Error, Flags, Socket, Transport};
use pkttnetlink::nft::{self, Body, Generation, Message};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// How often something is done again that somebody else's change has spoilt.
const TRIES: u32 = 256;
/// So often it is done again at once.
const TRIES_AT_ONCE: u32 = 4;
/// What is waited most before it is done again.
const LONGEST_WAIT: Duration = Duration::from_millis(8);

/// A connection to a kernel, with what it has learned of it.
///
/// What goes over it can be shown in readable form:
///
/// ```no_run
/// use nfnetlink::{Direction, Socket, Tap};
/// use pkttables::kernel::Kernel;
/// use pkttnetlink::Readable;
///
/// let shown = Tap::new(Socket::open()?, |direction: Direction, datagram: &[u8]| {
///     eprintln!("{direction:?}\n{}", Readable(datagram));
/// });
/// let mut kernel = Kernel::new(shown);
/// println!("{}", kernel.generation()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Kernel<T> {
    pub(super) connection: Connection<T>,
    pub(super) registry: &'static Registry,
    pub(super) sets: Box<dyn Sets>,
    pub(super) read_ahead: Option<Box<dyn Source>>,
    known_revisions: KnownRevisions,
    encoder: RuleEncoder,
}

impl Kernel<Socket> {
    /// Connects to the running kernel, in the network namespace of the calling thread.
    pub fn open() -> Result<Self, KernelError> {
        Ok(Self::new(Socket::open()?).with_sets(KernelSets::new(Socket::open)))
    }

    /// Opens two more sockets for [`Kernel::with_read_ahead`].
    pub fn open_read_ahead(self) -> Result<Self, KernelError> {
        Ok(self.with_read_ahead([Socket::open()?, Socket::open()?]))
    }
}

impl<T: Transport> Kernel<T> {
    /// Connects over `transport`, with the built-in extensions and without sets.
    pub fn new(transport: T) -> Self {
        Self {
            connection: Connection::new(transport),
            registry: Registry::builtin(),
            sets: Box::new(NoSets),
            read_ahead: None,
            known_revisions: KnownRevisions::default(),
            encoder: RuleEncoder::default(),
        }
    }

    /// Reads rules with the extensions of `registry`.
    #[must_use]
    pub fn with_registry(self, registry: &'static Registry) -> Self {
        Self { registry, ..self }
    }

    /// Asks `sets` for the names and numbers of sets in rules.
    #[must_use]
    pub fn with_sets(self, sets: impl Sets + 'static) -> Self {
        Self { sets: Box::new(sets), ..self }
    }

    /// Has the rules of many chains fetched over `transports`, which lead to the same kernel, each by a thread of its
    /// own while those that have come are looked at.
    #[must_use]
    pub fn with_read_ahead<U: Transport + Send + 'static>(
        self,
        transports: impl IntoIterator<Item = U>,
    ) -> Self {
        Self { read_ahead: Some(Box::new(ReadAhead::new(transports))), ..self }
    }

    /// The extensions that rules are read with.
    #[must_use]
    pub const fn registry(&self) -> &'static Registry {
        self.registry
    }

    /// What it works on, for instance to set its options.
    pub const fn transport_mut(&mut self) -> &mut T {
        self.connection.transport_mut()
    }

    /// The number of the ruleset's present generation, which every change raises.
    pub fn generation(&mut self) -> Result<u32, KernelError> {
        let question = Message::new(nft::Family::UNSPEC, Body::GetGeneration(Generation::default()));
        let id = self.connection.get(
            nft::kind::GET_GENERATION,
            Flags::default(),
            |writer| question.encode_payload(writer),
            |message| Ok::<_, Error>(Generation::decode(message.netfilter()?.1)?.id),
        )?;
        Ok(id.unwrap_or_default())
    }

    /// Runs `read` over the ruleset, again if it changes meanwhile, until what was read is of one generation.
    ///
    /// What `read` did in a try that is repeated is to have no effect: it shall collect or print into something of
    /// its own. Its own error ends the tries, unless it may come from a change.
    pub fn read<R, E: From<KernelError>>(
        &mut self,
        mut read: impl FnMut(&mut Snapshot<'_, T>) -> Result<R, E>,
    ) -> Result<R, E> {
        for attempt in 0..TRIES {
            back_off(attempt);
            let generation = self.generation()?;
            let mut snapshot = Snapshot::new(self, generation);
            let result = read(&mut snapshot);
            if !snapshot.is_interrupted() && self.generation()? == generation {
                return result;
            }
        }
        Err(KernelError::Changed.into())
    }

    /// Reads with `plan`, which says what to change, and commits that; all again if somebody else's change comes
    /// between.
    pub fn update<R, E: From<KernelError>>(
        &mut self,
        plan: impl FnMut(&mut Snapshot<'_, T>, &mut Transaction) -> Result<R, E>,
    ) -> Result<R, E> {
        self.update_to(plan).map(|(planned, _)| planned)
    }

    /// Like [`Kernel::update`], and tells the generation that the ruleset is of then, if the kernel tells.
    pub fn update_to<R, E: From<KernelError>>(
        &mut self,
        mut plan: impl FnMut(&mut Snapshot<'_, T>, &mut Transaction) -> Result<R, E>,
    ) -> Result<(R, Option<u32>), E> {
        for attempt in 0..TRIES {
            back_off(attempt);
            let generation = self.generation()?;
            let mut snapshot = Snapshot::new(self, generation);
            let mut transaction = Transaction::at(generation);
            let planned = plan(&mut snapshot, &mut transaction);
            if snapshot.is_interrupted() {
                continue;
            }
            if planned.is_err() || transaction.is_empty() {
                if self.generation()? == generation {
                    return planned.map(|planned| (planned, Some(generation)));
                }
                continue;
            }
            // What takes long to plan would never be in time.
            let at_any_generation = transaction.commutes() && attempt >= TRIES_AT_ONCE;
            if at_any_generation {
                transaction.forget_generation();
            }
            match self.commit(transaction) {
                Ok(generation) => return planned.map(|planned| (planned, generation)),
                Err(KernelError::Changed) => {}
                Err(KernelError::Refused(_)) if at_any_generation && self.generation()? != generation => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(KernelError::Changed.into())
    }

    /// Applies all of a transaction, or with an error nothing. Gives the generation that it made; none if there
    /// was nothing to do or the kernel does not tell.
    pub fn commit(&mut self, transaction: Transaction) -> Result<Option<u32>, KernelError> {
        let mut generation = None;
        let batch = transaction.into_batch();
        let committed = self.connection.commit_with(&batch, |_, message| {
            if message.header.kind == nft::kind::NEW_GENERATION {
                let told = message.netfilter().and_then(|(_, attributes)| Generation::decode(attributes));
                generation = told.ok().and_then(|told| told.id);
            }
        });
        match committed {
            Ok(()) => Ok(generation),
            Err(error) if error.is_generation_changed() => Err(KernelError::Changed),
            Err(Error::BatchRefused(refusal)) => Err(KernelError::Refused(self.explain(refusal, &batch))),
            Err(error) => Err(error.into()),
        }
    }

    /// Which of an extension's revisions the kernel takes, the newest first; none if it does not have the extension.
    pub fn revisions(
        &mut self,
        descriptor: &Descriptor,
        family: Family,
    ) -> Result<Vec<RevisionInfo>, KernelError> {
        let mut asking =
            Asking { connection: &mut self.connection, known_revisions: &mut self.known_revisions };
        let mut taken = Vec::new();
        for revision in descriptor.revisions(family) {
            if asking.supports(descriptor.kind, descriptor.xt_name, family, revision.number)? {
                taken.push(revision);
            }
        }
        Ok(taken)
    }

    /// Writes what a rule does into a message.
    pub(super) fn write_rule(
        &mut self,
        rule: &Rule,
        scope: &RuleScope<'_>,
        writer: &mut Writer,
    ) -> Result<(), RuleError<Error>> {
        let mut asking =
            Asking { connection: &mut self.connection, known_revisions: &mut self.known_revisions };
        self.encoder.write(rule, scope, &mut asking, &*self.sets, writer).map_err(|refused| {
            // A set may have been missing for no fault of the rule.
            self.sets.take_error().map_or(refused, RuleError::Kernel)
        })
    }
}

/// Waits so that programs which spoil one another's changes get out of step.
fn back_off(attempt: u32) {
    if let Some(late) = attempt.checked_sub(TRIES_AT_ONCE) {
        let most = Duration::from_micros(50).saturating_mul(1 << late.min(10)).min(LONGEST_WAIT);
        // Each hasher begins with another random state.
        let random = RandomState::new().hash_one(attempt) as u32;
        std::thread::sleep(most.mul_f64(f64::from(random) / f64::from(u32::MAX)));
    }
}

impl<T> std::fmt::Debug for Kernel<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel").field("known_revisions", &self.known_revisions).finish_non_exhaustive()
    }
}
