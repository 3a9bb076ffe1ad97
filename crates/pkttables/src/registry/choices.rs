/// Makes an enumeration whose variants are words: a [`Value`](crate::registry::Value) with a help text per word.
///
/// ```
/// pkttables::choices! {
///     /// Which end of a connection.
///     pub enum Side: u8 {
///         /// The end that sends.
///         Source = 0 => "src" | "source",
///         /// The end that receives.
///         Destination = 1 => "dst",
///     }
/// }
/// assert_eq!(Side::from_number(1), Some(Side::Destination));
/// assert_eq!(Side::Source.name(), "src");
/// ```
///
/// After the integer type may stand how words are compared: `, any_case` ignores case, `, abbreviated` ignores case
/// and takes the beginning of a word for the first that starts so.
#[macro_export]
macro_rules! choices {
    (@find $choices:expr, $text:expr) => {
        $choices.iter().position(|choice| choice.is_called(|name| name == $text))
    };
    (@find $choices:expr, $text:expr, any_case) => {
        $choices.iter().position(|choice| choice.is_called(|name| name.eq_ignore_ascii_case($text)))
    };
    (@find $choices:expr, $text:expr, abbreviated) => {
        $choices.iter().position(|choice| choice.is_called(|name| {
            name.get(..$text.len()).is_some_and(|start| start.eq_ignore_ascii_case($text))
        }))
    };
    (
        $(#[$meta:meta])*
        $vis:vis enum $type:ident: $int:ty $(, $compare:ident)? {
            $($(#[doc = $doc:literal])* $variant:ident = $number:expr => $name:literal $(| $alias:literal)*,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $type { $($(#[doc = $doc])* $variant,)+ }

        #[allow(dead_code, reason = "not every enumeration needs all of these")]
        impl $type {
            /// All variants.
            $vis const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The words, with what they mean.
            $vis const CHOICES: &'static [$crate::registry::Choice] = &[$($crate::registry::Choice {
                name: $name,
                aliases: &[$($alias),*],
                help: concat!($($doc, "\n",)*),
                families: $crate::model::Families::all(),
            }),+];

            /// The kernel's number.
            $vis const fn number(self) -> $int {
                match self { $(Self::$variant => $number),+ }
            }

            /// The variant with this number.
            $vis fn from_number(number: $int) -> Option<Self> {
                Self::ALL.iter().copied().find(|variant| variant.number() == number)
            }

            /// The word.
            $vis const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The variant called `name`.
            $vis fn from_name(name: &str) -> Option<Self> {
                let place = $crate::choices!(@find Self::CHOICES, name $(, $compare)?)?;
                Self::ALL.get(place).copied()
            }
        }

        impl $crate::registry::Value for $type {
            const DOMAIN: $crate::registry::Domain = $crate::registry::Domain::Choice(Self::CHOICES);

            fn parse(text: &str, _: &$crate::registry::Scope) -> Result<Self, $crate::registry::ValueError> {
                Self::from_name(text).ok_or($crate::registry::ValueError::UnknownName)
            }

            fn write(&self, out: &mut String, _: &$crate::registry::Scope) {
                out.push_str(self.name());
            }
        }
    };
}

/// Makes a set of words: a bit mask in which each word is a bit, and a [`Value`](crate::registry::Value) with a
/// help text per word, printed in the order in which the words are declared.
///
/// After the separators stands how a word is recognised: `exact`, or `prefix` for any case and any beginning of
/// it. A word without bits is what the empty set is called.
///
/// ```
/// pkttables::flag_set! {
///     /// Days on which there is nothing to do.
///     #[derive(Default)]
///     pub struct Weekend: u8, ',' | ';', prefix {
///         /// The day after Friday.
///         SATURDAY = 1 => "Saturday",
///         /// The day before Monday.
///         SUNDAY = 2 => "Sunday",
///     }
/// }
/// use pkttables::{model::Family, registry::{Scope, Value}};
/// let scope = Scope { family: Family::Ipv4, protocol: None };
/// assert_eq!(Weekend::parse("sun,sat", &scope), Ok(Weekend::all()));
/// assert!(Weekend::parse("sun,", &scope).is_err());
/// ```
#[macro_export]
macro_rules! flag_set {
    (
        $(#[$meta:meta])*
        $vis:vis struct $type:ident: $int:ty, $separator:literal $(| $other:literal)*, $matching:ident {
            $($(#[doc = $doc:literal])* $flag:ident = $bits:expr => $name:literal,)+
        }
    ) => {
        $crate::registry::bitflags::bitflags! {
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            $vis struct $type: $int { $($(#[doc = $doc])* const $flag = $bits;)+ }
        }

        impl $type {
            /// The words, with what they mean.
            $vis const CHOICES: &'static [$crate::registry::Choice] = &[$($crate::registry::Choice {
                name: $name,
                aliases: &[],
                help: concat!($($doc, "\n",)*),
                families: $crate::model::Families::all(),
            }),+];
            const WORDS: &'static [(Self, &'static str)] = &[$((Self::$flag, $name)),+];

            fn word(text: &str) -> Option<Self> {
                let matches = |name: &str| $crate::flag_set!(@$matching text, name);
                Self::WORDS.iter().find(|(_, name)| matches(name)).map(|(flag, _)| *flag)
            }
        }

        impl $crate::registry::Value for $type {
            const DOMAIN: $crate::registry::Domain =
                $crate::registry::Domain::Flags { choices: Self::CHOICES, separator: $separator };

            fn parse(text: &str, _: &$crate::registry::Scope) -> Result<Self, $crate::registry::ValueError> {
                let mut all = Self::empty();
                for word in text.split(|character| matches!(character, $separator $(| $other)*)) {
                    all |= Self::word(word).ok_or($crate::registry::ValueError::UnknownName)?;
                }
                Ok(all)
            }

            fn write(&self, out: &mut String, _: &$crate::registry::Scope) {
                let holds = |flag: &Self| match flag.is_empty() {
                    true => !Self::WORDS.iter().any(|(flag, _)| self.intersects(*flag)),
                    false => self.contains(*flag),
                };
                let mut words = Self::WORDS.iter().filter(|(flag, _)| holds(flag)).map(|(_, name)| name);
                words.next().into_iter().for_each(|name| out.push_str(name));
                for name in words {
                    out.push($separator);
                    out.push_str(name);
                }
            }
        }
    };
    (@exact $text:ident, $name:ident) => { $text == $name };
    (@prefix $text:ident, $name:ident) => {
        !$text.is_empty() && $name.get(..$text.len()).is_some_and(|start| start.eq_ignore_ascii_case($text))
    };
}
