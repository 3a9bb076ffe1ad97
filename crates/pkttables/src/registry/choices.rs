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
