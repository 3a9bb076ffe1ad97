//! Beside the rules of Docker, firewalld and kube-proxy (`data/others`: their layouts, made by iptables-nft and nft), what
//! docs/coexisting.md says.

use std::process::Command;
use testkit::{in_namespace, program, run};

const DOCKER: &str = include_str!("data/others/docker.rules");
const KUBE: &str = include_str!("data/others/kube.rules");
const OTHERS: [&str; 2] =
    [include_str!("data/others/firewalld.nft"), include_str!("data/others/kube-proxy.nft")];
const MINE: &str =
    "*filter\n:INPUT ACCEPT [0:0]\n:mine-in - [0:0]\n-A mine-in -p tcp --dport 22 -j ACCEPT\nCOMMIT\n";

/// Runs the program with arguments and an input.
fn ours(words: &str, input: &str) -> String {
    run(Command::new(env!("CARGO_BIN_EXE_iptables2")).args(words.split_whitespace()), input)
}

/// Runs another program, which was found before.
fn theirs(name: &str, words: &str, input: &str) -> String {
    run(program(name).expect(name).args(words.split_whitespace()), input)
}

fn nft(words: &str) -> String {
    theirs("nft", words, "")
}

/// Gives the namespace the rules of all of them; false if a program is missing.
fn load() -> bool {
    if program("nft").is_none() || program("iptables-nft-restore").is_none() {
        return false;
    }
    theirs("iptables-nft-restore", "-w", DOCKER);
    theirs("iptables-nft-restore", "--noflush", KUBE);
    for (chain, callee) in
        [("PREROUTING", "KUBE-SERVICES"), ("OUTPUT", "KUBE-SERVICES"), ("POSTROUTING", "KUBE-POSTROUTING")]
    {
        theirs("iptables-nft", &format!("-t nat -I {chain} -j {callee}"), "");
    }
    OTHERS.iter().for_each(|text| drop(theirs("nft", "-f -", text)));
    true
}

/// A save file without comments.
fn saved(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn what_others_made_reads_the_same_and_edits_leave_it_alone() {
    in_namespace(|| {
        if !load() {
            return;
        }
        let before = nft("list ruleset");
        assert_eq!(saved(&ours("iptables-save", "")), saved(&theirs("iptables-nft-save", "", "")));

        ours("iptables -I DOCKER-USER -s 203.0.113.0/24 -j DROP", "");
        let user = theirs("iptables-nft", "-S DOCKER-USER", "");
        assert_eq!(
            user,
            "-N DOCKER-USER\n-A DOCKER-USER -s 203.0.113.0/24 -j DROP\n-A DOCKER-USER -j RETURN\n"
        );
        ours("iptables -D DOCKER-USER -s 203.0.113.0/24 -j DROP", "");
        assert_eq!(nft("list ruleset"), before);

        ours("apply --prefix mine- -", MINE);
        let mine = "\n\n\tchain mine-in {\n\t\ttcp dport 22 counter packets 0 bytes 0 accept\n\t}";
        let with_mine = nft("list ruleset");
        assert_eq!(with_mine.replacen(mine, "", 1), before);
        ours("iptables-restore --noflush", MINE);
        assert_eq!(nft("list ruleset"), with_mine);
        // It writes its chains again while ours are there.
        theirs("iptables-nft-restore", "--noflush", KUBE);
        assert_eq!(saved(&ours("iptables-save", "")), saved(&theirs("iptables-nft-save", "", "")));
        assert!(nft("list ruleset").contains("chain mine-in"));
    });
}

#[test]
fn a_whole_table_takes_others_rules_of_that_table_away_and_nothing_else() {
    in_namespace(|| {
        if !load() {
            return;
        }
        let others = ["inet firewalld", "ip kube-proxy", "ip nat", "ip mangle"];
        let list = || others.map(|table| nft(&format!("list table {table}")));
        let before = list();
        let told = run(Command::new(env!("CARGO_BIN_EXE_iptables2")).args(["apply", "--dry-run", "-"]), MINE);
        assert!(told.contains("-A FORWARD -j DOCKER-USER"), "{told}");
        ours("apply -", MINE);
        assert!(!ours("iptables-save -t filter", "").contains("DOCKER"));
        assert_eq!(list(), before);
    });
}

#[test]
fn a_foreign_rule_stays_until_its_chain_is_flushed() {
    in_namespace(|| {
        if !load() {
            return;
        }
        nft("add rule ip filter INPUT tcp dport { 1, 2 } accept");
        let has_it = || nft("list chain ip filter INPUT").contains("dport { 1, 2 }");
        assert!(ours("iptables -S INPUT", "").contains("# foreign rule in INPUT"));
        ours("iptables -A INPUT -p udp -j DROP", "");
        ours("apply -", MINE);
        ours("iptables-restore --noflush", MINE);
        assert!(has_it());
        ours("iptables -F INPUT", "");
        assert!(!has_it());
    });
}
