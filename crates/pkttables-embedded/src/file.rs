//! The ruleset as a file: a line that says what it is, then the messages of a dump.

use std::fs;
use std::io;
use std::path::Path;

use nfnetlink::wire::{DecodeError, Message, Messages, Writer};
use nfnetlink::{EncodeError, Errno, Flags};
use pkttnetlink::RawAttribute;
use pkttnetlink::nft::{
    Body, Family, Flowtable, Generation, Rule as RuleMessage, Set, Table as TableMessage, TableFlags, kind,
};

use crate::change;
use crate::expression::{Context, parse};
use crate::extensions::Extensions;
use crate::kernel::EmbeddedKernel;
use crate::reply::{self, Envelope, RuleAt};
use crate::state::{Ruleset, Table};
use crate::transaction::{Request, Transaction};

/// What a file begins with; the number is the version of the format. The messages after it are aligned to 4 bytes.
const MAGIC: &[u8; 20] = b"pkttables ruleset 1\n";
const MAGIC_OF_ANY_VERSION: &[u8] = b"pkttables ruleset ";
/// How many elements of a set are in one message.
const ELEMENTS_AT_ONCE: usize = 100;
/// An attribute of this format alone: the handle that was given last, in a table or to a table.
const LAST_HANDLE: u16 = 0x3ff0;

/// Why a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The file system refused.
    #[error(transparent)]
    File(#[from] io::Error),
    /// It does not begin as such a file does.
    #[error("this is not a saved ruleset of the embedded kernel")]
    NotAState,
    /// It was written by a version of this program that does it in another way.
    #[error("the saved ruleset is of a version that is not known here")]
    Version,
    /// Its messages cannot be read.
    #[error("the saved ruleset is damaged: {0}")]
    Decode(DecodeError),
    /// One of its messages makes no sense where it stands.
    #[error("the saved ruleset is damaged: message {index} is refused with {errno}")]
    Refused {
        /// Which message, counted from 0.
        index: usize,
        /// What the kernel would say to it.
        errno: Errno,
    },
    /// The ruleset does not fit into messages.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl EmbeddedKernel {
    /// A kernel with the ruleset that [`EmbeddedKernel::save`] has written; an empty one if there is no such file.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        match fs::read(path) {
            Ok(bytes) => Self::from_bytes(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the ruleset to a file, whole or not at all: another file is written and then takes its name.
    pub fn save(&self, path: &Path) -> Result<(), StateError> {
        let bytes = self.to_bytes()?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let beside = path.with_file_name(name);
        let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            // It may not even have been made.
            let _ = fs::remove_file(&beside);
        }
        Ok(written?)
    }

    /// The ruleset in the form of the file: generation, handles and counters included.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StateError> {
        let ruleset = self.core().ruleset.clone();
        let mut writer = Writer::new();
        writer.bytes(MAGIC);
        let envelope =
            Envelope { flags: Flags::default(), sequence: 0, port: 0, generation: ruleset.generation };
        let generation = Generation {
            id: Some(ruleset.generation),
            unknown: vec![last_handle(ruleset.last_handle)],
            ..Generation::default()
        };
        envelope.write(None, Body::NewGeneration(generation), &mut writer)?;
        for table in ruleset.tables() {
            // An owner is gone when the file is read, as if its socket had been closed.
            let message = TableMessage {
                owner: None,
                flags: Some(table.flags - TableFlags::OWNER),
                unknown: vec![last_handle(table.last_handle)],
                ..reply::table_message(table)
            };
            envelope.write(Some(table), Body::NewTable(message), &mut writer)?;
            for chain in table.chains() {
                reply::chain(&envelope, table, chain, &mut writer)?;
            }
            for object in table.objects.iter() {
                reply::object(kind::NEW_OBJECT, &envelope, table, object, &mut writer)?;
            }
            for flowtable in table.flowtables.iter() {
                reply::flowtable(kind::NEW_FLOWTABLE, &envelope, table, flowtable, &mut writer)?;
            }
            for set in table.sets.iter() {
                reply::set(&envelope, table, set, &mut writer)?;
                let elements: Vec<_> = set.elements().collect();
                for some in elements.chunks(ELEMENTS_AT_ONCE) {
                    let some = some.iter().copied();
                    reply::elements(kind::NEW_SET_ELEMENTS, &envelope, (table, set), some, &mut writer)?;
                }
            }
            for chain in table.chains() {
                for entry in &chain.rules {
                    let at = RuleAt { table, chain, entry, previous: None };
                    reply::rule(kind::NEW_RULE, &envelope, at, &mut writer)?;
                }
            }
        }
        Ok(writer.into_bytes()?)
    }

    /// A kernel with the ruleset in these bytes, and every xt extension.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let Some(messages) = bytes.strip_prefix(MAGIC) else {
            let known = bytes.starts_with(MAGIC_OF_ANY_VERSION);
            return Err(if known { StateError::Version } else { StateError::NotAState });
        };
        let extensions = Extensions::all();
        let mut transaction = Transaction::new(Ruleset::default(), &extensions, 0, false);
        for (index, message) in Messages::new(messages).enumerate() {
            let message = message.map_err(StateError::Decode)?;
            let (family, body) = decode(&message).map_err(StateError::Decode)?;
            restore(&mut transaction, family, body).map_err(|errno| StateError::Refused { index, errno })?;
        }
        let ruleset = transaction.ruleset;
        Ok(Self::with(extensions, ruleset))
    }
}

fn last_handle(handle: u64) -> RawAttribute<'static> {
    RawAttribute { raw_kind: LAST_HANDLE, value: handle.to_be_bytes().to_vec().into() }
}

