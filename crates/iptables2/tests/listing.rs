//! Rows of `-L` compared with what iptables 1.8.11 shows.

use std::process::Command;

#[test]
fn rules_are_listed_as_iptables_lists_them() {
    let text = include_str!("data/listing.txt");
    let mut rules: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match (line.strip_prefix("  "), rules.last_mut()) {
            (Some(row), Some((_, rows))) => rows.push(row),
            _ => rules.push((line, Vec::new())),
        }
    }
    assert!(rules.len() > 100);
    let mut different = Vec::new();
    for (rule, expected) in rules {
        let words: Vec<&str> = rule.split(' ').collect();
        let [program, "-t", table, "-A", chain, ..] = words.as_slice() else { panic!("{rule}") };
        let run = |arguments: &str| {
            // The shell takes care of the quotes.
            let program = env!("CARGO_BIN_EXE_iptables2");
            let output = Command::new("/bin/sh").args(["-c", &format!("'{program}' {arguments}")]).output();
            let output = output.expect("a shell");
            assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
        };
        let rows = testkit::in_namespace(|| {
            let _ = run(rule);
            let listing = format!("{program} -t {table} -L {chain} 1");
            [run(&format!("{listing} -n")), run(&listing)]
        });
        let Some(rows) = rows else { return };
        for (row, expected) in rows.iter().zip(expected) {
            if row != expected {
                different.push(format!("{rule}\n  {row}\nis not\n  {expected}"));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn headings_counters_and_numbers() {
    let text = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [7:800]\n:OUTPUT ACCEPT [0:0]\n:a - [0:0]\n\
        [123456:99999] -A INPUT -j a\n[5:6] -A INPUT -i lo -g a\nCOMMIT\n";
    testkit::in_namespace(|| {
        let program = env!("CARGO_BIN_EXE_iptables2");
        let run = |args: &str| testkit::run(Command::new(program).args(args.split(' ')), text);
        let _ = run("iptables-restore -c");
        let expected = "\
Chain INPUT (policy ACCEPT 0 packets, 0 bytes)
num   pkts bytes target     prot opt in     out     source               destination         
1     123K 99999 a          all  --  *      *       0.0.0.0/0            0.0.0.0/0           
2        5     6 a          all  --  lo     *       0.0.0.0/0            0.0.0.0/0           [goto] 

Chain FORWARD (policy DROP 7 packets, 800 bytes)
num   pkts bytes target     prot opt in     out     source               destination         

Chain OUTPUT (policy ACCEPT 0 packets, 0 bytes)
num   pkts bytes target     prot opt in     out     source               destination         

Chain a (2 references)
num   pkts bytes target     prot opt in     out     source               destination         
";
        assert_eq!(run("iptables -L -v -n --line-numbers"), expected);
        let expected = "\
Chain INPUT (policy ACCEPT 0 packets, 0 bytes)
    pkts      bytes target     prot opt in     out     source               destination         
  123456    99999 a          all  --  any    any     anywhere             anywhere            
       5        6 a          all  --  lo     any     anywhere             anywhere            [goto] 
";
        assert_eq!(run("iptables -L INPUT -v -x"), expected);
    });
}
