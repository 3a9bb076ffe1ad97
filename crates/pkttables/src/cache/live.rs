use super::CachedRule;
use super::table::{Cache, CachedTable};
use crate::kernel::{Kernel, KernelError, RuleRef};
use crate::model::{Family, TableName};
use nfnetlink::{Error, Events, Flags, Group, Messages, Socket, Transport};
use pkttnetlink::nft::{Body, Message};
use std::collections::HashSet;
use std::time::Duration;

/// How long events may be late.
const PATIENCE: Duration = Duration::from_secs(1);

/// A [`Cache`] that the kernel's events keep current, whoever makes the changes.
///
/// What events leave in doubt is forgotten and read again when it is asked for: lost events (`ENOBUFS`) all,
/// a renamed chain its table, a changed chain the list of chains, rules whose place is not clear those of their chain.
/// Counters are those of the time when they were read.
///
/// ```no_run
/// use pkttables::cache::LiveCache;
/// use pkttables::kernel::{Kernel, KernelError};
/// use pkttables::model::{Family, TableName};
///
/// let (mut kernel, mut live) = (Kernel::open()?, LiveCache::open()?);
/// loop {
///     live.follow(&mut kernel)?;
///     let rules = kernel.read(|snapshot| {
///         let table = live.cache_mut().table(snapshot, Family::Ipv4, TableName::Filter)?;
///         Ok::<_, KernelError>(table.chain("INPUT").and_then(|chain| Some(chain.rules()?.len())))
///     })?;
///     println!("{rules:?}");
/// #   break;
/// }
/// # Ok::<(), KernelError>(())
/// ```
#[derive(Debug)]
pub struct LiveCache<E> {
    cache: Cache,
    events: E,
    /// What belongs to a generation that has not been told yet.
    pending: Vec<Change>,
}

/// What an event says of a table.
#[derive(Debug)]
struct Change {
    family: Family,
    table: TableName,
    what: What,
}

#[derive(Debug)]
enum What {
    Table,
    Chain { name: Box<str>, handle: u64 },
    ChainDeleted,
    RuleAdded { chain: Box<str>, place: Place, rule: Box<CachedRule> },
    RuleDeleted { chain: Box<str>, handle: u64 },
}

/// Where a new rule is, as events tell it: the one before it, unless it is the first or the last.
#[derive(Clone, Copy, Debug)]
enum Place {
    After(u64),
    First,
    Last,
}

impl LiveCache<Socket> {
    /// A cache of what the running kernel holds, in the network namespace of the calling thread.
    pub fn open() -> Result<Self, KernelError> {
        let mut events = Events::subscribe(&[Group::NFTABLES])?;
        events.socket_mut().set_timeout(PATIENCE)?;
        Ok(Self::new(events.into_socket()))
    }
}

impl<E: Transport> LiveCache<E> {
    /// A cache that knows nothing yet, and follows `events`: a transport that receives the changes of nf_tables.
    #[must_use]
    pub fn new(events: E) -> Self {
        Self { cache: Cache::new(), events, pending: Vec::new() }
    }

    /// What is known, as of the last [`LiveCache::follow`]; for [`apply`](crate::plan::apply), for instance.
    pub const fn cache_mut(&mut self) -> &mut Cache {
        &mut self.cache
    }

    /// Where the events come from, for instance to make room for more of them.
    pub const fn events_mut(&mut self) -> &mut E {
        &mut self.events
    }

    /// Takes in what has changed. Events that do not come in time are as good as lost: all is forgotten.
    pub fn follow<T: Transport>(&mut self, kernel: &mut Kernel<T>) -> Result<(), KernelError> {
        let now = kernel.generation()?;
        while self.take_next(kernel, false)? {}
        // A generation is there a little before the events of what has made it.
        while self.cache.generation().is_some_and(|own| is_later(now, own)) {
            if !self.take_next(kernel, true)? {
                self.forget_all();
            }
        }
        Ok(())
    }

