/// Makes a wire number a type of its own: a newtype with a constant per known value. Unknown values survive,
/// `Debug` and `Display` name the known ones. A prefix, where given, makes the kernel's name for the docs.
macro_rules! named {
    (
        $(#[$meta:meta])*
        pub struct $name:ident($type:ty) = $prefix:literal {
            $( $(#[$constant_meta:meta])* $constant:ident = $value:literal, )*
        }
    ) => {
        $crate::codec::named! {
            $(#[$meta])*
            pub struct $name($type) {
                $(
                    #[doc = concat!("`", $prefix, stringify!($constant), "`.")]
                    $(#[$constant_meta])*
                    $constant = $value,
                )*
            }
        }
    };

    (
        $(#[$meta:meta])*
        pub struct $name:ident($type:ty) {
            $( $(#[$constant_meta:meta])* $constant:ident = $value:literal, )*
        }
    ) => {
        $crate::codec::named! {
            @type
            $(#[$meta])*
            pub struct $name($type) {
                $( $(#[$constant_meta])* $constant = $value, )*
            }
        }

        $crate::codec::named!(@value $name, $type, |value| value.0, |number| $name(number));
    };

    (
        @type
        $(#[$meta:meta])*
        pub struct $name:ident($type:ty) {
            $( $(#[$constant_meta:meta])* $constant:ident = $value:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(
            /// The number on the wire.
            pub $type,
        );

        impl $name {
            $(
                $(#[$constant_meta])*
                pub const $constant: Self = Self($value);
            )*

            /// The name of a known value.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $value => Some(stringify!($constant)), )*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => std::fmt::Display::fmt(&self.0, f),
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

    };

    (@value $name:ident, $type:ty, |$value:ident| $get:expr, |$number:ident| $make:expr) => {
        impl<'a> $crate::codec::Value<'a> for $name {
            type Owned = Self;

            #[inline]
            fn decode(
                attribute: &nfnetlink::wire::Attribute<'a>,
                what: &'static str,
                depth: $crate::codec::Depth,
            ) -> Result<Self, nfnetlink::wire::DecodeError> {
                let $number = <$type as $crate::codec::Value<'a>>::decode(attribute, what, depth)?;
                Ok($make)
            }

            #[inline]
            fn encode(&self, kind: u16, writer: &mut nfnetlink::wire::Writer) {
                let $value = self;
                $crate::codec::Value::encode(&$get, kind, writer);
            }

            fn into_owned(self) -> Self {
                self
            }

            fn show(&self, name: &str, printer: &mut $crate::codec::Printer<'_>) -> std::fmt::Result {
                printer.line(format_args!("{name} {self}"))
            }
        }

        #[cfg(test)]
        impl $crate::codec::Sample for $name {
            fn sample(depth: u32) -> proptest::strategy::BoxedStrategy<Self> {
                use proptest::strategy::Strategy;
                <$type as $crate::codec::Sample>::sample(depth).prop_map(|$number| $make).boxed()
            }
        }
    };
}

/// Makes a set of bits a type of its own. Unknown bits survive.
macro_rules! flags {
    (
        $(#[$($meta:tt)+])*
        pub struct $name:ident: $type:ty = $prefix:literal {
            $( $(#[$($constant_meta:tt)+])* $constant:ident = $value:literal, )*
        }
    ) => {
        bitflags::bitflags! {
            $(#[$($meta)+])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name: $type {
                $(
                    #[doc = concat!("`", $prefix, stringify!($constant), "`.")]
                    $(#[$($constant_meta)+])*
                    const $constant = $value;
                )*
                const _ = !0;
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                if self.is_empty() { f.write_str("0") } else { bitflags::parser::to_writer(self, f) }
            }
        }

        $crate::codec::named!(
            @value $name, $type, |value| value.bits(), |number| $name::from_bits_retain(number)
        );
    };
}

pub(crate) use {flags, named};
