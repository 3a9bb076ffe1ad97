//! What the tests of the extensions share: text and layouts without a rule around them.

use super::{
    Action, Backend, Builder, Context, Descriptor, Edit, Environment, Extension, Instance, Outcome,
    RuleScope, Scope, SetEntry, Sets, Shared, Sink, Slot, WriteValue,
};
use crate::domain::SetName;
use crate::model::{Family, Header, Hook, Negatable, TableName};
use crate::packet::{Authentication, Data, Layout, Meta, Packet};

/// The sets `foo`, `bar`, `blacklist` and `six`, numbered from 0; the last is for IPv6.
pub(crate) struct TestSets;

impl TestSets {
    const NAMES: [&str; 4] = ["foo", "bar", "blacklist", "six"];
}

impl Sets for TestSets {
    fn find(&self, name: &SetName) -> Option<SetEntry> {
        let index = Self::NAMES.iter().position(|known| known.as_bytes() == name.as_bytes())?;
        let family = (name.as_bytes() == b"six").then_some(Family::Ipv6);
        Some(SetEntry { index: index as u16, family })
    }

    fn name(&self, index: u16) -> Option<SetName> {
        Self::NAMES.get(usize::from(index)).and_then(|name| SetName::new(name.as_bytes()))
    }
}

/// Parses options as they stand after `-m name`, optionally with `-p NUMBER` or `! -p NUMBER` first, as a
/// shell would split them but without quotes.
pub(crate) fn parse<T: Extension>(family: Family, text: &str) -> Result<Box<dyn Instance>, String> {
    parse_as(T::DESCRIPTOR, family, text)
}

/// Like [`parse`], for an extension by its description.
pub(crate) fn parse_as(
    descriptor: &'static Descriptor,
    family: Family,
    text: &str,
) -> Result<Box<dyn Instance>, String> {
    let mut words = text.split_ascii_whitespace().peekable();
    let mut header = Header::default();
    let mut builder = Builder::new(descriptor);
    let mut not = false;
    while let Some(word) = words.next() {
        let scope = Scope { family, protocol: header.protocol };
        if word == "!" {
            not = true;
        } else if word == "-p" {
            let value = words.next().and_then(|word| word.parse().ok()).ok_or("no protocol number")?;
            header.protocol = Some(Negatable { value, not: std::mem::take(&mut not) });
        } else {
            let name = word.strip_prefix("--").ok_or("not an option")?;
            let param = descriptor.param(name, family).ok_or("unknown option")?;
            let mut value: Vec<&str> = words.by_ref().take(param.words).collect();
            if param.optional_word {
                value.extend(words.next_if(|word| !word.starts_with(['-', '!'])));
            }
            if value.len() < param.words {
                return Err("value missing".into());
            }
            builder
                .set(param, &value.join(" "), std::mem::take(&mut not), &scope)
                .map_err(|error| error.to_string())?;
        }
    }
    let rule = RuleScope { family, table: None, chain: None, header: &header };
    builder.finish(&rule).map_err(|error| error.to_string())
}

/// Prints options as they are saved after `-m name`.
pub(crate) fn print(instance: &dyn Instance, scope: &Scope) -> String {
    struct Text<'a>(String, &'a Scope);
    impl Sink for Text<'_> {
        fn param(&mut self, name: &'static str, not: bool, value: &dyn WriteValue) {
            self.0.push_str(if not { " ! --" } else { " --" });
            self.0.push_str(name);
            if value.domain() != crate::registry::Domain::Nothing {
                self.0.push(' ');
                value.write_value(&mut self.0, self.1);
            }
        }
    }
    let mut text = Text(String::new(), scope);
    instance.params(&mut text);
    text.0.trim_start().to_owned()
}

/// The kernel's structure for options, `None` if the revision cannot hold them.
pub(crate) fn encoded<T: Extension>(family: Family, text: &str, revision: u8) -> Option<Vec<u8>> {
    let mut info = Vec::new();
    parse::<T>(family, text).ok()?.encode(revision, family, &TestSets, &mut info).ok()?;
    Some(info)
}

