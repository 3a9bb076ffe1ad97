use std::hash::{BuildHasher, RandomState};

use pkttables::packet::{Direction, Status};

use super::entry::{Connection, ConnectionId, Zone};
use super::index::Index;
use super::tuple::Tuple;
use super::wheel::Wheel;

/// All connections: the entries in fixed blocks, one index over both tuples, one over sources, one timing wheel.
#[derive(Debug)]
pub(crate) struct Table {
    blocks: Vec<Vec<Slot>>,
    free: u32,
    tuples: Index,
    sources: Index,
    wheel: Wheel,
    seed: u64,
    confirmed: usize,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    next_free: u32,
    connection: Option<Connection>,
}

const BLOCK: usize = 1024;
const NONE: u32 = u32::MAX;

impl Default for Table {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            free: NONE,
            tuples: Index::default(),
            sources: Index::default(),
            wheel: Wheel::default(),
            // Hashes show in no result; an unknown seed keeps captures from being made to collide.
            seed: RandomState::new().hash_one(0),
            confirmed: 0,
        }
    }
}

impl Table {
    /// How many connections are confirmed.
    pub(crate) const fn len(&self) -> usize {
        self.confirmed
    }

    /// The memory the table takes, boxed states of helpers apart.
    pub(crate) fn bytes(&self) -> usize {
        self.blocks.len() * BLOCK * size_of::<Slot>()
            + self.tuples.bytes()
            + self.sources.bytes()
            + self.wheel.bytes()
    }

    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        self.slot(id.number).filter(|slot| slot.generation == id.generation)?.connection.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.slot_mut(id.number).filter(|slot| slot.generation == id.generation)?.connection.as_mut()
    }

    /// All confirmed connections.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        (0..).zip(self.blocks.iter().flatten()).filter_map(|(number, slot)| {
            let connection = slot.connection.as_ref().filter(|entry| listed(entry))?;
            Some((ConnectionId { number, generation: slot.generation }, connection))
        })
    }

    /// Adds a connection that no lookup finds until it is confirmed.
    pub(crate) fn add(&mut self, connection: Connection) -> Option<ConnectionId> {
        if self.free == NONE {
            self.add_block()?;
        }
        let number = self.free;
        let slot = self.slot_mut(number)?;
        let next = slot.next_free;
        slot.connection = Some(connection);
        let generation = slot.generation;
        self.free = next;
        Some(ConnectionId { number, generation })
    }

    pub(crate) fn find(&self, tuple: &Tuple, zone: Zone) -> Option<(ConnectionId, Direction)> {
        let (there, back) = (zone.of(Direction::Original), zone.of(Direction::Reply));
        self.find_in(tuple, there, zone).or_else(|| {
            if there == back {
                return None;
            }
            self.find_in(tuple, back, zone)
        })
    }

    /// As [`find`](Self::find), of what is filed under one zone's number only.
    pub(crate) fn find_in(&self, tuple: &Tuple, id: u16, zone: Zone) -> Option<(ConnectionId, Direction)> {
        let node = self.tuples.find(tuple.hash(id, self.seed), |node| {
            let (number, direction) = unpack(node);
            self.slot(number).and_then(|slot| slot.connection.as_ref()).is_some_and(|entry| {
                entry.tuple(direction) == tuple && entry.zone.of(direction) == zone.of(direction)
            })
        })?;
        let (number, mut direction) = unpack(node);
        let slot = self.slot(number)?;
        if tuple.source == tuple.destination
            && slot.connection.as_ref().is_some_and(|entry| entry.tuple(Direction::Reply) == tuple)
        {
            // Who talks to himself without ports answers with every packet.
            direction = Direction::Reply;
        }
        Some((ConnectionId { number, generation: slot.generation }, direction))
    }

    /// Puts an added connection where lookups find it.
    pub(crate) fn confirm(&mut self, id: ConnectionId, now: u64) {
        let seed = self.seed;
        let Some(entry) = self.get_mut(id) else { return };
        entry.status.insert(Status::CONFIRMED);
        entry.deadline = entry.deadline.saturating_add(now);
        let deadline = entry.deadline;
        let hashes = hashes(entry, seed);
        for (direction, hash) in hashes {
            self.tuples.insert(hash, pack(id.number, direction));
        }
        self.confirmed += 1;
        self.refile(id, deadline);
    }

    /// Tells the wheel of a deadline that came nearer.
    pub(crate) fn refile(&mut self, id: ConnectionId, deadline: u64) {
        self.wheel.file(id.number, tick(deadline));
    }

    /// Notes the source of a connection for [`same_source`](Self::same_source).
    pub(crate) fn note_source(&mut self, id: ConnectionId) {
        let seed = self.seed;
        let Some(entry) = self.get_mut(id).filter(|entry| !entry.by_source) else { return };
        entry.by_source = true;
        let hash = source_hash(entry, seed);
        self.sources.insert(hash, id.number);
    }

    /// A noted connection from the same source that `wanted` accepts.
    pub(crate) fn same_source(
        &self,
        tuple: &Tuple,
        zone: Zone,
        mut wanted: impl FnMut(&Connection) -> bool,
    ) -> Option<&Connection> {
        let hash = tuple.source_hash(zone.of(Direction::Original), self.seed);
        let number = self.sources.find(hash, |number| {
            self.slot(number).and_then(|slot| slot.connection.as_ref()).is_some_and(|entry| {
                let other = entry.tuple(Direction::Original);
                other.source == tuple.source
                    && other.source_key == tuple.source_key
                    && other.protocol == tuple.protocol
                    && other.family == tuple.family
                    && entry.zone.of(Direction::Original) == zone.of(Direction::Original)
                    && wanted(entry)
            })
        })?;
        self.slot(number)?.connection.as_ref()
    }

    /// Takes a connection out of the indexes; it stays readable until it is [freed](Self::free).
    pub(crate) fn unlist(&mut self, id: ConnectionId) {
        let seed = self.seed;
        let Some(entry) = self.get_mut(id) else { return };
        let (was_listed, was_noted) = (listed(entry), core::mem::take(&mut entry.by_source));
        entry.status.insert(Status::DYING);
        let (hashes, source) = (hashes(entry, seed), source_hash(entry, seed));
        if was_listed {
            for (direction, hash) in hashes {
                self.tuples.remove(hash, pack(id.number, direction));
            }
            self.wheel.remove(id.number);
            self.confirmed -= 1;
        }
        if was_noted {
            self.sources.remove(source, id.number);
        }
    }

    /// Forgets a connection.
    pub(crate) fn free(&mut self, id: ConnectionId) {
        self.unlist(id);
        let next_free = self.free;
        let Some(slot) = self.slot_mut(id.number).filter(|slot| slot.generation == id.generation) else {
            return;
        };
        if slot.connection.take().is_some() {
            slot.generation = slot.generation.wrapping_add(1);
            slot.next_free = next_free;
            self.free = id.number;
        }
    }

    /// Frees every connection whose time is over.
    pub(crate) fn expire(&mut self, now: u64) {
        let Self { wheel, blocks, .. } = self;
        let mut over = NONE;
        wheel.advance((now / 1000).min(u64::from(u32::MAX)) as u32, |wheel, number| {
            let Some(slot) = slot_in(blocks, number) else { return };
            match slot.connection.as_ref().map(|entry| entry.deadline) {
                Some(deadline) if deadline > now => wheel.file(number, tick(deadline)),
                Some(_) => {
                    slot.next_free = over;
                    over = number;
                }
                None => {}
            }
        });
        while let Some((next, generation)) = self.slot(over).map(|slot| (slot.next_free, slot.generation)) {
            self.free(ConnectionId { number: over, generation });
            over = next;
        }
    }

    /// Frees one connection near the hash of a tuple that is not assured; false if there is none.
    pub(crate) fn evict(&mut self, tuple: &Tuple) -> bool {
        const NEAR: usize = 64;
        let victim = self.tuples.near(tuple.hash(0, self.seed), NEAR).find_map(|node| {
            let (number, _) = unpack(node);
            let slot = self.slot(number)?;
            let assured = slot.connection.as_ref()?.status.contains(Status::ASSURED);
            (!assured).then_some(ConnectionId { number, generation: slot.generation })
        });
        if let Some(id) = victim {
            self.free(id);
        }
        victim.is_some()
    }

    fn add_block(&mut self) -> Option<()> {
        let start =
            u32::try_from(self.blocks.len() * BLOCK).ok().filter(|start| *start < NONE / 2 - BLOCK as u32)?;
        let end = start + BLOCK as u32;
        let slot = |number| Slot {
            generation: 0,
            next_free: if number + 1 == end { NONE } else { number + 1 },
            connection: None,
        };
        self.blocks.push((start..end).map(slot).collect());
        self.free = start;
        Some(())
    }

    fn slot(&self, number: u32) -> Option<&Slot> {
        self.blocks.get(number as usize / BLOCK)?.get(number as usize % BLOCK)
    }

    fn slot_mut(&mut self, number: u32) -> Option<&mut Slot> {
        slot_in(&mut self.blocks, number)
    }
}

