//! Which extensions there are: the questions that are asked without a kernel.

use crate::error::pktt_error;
use crate::extension::pktt_extension;
use crate::failure::{Failure, given};
use crate::ffi::Text;
use crate::guard::{get, handle, value_or};
use crate::names::{
    FamilyNumber, KindNumber, TableNumber, optional, pktt_family, pktt_hook, pktt_kind, pktt_table,
};
use pkttables::registry::{Descriptor, Registry};
use std::rc::Rc;

/// The matches and targets that the library knows, with all that they say about themselves.
#[derive(Debug)]
pub struct pktt_registry {
    registry: &'static Registry,
    extensions: Rc<[pktt_extension]>,
}

/// Some extensions: the answer to a question. It may outlive the registry.
#[derive(Debug)]
pub struct pktt_extensions {
    extensions: Rc<[pktt_extension]>,
    places: Vec<usize>,
}

impl pktt_registry {
    fn place(&self, descriptor: &Descriptor) -> Option<usize> {
        self.extensions.iter().position(|extension| extension.descriptor.is(descriptor))
    }

    fn select<'d>(&self, descriptors: impl Iterator<Item = &'d Descriptor>) -> pktt_extensions {
        pktt_extensions {
            extensions: Rc::clone(&self.extensions),
            places: descriptors.filter_map(|descriptor| self.place(descriptor)).collect(),
        }
    }
}

/// Collects what the library knows of matches and targets. To be freed with pktt_registry_free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_registry_new() -> Option<Box<pktt_registry>> {
    handle(None, || {
        let registry = Registry::builtin();
        let extensions = registry.all().iter().map(|descriptor| pktt_extension::new(descriptor));
        Ok(pktt_registry { registry, extensions: extensions.collect() })
    })
}

/// Frees a registry; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_registry_free(registry: Option<Box<pktt_registry>>) {
    drop(registry);
}

/// The extension that rules of `family` call `name`. Aliases are found too.
///
/// Lives as long as the registry. NULL, with PKTT_ERROR_NOT_FOUND or PKTT_ERROR_ARGUMENT, if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_registry_find<'r>(
    registry: Option<&'r pktt_registry>,
    kind: KindNumber,
    name: Text<'_>,
    family: FamilyNumber,
    error: Option<&mut pktt_error>,
) -> Option<&'r pktt_extension> {
    value_or(error, None, || {
        let registry = given(registry, "registry")?;
        let (name, family) = (name.get("name")?, pktt_family::read(family)?);
        let kind = pktt_kind::read(kind)?;
        let found = registry.registry.find(kind, name, family).and_then(|found| registry.place(found));
        match found.and_then(|place| registry.extensions.get(place)) {
            Some(extension) => Ok(Some(extension)),
            None => Err(Failure::not_found(format!("there is no extension called {name}"))),
        }
    })
}

/// All extensions, only those of a kind if `kind` is one of pktt_kind and not 0, only those of a family if `family`
/// is one of pktt_family and not 0.
///
/// To be freed with pktt_extensions_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_registry_list(
    registry: Option<&pktt_registry>,
    kind: u32,
    family: u32,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_extensions>> {
    handle(error, || {
        let registry = given(registry, "registry")?;
        let kind = optional(kind, pktt_kind::read)?;
        let family = optional(family, pktt_family::read)?;
        let all = registry.registry.all().iter().copied();
        Ok(registry.select(all.filter(|descriptor| {
            kind.is_none_or(|kind| descriptor.kind == kind)
                && family.is_none_or(|family| descriptor.families.has(family))
        })))
    })
}

/// Which extensions may stand in a table, reached from `hook` if that is one of pktt_hook and not 0.
///
/// To be freed with pktt_extensions_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_registry_in_place(
    registry: Option<&pktt_registry>,
    table: TableNumber,
    hook: u32,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_extensions>> {
    handle(error, || {
        let registry = given(registry, "registry")?;
        let hook = optional(hook, pktt_hook::read)?;
        Ok(registry.select(registry.registry.in_place(pktt_table::read(table)?, hook)))
    })
}

/// Which extensions carry a word, in letters of either case, in their names or help or in those of their parameters.
///
/// To be freed with pktt_extensions_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_registry_about(
    registry: Option<&pktt_registry>,
    word: Text<'_>,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_extensions>> {
    handle(error, || {
        let registry = given(registry, "registry")?;
        Ok(registry.select(registry.registry.about(word.get("word")?).map(|(descriptor, _)| descriptor)))
    })
}

/// How many there are; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extensions_count(extensions: Option<&pktt_extensions>) -> usize {
    extensions.map_or(0, |extensions| extensions.places.len())
}

/// One of them, counted from 0; NULL if there are not so many. Lives as long as `extensions`.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extensions_at(
    extensions: Option<&pktt_extensions>,
    index: usize,
) -> Option<&pktt_extension> {
    get(None, || {
        let extensions = extensions?;
        extensions.extensions.get(*extensions.places.get(index)?)
    })
}

/// Frees an answer; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_extensions_free(extensions: Option<Box<pktt_extensions>>) {
    drop(extensions);
}
