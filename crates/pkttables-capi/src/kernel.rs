//! Kernels: the running one and embedded ones.

use crate::chain::pktt_chain;
use crate::error::{pktt_error, pktt_status};
use crate::extension::pktt_extension;
use crate::failure::{Failure, given};
use crate::ffi::{Text, put};
use crate::guard::{handle, status};
use crate::link::Link;
use crate::names::{FamilyNumber, TableNumber, optional, pktt_family, pktt_table};
use crate::rule::pktt_rule;
use crate::ruleset::pktt_ruleset;
use nfnetlink::Socket;
use pkttables::kernel::{Kernel, KernelError, KernelSets, Snapshot, Support, Zero};
use pkttables::model::{Family, TableName};
use pkttables_embedded::EmbeddedKernel;
use std::mem::MaybeUninit;
use std::path::Path;

/// A connection to a kernel.
///
/// It is used by one thread at a time; every thread can have one of its own.
#[derive(Debug)]
pub struct pktt_kernel {
    pub(crate) kernel: Kernel<Link>,
    /// What it is connected to, if that is not the running kernel.
    pub(crate) embedded: Option<EmbeddedKernel>,
}

impl pktt_kernel {
    fn running() -> Result<Self, Failure> {
        let link = Link::open().map_err(Failure::from)?;
        let kernel = Kernel::new(link).with_sets(KernelSets::new(Socket::open));
        Ok(Self { kernel, embedded: None })
    }

    fn embedded(embedded: EmbeddedKernel) -> Self {
        let kernel = Kernel::new(Link::Embedded(embedded.connect()));
        Self { kernel, embedded: Some(embedded) }
    }
}

/// Connects to the running kernel, in the network namespace of the calling thread. No privilege is needed for that,
/// but for most of what is asked of it then.
///
/// To be freed with pktt_kernel_free. NULL, with PKTT_ERROR_SYSTEM, if no socket can be opened.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_open(error: Option<&mut pktt_error>) -> Option<Box<pktt_kernel>> {
    handle(error, pktt_kernel::running)
}

/// Makes an embedded kernel: an nf_tables within the process, which answers as the running kernel does, needs no
/// privilege and touches no packet. If `state` is not NULL, it begins with what pktt_kernel_save_state has written to
/// that file, and without any table if there is no such file.
///
/// To be freed with pktt_kernel_free. NULL, with PKTT_ERROR_FILE, if the file cannot be read.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_open_embedded(
    state: Text<'_>,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_kernel>> {
    handle(error, || {
        let embedded = match state.optional("state")? {
            None => EmbeddedKernel::new(),
            Some(name) => {
                EmbeddedKernel::open(Path::new(name)).map_err(|error| Failure::state(name, &error))?
            }
        };
        Ok(pktt_kernel::embedded(embedded))
    })
}

/// Makes another connection to the same kernel, for instance for another thread. An embedded kernel lives as long as a
/// connection to it.
///
/// To be freed with pktt_kernel_free. NULL, with PKTT_ERROR_SYSTEM, if no socket can be opened.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_connect(
    kernel: Option<&pktt_kernel>,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_kernel>> {
    handle(error, || match &given(kernel, "kernel")?.embedded {
        Some(embedded) => Ok(pktt_kernel::embedded(embedded.clone())),
        None => pktt_kernel::running(),
    })
}

/// Writes what an embedded kernel holds to a file, whole or not at all: tables, chains, rules, handles, counters and
/// the generation.
///
/// PKTT_ERROR_FILE if it cannot be written, PKTT_ERROR_ARGUMENT if the kernel is the running one.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_save_state(
    kernel: Option<&pktt_kernel>,
    state: Text<'_>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let embedded = given(kernel, "kernel")?.embedded.as_ref();
        let embedded = embedded.ok_or_else(|| Failure::argument("the running kernel keeps its own state"))?;
        let name = state.get("state")?;
        embedded.save(Path::new(name)).map_err(|error| Failure::state(name, &error))
    })
}

/// Whether it is an embedded kernel. False for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_is_embedded(kernel: Option<&pktt_kernel>) -> bool {
    kernel.is_some_and(|kernel| kernel.embedded.is_some())
}

/// Frees a connection; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_free(kernel: Option<Box<pktt_kernel>>) {
    drop(kernel);
}

/// Asks for the number of the ruleset's present generation, which every change raises.
///
/// PKTT_ERROR_PERMISSION or another error if the kernel does not tell.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_generation(
    kernel: Option<&mut pktt_kernel>,
    generation: Option<&mut MaybeUninit<u32>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        put(generation, given(kernel, "kernel")?.kernel.generation()?);
        Ok(())
    })
}

