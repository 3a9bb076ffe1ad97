use super::describe::{Decoded, Descriptor, RevisionInfo};
use super::info::{InfoError, InfoReader, InfoWriter};
use super::lister::Lister;
use super::native::{FromNative, Native, NativeWriter, Recognised};
use super::sets::Sets;
use super::value::{Sink, ValueError};
use super::{Action, Context, Outcome, Shared};
use crate::model::{Families, Family, Header, TableName};
use crate::packet::Packet;
use nfnetlink::wire::{DecodeError, EncodeError, Reader};
use std::any::Any;
use std::fmt::Debug;

/// A typed extension. [`extension!`](crate::extension) implements [`Describe`]; this trait adds the rest.
pub trait Extension: Describe + Clone + Debug + Default + PartialEq + Send + Sync + 'static {
    /// The kernel layouts, the newest first.
    const REVISIONS: &'static [Revision<Self>];

    /// Checks, and completes, what was parsed against the rule it stands in.
    fn check(&mut self, _rule: &RuleScope<'_>) -> Result<(), ValueError> {
        Ok(())
    }

    /// Hands the parameters to `sink` in the order in which they are printed.
    fn params(&self, sink: &mut dyn Sink) {
        for param in Self::DESCRIPTOR.params {
            param.get(self, sink);
        }
    }

    /// Appends the form that a listing shows, with a space before it; nothing if there is nothing to say.
    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" {}", Self::DESCRIPTOR.name));
        out.plain(self, "");
    }

    /// How the native form is read; `None` if there is none.
    const FROM_NATIVE: Option<FromNative<Self>> = None;

    /// Writes the native form; `false`, and nothing written, if iptables-nft has none for this value.
    fn to_native(&self, _rule: &RuleScope<'_>, _out: &mut NativeWriter<'_>) -> bool {
        false
    }

    /// Takes over what a second match of this kind, right behind it, asks for, where the native form does not tell two from
    /// one; `true` if nothing of the second is left.
    fn absorb(&mut self, _next: &mut Self) -> bool {
        false
    }

    /// Does what happens in the kernel when the rule is loaded: makes what rules share by name.
    ///
    /// It is called once for every rule, in their order, before the first packet.
    fn install(&self, _shared: &mut Shared) {}

    /// What the match makes of a packet.
    fn matches(&self, _packet: &Packet<'_>, _context: &mut Context<'_>) -> Outcome {
        Outcome::Unsupported
    }

    /// What a packet has that the match, just asked, did not find right, in words; for what parameters do not tell of
    /// themselves ([`Param::sees`](super::Param::sees)). It changes nothing.
    fn found(&self, _packet: &Packet<'_>, _context: &mut Context<'_>) -> Option<String> {
        None
    }

    /// What the target does with a packet.
    fn act(&self, _packet: &Packet<'_>, _context: &mut Context<'_>) -> Action {
        Action::Unsupported
    }
}

/// Has a description. Implemented by [`extension!`](crate::extension).
pub trait Describe {
    /// The description.
    const DESCRIPTOR: &'static Descriptor;
}

/// One kernel layout of an extension, and how to write and read it.
#[derive(Debug)]
pub struct Revision<T: 'static> {
    /// The revision's number.
    pub number: u8,
    /// Bytes of the structure, before it is padded to a multiple of eight.
    pub size: usize,
    /// The families that use it.
    pub families: Families,
    /// Writes the structure; an error if this revision cannot hold the value.
    pub encode: fn(&T, &mut InfoWriter<'_>) -> Result<(), EncodeError>,
    /// Reads the structure. `Ok(None)` means that it belongs to another extension of the same kernel name.
    pub decode: fn(&mut InfoReader<'_>, Family) -> Result<Option<T>, DecodeError>,
}

/// The rule in which an extension stands.
#[derive(Clone, Copy, Debug)]
pub struct RuleScope<'a> {
    /// The family.
    pub family: Family,
    /// The table, where it is known.
    pub table: Option<TableName>,
    /// The chain, where it is known.
    pub chain: Option<&'a str>,
    /// Addresses, interfaces and protocol.
    pub header: &'a Header,
}

