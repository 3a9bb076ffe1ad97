//! Rules that ask about other connections than the packet's.

use pkttables::model::Family;
use pkttables_eval::{Scenario, Setup};

/// As the kernel (6.18) counts: connections that ended do not count, and a packet of one that ended leaves the count as
/// it is.
#[test]
fn connections_of_a_host_are_counted_while_they_are_open() {
    let rules =
        "*filter\n:FORWARD ACCEPT\n-A FORWARD -i in0 -m connlimit --connlimit-above 2 -j DROP\nCOMMIT\n";
    let setup = Setup::parse(Family::Ipv4, rules).unwrap();
    let setup = setup.route("10.1.0.0/16=in0").unwrap().route("10.2.0.0/16=out0").unwrap();
    let mut scenario = Scenario::new(setup).unwrap();
    let mut time = 0;
    let mut client = |port: u16, rest: &str| {
        time += 100;
        scenario
            .send(&format!(
                "in=in0 src=10.1.0.9 dst=10.2.0.5 proto=tcp sport={port} dport=80 time={time}ms {rest}"
            ))
            .verdict
            .name()
    };
    assert_eq!([1, 2, 3].map(|port| client(port, "")), ["accept", "accept", "drop"]);
    // The third was not let through, so it does not count any more once that is looked at.
    assert_eq!(client(1, "flags=rst seq=1"), "accept");
    assert_eq!([4, 3].map(|port| client(port, "")), ["accept", "drop"]);
}
