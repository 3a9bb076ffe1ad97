//! The ranges of numbers that descriptions give, against those of the running kernel: it takes both ends, and what lies
//! just outside it refuses, unless it is iptables that is stricter.

mod common;

use common::{build, draws, extensions, header, line, objects, options};
use nfnetlink::Socket;
use pkttables::kernel::{Kernel, KernelError, NewRule, Transaction};
use pkttables::model::{Family, Hook, Match, Opaque, Rule, TableName, Target};
use pkttables::nft::RuleError;
use pkttables::registry::{Descriptor, Domain, Instance, Kind, NoSets, ObjectKind, Param};
use testkit::in_namespace;

/// Numbers just outside that the kernel takes and iptables refuses.
const STRICTER: [(&str, &str); 10] = [
    ("conntrack", "ctproto"),
    ("dccp", "dccp-option"),
    ("ecn", "ecn-ip-ect"),
    ("hashlimit", "hashlimit-burst"),
    ("hashlimit", "hashlimit-rate-interval"),
    ("limit", "limit-burst"),
    ("recent", "seconds"),
    ("statistic", "every"),
    ("tcp", "tcp-option"),
    ("ECN", "ecn-tcp-ece"),
];

/// An extension of which the hooks depend on a value: what is to come in cannot be asked of what goes out.
const BY_VALUE: &str = "policy";

/// An option that the kernels of Android alone take.
const ANDROID: &str = "send_nl_msg";

/// A parameter that takes numbers, and where a rule with it may stand.
struct Subject {
    descriptor: &'static Descriptor,
    param: &'static Param,
    family: Family,
    place: (TableName, Hook),
    min: u64,
    max: u64,
}

/// The numbers that a value, or a part of it, can be.
fn range(domain: &Domain) -> Option<(u64, u64)> {
    match *domain {
        Domain::Integer { min, max, .. } | Domain::Decimal { min, max, .. } => Some((min, max)),
        Domain::Range { of, .. } => range(of),
        Domain::OneOf(kinds) => kinds.iter().find_map(range),
        _ => None,
    }
}

fn subjects() -> impl Iterator<Item = Subject> {
    let params = extensions().filter(|(descriptor, _)| descriptor.name != BY_VALUE).flat_map(
        |(descriptor, family)| descriptor.params.iter().map(move |param| (descriptor, param, family)),
    );
    params.filter(|(_, param, family)| param.families.has(*family)).filter_map(
        |(descriptor, param, family)| {
            let (min, max) = range(param.domain)?;
            let hooks = descriptor.hooks.intersection(param.hooks);
            let places = TableName::ALL.into_iter().flat_map(|table| {
                table
                    .hooks()
                    .iter()
                    .filter(move |hook| hooks.contains(hook.as_set()))
                    .map(move |hook| (table, *hook))
            });
            let place = places.into_iter().find(|(table, _)| descriptor.tables.contains(table.as_set()))?;
            Some(Subject { descriptor, param, family, place, min, max })
        },
    )
}

impl Subject {
    fn is_stricter(&self) -> bool {
        STRICTER.contains(&(self.descriptor.name, self.param.name))
    }

    /// An instance in which the parameter has this value, with as few others as the description allows, and as it is
    /// written; nothing if something of the system must be there for it.
    fn with(&self, value: u64) -> Option<(String, Box<dyn Instance>)> {
        const MADE_BY_RULES: [ObjectKind; 4] =
            [ObjectKind::Timer, ObjectKind::RecentList, ObjectKind::User, ObjectKind::Group];
        (0..200).find_map(|seed| {
            let mut given = options(self.descriptor, self.family, self.place.1.as_set(), &mut draws(seed));
            let own = given.iter_mut().find(|one| one.param.name == self.param.name)?;
            (own.value, own.not) = (value.to_string(), false);
            let mut objects = given.iter().flat_map(|one| objects(one.param.domain));
            if objects.any(|object| !MADE_BY_RULES.contains(&object))
                || given.iter().any(|one| one.param.name == ANDROID)
            {
                return None;
            }
            let made = build(self.descriptor, self.family, &header(self.descriptor), &given).ok()?;
            Some((line(self.descriptor, &given), made))
        })
    }

