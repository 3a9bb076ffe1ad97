use iptables2::{capture as captures, scenario_file as scenarios};
use pkttables::packet::InterfaceName;

/// A capture, pcapng or pcap. Every packet is as long as its capture says, and errors tell where they are.
pub fn capture(bytes: &[u8]) {
    let mut last = 0;
    let read = captures::read(bytes, InterfaceName::new(b"eth0"), |number, packet| {
        assert_eq!(number, last + 1);
        assert!(packet.bytes.len() <= bytes.len(), "more than there is");
        last = number;
        Ok(())
    });
    if let Err(error) = read {
        assert!(!error.is_empty());
    }
}

/// A file of tests for rulesets.
pub fn scenario_file(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let file: scenarios::File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let _ = error.to_string();
            return;
        }
    };
    for packet in file.tests.iter().flat_map(|test| &test.packets) {
        let words = packet.send.as_ref();
        let _ = (words.text(), words.pairs());
    }
}
