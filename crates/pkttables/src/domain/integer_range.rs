/// Makes a range of whole numbers, written `MIN:MAX`; an end left out is the smallest or largest, and a single
/// number is both ends. A [`Value`](crate::registry::Value) printed in decimal.
///
/// ```
/// pkttables::integer_range! {
///     /// How many seconds something lasts.
///     pub struct Seconds(u32), "seconds";
/// }
/// use pkttables::{model::Family, registry::{Scope, Value}};
/// let scope = Scope { family: Family::Ipv4, protocol: None };
/// assert_eq!(Seconds::parse("5:", &scope), Ok(Seconds { min: 5, max: u32::MAX }));
/// assert!(Seconds::parse("5:4", &scope).is_err());
/// ```
#[macro_export]
macro_rules! integer_range {
    ($($(#[$meta:meta])* $vis:vis struct $type:ident($int:ty), $unit:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        $vis struct $type {
            /// The smallest.
            pub min: $int,
            /// The largest.
            pub max: $int,
        }

        impl $crate::registry::Value for $type {
            const DOMAIN: $crate::registry::Domain = $crate::registry::Domain::Range {
                of: &$crate::registry::Domain::Integer { min: 0, max: <$int>::MAX as u64, unit: $unit },
                separator: ':',
            };

            fn parse(text: &str, scope: &$crate::registry::Scope) -> Result<Self, $crate::registry::ValueError> {
                let end = |text: &str, open: $int| match text {
                    "" => Ok(open),
                    _ => <$int as $crate::registry::Value>::parse(text, scope),
                };
                let (min, max) = match text.split_once(':') {
                    Some((min, max)) => (end(min, 0)?, end(max, <$int>::MAX)?),
                    None => {
                        let both = <$int as $crate::registry::Value>::parse(text, scope)?;
                        (both, both)
                    }
                };
                match min <= max {
                    true => Ok(Self { min, max }),
                    false => Err($crate::registry::ValueError::Reversed),
                }
            }

            fn write(&self, out: &mut String, _: &$crate::registry::Scope) {
                use std::fmt::Write as _;
                let _ = match self.min == self.max {
                    true => write!(out, "{}", self.min),
                    false => write!(out, "{}:{}", self.min, self.max),
                };
            }
        }
    )+};
}
