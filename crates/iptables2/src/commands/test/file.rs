//! The form of test files.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Spanned;
use toml::value::Datetime;

/// A file of tests: rules, the host they are in force on, packets and what is expected of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    /// The file with the rules, as seen from the folder of this file.
    pub(super) rules: Option<Spanned<PathBuf>>,
    /// The rules themselves.
    pub(super) ruleset: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) family: Family,
    #[serde(default)]
    pub(super) backend: Backend,
    #[serde(default)]
    pub(super) routes: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) locals: Vec<Spanned<std::net::IpAddr>>,
    /// The file with the sets, as seen from the folder of this file.
    pub(super) ipset: Option<Spanned<PathBuf>>,
    /// The sets themselves.
    pub(super) sets: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) sysctl: BTreeMap<Spanned<String>, toml::Value>,
    /// When the first packet of each test comes.
    pub(super) start: Option<Spanned<Datetime>>,
    #[serde(rename = "test", default)]
    pub(super) tests: Vec<Test>,
}

/// Packets that are sent one after another, on a host that no packet has come to yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    pub(super) name: String,
    #[serde(default)]
    pub(super) packets: Vec<Packet>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Packet {
    pub(super) send: Spanned<Words>,
    pub(super) expect: Option<Verdict>,
    pub(super) hook: Option<Hook>,
    pub(super) rule: Option<String>,
    pub(super) mark: Option<u32>,
    pub(super) output: Option<String>,
    pub(super) out: Option<Spanned<Words>>,
    #[serde(default)]
    pub(super) log: Vec<String>,
    #[serde(default)]
    pub(super) nflog: Vec<u16>,
    #[serde(default)]
    pub(super) copies: Vec<std::net::IpAddr>,
    #[serde(default)]
    pub(super) trace: Vec<String>,
}

/// `KEY=VALUE` words in a text, or a table of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Words {
    Text(String),
    Table(BTreeMap<String, toml::Value>),
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Family {
    #[default]
    Ipv4,
    Ipv6,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Backend {
    #[default]
    Nft,
    Legacy,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Accept,
    Drop,
    Reject,
    Queue,
    Stolen,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
}

impl Words {
    /// In one text.
    pub(super) fn text(&self) -> String {
        let table = match self {
            Self::Text(text) => return text.clone(),
            Self::Table(table) => table,
        };
        let word = |(key, value): (&String, &toml::Value)| match value {
            toml::Value::String(text) if text.contains(' ') => format!("{key}=\"{text}\""),
            toml::Value::String(text) => format!("{key}={text}"),
            toml::Value::Boolean(bit) => format!("{key}={}", u8::from(*bit)),
            toml::Value::Array(values) => {
                let names = values.iter().filter_map(toml::Value::as_str);
                format!("{key}={}", names.collect::<Vec<_>>().join(","))
            }
            value => format!("{key}={value}"),
        };
        table.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    /// Key by key.
    pub(super) fn pairs(&self) -> Option<Vec<(String, String)>> {
        let pair = |word: &str| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        self.text().split_whitespace().map(pair).collect()
    }
}
