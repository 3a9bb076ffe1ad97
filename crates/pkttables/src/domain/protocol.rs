use super::parse_unsigned;
use crate::model::protocol;
use crate::registry::{Domain, Scope, Value, ValueError};
use crate::system::Protocols;
use std::fmt::Write as _;

/// A transport protocol other than 0, given by number or by name and printed as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProtocolNumber(pub u8);

impl Value for ProtocolNumber {
    const DOMAIN: Domain = Domain::OneOf(&[
        Domain::Integer { min: 1, max: 255, unit: "" },
        Domain::Expression {
            language: "name of a transport protocol, such as tcp",
            examples: &["tcp", "udp", "icmp"],
            refused: &["no-such-protocol", "0", "all"],
        },
    ]);

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let number = match parse_unsigned(text) {
            Ok(number) => u8::try_from(number).ok(),
            Err(_) if text == "all" => Some(0),
            Err(_) => {
                let number = Protocols::system().number(text).or_else(|| protocol::known_number(text));
                Some(number.ok_or(ValueError::UnknownName)?)
            }
        };
        match number {
            Some(0) => Err(ValueError::Because("0 and `all` mean no protocol at all")),
            Some(number) => Ok(Self(number)),
            None => Err(ValueError::OutOfRange { min: 1, max: 255 }),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}", self.0);
    }
}