    /// The structure of the newest revision for the end of the range, with `outside` in its place; nothing if the number
    /// is not found in it or has no room there. It is found by what is different for `beside`.
    fn patched(&self, end: u64, beside: u64, outside: u64) -> Option<Opaque> {
        let revision = self.descriptor.revisions(self.family).next()?.number;
        let bytes = |value| {
            let mut bytes = Vec::new();
            let (_, made) = self.with(value)?;
            made.encode(revision, self.family, &NoSets, &mut bytes).ok()?;
            Some(bytes)
        };
        let (mut info, other) = (bytes(end)?, bytes(beside)?);
        let first = info.iter().zip(&other).position(|(one, other)| one != other)?;
        [1, 2, 4, 8].into_iter().find_map(|width| {
            let field = info.get_mut(first - first % width..)?.get_mut(..width)?;
            let number = |text: u64| text.to_le_bytes().get(..width).map(<[u8]>::to_vec);
            let fits = |number: u64| width == 8 || number >> (8 * width) == 0;
            (fits(end) && fits(outside) && *field == *number(end)?).then(|| number(outside)).flatten().map(
                |new| {
                    field.copy_from_slice(&new);
                },
            )
        })?;
        Some(Opaque { name: self.descriptor.xt_name.into(), revision, info: info.into() })
    }

    /// The instance, or the structure, in an otherwise empty rule.
    fn rule(&self, part: Result<Box<dyn Instance>, Opaque>) -> Rule {
        let mut rule = Rule { header: header(self.descriptor), ..Rule::default() };
        match (self.descriptor.kind, part) {
            (Kind::Match, Ok(part)) => rule.matches.push(Match::Known(part)),
            (Kind::Match, Err(part)) => rule.matches.push(Match::Opaque(part)),
            (Kind::Target, Ok(part)) => rule.target = Target::Known(part),
            (Kind::Target, Err(part)) => rule.target = Target::Opaque(part),
        }
        rule
    }

    /// Whether the kernel takes a rule; nothing if it lacks the extension.
    fn is_taken(&self, kernel: &mut Kernel<Socket>, rule: &Rule) -> Option<bool> {
        let (table, hook) = self.place;
        let mut transaction = Transaction::new();
        let mut edit = transaction.table(self.family, table);
        edit.clear(0).expect("room");
        edit.create_builtin(0, hook).expect("room");
        match edit.add_rule(1, &NewRule::append(hook.chain(), rule), kernel) {
            Ok(()) => {}
            Err(KernelError::Rule(RuleError::Unsupported { .. })) => return None,
            Err(error) => panic!("{}: {error}", self.descriptor.name),
        }
        match kernel.commit(transaction) {
            Ok(_) => Some(true),
            Err(KernelError::Refused(_)) => Some(false),
            Err(error) => panic!("{}: {error}", self.descriptor.name),
        }
    }
}

#[test]
fn both_ends_are_taken() {
    in_namespace(|| {
        let mut kernel = Kernel::open().expect("a socket");
        let (mut taken, mut refused) = (0, Vec::new());
        for subject in subjects() {
            for end in [subject.min, subject.max] {
                let Some((line, made)) = subject.with(end) else { continue };
                match subject.is_taken(&mut kernel, &subject.rule(Ok(made))) {
                    Some(true) => taken += 1,
                    Some(false) => refused.push(line),
                    None => {}
                }
            }
        }
        println!("{taken} ends are taken");
        assert!(refused.is_empty(), "{}", refused.join("\n"));
        assert!(taken > 250, "only {taken}");
    });
}

#[test]
fn what_lies_outside_is_refused() {
    in_namespace(|| {
        let mut kernel = Kernel::open().expect("a socket");
        let (mut refused, mut taken) = (0, Vec::new());
        for subject in subjects() {
            let below = subject.min.checked_sub(1).map(|outside| (subject.min, subject.min + 1, outside));
            // What fills a field of the kernel has nothing beyond it.
            let above = Some(subject.max).filter(|max| ![8, 16, 32, 64].contains(&max.trailing_ones()));
            let above = above.map(|max| (max, max - 1, max + 1));
            for (end, beside, outside) in below.into_iter().chain(above) {
                let Some(patched) = subject.patched(end, beside, outside) else { continue };
                match subject.is_taken(&mut kernel, &subject.rule(Err(patched))) {
                    Some(true) if !subject.is_stricter() => {
                        taken.push(format!("{} --{} {outside}", subject.descriptor.name, subject.param.name));
                    }
                    Some(true) | None => {}
                    Some(false) => refused += 1,
                }
            }
        }
        println!("{refused} numbers are refused");
        assert!(taken.is_empty(), "{}", taken.join("\n"));
        assert!(refused > 20, "only {refused}");
    });
}
