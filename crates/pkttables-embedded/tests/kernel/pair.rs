use std::collections::BTreeMap;

use nfnetlink::{BatchBuilder, Connection, Errno, Error, Flags, Socket, Transport};
use pkttables_embedded::{EmbeddedKernel, EmbeddedSocket};
use pkttnetlink::nft::{
    Body, Chain, Family, Flowtable, Generation, Message, Object, Rule, Set, SetElements, Table,
};

/// One message of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) flags: Flags,
    pub(crate) message: Message<'static>,
}

/// What a batch is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Nothing,
    Present,
    Past,
}

/// What a kernel said to a batch: the message, the error and where the attribute to blame is.
pub(crate) type Outcome = Result<Vec<String>, Vec<(Option<u32>, Errno, Option<u32>)>>;

/// Both kernels.
pub(crate) struct Pair {
    pub(crate) real: Side<Socket>,
    pub(crate) embedded: Side<EmbeddedSocket>,
}

/// One of them.
pub(crate) struct Side<T> {
    pub(crate) connection: Connection<T>,
}

impl Pair {
    /// The real kernel's ruleset must be empty.
    pub(crate) fn new() -> Self {
        Self {
            real: Side { connection: Connection::new(Socket::open().unwrap()) },
            embedded: Side { connection: Connection::new(EmbeddedKernel::new().connect()) },
        }
    }

    /// The same after the real kernel's ruleset has been emptied, which is quicker than another namespace.
    pub(crate) fn anew() -> Self {
        let mut pair = Self::new();
        let all = Message::new(Family::UNSPEC, Body::DeleteTable(Table::default()));
        let step = Step { flags: Flags::default(), message: all };
        pair.real.commit(Bound::Nothing, &|_| vec![step.clone()]).unwrap();
        pair
    }

    /// Has both apply a batch, which `make` makes of the handles that a side has given.
    pub(crate) fn commit(&mut self, bound: Bound, make: impl Fn(&Handles) -> Vec<Step>) -> Outcome {
        let real = self.real.commit(bound, &make);
        let embedded = self.embedded.commit(bound, &make);
        if embedded != real {
            panic!("batch:\n{}\nembedded: {embedded:#?}\nreal: {real:#?}", text(&make(&self.real.handles())));
        }
        real
    }

    /// Compares all that is dumped.
    pub(crate) fn compare(&mut self) -> String {
        let real = self.real.dump();
        let embedded = self.embedded.dump();
        if let Some(line) = embedded.lines().zip(real.lines()).position(|(one, other)| one != other) {
            let part = |text: &str| {
                text.lines().skip(line.saturating_sub(8)).take(12).collect::<Vec<_>>().join("\n")
            };
            panic!("embedded:\n{}\nreal:\n{}", part(&embedded), part(&real));
        }
        let end = |text: &str| text.lines().rev().take(5).collect::<Vec<_>>().join("\n");
        assert_eq!(embedded.len(), real.len(), "{}\n{}", end(&embedded), end(&real));
        real
    }
}

pub(crate) fn text(steps: &[Step]) -> String {
    let show = |step: &Step| format!("{:#x} {}\n", step.flags.0, step.message);
    steps.iter().map(show).collect()
}

/// The handles of all rules by table and chain in order, and those of chains.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handles {
    pub(crate) rules: BTreeMap<(Vec<u8>, Vec<u8>), Vec<u64>>,
    pub(crate) chains: BTreeMap<(Vec<u8>, Vec<u8>), u64>,
    pub(crate) tables: BTreeMap<Vec<u8>, u64>,
}