/// A match or target of a rule, whatever its type; [`Extension`] types are instances.
///
/// `(instance as &dyn Any).downcast_ref::<Tcp>()` gives the typed struct back.
pub trait Instance: Any + Debug + Send + Sync {
    /// What it says about itself.
    fn descriptor(&self) -> &'static Descriptor;
    /// A copy.
    fn boxed_clone(&self) -> Box<dyn Instance>;
    /// Whether `other` is the same extension with the same parameters.
    fn equals(&self, other: &dyn Instance) -> bool;
    /// Checks, and completes, what was parsed against the rule it stands in.
    fn check(&mut self, rule: &RuleScope<'_>) -> Result<(), ValueError>;
    /// Takes over what the next match asks for, if it is of the same kind and the native form does not tell two from
    /// one; `true` if nothing of it is left.
    fn absorb(&mut self, next: &mut dyn Instance) -> bool;
    /// Hands the parameters to `sink` in the order in which they are printed.
    fn params(&self, sink: &mut dyn Sink);
    /// Appends the form that a listing shows.
    fn list(&self, out: &mut Lister<'_>);
    /// Writes the native form; `false`, and nothing written, if iptables-nft has none for this value.
    fn to_native(&self, rule: &RuleScope<'_>, out: &mut NativeWriter<'_>) -> bool;
    /// Appends the kernel's structure, padded to a multiple of eight bytes.
    ///
    /// `sets` is asked by what refers to sets, which the structure knows by number; [`NoSets`](super::NoSets)
    /// where there are none.
    fn encode(
        &self,
        revision: u8,
        family: Family,
        sets: &dyn Sets,
        out: &mut Vec<u8>,
    ) -> Result<(), InfoError>;
    /// Makes what rules share by name, before the first packet.
    fn install(&self, shared: &mut Shared);
    /// What the match makes of a packet.
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome;
    /// What a packet has that the match, just asked, did not find right, in words.
    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String>;
    /// What the target does with a packet.
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action;
}

impl<T: Extension> Instance for T {
    fn descriptor(&self) -> &'static Descriptor {
        T::DESCRIPTOR
    }

    fn boxed_clone(&self) -> Box<dyn Instance> {
        Box::new(self.clone())
    }

    fn equals(&self, other: &dyn Instance) -> bool {
        (other as &dyn Any).downcast_ref::<T>().is_some_and(|other| self == other)
    }

    fn check(&mut self, rule: &RuleScope<'_>) -> Result<(), ValueError> {
        Extension::check(self, rule)
    }

    fn absorb(&mut self, next: &mut dyn Instance) -> bool {
        downcast_mut::<T>(next).is_some_and(|next| Extension::absorb(self, next))
    }

    fn params(&self, sink: &mut dyn Sink) {
        Extension::params(self, sink);
    }

    fn list(&self, out: &mut Lister<'_>) {
        Extension::list(self, out);
    }

    fn to_native(&self, rule: &RuleScope<'_>, out: &mut NativeWriter<'_>) -> bool {
        Extension::to_native(self, rule, out)
    }

    fn encode(
        &self,
        revision: u8,
        family: Family,
        sets: &dyn Sets,
        out: &mut Vec<u8>,
    ) -> Result<(), InfoError> {
        let Some(layout) = find_revision::<T>(revision, family) else {
            return Err(EncodeError::NotRepresentable("an extension revision that does not exist").into());
        };
        let mut info = InfoWriter::new(out, family, sets);
        (layout.encode)(self, &mut info)?;
        if info.len() != layout.size {
            return Err(
                EncodeError::NotRepresentable("a structure of another size than its revision has").into()
            );
        }
        info.align(8);
        info.finish()
    }

    fn install(&self, shared: &mut Shared) {
        Extension::install(self, shared);
    }

    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        Extension::matches(self, packet, context)
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        Extension::found(self, packet, context)
    }

    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        Extension::act(self, packet, context)
    }
}

impl Clone for Box<dyn Instance> {
    fn clone(&self) -> Self {
        (**self).boxed_clone()
    }
}

impl PartialEq for Box<dyn Instance> {
    fn eq(&self, other: &Self) -> bool {
        (**self).equals(&**other)
    }
}

impl<T> Revision<T> {
    #[doc(hidden)]
    pub const fn info(&self) -> RevisionInfo {
        RevisionInfo { number: self.number, size: self.size, families: self.families }
    }
}

fn find_revision<T: Extension>(number: u8, family: Family) -> Option<&'static Revision<T>> {
    T::REVISIONS.iter().find(|revision| revision.number == number && revision.families.has(family))
}

#[doc(hidden)]
pub fn revision_of<T: Extension>(index: usize) -> Option<RevisionInfo> {
    T::REVISIONS.get(index).map(Revision::info)
}

#[doc(hidden)]
pub fn decode_erased<T: Extension>(
    revision: u8,
    family: Family,
    info: &[u8],
    sets: &dyn Sets,
) -> Option<Decoded> {
    let layout = find_revision::<T>(revision, family)?;
    let mut reader = Reader::new(info);
    let decoded = reader.sub(layout.size, T::DESCRIPTOR.name).and_then(|info| {
        let mut info = InfoReader::new(info, sets);
        let value = (layout.decode)(&mut info, family)?;
        info.finish(T::DESCRIPTOR.name)?;
        Ok(value)
    });
    match decoded {
        Ok(value) => value.map(|value| Ok(Box::new(value) as Box<dyn Instance>)),
        Err(error) => Some(Err(error)),
    }
}

#[doc(hidden)]
pub fn from_native_erased<T: Extension>(
    native: &Native<'_>,
    rule: &RuleScope<'_>,
    previous: Option<&mut dyn Instance>,
) -> Recognised<Box<dyn Instance>> {
    let previous = previous.and_then(downcast_mut::<T>);
    match T::FROM_NATIVE.map(|from_native| from_native(native, rule, previous)) {
        None | Some(Recognised::No) => Recognised::No,
        Some(Recognised::Merged) => Recognised::Merged,
        Some(Recognised::New(value)) => Recognised::New(Box::new(value)),
    }
}

#[doc(hidden)]
pub fn downcast_ref<T: 'static>(instance: &dyn Instance) -> Option<&T> {
    (instance as &dyn Any).downcast_ref()
}

#[doc(hidden)]
pub fn downcast_mut<T: 'static>(instance: &mut dyn Instance) -> Option<&mut T> {
    (instance as &mut dyn Any).downcast_mut()
}

/// Stands in [`Descriptor::EMPTY`], which no registry holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Nothing;

impl Describe for Nothing {
    const DESCRIPTOR: &'static Descriptor = &Descriptor::EMPTY;
}

impl Extension for Nothing {
    const REVISIONS: &'static [Revision<Self>] = &[];
}
