use crate::Result;
use crate::failure::Failure;
use crate::personality::{Personality, Program};

/// An option of -save or -restore.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) letter: char,
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
}

/// What follows an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    Word,
    /// A number, if there is one.
    Number,
}

/// What an argument says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Argument<'a> {
    /// An option by its letter, and its value.
    Option(char, Option<&'a str>),
    Word(&'a str),
}

pub(crate) const fn option(letter: char, name: &'static str, takes: Takes) -> Known {
    Known { letter, name, takes }
}

/// Reads arguments as `getopt_long` does: abbreviations, clusters of letters, attached values.
pub(crate) fn read<'a>(
    personality: &Personality,
    known: &[Known],
    args: &'a [String],
) -> Result<Vec<Argument<'a>>> {
    let error = |text: String| {
        let help = match personality.program {
            Program::Save => format!("Look at manual page `{}.8' for more information.", personality.name),
            _ => format!("Try `{} -h' for more information.", personality.name),
        };
        Failure::Plain(1, format!("{}: {text}\n{help}", personality.name))
    };
    let mut found = Vec::new();
    let mut args = args.iter().map(String::as_str).peekable();
    while let Some(arg) = args.next() {
        if arg == "--" {
            found.extend(args.by_ref().map(Argument::Word));
        } else if let Some(long) = arg.strip_prefix("--") {
            let (name, attached) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            let mut fitting = known.iter().filter(|option| option.name.starts_with(name));
            let exact = known.iter().find(|option| option.name == name);
            let option = match (exact, fitting.next(), fitting.next()) {
                (Some(option), ..) | (None, Some(option), None) => option,
                (None, Some(_), Some(_)) => return Err(error(format!("option '{arg}' is ambiguous"))),
                (None, None, _) => return Err(error(format!("unrecognized option '{arg}'"))),
            };
            let value = match option.takes {
                Takes::Nothing if attached.is_some() => {
                    return Err(error(format!("option '--{}' doesn't allow an argument", option.name)));
                }
                Takes::Word if attached.is_none() => match args.next() {
                    Some(value) => Some(value),
                    None => return Err(error(format!("option '--{}' requires an argument", option.name))),
                },
                Takes::Number => attached.or_else(|| args.next_if(is_number)),
                Takes::Nothing | Takes::Word => attached,
            };
            found.push(Argument::Option(option.letter, value));
        } else if let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            let mut rest = letters.chars();
            while let Some(letter) = rest.next() {
                let Some(option) = known.iter().find(|option| option.letter == letter) else {
                    return Err(error(format!("invalid option -- '{letter}'")));
                };
                let attached = Some(rest.as_str()).filter(|rest| !rest.is_empty());
                let value = match option.takes {
                    Takes::Nothing => None,
                    Takes::Word => match attached.or_else(|| args.next()) {
                        Some(value) => Some(value),
                        None => return Err(error(format!("option requires an argument -- '{letter}'"))),
                    },
                    Takes::Number => attached.or_else(|| args.next_if(is_number)),
                };
                found.push(Argument::Option(letter, value));
                if option.takes != Takes::Nothing {
                    break;
                }
            }
        } else {
            found.push(Argument::Word(arg));
        }
    }
    Ok(found)
}

fn is_number(text: &&str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pkttables::model::Family;

    const KNOWN: [Known; 4] = [
        option('c', "counters", Takes::Nothing),
        option('T', "table", Takes::Word),
        option('t', "test", Takes::Nothing),
        option('w', "wait", Takes::Number),
    ];

    fn said(line: &str) -> std::result::Result<String, String> {
        let personality = Personality { name: "p".into(), program: Program::Restore, family: Family::Ipv4 };
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        match read(&personality, &KNOWN, &args) {
            Ok(found) => Ok(found
                .iter()
                .map(|argument| match argument {
                    Argument::Option(letter, value) => format!("{letter}{}", value.unwrap_or_default()),
                    Argument::Word(word) => (*word).to_owned(),
                })
                .collect::<Vec<_>>()
                .join(" ")),
            Err(Failure::Plain(1, text)) => Err(text.lines().next().unwrap_or_default().to_owned()),
            Err(_) => Err("another failure".into()),
        }
    }

    #[test]
    fn options_are_read_as_getopt_does() {
        assert_eq!(said("-ct -Tnat -T raw file").as_deref(), Ok("c t Tnat Traw file"));
        assert_eq!(said("--count --table=nat --tab raw --te").as_deref(), Ok("c Tnat Traw t"));
        assert_eq!(said("-w 5 -w -w5 --wait=3 --wait x -- -c").as_deref(), Ok("w5 w w5 w3 w x -c"));
        assert_eq!(said("--t"), Err("p: option '--t' is ambiguous".into()));
        assert_eq!(said("--nosuch=1"), Err("p: unrecognized option '--nosuch=1'".into()));
        assert_eq!(said("-cx"), Err("p: invalid option -- 'x'".into()));
        assert_eq!(said("-T"), Err("p: option requires an argument -- 'T'".into()));
        assert_eq!(said("--table"), Err("p: option '--table' requires an argument".into()));
        assert_eq!(said("--counters=1"), Err("p: option '--counters' doesn't allow an argument".into()));
    }
}
