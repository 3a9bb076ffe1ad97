//! Rulesets: read from text, walked through, written as text.

use crate::chain::pktt_chain;
use crate::error::{pktt_error, pktt_status};
use crate::failure::{Failure, given};
use crate::ffi::{Chars, Text, give};
use crate::guard::{get, handle, status, value_or};
use crate::names::{FamilyNumber, TableNumber, pktt_family, pktt_table};
use pkttables::model::{Family, Ruleset, Table, TableName};
use pkttables::registry::Registry;
use pkttables::text::save::{CounterStyle, write_chain};
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use std::ffi::c_char;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ptr;
use std::sync::Arc;

/// The tables of one family: a copy, which has no connection to a kernel.
#[derive(Debug)]
pub struct pktt_ruleset {
    pub(crate) family: Family,
    pub(crate) tables: Vec<(TableName, Vec<pktt_chain>)>,
}

impl From<Ruleset> for pktt_ruleset {
    fn from(ruleset: Ruleset) -> Self {
        let family = ruleset.family;
        let chains = |table: Table| {
            let name = table.name;
            let chains = table.chains.into_iter().map(Arc::unwrap_or_clone);
            (name, chains.map(|chain| pktt_chain::new(family, name, chain)).collect())
        };
        Self { family, tables: ruleset.tables.into_iter().map(chains).collect() }
    }
}

impl pktt_ruleset {
    /// What the library works with: without what is foreign.
    pub(crate) fn model(&self) -> Ruleset {
        let table = |(name, chains): &(TableName, Vec<pktt_chain>)| {
            let own = chains.iter().filter(|chain| !chain.is_foreign());
            Table { name: *name, chains: own.map(pktt_chain::model).map(Arc::new).collect() }
        };
        Ruleset { family: self.family, tables: self.tables.iter().map(table).collect() }
    }

    pub(crate) fn chains(&self, table: TableName) -> &[pktt_chain] {
        self.tables.iter().find(|(name, _)| *name == table).map_or(&[], |(_, chains)| chains)
    }

    /// The chains of a table, which is added if need be.
    pub(crate) fn table(&mut self, table: TableName) -> &mut Vec<pktt_chain> {
        let place = self.tables.iter().position(|(name, _)| *name == table).unwrap_or_else(|| {
            self.tables.push((table, Vec::new()));
            self.tables.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it is there by now")]
        &mut self.tables[place].1
    }

    fn save(&self, style: CounterStyle) -> String {
        let mut text = String::new();
        for (table, chains) in &self.tables {
            text.push_str(&format!("*{}\n", table.name()));
            let (foreign, own): (Vec<_>, Vec<_>) = chains.iter().partition(|chain| chain.is_foreign());
            own.iter().for_each(|chain| write_chain(&mut text, &chain.declaration()));
            foreign.iter().for_each(|chain| text.push_str(&format!("# foreign chain {}\n", chain.name())));
            for chain in own {
                chain.rules.iter().for_each(|rule| rule.save(&mut text, chain.name(), style));
            }
            text.push_str("COMMIT\n");
        }
        text
    }
}

/// Reads a save file; `file` names it in errors.
fn read(
    input: impl BufRead,
    family: Family,
    file: Option<&str>,
    counters: bool,
) -> Result<pktt_ruleset, Failure> {
    let parser = Parser::new(family, Registry::builtin());
    let mut reader = Reader::new(input, parser, ReadOptions { counters, table: None });
    if let Some(file) = file {
        reader = reader.with_file(file);
    }
    Ok(read_ruleset(&mut reader)?.into())
}

/// Reads a ruleset from memory, in the format of iptables-save. `text` has `len` bytes and need not end with a NUL.
/// `file` names it in errors, unless it is NULL. The counters in the text count if `counters` is true; then every
/// built-in chain must have them.
///
/// To be freed with pktt_ruleset_free. NULL, with PKTT_ERROR_SYNTAX, if something in it makes no sense: `error` then
/// has a problem with line and column for every mistake.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_parse(
    family: FamilyNumber,
    text: Chars<'_>,
    len: usize,
    file: Text<'_>,
    counters: bool,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_ruleset>> {
    handle(error, || {
        let family = pktt_family::read(family)?;
        read(text.get(len, "text")?, family, file.optional("file")?, counters)
    })
}

/// Reads a ruleset from a file, in the format of iptables-save. The counters in the file count if `counters` is true;
/// then every built-in chain must have them.
///
/// To be freed with pktt_ruleset_free. NULL, with PKTT_ERROR_FILE, if the file cannot be read, and with
/// PKTT_ERROR_SYNTAX if something in it makes no sense: `error` then has a problem with file, line and column for
/// every mistake.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_load(
    family: FamilyNumber,
    file: Text<'_>,
    counters: bool,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_ruleset>> {
    handle(error, || {
        let family = pktt_family::read(family)?;
        let name = file.get("file")?;
        let opened = File::open(name).map_err(|error| Failure::file(name, &error))?;
        read(BufReader::new(opened), family, Some(name), counters)
    })
}

/// Makes an empty ruleset. To be freed with pktt_ruleset_free.
///
/// NULL, with PKTT_ERROR_ARGUMENT, if `family` is no family.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_new(
    family: FamilyNumber,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_ruleset>> {
    handle(error, || Ok(pktt_ruleset { family: pktt_family::read(family)?, tables: Vec::new() }))
}

/// Frees a ruleset with its chains and rules; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_free(ruleset: Option<Box<pktt_ruleset>>) {
    drop(ruleset);
}

/// The ruleset as iptables-save prints it, with all counters if `counters` is true. What is foreign in it stands in
/// comments.
///
/// To be freed with pktt_string_free. NULL, with PKTT_ERROR_ARGUMENT, for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_text(
    ruleset: Option<&pktt_ruleset>,
    counters: bool,
    error: Option<&mut pktt_error>,
) -> *mut c_char {
    value_or(error, ptr::null_mut(), || Ok(give(&given(ruleset, "ruleset")?.save(style(counters)))))
}

