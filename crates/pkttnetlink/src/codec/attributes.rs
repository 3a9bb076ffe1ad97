/// Turns a table of attributes into a struct with its decoder, encoder, readable form and test strategy.
///
/// Each line is `number NAME => field: Type`; the lines stand in the order in which the kernel dumps them.
/// The type decides the codec: `Option<impl Value>` is one attribute, `Vec<impl Element>` a list. Where one
/// attribute tells how another is meant, a method is named that settles it when all have been read.
macro_rules! attributes {
    (
        $(#[$meta:meta])*
        pub struct $name:ident<'a> = $prefix:literal {
            $( $(#[$field_meta:meta])* $number:literal $attribute:ident => $field:ident: $type:ty, )*
        }
        $( after decoding $resolve:ident, after sampling $agree:ident )?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name<'a> {
            $(
                $(#[$field_meta])*
                #[doc = concat!("(`", $prefix, stringify!($attribute), "`, ", $number, ")")]
                pub $field: $type,
            )*
            /// Attributes that are not known here, kept as they are and written last.
            pub unknown: Vec<$crate::RawAttribute<'a>>,
        }

        impl<'a> $name<'a> {
            /// Decodes from a run of attributes.
            pub fn decode(
                attributes: nfnetlink::wire::Attributes<'a>,
            ) -> Result<Self, nfnetlink::wire::DecodeError> {
                <Self as $crate::codec::Nest<'a>>::decode_nest(attributes, $crate::codec::Depth::default())
            }

            /// Writes the attributes, without an attribute or header around them.
            pub fn encode(&self, writer: &mut nfnetlink::wire::Writer) {
                $crate::codec::Nest::encode_nest(self, writer);
            }

            /// The same values, independent of what they were decoded from.
            #[must_use]
            pub fn into_owned(self) -> $name<'static> {
                $name {
                    $( $field: $crate::codec::Field::into_owned(self.$field), )*
                    unknown: self.unknown.into_iter().map($crate::RawAttribute::into_owned).collect(),
                }
            }
        }

        impl<'a> $crate::codec::Nest<'a> for $name<'a> {
            const NAMES: $crate::codec::Names = &[$((
                $number,
                concat!($prefix, stringify!($attribute)),
                <$type as $crate::codec::Field<'a>>::INSIDE,
            )),*];

            #[inline]
            fn decode_nest(
                attributes: nfnetlink::wire::Attributes<'a>,
                depth: $crate::codec::Depth,
            ) -> Result<Self, nfnetlink::wire::DecodeError> {
                let _ = depth;
                let mut this = Self::default();
                for attribute in attributes {
                    let attribute = attribute?;
                    match attribute.kind() {
                        $( $number => $crate::codec::Field::decode(
                            &mut this.$field,
                            &attribute,
                            concat!($prefix, stringify!($attribute)),
                            depth,
                            &mut this.unknown,
                        )?, )*
                        _ => this.unknown.push((&attribute).into()),
                    }
                }
                $( this.$resolve(attributes)?; )?
                Ok(this)
            }

            #[inline]
            fn encode_nest(&self, writer: &mut nfnetlink::wire::Writer) {
                $( $crate::codec::Field::encode(&self.$field, $number, writer); )*
                for attribute in &self.unknown {
                    attribute.encode(writer);
                }
            }

            #[inline]
            fn is_absent(&self) -> bool {
                <[u16]>::is_empty(&[$($number),*]) && self.unknown.is_empty()
            }

            fn show_nest(&self, printer: &mut $crate::codec::Printer<'_>) -> std::fmt::Result {
                $( $crate::codec::Field::show(
                    &self.$field,
                    concat!($prefix, stringify!($attribute)),
                    printer,
                )?; )*
                printer.unknown(&self.unknown)
            }
        }

        impl<'a> $crate::codec::Value<'a> for $name<'a> {
            type Owned = $name<'static>;
            const INSIDE: $crate::codec::Inside =
                $crate::codec::Inside::Attributes(<Self as $crate::codec::Nest<'a>>::NAMES);

            #[inline]
            fn decode(
                attribute: &nfnetlink::wire::Attribute<'a>,
                _: &'static str,
                depth: $crate::codec::Depth,
            ) -> Result<Self, nfnetlink::wire::DecodeError> {
                $crate::codec::Nest::decode_nest(attribute.nested(), depth)
            }

            #[inline]
            fn encode(&self, kind: u16, writer: &mut nfnetlink::wire::Writer) {
                let mark = writer.begin(kind);
                $crate::codec::Nest::encode_nest(self, writer);
                writer.end(mark);
            }

            fn into_owned(self) -> Self::Owned {
                self.into_owned()
            }

            fn show(&self, name: &str, printer: &mut $crate::codec::Printer<'_>) -> std::fmt::Result {
                printer.nest(name, |printer| $crate::codec::Nest::show_nest(self, printer))
            }
        }

        impl std::fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::codec::Nest::show_nest(self, &mut $crate::codec::Printer::new(f))
            }
        }

        $crate::interop::attributes!($name);

        #[cfg(test)]
        impl $crate::codec::Sample for $name<'static> {
            fn sample(depth: u32) -> proptest::strategy::BoxedStrategy<Self> {
                use proptest::strategy::{Just, Strategy};
                let _ = depth;
                let strategy = Just($name::default()).boxed();
                $( let strategy = (strategy, $crate::codec::Sample::sample(depth))
                    .prop_map(|(mut this, value)| {
                        this.$field = value;
                        this
                    })
                    .boxed(); )*
                (strategy, $crate::codec::sample_unknown())
                    .prop_map(|(mut this, unknown)| {
                        this.unknown = unknown;
                        $( this.$agree(); )?
                        this
                    })
                    .boxed()
            }
        }
    };
}

/// Makes a struct of attributes an element of lists: its attributes stand in an `NFTA_LIST_ELEM`.
macro_rules! list_element {
    ($name:ident, at most $max:literal) => {
        impl<'a> $crate::codec::Element<'a> for $name<'a> {
            type Owned = $name<'static>;
            const INSIDE: $crate::codec::Inside = $crate::codec::Inside::Attributes(&[(
                $crate::codec::LIST_ELEMENT,
                "NFTA_LIST_ELEM",
                <Self as $crate::codec::Value<'a>>::INSIDE,
            )]);
            const MAX: usize = $max;

            #[inline]
            fn decode(
                attribute: &nfnetlink::wire::Attribute<'a>,
                what: &'static str,
                depth: $crate::codec::Depth,
            ) -> Result<Self, nfnetlink::wire::DecodeError> {
                $crate::codec::expect_list_element(attribute, what)?;
                $crate::codec::Nest::decode_nest(attribute.nested(), depth)
            }

            #[inline]
            fn encode(&self, writer: &mut nfnetlink::wire::Writer) {
                $crate::codec::Value::encode(self, $crate::codec::LIST_ELEMENT, writer);
            }

            fn into_owned(self) -> Self::Owned {
                self.into_owned()
            }

            fn show(&self, printer: &mut $crate::codec::Printer<'_>) -> std::fmt::Result {
                $crate::codec::Value::show(self, "NFTA_LIST_ELEM", printer)
            }
        }
    };
}

pub(crate) use {attributes, list_element};
