//! Names and numbers of sets, as the real kernel tells them.

use nfnetlink::Socket;
use pkttables::domain::SetName;
use pkttables::kernel::KernelSets;
use pkttables::model::Family;
use pkttables::registry::Sets;

fn name(text: &str) -> SetName {
    SetName::new(text.as_bytes()).expect("a name")
}

fn ipset(script: &str) -> bool {
    let Some(mut ipset) = testkit::program("ipset") else { return false };
    let _ = testkit::run(ipset.arg("restore"), script);
    true
}

#[test]
fn sets_are_found_by_name_and_number() {
    testkit::in_namespace(|| {
        if !ipset(
            "create four hash:ip\ncreate six hash:net family inet6\ncreate ports bitmap:port range 0-9\n",
        ) {
            return;
        }
        let sets = KernelSets::new(Socket::open);
        for (set, family) in [("four", Some(Family::Ipv4)), ("six", Some(Family::Ipv6)), ("ports", None)] {
            let entry = sets.find(&name(set)).expect(set);
            assert_eq!(entry.family, family, "{set}");
            assert_eq!(sets.name(entry.index), Some(name(set)));
        }
        assert_eq!(sets.find(&name("none")), None);
        assert_eq!(sets.name(999), None);
        assert!(sets.take_error().is_none());
    });
}

#[test]
fn a_renamed_set_is_seen_after_forgetting() {
    testkit::in_namespace(|| {
        if !ipset("create before hash:ip\n") {
            return;
        }
        let sets = KernelSets::new(Socket::open);
        let entry = sets.find(&name("before")).expect("the set");
        assert_eq!(sets.name(entry.index), Some(name("before")));
        assert!(ipset("rename before after\n"));
        sets.forget();
        assert_eq!(sets.find(&name("before")), None);
        assert_eq!(sets.find(&name("after")), Some(entry));
        assert_eq!(sets.name(entry.index), Some(name("after")));
    });
}

#[test]
fn who_may_not_ask_learns_why() {
    testkit::without_privilege(|| {
        let sets = KernelSets::new(Socket::open);
        assert_eq!(sets.find(&name("any")), None);
        assert!(matches!(sets.take_error(), Some(nfnetlink::Error::PermissionDenied)));
    });
}
