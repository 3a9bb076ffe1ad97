//! Random values of the wire types for the property tests.

use proptest::collection::vec;
use proptest::prelude::*;

use super::value::{Bytes, HostOrder, RawAttribute, Text};

/// A strategy for a wire type; `depth` is how many expressions the value lies in.
pub(crate) trait Sample: Sized + std::fmt::Debug + 'static {
    fn sample(depth: u32) -> BoxedStrategy<Self>;
}

/// Attributes with numbers that no type knows.
pub(crate) fn sample_unknown() -> BoxedStrategy<Vec<RawAttribute<'static>>> {
    let attribute =
        (200u16..0x3fff, any::<[bool; 2]>(), vec(any::<u8>(), 0..9)).prop_map(|(kind, flags, value)| {
            let flags = u16::from(flags[0]) << 15 | u16::from(flags[1]) << 14;
            RawAttribute { raw_kind: kind | flags, value: value.into() }
        });
    prop_oneof![9 => Just(Vec::new()), 1 => vec(attribute, 1..3)].boxed()
}

impl<T: Sample + Clone> Sample for Option<T> {
    fn sample(depth: u32) -> BoxedStrategy<Self> {
        proptest::option::of(T::sample(depth)).boxed()
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(depth: u32) -> BoxedStrategy<Self> {
        vec(T::sample(depth), 0..4).boxed()
    }
}

macro_rules! integers {
    ($($type:ty),*) => { $(
        impl Sample for $type {
            fn sample(_: u32) -> BoxedStrategy<Self> {
                prop_oneof![any::<$type>(), 0..=40 as $type].boxed()
            }
        }
    )* };
}

integers!(u8, u16, u32, u64, i32);

impl Sample for Text<'static> {
    fn sample(_: u32) -> BoxedStrategy<Self> {
        prop_oneof!["[a-zA-Z0-9_+-]{0,16}", "[^\\x00]{0,40}"].prop_map(Self::from).boxed()
    }
}

impl Sample for Bytes<'static> {
    fn sample(_: u32) -> BoxedStrategy<Self> {
        vec(any::<u8>(), 0..80).prop_map(Self::from).boxed()
    }
}

impl Sample for HostOrder {
    fn sample(_: u32) -> BoxedStrategy<Self> {
        any::<u32>().prop_map(Self).boxed()
    }
}