    /// Takes in one datagram; tells whether there was one.
    fn take_next<T: Transport>(&mut self, kernel: &Kernel<T>, wait: bool) -> Result<bool, KernelError> {
        let Self { cache, events, pending } = self;
        let received = if wait { events.receive().map(Some) } else { events.try_receive() };
        match received {
            Ok(Some(datagram)) => {
                for message in Messages::new(datagram) {
                    let message = message.map_err(Error::from)?;
                    let flags = message.header.flags;
                    let told = Message::decode(&message).map_err(Error::from)?;
                    match &told.body {
                        Body::NewGeneration(generation) => {
                            complete(cache, pending, generation.id.unwrap_or_default());
                        }
                        _ => pending.extend(Change::read(&told, flags, kernel)),
                    }
                }
                Ok(true)
            }
            Ok(None) | Err(Error::Timeout) => Ok(false),
            Err(Error::RepliesLost | Error::EventsLost) => {
                self.forget_all();
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn forget_all(&mut self) {
        self.cache = Cache::new();
        self.pending.clear();
    }
}

/// Makes the changes of a generation to a cache that holds the one before it; a later one has them already.
fn complete(cache: &mut Cache, pending: &mut Vec<Change>, generation: u32) {
    match cache.generation() {
        Some(own) if generation == own.wrapping_add(1).max(1) => {
            let mut disturbed = HashSet::new();
            pending.drain(..).for_each(|change| change.make(cache, &mut disturbed));
            cache.advance(generation);
        }
        // Some have been missed.
        Some(own) if is_later(generation, own) => *cache = Cache::new(),
        _ => {}
    }
    pending.clear();
}

/// Generations are counted round.
const fn is_later(one: u32, other: u32) -> bool {
    one.wrapping_sub(other).cast_signed() > 0
}

impl Change {
    fn read<T: Transport>(message: &Message<'_>, flags: Flags, kernel: &Kernel<T>) -> Option<Self> {
        let family = [Family::Ipv4, Family::Ipv6].into_iter();
        let family = family.into_iter().find(|family| family.nfproto() == message.family.0)?;
        let text = |text: &Option<pkttnetlink::Text<'_>>| Some(text.as_ref()?.to_string_lossy().into());
        let (table, what) = match &message.body {
            Body::NewTable(table) | Body::DeleteTable(table) => (&table.name, What::Table),
            Body::NewChain(chain) => {
                (&chain.table, What::Chain { name: text(&chain.name)?, handle: chain.handle? })
            }
            Body::DeleteChain(chain) => (&chain.table, What::ChainDeleted),
            Body::DeleteRule(rule) => {
                (&rule.table, What::RuleDeleted { chain: text(&rule.chain)?, handle: rule.handle? })
            }
            Body::NewRule(rule) => {
                let place = match rule.position {
                    Some(handle) => Place::After(handle),
                    None if flags.contains(Flags::APPEND) => Place::Last,
                    None => Place::First,
                };
                let table = TableName::from_name(rule.table.as_ref()?.as_str()?)?;
                let at = RuleRef::Handle(rule.handle?);
                let cached = CachedRule::new(at, kernel.body_of(family, table, rule));
                (&rule.table, What::RuleAdded { chain: text(&rule.chain)?, place, rule: Box::new(cached) })
            }
            _ => return None,
        };
        Some(Self { family, table: TableName::from_name(table.as_ref()?.as_str()?)?, what })
    }

    /// `disturbed` are the chains of which this generation has deleted rules.
    fn make(self, cache: &mut Cache, disturbed: &mut HashSet<(Family, TableName, Box<str>)>) {
        let Self { family, table: name, what } = self;
        let Some(table) = cache.known_mut(family, name) else { return };
        match what {
            What::Table => cache.forget(family, name),
            What::Chain { name: chain, handle } => {
                // Rules that call a renamed chain are known by its old name.
                if table.note_chain(chain, handle) {
                    cache.forget_chains(family, name);
                } else {
                    cache.forget(family, name);
                }
            }
            What::ChainDeleted => cache.forget_chains(family, name),
            What::RuleAdded { chain, place, rule } => {
                let unclear = disturbed.contains(&(family, name, chain.clone()));
                match index(table, &chain, place).filter(|_| !unclear) {
                    Some(index) => table.insert(&chain, index, *rule),
                    None => table.forget(&chain),
                }
            }
            What::RuleDeleted { chain, handle } => {
                match table.index_of_handle(&chain, handle) {
                    Some(index) => drop(table.remove(&chain, index)),
                    None => table.forget(&chain),
                }
                disturbed.insert((family, name, chain));
            }
        }
    }
}

fn index(table: &mut CachedTable, chain: &str, place: Place) -> Option<usize> {
    match place {
        Place::After(handle) => table.index_of_handle(chain, handle).map(|index| index + 1),
        Place::First => Some(0),
        Place::Last => Some(table.chain(chain)?.rules()?.len()),
    }
}