impl<T: Transport> Side<T> {
    pub(crate) fn all(&mut self, body: Body<'_>) -> Vec<Message<'static>> {
        let request = Message::new(Family::UNSPEC, body);
        self.connection
            .dump_consistent(
                request.body.kind(),
                Flags::default(),
                |writer| request.encode_payload(writer),
                |all: &mut Vec<_>, message| {
                    all.push(Message::decode(message)?.into_owned());
                    Ok::<_, Error>(())
                },
            )
            .unwrap()
    }

    pub(crate) fn generation(&mut self) -> u32 {
        let request = Message::new(Family::UNSPEC, Body::GetGeneration(Generation::default()));
        self.connection
            .get(
                request.body.kind(),
                Flags::default(),
                |writer| request.encode_payload(writer),
                |message| match Message::decode(message)?.body {
                    Body::NewGeneration(generation) => Ok(generation.id.unwrap()),
                    _ => Err(Error::Timeout),
                },
            )
            .unwrap()
    }

    pub(crate) fn handles(&mut self) -> Handles {
        let mut handles = Handles::default();
        let name = |text: &Option<pkttnetlink::Text<'_>>| text.as_ref().unwrap().as_bytes().to_vec();
        for message in self.all(Body::GetTable(Table::default())) {
            let Body::NewTable(table) = message.body else { panic!("{message}") };
            handles.tables.insert(name(&table.name), table.handle.unwrap());
        }
        for message in self.all(Body::GetChain(Chain::default())) {
            let Body::NewChain(chain) = message.body else { panic!("{message}") };
            handles.chains.insert((name(&chain.table), name(&chain.name)), chain.handle.unwrap());
        }
        for message in self.all(Body::GetRule(Rule::default())) {
            let Body::NewRule(rule) = message.body else { panic!("{message}") };
            let place = (name(&rule.table), name(&rule.chain));
            handles.rules.entry(place).or_default().push(rule.handle.unwrap());
        }
        handles
    }

    /// All that is dumped, with handles replaced by their order.
    pub(crate) fn dump(&mut self) -> String {
        let mut handles = BTreeMap::new();
        let mut lines = String::new();
        let mut messages = self.all(Body::GetTable(Table::default()));
        messages.extend(self.all(Body::GetChain(Chain::default())));
        messages.extend(self.all(Body::GetRule(Rule::default())));
        messages.extend(self.all(Body::GetObject(Object::default())));
        messages.extend(self.all(Body::GetFlowtable(Flowtable::default())));
        let sets = self.all(Body::GetSet(Set::default()));
        let elements: Vec<_> = sets.iter().map(|set| self.elements(set)).collect();
        messages.extend(sets);
        messages.extend(elements);
        for message in &messages {
            match &message.body {
                Body::NewSet(set) => {
                    handles.insert((set.table.clone(), set.handle), 0);
                }
                Body::NewObject(object) => {
                    handles.insert((object.table.clone(), object.handle), 0);
                }
                Body::NewFlowtable(flowtable) => {
                    handles.insert((flowtable.table.clone(), flowtable.handle), 0);
                }
                Body::NewChain(chain) => {
                    handles.insert((chain.table.clone(), chain.handle), 0);
                }
                Body::NewRule(rule) => {
                    handles.insert((rule.table.clone(), rule.handle), 0);
                }
                _ => {}
            }
        }
        handles.values_mut().zip(1u64..).for_each(|(order, number)| *order = number);
        for (index, mut message) in messages.into_iter().enumerate() {
            message.resource = 0;
            match &mut message.body {
                Body::NewTable(table) => table.handle = Some(index as u64),
                Body::NewSet(set) => {
                    set.handle = handles.get(&(set.table.clone(), set.handle)).copied();
                    // The address of a function of the kernel's.
                    set.set_type = None;
                    // What a rule does to a set that rules add to stays with the real kernel if it refuses the batch.
                    if let Some(description) = &mut set.description {
                        description.size = description.size.filter(|&size| size != 0xffff);
                    }
                }
                Body::NewObject(object) => {
                    object.handle = handles.get(&(object.table.clone(), object.handle)).copied();
                }
                Body::NewFlowtable(flowtable) => {
                    flowtable.handle = handles.get(&(flowtable.table.clone(), flowtable.handle)).copied();
                }
                Body::NewChain(chain) => {
                    chain.handle = handles.get(&(chain.table.clone(), chain.handle)).copied();
                }
                Body::NewRule(rule) => {
                    rule.handle = handles.get(&(rule.table.clone(), rule.handle)).copied();
                    let position = handles.get(&(rule.table.clone(), rule.position)).copied();
                    rule.position = rule.position.and(position);
                }
                _ => {}
            }
            lines.push_str(&format!("{message}\n"));
        }
        lines
    }

    /// All elements of a set in one message, in an order of their own.
    pub(crate) fn elements(&mut self, set: &Message<'static>) -> Message<'static> {
        let Body::NewSet(Set { table, name, .. }) = &set.body else { panic!("{set}") };
        let asked = SetElements { table: table.clone(), set: name.clone(), ..SetElements::default() };
        let request = Message::new(set.family, Body::GetSetElements(asked.clone()));
        let mut all = Vec::new();
        self.connection
            .dump(
                request.body.kind(),
                Flags::default(),
                |writer| request.encode_payload(writer),
                |message| {
                    if let Body::NewSetElements(part) = Message::decode(message)?.into_owned().body {
                        all.extend(part.elements);
                    }
                    Ok::<_, Error>(())
                },
            )
            .unwrap();
        // The time that is left.
        all.iter_mut().for_each(|element| element.expiration = None);
        all.sort_by_cached_key(|element| format!("{element:?}"));
        Message::new(set.family, Body::NewSetElements(SetElements { elements: all, ..asked }))
    }

    pub(crate) fn commit(&mut self, bound: Bound, make: &impl Fn(&Handles) -> Vec<Step>) -> Outcome {
        let steps = make(&self.handles());
        let generation = self.generation();
        let mut batch = match bound {
            Bound::Nothing => BatchBuilder::new(10),
            Bound::Present => BatchBuilder::with_generation(10, generation),
            Bound::Past => BatchBuilder::with_generation(10, generation.wrapping_sub(1).max(1) + 7),
        };
        for (step, tag) in steps.iter().zip(1..) {
            batch
                .push(tag, step.message.body.kind(), step.flags, |writer| step.message.encode_payload(writer))
                .unwrap();
        }
        let mut echoes = Vec::new();
        let result = self.connection.commit_with(&batch.end(), |_, message| {
            let mut message = Message::decode(message).unwrap().into_owned();
            message.resource = 0;
            echoes.push(message);
        });
        let raised = self.generation().wrapping_sub(generation);
        match result {
            Ok(()) => {
                let mut lines = vec![format!("generation raised by {raised}")];
                // In which order the elements go that are flushed is the real kernel's secret.
                for some in echoes.chunk_by_mut(|one, other| is_element_gone(one) && is_element_gone(other)) {
                    some.sort_by_cached_key(ToString::to_string);
                }
                lines.extend(echoes.into_iter().map(|message| without_handles(message).to_string()));
                Ok(lines)
            }
            Err(Error::BatchRefused(refusal)) => {
                assert_eq!(raised, 0, "{refusal}");
                assert!(!refusal.incomplete);
                let failures = refusal.failures.into_iter();
                Err(failures
                    .map(|failure| (failure.tag, failure.refusal.errno, failure.refusal.offset()))
                    .collect())
            }
            Err(error) => panic!("{error}"),
        }
    }
}

const fn is_element_gone(message: &Message<'_>) -> bool {
    matches!(message.body, Body::DeleteSetElements(_))
}

fn without_handles(mut message: Message<'static>) -> Message<'static> {
    match &mut message.body {
        // How often something is used is told as it is after the commit.
        Body::NewTable(table) | Body::DeleteTable(table) => (table.handle, table.use_count) = (None, None),
        Body::NewChain(chain) | Body::DeleteChain(chain) => (chain.handle, chain.use_count) = (None, None),
        Body::NewRule(rule) | Body::DeleteRule(rule) => {
            // Which rule is told as the one before depends on what the rest of the batch does.
            (rule.handle, rule.position) = (None, None);
        }
        Body::NewSet(set) | Body::DeleteSet(set) => {
            (set.handle, set.set_type, set.count, set.description) = (None, None, None, None);
        }
        Body::NewSetElements(elements) => {
            elements.elements.iter_mut().for_each(|element| element.expiration = None);
        }
        Body::NewObject(object) | Body::DeleteObject(object) => {
            (object.handle, object.use_count) = (None, None);
        }
        Body::NewFlowtable(flowtable) | Body::DeleteFlowtable(flowtable) => {
            (flowtable.handle, flowtable.use_count) = (None, None);
        }
        Body::NewGeneration(generation) => *generation = Generation::default(),
        _ => {}
    }
    message
}
