use super::*;
use crate::model::Family;
use crate::registry::testing::{check_text, text_cases};
use crate::registry::{Describe, NoSets, Scope};
use proptest::prelude::*;

#[test]
fn packets() {
    text_cases! { Hashlimit, Ipv4:
        "--hashlimit-above 1000000/sec --hashlimit-burst 5 --hashlimit-name mini1" => same,
        "--hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-mode srcip,dstport --hashlimit-name a.b" => same,
        "--hashlimit 5 --hashlimit-name x" => "--hashlimit-upto 5/sec --hashlimit-burst 5 --hashlimit-name x",
        "! --hashlimit-above 5/min --hashlimit-name x"
            => "--hashlimit-upto 5/min --hashlimit-burst 5 --hashlimit-name x",
        "! --hashlimit-upto 5/min --hashlimit-name x"
            => "--hashlimit-above 5/min --hashlimit-burst 5 --hashlimit-name x",
        "--hashlimit-upto 60/min --hashlimit-name x"
            => "--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name x --hashlimit-htable-expire 60000",
        "--hashlimit-upto 1/s --hashlimit-mode dstport|dstip|srcport|srcip --hashlimit-name x"
            => "--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-mode srcip,srcport,dstip,dstport --hashlimit-name x",
        "--hashlimit-upto 1/sec --hashlimit-burst 1 --hashlimit-mode dstip --hashlimit-name mini1 --hashlimit-htable-size 16 --hashlimit-htable-max 2000 --hashlimit-htable-gcinterval 60000 --hashlimit-htable-expire 2000 --hashlimit-srcmask 24 --hashlimit-dstmask 8" => same,
        "--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name x --hashlimit-srcmask 255.255.0.0 --hashlimit-dstmask 32"
            => "--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name x --hashlimit-srcmask 16",
        "--hashlimit-upto 5/sec --hashlimit-burst 0xc123b --hashlimit-name x"
            => "--hashlimit-upto 5/sec --hashlimit-burst 791099 --hashlimit-name x",
        "--hashlimit-upto 5/sec --hashlimit-name x --hashlimit-rate-match --hashlimit-rate-interval 010"
            => "--hashlimit-upto 5/sec --hashlimit-burst 5 --hashlimit-name x --hashlimit-rate-match --hashlimit-rate-interval 10",
        "--hashlimit-upto 5/sec --hashlimit-name x --hashlimit-rate-match --hashlimit-rate-interval 0x10" => fails,
        "--hashlimit-upto 1000001/sec --hashlimit-name x" => fails,
        "--hashlimit-upto 0/sec --hashlimit-name x" => fails,
        "--hashlimit-upto 1/sec --hashlimit-burst 0 --hashlimit-name x" => fails,
        "--hashlimit-upto 1/sec --hashlimit-burst 1000001 --hashlimit-name x" => fails,
        "--hashlimit-upto 1/sec --hashlimit-burst 1mb --hashlimit-name x" => fails,
        "--hashlimit-upto 1/sec --hashlimit-mode foo --hashlimit-name x" => fails,
        "--hashlimit-upto 1/sec --hashlimit-above 1/sec --hashlimit-name x" => fails,
        "--hashlimit-upto 1/sec --hashlimit 1/sec --hashlimit-name x" => fails,
        "--hashlimit-upto 1/sec --hashlimit-name x --hashlimit-srcmask 33" => fails,
        "--hashlimit-upto 1/sec --hashlimit-name a/b" => fails,
        "--hashlimit-upto 1/sec --hashlimit-name x --hashlimit-htable-expire 0" => fails,
        "--hashlimit-upto 1/sec --hashlimit-name x --hashlimit-htable-gcinterval 0" => fails,
        "--hashlimit-upto 1/sec" => fails, "--hashlimit-name x" => fails, "" => fails,
    }
    text_cases! { Hashlimit, Ipv6:
        "--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name x --hashlimit-srcmask 64" => same,
        "--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name x --hashlimit-srcmask 128"
            => "--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name x",
    }
}

