//! Ways in which people and programs write options differently, or wrong.

use crate::generate::Piece;
use pkttables::model::Family;
use pkttables::registry::{Descriptor, Domain, Param};

type Pick<'a> = &'a mut dyn FnMut(u64) -> u64;

/// Changes one thing.
pub(crate) fn spoil(
    pieces: &mut Vec<Piece>,
    descriptor: &'static Descriptor,
    family: Family,
    pick: Pick<'_>,
) {
    let Some(at) = place(pieces.len(), pick) else { return };
    let options = |piece: &Piece| piece.option.starts_with("--");
    let first = pieces.iter().position(options).unwrap_or(pieces.len());
    match pick(16) {
        0..=6 => {
            // Mostly in values of the extension.
            let at =
                if first < pieces.len() { first + pick((pieces.len() - first) as u64) as usize } else { at };
            let param = param(descriptor, &pieces[at], family);
            let values = &mut pieces[at].values;
            if let Some(place) = place(values.len(), pick) {
                values[place] = value(&values[place], param.map(|param| param.domain), family, pick);
            }
        }
        7 => pieces[at].not ^= true,
        8 => {
            pieces.remove(at);
        }
        9 => {
            let again = pieces[at].clone();
            pieces.push(again);
        }
        10 => {
            let to = pick(pieces.len() as u64) as usize;
            pieces.swap(at, to);
        }
        11 => _ = pieces[at].values.pop(),
        12 => {
            // The older way.
            pieces[at].values.insert(0, "!".into());
        }
        13 => {
            // Not to one that prints help and adds nothing.
            let option = &mut pieces[at].option;
            let least = if option.starts_with("--h") { 7 } else { 4 };
            if option.len() > least {
                option.truncate(option.len() - 1 - pick((option.len() - least) as u64) as usize);
            }
        }
        14 => {
            // Another option, whether it goes with the others or not.
            let params: Vec<&Param> = descriptor.params.iter().filter(|it| it.families.has(family)).collect();
            if let Some(place) = place(params.len(), pick) {
                let param = params[place];
                let value = param.domain.sample(family, pick);
                let values = match param.domain {
                    Domain::Nothing => Vec::new(),
                    Domain::Words(_) => value.split(' ').map(str::to_owned).collect(),
                    _ => vec![value],
                };
                pieces.push(Piece { not: pick(4) == 0, option: format!("--{}", param.name), values });
            }
        }
        _ => {
            let others =
                ["tcp", "udp", "TCP", "0", "255", "256", "tcpx", "icmp", "ipv6-icmp", "icmpv6", "132", ""];
            let other = others[pick(others.len() as u64) as usize].to_owned();
            match pieces.iter_mut().find(|piece| piece.option == "-p") {
                Some(piece) => piece.values = vec![other],
                None => {
                    pieces.insert(0, Piece { not: pick(4) == 0, option: "-p".into(), values: vec![other] })
                }
            }
        }
    }
}

/// The words; now and then a value is attached to its option.
pub(crate) fn words(pieces: &[Piece], pick: Pick<'_>) -> Vec<String> {
    let mut words = Vec::new();
    for Piece { not, option, values } in pieces {
        if *not {
            words.push("!".into());
        }
        match values.as_slice() {
            [value, rest @ ..] if option.starts_with("--") && pick(24) == 0 => {
                words.push(format!("{option}={value}"));
                words.extend_from_slice(rest);
            }
            values => {
                words.push(option.clone());
                words.extend_from_slice(values);
            }
        }
    }
    words
}

fn param(descriptor: &'static Descriptor, piece: &Piece, family: Family) -> Option<&'static Param> {
    descriptor.param(piece.option.strip_prefix("--")?, family)
}

/// Another value, or the same in another form.
fn value(text: &str, domain: Option<&Domain>, family: Family, pick: Pick<'_>) -> String {
    match pick(8) {
        0 => match domain.and_then(|domain| domain.counterexample(family, pick)) {
            Some(wrong) => wrong,
            None => odd(text, pick),
        },
        1 => odd(text, pick),
        2 => boundary(domain, pick).unwrap_or_else(|| number(text, pick)),
        _ => number(text, pick),
    }
}

/// The ends of a range of numbers, and what lies beside them.
fn boundary(domain: Option<&Domain>, pick: Pick<'_>) -> Option<String> {
    let (Domain::Integer { min, max, .. } | Domain::Decimal { min, max, .. }) = *domain? else { return None };
    let (min, max) = (i128::from(min), i128::from(max));
    let values = [min - 1, min, max, max + 1];
    Some(values[pick(4) as usize].to_string())
}

/// Changes a number in the text.
fn number(text: &str, pick: Pick<'_>) -> String {
    let bytes = text.as_bytes();
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|&at| bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_alphanumeric()))
        .collect();
    let Some(place) = place(starts.len(), pick) else { return odd(text, pick) };
    let start = starts[place];
    let end = (start..bytes.len()).find(|&at| !bytes[at].is_ascii_digit()).unwrap_or(bytes.len());
    let digits = &text[start..end];
    let n: u128 = digits.parse().unwrap_or(0);
    let other = match pick(22) {
        0 => format!("{n:#x}"),
        1 => format!("0X{n:X}"),
        2 => format!("0{n:o}"),
        3 => format!("0{digits}"),
        4 => format!("+{digits}"),
        5 => format!("-{digits}"),
        6 => format!(" {digits}"),
        7 => format!("{digits} "),
        8 => format!("{digits}x"),
        9 => (n + 1).to_string(),
        10 => n.saturating_sub(1).to_string(),
        11 => (n * 10).to_string(),
        12 => "0".into(),
        13 => String::new(),
        14 => format!("{digits}.5"),
        15 => format!("{digits}e1"),
        _ => {
            let bits = [6, 7, 8, 15, 16, 24, 31, 32, 63, 64];
            let power = 1_u128 << bits[pick(bits.len() as u64) as usize];
            (power - u128::from(pick(2) == 0)).to_string()
        }
    };
    format!("{}{other}{}", &text[..start], &text[end..])
}

/// Changes letters and punctuation.
fn odd(text: &str, pick: Pick<'_>) -> String {
    let swapped = |separator: char| match text.split_once(separator) {
        Some((first, second)) => format!("{second}{separator}{first}"),
        None => format!("{text}{separator}{text}"),
    };
    match pick(18) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        2 => format!("{text},{text}"),
        3 => format!("{text},"),
        4 => format!(",{text}"),
        5 => format!(" {text}"),
        6 => format!("{text} "),
        7 => swapped(':'),
        8 => swapped('-'),
        9 => format!("{text}:"),
        10 => format!(":{text}"),
        11 => swapped('/'),
        12 => format!("{text}/"),
        13 => text.chars().take(text.chars().count().saturating_sub(1)).collect(),
        14 => format!("{text}{text}"),
        15 => format!("!{text}"),
        16 => {
            ["http", "domain", "localhost", "all", "any", "none", "root", "eth0"][pick(8) as usize].to_owned()
        }
        _ => String::new(),
    }
}

fn place(len: usize, pick: Pick<'_>) -> Option<usize> {
    (len > 0).then(|| pick(len as u64) as usize)
}