fn slot_in(blocks: &mut [Vec<Slot>], number: u32) -> Option<&mut Slot> {
    blocks.get_mut(number as usize / BLOCK)?.get_mut(number as usize % BLOCK)
}

fn listed(entry: &Connection) -> bool {
    entry.confirmed() && !entry.status.contains(Status::DYING)
}

fn hashes(entry: &Connection, seed: u64) -> [(Direction, u32); 2] {
    [Direction::Original, Direction::Reply]
        .map(|direction| (direction, entry.tuple(direction).hash(entry.zone.of(direction), seed)))
}

fn source_hash(entry: &Connection, seed: u64) -> u32 {
    entry.tuple(Direction::Original).source_hash(entry.zone.of(Direction::Original), seed)
}

/// The first whole second at or after a deadline.
fn tick(deadline: u64) -> u32 {
    deadline.div_ceil(1000).min(u64::from(u32::MAX)) as u32
}

const fn pack(number: u32, direction: Direction) -> u32 {
    number << 1 | direction as u32
}

const fn unpack(node: u32) -> (u32, Direction) {
    (node >> 1, if node & 1 == 0 { Direction::Original } else { Direction::Reply })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pkttables::model::Family;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn tuple(number: u32) -> Tuple {
        let mut source = [10; 16];
        source[..4].copy_from_slice(&number.to_be_bytes());
        Tuple {
            source,
            destination: [192; 16],
            source_key: 1000,
            destination_key: 53,
            protocol: 17,
            family: Family::Ipv4,
        }
    }

    fn add(table: &mut Table, number: u32, lasts: u64, now: u64) -> ConnectionId {
        let there = tuple(number);
        let mut entry = Connection::new(there, there.inverse().unwrap(), Zone::default());
        entry.deadline = lasts;
        let id = table.add(entry).unwrap();
        table.confirm(id, now);
        id
    }

    proptest! {
        #[test]
        fn agrees_with_a_map_from_tuples_to_deadlines(
            steps in prop::collection::vec((0u8..5, 0u32..50, 0u64..500_000), 1..200),
        ) {
            let mut table = Table::default();
            let mut model: HashMap<u32, (ConnectionId, u64)> = HashMap::new();
            let mut now = 0;
            for (step, number, amount) in steps {
                match step {
                    0 | 1 => {
                        model.entry(number).or_insert_with(|| (add(&mut table, number, amount, now), now + amount));
                    }
                    2 => if let Some((id, _)) = model.remove(&number) { table.free(id) },
                    3 => if let Some((id, deadline)) = model.get_mut(&number) {
                        *deadline = now + amount;
                        table.get_mut(*id).unwrap().deadline = now + amount;
                        table.refile(*id, now + amount);
                    },
                    _ => {
                        now = (now + amount) / 1000 * 1000;
                        table.expire(now);
                        model.retain(|_, (_, deadline)| *deadline > now || *deadline % 1000 != 0 && *deadline / 1000 == now / 1000);
                    }
                }
                for number in 0..50 {
                    let there = tuple(number);
                    let wanted = model.get(&number).map(|(id, _)| *id);
                    let found = table.find(&there, Zone::default());
                    prop_assert_eq!(found, wanted.map(|id| (id, Direction::Original)));
                    let back = table.find(&there.inverse().unwrap(), Zone::default());
                    prop_assert_eq!(back, wanted.map(|id| (id, Direction::Reply)));
                }
                prop_assert_eq!(table.len(), model.len());
            }
        }
    }

    #[test]
    fn zones_keep_equal_tuples_apart() {
        let mut table = Table::default();
        let there = tuple(1);
        let id = table.add(Connection::new(there, there.inverse().unwrap(), Zone::new(7))).unwrap();
        table.confirm(id, 0);
        assert_eq!(table.find(&there, Zone::default()), None);
        assert_eq!(table.find(&there, Zone::new(7)), Some((id, Direction::Original)));
        let one_way = Zone { id: 7, original: true, reply: false };
        assert_eq!(table.find(&there, one_way), Some((id, Direction::Original)));
        assert_eq!(table.find(&there.inverse().unwrap(), one_way), None);
    }

    #[test]
    fn an_identifier_dies_with_its_connection() {
        let mut table = Table::default();
        let id = add(&mut table, 1, 1000, 0);
        table.free(id);
        let other = add(&mut table, 2, 1000, 0);
        assert_eq!(id.number, other.number);
        assert!(table.get(id).is_none() && table.get(other).is_some());
    }
}