/// Reads the tables of a family that the kernel has, or only one if `table` is one of pktt_table and not 0: all of
/// one generation, with counters and handles. Tables of other names than the five of iptables are left out. A table
/// that is asked for and does not exist is not in the answer.
///
/// To be freed with pktt_ruleset_free. NULL, with PKTT_ERROR_PERMISSION or another error, if it cannot be read.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_read(
    kernel: Option<&mut pktt_kernel>,
    family: FamilyNumber,
    table: u32,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_ruleset>> {
    handle(error, || {
        let kernel = &mut given(kernel, "kernel")?.kernel;
        let family = pktt_family::read(family)?;
        let only = optional(table, pktt_table::read)?;
        let tables = kernel.read(|snapshot| {
            let mut tables = Vec::new();
            for table in snapshot.tables(family)? {
                if only.is_none_or(|only| only == table) {
                    tables.push((table, read_chains(snapshot, family, table)?));
                }
            }
            Ok::<_, KernelError>(tables)
        });
        Ok(pktt_ruleset { family, tables: tables? })
    })
}

fn read_chains(
    snapshot: &mut Snapshot<'_, Link>,
    family: Family,
    table: TableName,
) -> Result<Vec<pktt_chain>, KernelError> {
    let entries = snapshot.chains(family, table)?;
    let mut chains: Vec<pktt_chain> =
        entries.iter().map(|entry| pktt_chain::of_kernel(family, entry)).collect();
    let (places, names): (Vec<usize>, Vec<&str>) = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| !entry.is_foreign())
        .map(|(place, entry)| (place, &*entry.name))
        .unzip();
    snapshot.for_each_rule(family, table, &names, |index, rule| {
        if let Some(chain) = places.get(index).and_then(|place| chains.get_mut(*place)) {
            chain.rules.push(pktt_rule::of_kernel(family, rule.handle, rule.body));
        }
        Ok::<_, KernelError>(())
    })?;
    Ok(chains)
}

/// Asks whether the kernel has a match or target for rules of `family`. Then `*revision`, unless that is NULL, becomes
/// the newest revision that it and the library know.
///
/// PKTT_ERROR_UNSUPPORTED if it does not have it; those that the kernel knows as expressions of nf_tables of their own
/// (tcp, udp, mark, limit, NFLOG, TRACE) may work all the same.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_supports(
    kernel: Option<&mut pktt_kernel>,
    extension: Option<&pktt_extension>,
    family: FamilyNumber,
    revision: Option<&mut MaybeUninit<u8>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let kernel = &mut given(kernel, "kernel")?.kernel;
        let descriptor = given(extension, "extension")?.descriptor;
        match kernel.support(descriptor, pktt_family::read(family)?)? {
            Support::Revision(number) => {
                put(revision, number);
                Ok(())
            }
            Support::Missing => Err(unsupported(format!("the kernel has no {}", descriptor.name))),
            Support::NoCompat => Err(unsupported("the kernel has no nft_compat".into())),
        }
    })
}

fn unsupported(message: String) -> Failure {
    Failure::new(pktt_status::PKTT_ERROR_UNSUPPORTED, message)
}

/// Sets counters back to zero: of all chains of a table, of one chain if `chain` is not NULL, of one of its rules if
/// `number`, from 1, is not 0. No rule is replaced for that where the kernel can do so (Linux 6.2), and it is no part
/// of a transaction.
///
/// PKTT_ERROR_NOT_FOUND if there is no such rule.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_zero(
    kernel: Option<&mut pktt_kernel>,
    family: FamilyNumber,
    table: TableNumber,
    chain: Text<'_>,
    number: usize,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let kernel = &mut given(kernel, "kernel")?.kernel;
        let (family, table) = (pktt_family::read(family)?, pktt_table::read(table)?);
        let what = match (chain.optional("chain")?, number) {
            (None, 0) => Zero::Table,
            (None, _) => return Err(Failure::null("chain")),
            (Some(chain), 0) => Zero::Chain(chain),
            (Some(chain), number) => {
                let rules = kernel.read(|snapshot| snapshot.rules(family, table, chain))?;
                let rule = rules.get(number - 1);
                let missing = || Failure::not_found(format!("the chain {chain} has no rule {number}"));
                Zero::Rule(chain, rule.ok_or_else(missing)?.handle)
            }
        };
        Ok(kernel.zero(family, table, what)?)
    })
}