/// The options that the kernel's structure stands for, `None` if it is refused or another extension's.
pub(crate) fn decoded<T: Extension>(family: Family, revision: u8, info: &[u8]) -> Option<String> {
    let instance = T::DESCRIPTOR.decode(revision, family, info, &TestSets)?.ok()?;
    Some(print(&*instance, &Scope { family, protocol: None }))
}

/// Parses `text`, prints it, and takes it through every kernel layout that can hold it.
pub(crate) fn check_text<T: Extension>(family: Family, text: &str) -> Result<String, String> {
    let instance = parse::<T>(family, text)?;
    let mut held = 0;
    for revision in T::DESCRIPTOR.revisions(family) {
        let mut info = Vec::new();
        if instance.encode(revision.number, family, &TestSets, &mut info).is_err() {
            continue;
        }
        held += 1;
        assert_eq!(
            info.len(),
            revision.size.next_multiple_of(8),
            "{text}: size of revision {}",
            revision.number
        );
        let decoded = T::DESCRIPTOR.decode(revision.number, family, &info, &TestSets);
        let decoded = decoded.expect("the extension's own structure").expect("what was just encoded");
        assert!(
            decoded.equals(&*instance),
            "{text}: revision {} gives {decoded:?} for {instance:?}",
            revision.number
        );
    }
    assert!(held > 0, "{text}: no revision can hold {instance:?}");
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let protocol =
        words.windows(2).find(|pair| pair[0] == "-p").map(|pair| pair[1].parse().expect("a number"));
    let scope = Scope { family, protocol: protocol.map(|value| Negatable { value, not: false }) };
    Ok(print(&*instance, &scope))
}

/// The bytes of one kernel layout for `text`, which must be good; `None` if the layout cannot hold it.
pub(crate) fn layout<T: Extension>(family: Family, revision: u8, text: &str) -> Option<Vec<u8>> {
    let mut info = Vec::new();
    let instance = parse::<T>(family, text).expect(text);
    instance.encode(revision, family, &TestSets, &mut info).is_ok().then_some(info)
}

/// Whether the bytes of a kernel layout are decoded, and if so checks that they encode to the same again.
pub(crate) fn decodes<T: Extension>(family: Family, revision: u8, info: &[u8]) -> bool {
    let Some(Ok(instance)) = T::DESCRIPTOR.decode(revision, family, info, &TestSets) else { return false };
    let mut again = Vec::new();
    instance.encode(revision, family, &TestSets, &mut again).expect("what was just decoded");
    again.truncate(info.len());
    assert_eq!(again, info, "{instance:?}");
    true
}

/// Checks what option texts become when saved: `same`, another text, or `fails`.
///
/// ```text
/// text_cases! { Length, Ipv4: "--length 5" => same, "--length 5:5" => "--length 5", "--length x" => fails }
/// ```
macro_rules! text_cases {
    ($type:ty, $family:ident: $($text:literal => $expected:tt),* $(,)?) => {$(
        $crate::registry::testing::text_cases!(@case $type, $family, $text, $expected);
    )*};
    (@case $type:ty, $family:ident, $text:literal, same) => {
        $crate::registry::testing::text_cases!(@case $type, $family, $text, $text);
    };
    (@case $type:ty, $family:ident, $text:literal, fails) => {
        let parsed = $crate::registry::testing::parse::<$type>($crate::model::Family::$family, $text);
        assert!(parsed.is_err(), "{} should be refused", $text);
    };
    (@case $type:ty, $family:ident, $text:literal, $expected:literal) => {
        assert_eq!(
            $crate::registry::testing::check_text::<$type>($crate::model::Family::$family, $text).as_deref(),
            Ok($expected), "{}", $text
        );
    };
}
pub(crate) use text_cases;

