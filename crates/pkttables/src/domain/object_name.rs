use super::write_quoted;
use crate::registry::{Domain, ObjectKind, Scope, Value, ValueError};

/// Makes names of things that the kernel keeps: a [`Value`] of limited length, quoted only where it could not be
/// read back otherwise.
macro_rules! object_names {
    ($($(#[$meta:meta])* pub struct $type:ident($max:literal): $domain:expr;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $type(Box<str>);

        impl $type {
            /// The most bytes that a name can have.
            pub const MAX: usize = $max;

            /// Takes a name that is neither empty nor too long.
            pub fn new(name: &str) -> Result<Self, ValueError> {
                match name.len() {
                    0 => Err(ValueError::Form),
                    _ if name.contains('\0') => Err(ValueError::Form),
                    1..=$max => Ok(Self(name.into())),
                    _ => Err(ValueError::TooLong { max: $max }),
                }
            }

            /// Reads the field of a kernel structure; `None` if it is empty.
            pub fn read(
                r: &mut nfnetlink::wire::Reader<'_>,
            ) -> Result<Option<Self>, nfnetlink::wire::DecodeError> {
                let at = *r;
                let name = std::str::from_utf8(r.c_string($max + 1, stringify!($type))?);
                match name.map(Self::new) {
                    Ok(Ok(name)) => Ok(Some(name)),
                    Ok(Err(ValueError::Form)) => Ok(None),
                    _ => Err(at.error(stringify!($type), nfnetlink::wire::Problem::String)),
                }
            }

            /// Writes the field of a kernel structure.
            pub fn write_field(name: Option<&Self>, w: &mut crate::registry::InfoWriter<'_>) {
                w.c_string(name.map_or("", |name| &name.0).as_bytes(), $max + 1);
            }

            /// The name.
            #[must_use]
            pub const fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Value for $type {
            const DOMAIN: Domain = $domain;

            fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
                Self::new(text)
            }

            fn write(&self, out: &mut String, _: &Scope) {
                match self.0.contains([' ', '\t', '"', '\'', '\\']) {
                    true => write_quoted(out, &self.0),
                    false => out.push_str(&self.0),
                }
            }
        }
    )+};
}

object_names! {
    /// The name of a connection tracking helper (`NF_CT_HELPER_NAME_LEN`).
    pub struct HelperName(15): Domain::Object { kind: ObjectKind::Helper, max: 15 };
    /// The name of a connection timeout policy (`CTNL_TIMEOUT_NAME_MAX`).
    pub struct TimeoutPolicyName(31): Domain::Object { kind: ObjectKind::TimeoutPolicy, max: 31 };
    /// The name of a rate estimator (`IFNAMSIZ`).
    pub struct RateEstimatorName(15): Domain::Object { kind: ObjectKind::RateEstimator, max: 15 };
    /// The label of an idle timer (`MAX_IDLETIMER_LABEL_SIZE`).
    pub struct TimerLabel(27): Domain::Object { kind: ObjectKind::Timer, max: 27 };
    /// The name of an interface (`IFNAMSIZ`).
    pub struct InterfaceName(15): Domain::Object { kind: ObjectKind::Device, max: 15 };
    /// A security context of SELinux (`SECMARK_SECCTX_MAX`).
    pub struct SecurityContext(255): Domain::Object { kind: ObjectKind::SecurityContext, max: 255 };
}
