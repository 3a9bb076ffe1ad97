//! What targets report, and copies that they send; what helpers change.

use pkttables::model::Family;
use pkttables_eval::{Scenario, Setup};

fn scenario(rules: &str) -> Scenario {
    let setup = Setup::parse(Family::Ipv4, rules).unwrap();
    let setup = setup.route("10.1.0.0/16=in0").unwrap().route("10.2.0.0/16=out0").unwrap();
    Scenario::new(setup.route("10.4.0.0/16=out1").unwrap()).unwrap()
}

#[test]
fn lines_records_and_copies() {
    let mut scenario = scenario(
        "*mangle\n-A PREROUTING -j TEE --gateway 10.4.0.9\n-A PREROUTING -j TEE --gateway 10.9.0.9\n\
         -A OUTPUT -d 10.2.0.2 -j TEE --gateway 10.4.0.8\nCOMMIT\n\
         *filter\n-A FORWARD -j LOG --log-prefix \"web \" --log-level info\n\
         -A FORWARD -j NFLOG --nflog-group 3 --nflog-prefix seen --nflog-size 20\n-A OUTPUT -o out1 -j LOG\nCOMMIT\n",
    );
    let sent = scenario.send(
        "in=in0 src=10.1.0.2 dst=10.2.0.2 proto=udp sport=1000 dport=53 smac=02:00:00:00:00:01 dmac=02:00:00:00:00:02",
    );
    let line = "IN=in0 OUT=out0 MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 SRC=10.1.0.2 DST=10.2.0.2 LEN=28 TOS=0x00 PREC=0x00 \
                TTL=63 ID=0 PROTO=UDP SPT=1000 DPT=53 LEN=8 ";
    let copied = "IN= OUT=out1 SRC=10.1.0.2 DST=10.2.0.2 LEN=28 TOS=0x00 PREC=0x00 TTL=63 ID=0 DF PROTO=UDP SPT=1000 DPT=53 LEN=8 ";
    assert_eq!(sent.logs, [format!("web {line}"), copied.into()]);
    let [(group, prefix, bytes)] = &sent.records[..] else { panic!("{:?}", sent.records) };
    assert_eq!((*group, &**prefix, bytes.len()), (3, "seen", 20));
    // There is no route to the second gateway, and a copy is not copied.
    let [copy] = &sent.copies[..] else { panic!("{:?}", sent.copies) };
    assert_eq!((copy.gateway.to_string(), copy.output.to_string()), ("10.4.0.9".into(), "out1".into()));
    sent.expect_log("DPT=53").expect_nflog(3).expect_copy("10.4.0.9".parse().unwrap());
}

#[test]
fn what_ftp_says_is_translated() {
    let mut scenario = scenario(
        "*raw\n-A PREROUTING -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n\
         *nat\n-A POSTROUTING -o out0 -j SNAT --to-source 10.2.0.77\nCOMMIT\n\
         *filter\n:FORWARD DROP\n-A FORWARD -i in0 -j ACCEPT\n-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\nCOMMIT\n",
    );
    let client = "in=in0 src=10.1.0.9 dst=10.2.0.5 proto=tcp sport=4000 dport=21";
    let server = "in=out0 src=10.2.0.5 dst=10.2.0.77 proto=tcp sport=21 dport=4000";
    scenario.send(&format!("{client} seq=100")).expect_accept();
    scenario.send(&format!("{server} flags=syn,ack seq=500 ack=101")).expect_accept();
    scenario.send(&format!("{client} flags=ack,psh seq=101 ack=501 payload=0x4e4f4f500d0a")).expect_accept();
    let port = "504f52542031302c312c302c392c382c310d0a";
    let changed = "504f52542031302c322c302c37372c382c310d0a";
    scenario
        .send(&format!("{client} flags=ack,psh seq=107 ack=501 payload=0x{port}"))
        .expect_field("payload", &format!("0x{changed}"))
        .expect_field("length", "60");
    // The server has received a byte more than the client sent.
    scenario.send(&format!("{server} flags=ack seq=501 ack=127")).expect_accept();
    let data = scenario.send("in=out0 src=10.2.0.5 dst=10.2.0.77 proto=tcp sport=20 dport=2049");
    data.expect_rule("filter:FORWARD:2").expect_field("dst", "10.1.0.9").expect_field("dport", "2049");
    scenario.send("in=out0 src=10.2.0.5 dst=10.2.0.77 proto=tcp sport=20 dport=2050").expect_drop();
}