/// Checks kernel structures byte by byte, both ways: options, revision, and the structure in hexadecimal,
/// where spaces mean nothing and zeros at the end may be left out.
///
/// ```text
/// layout_cases! { Length, Ipv4: "! --length 5:6", 0 => "0500 0600 01" }
/// ```
macro_rules! layout_cases {
    ($type:ty, $family:ident: $($text:literal, $revision:literal => $hex:literal),* $(,)?) => {$(
        $crate::registry::testing::check_layout::<$type>($crate::model::Family::$family, $text, $revision, $hex);
    )*};
}
pub(crate) use layout_cases;

pub(crate) fn check_layout<T: Extension>(family: Family, text: &str, revision: u8, hex: &str) {
    let instance = parse::<T>(family, text).expect(text);
    let mut info = Vec::new();
    instance.encode(revision, family, &TestSets, &mut info).expect(text);
    let mut digits: String = hex.split_ascii_whitespace().collect();
    digits.extend(std::iter::repeat_n('0', (info.len() * 2).saturating_sub(digits.len())));
    let printed: String = info.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(printed, digits, "{text}: structure of revision {revision}");
    let decoded = T::DESCRIPTOR.decode(revision, family, &info, &TestSets);
    assert!(decoded.is_some_and(|decoded| decoded.is_ok_and(|decoded| decoded.equals(&*instance))), "{text}");
}

/// A rule's extension that packets are put to, one after another, at FORWARD of the table filter.
pub(crate) struct Trial<E> {
    instance: Box<dyn Instance>,
    own: Slot,
    shared: Shared,
    pub(crate) environment: E,
    pub(crate) backend: Backend,
}

/// The default answers to all questions.
#[derive(Debug)]
pub(crate) struct Nowhere;

impl Environment for Nowhere {}

impl<E: Environment> Trial<E> {
    /// An extension with options as [`parse`] takes them.
    pub(crate) fn new<T: Extension>(family: Family, text: &str, environment: E) -> Self {
        let instance = parse::<T>(family, text).expect(text);
        let mut shared = Shared::default();
        instance.install(&mut shared);
        Self { instance, own: Slot::default(), shared, environment, backend: Backend::Nft }
    }

    /// What the match makes of a packet.
    pub(crate) fn matches(&mut self, bytes: &[u8], meta: &Meta) -> Outcome {
        let mut edits = Vec::new();
        self.put(bytes, meta, &mut edits, |instance, packet, context| instance.matches(packet, context))
    }

    /// What the target does with a packet, and the changes that it asks for.
    pub(crate) fn act(&mut self, bytes: &[u8], meta: &Meta) -> (Action, Vec<Edit>) {
        let mut edits = Vec::new();
        let action =
            self.put(bytes, meta, &mut edits, |instance, packet, context| instance.act(packet, context));
        (action, edits)
    }

    fn put<R>(
        &mut self,
        bytes: &[u8],
        meta: &Meta,
        edits: &mut Vec<Edit>,
        judge: impl FnOnce(&dyn Instance, &Packet<'_>, &mut Context<'_>) -> R,
    ) -> R {
        let data = Data::new(bytes);
        let layout = Layout::parse(&data, Authentication::Stop).expect("a packet");
        let mut context = Context {
            connections: &(),
            table: TableName::Filter,
            hook: Hook::Forward,
            backend: self.backend,
            environment: &mut self.environment,
            own: &mut self.own,
            shared: &mut self.shared,
            edits,
        };
        judge(&*self.instance, &Packet::new(data, layout, meta), &mut context)
    }
}

/// An IPv4 packet from 10.0.0.1 to 10.0.0.2.
pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 20, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet.extend(payload);
    let [high, low] = (packet.len() as u16).to_be_bytes();
    packet[2..4].copy_from_slice(&[high, low]);
    packet
}

/// An IPv6 packet from fd00::1 to fd00::2.
pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = (payload.len() as u16).to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, high, low, next, 64];
    for host in [1, 2] {
        packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    packet.extend(payload);
    packet
}
