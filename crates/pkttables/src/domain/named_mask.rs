use super::Masked;
use crate::registry::{Domain, Scope, Value, ValueError};
use crate::system::Names;

/// Makes masked numbers of which some have names: a [`Value`] printed by name, if it has one and all bits count.
macro_rules! named_masks {
    ($($(#[$meta:meta])* pub struct $type:ident: $names:ident, $language:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $type(pub Masked);

        impl Value for $type {
            const DOMAIN: Domain = Domain::OneOf(&[Masked::DOMAIN, Domain::Expression {
                language: $language,
                examples: &[],
                refused: &["no/such/name"],
            }]);

            fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
                let named = || Names::$names().number(text).map(|value| Masked { value, ..Masked::default() });
                Masked::parse(text, scope).or_else(|error| named().ok_or(error)).map(Self)
            }

            fn write(&self, out: &mut String, scope: &Scope) {
                match Names::$names().name(self.0.value).filter(|_| self.0.mask == u32::MAX) {
                    Some(name) => out.push_str(name),
                    None => self.0.write(out, scope),
                }
            }
        }
    )+};
}

named_masks! {
    /// Groups of network devices, by number or by a name of `/etc/iproute2/group`.
    pub struct DeviceGroups: device_groups, "name of a group of network devices";
    /// Routing realms, by number or by a name of `/etc/iproute2/rt_realms`.
    pub struct Realms: realms, "name of a routing realm";
}