#[test]
fn bytes() {
    text_cases! { Hashlimit, Ipv4:
        "--hashlimit-upto 4kb/s --hashlimit-burst 400kb --hashlimit-name mini5" => same,
        "--hashlimit-upto 10mb/s --hashlimit-name mini6" => same,
        "--hashlimit-upto 123456b/s --hashlimit-burst 1mb --hashlimit-name mini7" => same,
        "--hashlimit-above 512kb/sec --hashlimit-burst 1mb --hashlimit-name a"
            => "--hashlimit-above 512kb/s --hashlimit-burst 1mb --hashlimit-name a",
        "--hashlimit-upto 2mb/s --hashlimit-burst 4294967296b --hashlimit-name a" => fails,
        "--hashlimit-upto 0b/s --hashlimit-name a" => fails,
        "--hashlimit-upto kb/s --hashlimit-name a" => fails,
        "--hashlimit-upto 1gb/s --hashlimit-name a" => fails,
        "--hashlimit-upto 1mb/min --hashlimit-name a" => fails,
        "--hashlimit-upto 99999999mb/s --hashlimit-name a" => fails,
        "--hashlimit-upto 34359738351b/s --hashlimit-name a" => "--hashlimit-upto 34359738336b/s --hashlimit-name a",
        "--hashlimit-upto 34359738352b/s --hashlimit-name a" => fails,
        "--hashlimit-upto 1mb/s --hashlimit-burst 1kb --hashlimit-name a" => fails,
        "--hashlimit-upto 10b/s --hashlimit-burst 1kb --hashlimit-name a" => fails,
    }
}

#[test]
fn measuring() {
    text_cases! { Hashlimit, Ipv4:
        "--hashlimit-upto 40mb/s --hashlimit-mode srcip --hashlimit-name rate4 --hashlimit-rate-match --hashlimit-rate-interval 10" => same,
        "--hashlimit-upto 40mb/s --hashlimit-name r --hashlimit-rate-match" => same,
        "--hashlimit-upto 7/sec --hashlimit-burst 5 --hashlimit-name r --hashlimit-rate-match" => same,
        "--hashlimit-upto 120/min --hashlimit-name r --hashlimit-rate-match"
            => "--hashlimit-upto 120/sec --hashlimit-burst 5 --hashlimit-name r --hashlimit-htable-expire 60000 --hashlimit-rate-match --hashlimit-rate-interval 60",
        "--hashlimit-upto 7/sec --hashlimit-name r --hashlimit-rate-interval 0" => fails,
    }
}

#[test]
fn revision_1_counts_coarser() {
    let parse = |text: &str| crate::registry::testing::parse::<Hashlimit>(Family::Ipv4, text).expect(text);
    let encodes =
        |text, revision| parse(text).encode(revision, Family::Ipv4, &NoSets, &mut Vec::new()).is_ok();
    for fine in [
        "--hashlimit-upto 1000000/sec --hashlimit-name x",
        "--hashlimit-upto 1/sec --hashlimit-name a234567890123456",
    ] {
        assert!(encodes(fine, 2) && !encodes(fine, 1), "{fine}");
    }
    assert!(encodes("--hashlimit-upto 3/sec --hashlimit-name x", 1));
    assert!(!encodes("--hashlimit-upto 3/sec --hashlimit-name x --hashlimit-rate-match", 2));
}

proptest! {
    #[test]
    fn any_rate_survives(count in 1..1_000_000_u64, unit in 0..7_usize, burst in 1..=1_000_000_u64, seconds: bool) {
        let units = ["/sec", "/min", "/hour", "/day", "b/s", "kb/s", "mb/s"];
        let unit = units[unit];
        let burst = if unit.ends_with("b/s") { format!("{burst}mb") } else { burst.to_string() };
        let measure = if seconds { "--hashlimit-rate-match" } else { "" };
        let text = format!("--hashlimit-above {count}{unit} --hashlimit-burst {burst} --hashlimit-name x {measure}");
        if let Ok(saved) = check_text::<Hashlimit>(Family::Ipv4, &text) {
            prop_assert!(check_text::<Hashlimit>(Family::Ipv4, &saved).is_ok() || !measure.is_empty(), "{}", saved);
        } else {
            prop_assert!(unit.ends_with("b/s"));
        }
    }

    #[test]
    fn what_decodes_encodes_to_the_same_meaning(
        bytes in proptest::collection::vec(any::<u8>(), 312),
        revision in 1..=3_u8,
    ) {
        let mut bytes = bytes;
        // A name, and a mode that exists.
        bytes[..2].copy_from_slice(b"a\0");
        bytes[17..20].fill(0);
        bytes[16] &= 0x3f;
        bytes[273..276].fill(0);
        bytes[272] &= 0x3f;
        let decode = |bytes: &[u8]| Hashlimit::DESCRIPTOR.decode(revision, Family::Ipv6, bytes, &NoSets);
        let first = decode(&bytes).expect("hashlimit").expect("a rule");
        let mut again = Vec::new();
        if first.encode(revision, Family::Ipv6, &NoSets, &mut again).is_ok() {
            let second = decode(&again).expect("hashlimit").expect("what was just encoded");
            prop_assert!(first.equals(&*second));
        }
        let scope = Scope { family: Family::Ipv6, protocol: None };
        prop_assert!(crate::registry::testing::print(&*first, &scope).contains("--hashlimit-name a"));
    }
}