fn decode<'a>(message: &Message<'a>) -> Result<(Family, Body<'a>), DecodeError> {
    pkttnetlink::nft::Message::decode(message).map(|message| (message.family, message.body))
}

/// The private attribute among those of a message.
fn read_last_handle(unknown: &[RawAttribute<'_>]) -> Result<u64, Errno> {
    let found = unknown.iter().find(|attribute| attribute.raw_kind == LAST_HANDLE).ok_or(Errno::EINVAL)?;
    let value = <[u8; 8]>::try_from(&*found.value).map_err(|_| Errno::EINVAL)?;
    Ok(u64::from_be_bytes(value))
}

/// Makes what a message tells of, with the handle that it tells.
fn restore(transaction: &mut Transaction<'_>, family: Family, body: Body<'_>) -> Result<(), Errno> {
    let request = Request { family, flags: Flags::CREATE | Flags::EXCL, sequence: 0, destroy: false };
    match body {
        Body::NewGeneration(generation) => {
            transaction.ruleset.generation = generation.id.filter(|&id| id != 0).ok_or(Errno::EINVAL)?;
            transaction.ruleset.last_handle = read_last_handle(&generation.unknown)?;
            Ok(())
        }
        Body::NewTable(table) => {
            let handle = table.handle.ok_or(Errno::EINVAL)?;
            if transaction.ruleset.table_by_handle(handle).is_some() {
                return Err(Errno::EEXIST);
            }
            let last = read_last_handle(&table.unknown)?;
            let flags = table.flags.map(|flags| flags - TableFlags::OWNER);
            let before = transaction.ruleset.last_handle;
            transaction.ruleset.last_handle = handle.checked_sub(1).ok_or(Errno::EINVAL)?;
            let made = transaction.new_table(&request, &TableMessage { flags, ..table });
            transaction.ruleset.last_handle = before;
            made.map_err(|refusal| refusal.errno)?;
            transaction.ruleset.table_mut(handle).ok_or(Errno::EINVAL)?.last_handle = last;
            Ok(())
        }
        Body::NewChain(chain) => {
            let handle = chain.handle.ok_or(Errno::EINVAL)?;
            let table = chain.table.clone();
            with_handle(transaction, family, table.as_ref(), handle, |transaction| {
                let chain = pkttnetlink::nft::Chain { handle: None, ..chain };
                transaction.new_chain(&request, &chain).map_err(|refusal| refusal.errno)
            })
        }
        Body::NewObject(object) => {
            let (handle, table) = (object.handle.ok_or(Errno::EINVAL)?, object.table.clone());
            with_handle(transaction, family, table.as_ref(), handle, |transaction| {
                transaction.new_object(&request, object).map_err(|refusal| refusal.errno)
            })
        }
        Body::NewFlowtable(flowtable) => {
            let (handle, table) = (flowtable.handle.ok_or(Errno::EINVAL)?, flowtable.table.clone());
            with_handle(transaction, family, table.as_ref(), handle, |transaction| {
                let flowtable = Flowtable { handle: None, ..flowtable };
                transaction.new_flowtable(&request, flowtable).map_err(|refusal| refusal.errno)
            })
        }
        Body::NewSet(set) => {
            let (handle, table) = (set.handle.ok_or(Errno::EINVAL)?, set.table.clone());
            with_handle(transaction, family, table.as_ref(), handle, |transaction| {
                let set = Set { handle: None, id: Some(0), ..set };
                transaction.new_set(&request, set).map_err(|refusal| refusal.errno)
            })
        }
        Body::NewSetElements(elements) => {
            transaction.new_elements(&request, elements).map_err(|refusal| refusal.errno)
        }
        Body::NewRule(rule) => restore_rule(transaction, family, rule),
        _ => Err(Errno::EINVAL),
    }
}

/// Runs `make` so that the next handle in the table is `handle`.
fn with_handle(
    transaction: &mut Transaction<'_>,
    family: Family,
    table: Option<&pkttnetlink::Text<'_>>,
    handle: u64,
    make: impl FnOnce(&mut Transaction<'_>) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let name = table.ok_or(Errno::EINVAL)?;
    let table = transaction.ruleset.table(family, name.as_bytes()).ok_or(Errno::ENOENT)?.handle;
    let last =
        transaction.ruleset.table_mut(table).map(|table| &mut table.last_handle).ok_or(Errno::ENOENT)?;
    let before = std::mem::replace(last, handle.checked_sub(1).ok_or(Errno::EINVAL)?);
    let made = make(transaction);
    transaction.ruleset.table_mut(table).ok_or(Errno::ENOENT)?.last_handle = before;
    made
}

fn restore_rule(
    transaction: &mut Transaction<'_>,
    family: Family,
    rule: RuleMessage<'_>,
) -> Result<(), Errno> {
    let name = rule.table.as_ref().ok_or(Errno::EINVAL)?;
    let table = transaction.ruleset.table(family, name.as_bytes()).ok_or(Errno::ENOENT)?;
    let name = rule.chain.as_ref().ok_or(Errno::EINVAL)?;
    let chain = table.chain_named(name.as_bytes()).ok_or(Errno::ENOENT)?;
    let handle = rule.handle.ok_or(Errno::EINVAL)?;
    let (table_handle, chain, index) = (table.handle, chain.handle, chain.rules.len());
    let context = Context { table, extensions: transaction.extensions, ids: &transaction.ids };
    let rule = parse(rule, &context).map_err(|refusal| refusal.errno)?;
    let table: &mut Table = transaction.ruleset.table_mut(table_handle).ok_or(Errno::ENOENT)?;
    change::insert(table, chain, index, handle, rule);
    Ok(())
}