/// Writes what pktt_ruleset_text gives to a file, instead of what was in it.
///
/// PKTT_ERROR_FILE if it cannot be written, PKTT_ERROR_ARGUMENT for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_save(
    ruleset: Option<&pktt_ruleset>,
    file: Text<'_>,
    counters: bool,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let text = given(ruleset, "ruleset")?.save(style(counters));
        let name = file.get("file")?;
        std::fs::write(name, text).map_err(|error| Failure::file(name, &error))
    })
}

const fn style(counters: bool) -> CounterStyle {
    if counters { CounterStyle::Before } else { CounterStyle::Hidden }
}

/// The family; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_family(ruleset: Option<&pktt_ruleset>) -> FamilyNumber {
    ruleset.map_or(0, |ruleset| pktt_family::from(ruleset.family) as u32)
}

/// How many tables it has; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_table_count(ruleset: Option<&pktt_ruleset>) -> usize {
    ruleset.map_or(0, |ruleset| ruleset.tables.len())
}

/// Which table comes at a place, counted from 0; 0 if there are not so many.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_table_at(ruleset: Option<&pktt_ruleset>, index: usize) -> TableNumber {
    let table = ruleset.and_then(|ruleset| ruleset.tables.get(index));
    table.map_or(0, |(table, _)| pktt_table::from(*table) as u32)
}

/// How many chains a table has; 0 if there is no such table, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_chain_count(ruleset: Option<&pktt_ruleset>, table: TableNumber) -> usize {
    get(0, || of_table(ruleset, table).map_or(0, <[_]>::len))
}

/// A chain of a table by its place, counted from 0; NULL if there is none. Lives until the ruleset is changed or
/// freed.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_chain_at(
    ruleset: Option<&pktt_ruleset>,
    table: TableNumber,
    index: usize,
) -> Option<&pktt_chain> {
    get(None, || of_table(ruleset, table)?.get(index))
}

/// A chain of a table by its name; NULL if there is none. Lives until the ruleset is changed or freed.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_chain<'r>(
    ruleset: Option<&'r pktt_ruleset>,
    table: TableNumber,
    name: Text<'_>,
) -> Option<&'r pktt_chain> {
    get(None, || {
        let name = name.get("name").ok()?;
        of_table(ruleset, table)?.iter().find(|chain| chain.name() == name)
    })
}

fn of_table(ruleset: Option<&pktt_ruleset>, table: u32) -> Option<&[pktt_chain]> {
    Some(ruleset?.chains(pktt_table::read(table).ok()?))
}
