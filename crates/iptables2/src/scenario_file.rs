//! The form of test files.
#![expect(missing_docs, reason = "the names are those of the file, which docs/testing-rulesets.md tells")]

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Spanned;
use toml::value::Datetime;

/// A file of tests: rules, the host they are in force on, packets and what is expected of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
    /// The file with the rules, as seen from the folder of this file.
    pub rules: Option<Spanned<PathBuf>>,
    /// The rules themselves.
    pub ruleset: Option<Spanned<String>>,
    #[serde(default)]
    pub family: Family,
    #[serde(default)]
    pub backend: Backend,
    #[serde(default)]
    pub routes: Vec<Spanned<String>>,
    #[serde(default)]
    pub locals: Vec<Spanned<std::net::IpAddr>>,
    /// The file with the sets, as seen from the folder of this file.
    pub ipset: Option<Spanned<PathBuf>>,
    /// The sets themselves.
    pub sets: Option<Spanned<String>>,
    #[serde(default)]
    pub sysctl: BTreeMap<Spanned<String>, toml::Value>,
    /// When the first packet of each test comes.
    pub start: Option<Spanned<Datetime>>,
    #[serde(rename = "test", default)]
    pub tests: Vec<Test>,
}

/// Packets that are sent one after another, on a host that no packet has come to yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    pub name: String,
    #[serde(default)]
    pub packets: Vec<Packet>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packet {
    pub send: Spanned<Words>,
    pub expect: Option<Verdict>,
    pub hook: Option<Hook>,
    pub rule: Option<String>,
    pub mark: Option<u32>,
    pub output: Option<String>,
    pub out: Option<Spanned<Words>>,
    #[serde(default)]
    pub log: Vec<String>,
    #[serde(default)]
    pub nflog: Vec<u16>,
    #[serde(default)]
    pub copies: Vec<std::net::IpAddr>,
    #[serde(default)]
    pub trace: Vec<String>,
}

/// `KEY=VALUE` words in a text, or a table of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Words {
    Text(String),
    Table(BTreeMap<String, toml::Value>),
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    #[default]
    Ipv4,
    Ipv6,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    #[default]
    Nft,
    Legacy,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Accept,
    Drop,
    Reject,
    Queue,
    Stolen,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
}

impl Words {
    /// In one text.
    pub fn text(&self) -> String {
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
    pub fn pairs(&self) -> Option<Vec<(String, String)>> {
        let pair = |word: &str| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        self.text().split_whitespace().map(pair).collect()
    }
}
