//! `-m cgroup`: asks in which control group the sender runs.

use crate::domain::Text;
use crate::extension;
use crate::model::{Families, Hooks, Negatable};
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, InfoReader, InfoWriter, Lister, ObjectKind, Outcome, Require, Revision,
};
use nfnetlink::wire::{DecodeError, EncodeError, Problem};

/// The `cgroup` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cgroup {
    /// The group, or one above it, in the unified hierarchy.
    pub path: Option<Negatable<Text<511>>>,
    /// The class in the older `net_cls` hierarchy.
    pub class: Option<Negatable<u32>>,
}

extension! {
    /// Match packets of this machine by the control group in which the sending process runs.
    ///
    /// Services and containers usually run in control groups of their own. In INPUT only those packets match for
    /// which the receiving socket has been found already, which is not always so.
    match "cgroup" => Cgroup {
        require: Require::ExactlyOne,
        by_kernel: true,
        hooks: Hooks::INPUT.union(Hooks::OUTPUT).union(Hooks::POSTROUTING),
    } params {
        /// The socket was made in this control group or in one below it.
        ///
        /// A path from the root of the unified hierarchy (version 2), such as `system.slice/cron.service`. The
        /// group must exist when the rule is added.
        [!] "path": Text<511> {
            set: |m, value, not| m.path = Some(Negatable { value, not }),
            get: |m| m.path.clone().map(Into::into),
            excludes: &["cgroup"],
            domain: &Domain::Object { kind: ObjectKind::Cgroup, max: 511 },
            by_kernel: true,
        }
        /// The sending process is of this class, a number set in the file `net_cls.classid` of its group (version 1).
        [!] "cgroup": u32 {
            set: |m, value, not| m.class = Some(Negatable { value, not }),
            get: |m| m.class.map(Into::into),
            excludes: &["path"],
        }
    }
}

impl Extension for Cgroup {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        let not =
            self.path.as_ref().map_or_else(|| self.class.is_some_and(|class| class.not), |path| path.not);
        context.environment.in_cgroup(self, packet).map_or(Outcome::NoMatch, |inside| (inside != not).into())
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        Some(match context.environment.in_cgroup(self, packet) {
            Some(true) => "its socket is in the control group".into(),
            Some(false) => "its socket is in another control group".into(),
            None => "no socket of it is known".into(),
        })
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 2,
            size: 528,
            families: Families::all(),
            encode: |m, w| {
                m.write_flags(w)?;
                match (&m.path, m.class) {
                    (Some(path), _) => w.c_string(path.value.as_str().as_bytes(), 512),
                    (None, class) => {
                        w.ne_u32(class.map_or(0, |class| class.value));
                        w.zeros(508);
                    }
                }
                w.zeros(12);
                Ok(())
            },
            decode: |r, _| {
                let flags = Flags::read(r)?;
                let mut class = **r;
                let path = r.c_string(512, "path")?;
                r.take(12, "kernel pointer")?;
                flags.cgroup(path, class.ne_u32("classid")?).map(Some)
            },
        },
        Revision {
            number: 1,
            size: 4112,
            families: Families::all(),
            encode: |m, w| {
                m.write_flags(w)?;
                w.c_string(m.path.as_ref().map_or("", |path| path.value.as_str()).as_bytes(), 4096);
                w.ne_u32(m.class.map_or(0, |class| class.value));
                w.zeros(8);
                Ok(())
            },
            decode: |r, _| {
                let flags = Flags::read(r)?;
                let (path, class) = (r.c_string(4096, "path")?, r.ne_u32("classid")?);
                r.take(8, "kernel pointer")?;
                flags.cgroup(path, class).map(Some)
            },
        },
        Revision {
            number: 0,
            size: 8,
            families: Families::all(),
            encode: |m, w| match (&m.path, m.class) {
                (None, Some(class)) => {
                    w.ne_u32(class.value);
                    w.ne_u32(class.not.into());
                    Ok(())
                }
                _ => Err(EncodeError::NotRepresentable("--path")),
            },
            decode: |r, _| {
                let class = Negatable { value: r.ne_u32("id")?, not: r.ne_u32("invert")? != 0 };
                Ok(Some(Self { path: None, class: Some(class) }))
            },
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, not, text| {
            out.add(format_args!(" cgroup {}{}", if not { "! " } else { "" }, text.trim_matches('"')));
        });
    }
}

impl Cgroup {
    fn write_flags(&self, w: &mut InfoWriter<'_>) -> Result<(), EncodeError> {
        if self.path.is_some() == self.class.is_some() {
            return Err(EncodeError::NotRepresentable("--path and --cgroup, or neither"));
        }
        w.u8(self.path.is_some().into());
        w.u8(self.class.is_some().into());
        w.u8(self.path.as_ref().is_some_and(|path| path.not).into());
        w.u8(self.class.is_some_and(|class| class.not).into());
        Ok(())
    }
}

/// The first four bytes of revisions 1 and 2.
struct Flags {
    has_path: bool,
    has_class: bool,
    not_path: bool,
    not_class: bool,
    error: DecodeError,
}

impl Flags {
    fn read(r: &mut InfoReader<'_>) -> Result<Self, DecodeError> {
        let error = r.error("control group", Problem::Missing);
        let [has_path, has_class, not_path, not_class] = r.array("flags")?.map(|flag: u8| flag != 0);
        Ok(Self { has_path, has_class, not_path, not_class, error })
    }

    fn cgroup(&self, path: &[u8], class: u32) -> Result<Cgroup, DecodeError> {
        match (self.has_path, self.has_class) {
            (true, false) => {
                let text = std::str::from_utf8(path).ok().and_then(|path| Text::new(path).ok());
                let value = text.ok_or(DecodeError { problem: Problem::String, ..self.error })?;
                Ok(Cgroup { path: Some(Negatable { value, not: self.not_path }), class: None })
            }
            (false, true) => {
                Ok(Cgroup { path: None, class: Some(Negatable { value: class, not: self.not_class }) })
            }
            _ => Err(self.error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Cgroup, Ipv4:
            "--cgroup 1" => same, "! --cgroup 0x10" => "! --cgroup 16", "--cgroup 4294967295" => same,
            "--path /" => "--path \"/\"", "! --path a-b" => same, "--path system.slice" => "--path \"system.slice\"",
            "--cgroup 1 --path /" => fails, "" => fails, "--path a --path b" => fails, "--cgroup 4294967296" => fails,
        }
        text_cases! { Cgroup, Ipv6: "! --cgroup 1" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Cgroup, Ipv4:
            "! --cgroup 16", 2 => "00010001 10000000", "! --path /", 2 => "01000100 2f",
            "--path /", 1 => "01000000 2f", "! --cgroup 16", 0 => "10000000 01",
        }
    }
}
