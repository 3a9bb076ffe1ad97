/// Describes a typed struct as a match or target.
///
/// The doc comments are the help texts. After the type come descriptor fields that differ from their default,
/// then the parameters in the order in which they are printed: optional `[!]` for negatable ones, name and
/// aliases, the value's type, how to set it, how to get it back (`None`: nothing to print), and the
/// parameter's fields that differ from their default.
///
/// ```
/// use pkttables::{extension, registry::*, model::*};
///
/// #[derive(Clone, Debug, Default, PartialEq)]
/// pub struct Odd { not: bool }
///
/// extension! {
///     /// Match packets whose length is odd.
///     match "odd" => Odd {
///         families: Families::IPV4,
///         require: Require::ExactlyOne,
///     } params {
///         /// The length is an odd number of bytes.
///         [!] "is-odd" | "odd": Flag {
///             set: |m, _, not| m.not = not,
///             get: |m| Some((Flag, m.not)),
///         }
///     }
/// }
///
/// impl Extension for Odd {
///     const REVISIONS: &'static [Revision<Self>] = &[Revision {
///         number: 0, size: 1, families: Families::all(),
///         encode: |m, w| { w.u8(m.not.into()); Ok(()) },
///         decode: |r, _| Ok(Some(Odd { not: r.u8("not")? != 0 })),
///     }];
/// }
///
/// assert_eq!(Odd::DESCRIPTOR.help.summary(), "Match packets whose length is odd");
/// ```
#[macro_export]
macro_rules! extension {
    (
        $(#[doc = $doc:literal])*
        $kind:ident $name:literal $(| $alias:literal)* => $type:ty {
            $($field:ident: $value:expr),* $(,)?
        } params {$($params:tt)*}
    ) => {
        $crate::extension!(@kind $kind, [$($doc)*], $name, [$($alias)*], $type, [$($field: $value,)*], [$($params)*]);
    };
    (@kind match, $($rest:tt)*) => { $crate::extension!(@describe $crate::registry::Kind::Match, $($rest)*); };
    (@kind target, $($rest:tt)*) => { $crate::extension!(@describe $crate::registry::Kind::Target, $($rest)*); };
    (
        @describe $kind:expr, [$($doc:literal)*], $name:literal, [$($alias:literal)*], $type:ty,
        [$($field:ident: $value:expr,)*], [$($params:tt)*]
    ) => {
        impl $crate::registry::Describe for $type {
            const DESCRIPTOR: &'static $crate::registry::Descriptor = {
                #[allow(clippy::needless_update, reason = "an extension may set every field")]
                static DESCRIPTOR: $crate::registry::Descriptor = $crate::registry::Descriptor {
                    $($field: $value,)*
                    ..$crate::registry::Descriptor {
                        kind: $kind,
                        name: $name,
                        aliases: &[$($alias),*],
                        xt_name: $name,
                        help: $crate::registry::Help(concat!($($doc, "\n",)*)),
                        params: $crate::extension!(@params $type, [$($params)*]),
                        new: || Box::<$type>::default(),
                        decode: $crate::registry::decode_erased::<$type>,
                        revision: $crate::registry::revision_of::<$type>,
                        from_native: match <$type as $crate::registry::Extension>::FROM_NATIVE {
                            Some(_) => Some($crate::registry::from_native_erased::<$type>),
                            None => None,
                        },
                        ..$crate::registry::Descriptor::EMPTY
                    }
                };
                &DESCRIPTOR
            };
        }
    };
    (@params $type:ty, [$(
        $(#[doc = $doc:literal])*
        $([$not:tt])? $name:literal $(| $alias:literal)*: $value:ty {
            set: $set:expr,
            get: $get:expr
            $(, $field:ident: $setting:expr)* $(,)?
        }
    )*]) => {
        &[$({
            #[allow(clippy::needless_update, reason = "a parameter may set every field")]
            const PARAM: $crate::registry::Param = $crate::registry::Param {
                $($field: $setting,)*
                ..$crate::registry::Param {
                    name: $name,
                    aliases: &[$($alias),*],
                    help: $crate::registry::Help(concat!($($doc, "\n",)*)),
                    negatable: $crate::extension!(@negatable $($not)?),
                    words: <$value as $crate::registry::Value>::WORDS,
                    domain: &<$value as $crate::registry::Value>::DOMAIN,
                    set: |instance, text, not, scope| {
                        let value = <$value as $crate::registry::Value>::parse(text, scope)?;
                        let Some(instance) = $crate::registry::downcast_mut::<$type>(instance) else {
                            return Err($crate::registry::ValueError::Because("the parameter of another extension"));
                        };
                        $crate::extension!(@call set, $set, $type, $value, instance, value, not)
                    },
                    check: |text, scope| <$value as $crate::registry::Value>::parse(text, scope).map(drop),
                    get: |instance, name, sink| {
                        fn call(get: impl Fn(&$type) -> Option<($value, bool)>, of: &$type) -> Option<($value, bool)> {
                            get(of)
                        }
                        let value = $crate::registry::downcast_ref::<$type>(instance).and_then(|of| call($get, of));
                        if let Some((value, not)) = value {
                            sink.param(name, not, &value);
                        }
                    },
                    ..$crate::registry::Param::EMPTY
                }
            };
            PARAM
        }),*]
    };
    (@call set, $set:expr, $type:ty, $value:ty, $instance:expr, $parsed:expr, $not:expr) => {{
        fn call<R: $crate::registry::SetResult>(
            set: impl Fn(&mut $type, $value, bool) -> R,
            of: &mut $type,
            value: $value,
            not: bool,
        ) -> Result<(), $crate::registry::ValueError> {
            set(of, value, not).into_result()
        }
        call($set, $instance, $parsed, $not)
    }};
    (@negatable !) => { true };
    (@negatable) => { false };
}

/// Declares the modules of a folder of extensions and lists what they hold, sorted by name.
macro_rules! extensions {
    ($($module:ident::$type:ident),* $(,)?) => {
        $(pub mod $module;)*

        /// All extensions of this folder, sorted by name.
        pub(crate) const ALL: &[&Descriptor] = &[$($module::$type::DESCRIPTOR),*];
    };
}
pub(crate) use extensions;
