//! The tables of messages and attributes in `docs/wire-tables.md` are made from the declarations in the code.
//!
//! `UPDATE_DOCS=1 cargo test -p pkttnetlink --test wire_tables` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const INTRODUCTION: &str = "\
# Messages and attributes

Every message and attribute that pkttnetlink knows, made from the declarations in its code: `UPDATE_DOCS=1 cargo test \
-p pkttnetlink --test wire_tables` writes this file anew. The names are the kernel's, the numbers those on the wire; \
attributes stand in the order in which the kernel dumps them. An `Option` is one attribute, a `Vec` a list; integers are in \
network byte order. [The wire format](wire.md) tells of the rest.
";

fn sources(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            found.insert(path, text);
        }
    }
}

/// The messages: lines such as `NFTABLES 0 NewTable(Table) NEW_TABLE = "NFT_MSG_NEWTABLE",`.
fn messages(text: &str, out: &mut String) {
    out.push_str("\n## Messages\n\n| number | message | content |\n|---|---|---|\n");
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [subsystem, number, variant, _, "=", name] = words[..] else { continue };
        let subsystem = match subsystem {
            "NFTABLES" => 10,
            "NFT_COMPAT" => 11,
            _ => continue,
        };
        let content = variant.split(['(', ')']).nth(1).unwrap();
        let name = name.trim_matches(['"', ',']);
        let _ = writeln!(out, "| {subsystem}.{number} | `{name}` | {content} |");
    }
}

/// A line of documentation without its links, which lead into the code.
fn plain(doc: &str) -> String {
    let mut parts = doc.split("](");
    let mut text = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| text.push_str(part.split_once(')').map_or("", |(_, rest)| rest)));
    text.replace("[`", "`").replace("`]", "`").replace('|', "\\|")
}

/// The attributes of the types of one file.
fn attributes(text: &str, out: &mut String) {
    for block in text.split("attributes! {\n").skip(1) {
        let block = block.split("\n}\n").next().unwrap();
        let mut prefix = "";
        let mut doc = Vec::new();
        for line in block.lines().map(str::trim) {
            if let Some(text) = line.strip_prefix("///") {
                doc.push(text.trim());
            } else if let Some(declared) = line.strip_prefix("pub struct ") {
                let (name, rest) = declared.split_once('<').unwrap();
                prefix = rest.split('"').nth(1).unwrap_or_default();
                let about = plain(&doc.join(" "));
                let _ = writeln!(
                    out,
                    "\n### {name}\n\n{about}\n\n| number | attribute | type | what |\n|---|---|---|---|"
                );
                doc.clear();
            } else if let Some((attribute, field)) = line.split_once(" => ") {
                let (number, name) = attribute.split_once(' ').unwrap();
                let (_, kind) = field.split_once(": ").unwrap();
                let kind = kind.trim_end_matches(',').replace("<'a>", "");
                let what = plain(&doc.join(" "));
                let _ = writeln!(out, "| {number} | `{prefix}{name}` | `{kind}` | {what} |");
                doc.clear();
            }
        }
    }
}

#[test]
fn the_tables_are_up_to_date() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    sources(&package.join("src/nft"), &mut found);
    let mut out = String::from(INTRODUCTION);
    messages(&found[&package.join("src/nft/message.rs")], &mut out);
    let (expressions, types): (Vec<_>, Vec<_>) =
        found.iter().partition(|(path, _)| path.parent().is_some_and(|folder| folder.ends_with("expr")));
    for (title, files) in [("Attributes of messages", types), ("Attributes of expressions", expressions)] {
        let _ = writeln!(out, "\n## {title}");
        files.iter().for_each(|(_, text)| attributes(text, &mut out));
    }
    let file = package.join("../../docs/wire-tables.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &out).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == out,
        "docs/wire-tables.md is stale: UPDATE_DOCS=1 cargo test -p pkttnetlink --test wire_tables"
    );
}
