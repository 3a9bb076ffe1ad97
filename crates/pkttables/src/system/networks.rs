use super::{entries, read};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

/// The name of an IPv4 network by its first address, as `/etc/networks` has it; the file is read once.
#[must_use]
pub fn network_name(address: IpAddr) -> Option<String> {
    static NETWORKS: LazyLock<Vec<(Ipv4Addr, String)>> = LazyLock::new(|| parse(&read("/etc/networks")));
    let found = NETWORKS.iter().find(|(network, _)| IpAddr::V4(*network) == address);
    found.map(|(_, name)| name.clone())
}

/// Reads lines `name network [alias]...`; the network's last octets may be left out if they are zero.
fn parse(text: &str) -> Vec<(Ipv4Addr, String)> {
    let entry = |(name, network): (&str, &str)| {
        let mut octets = [0; 4];
        for (place, octet) in network.split('.').enumerate() {
            *octets.get_mut(place)? = octet.parse().ok()?;
        }
        Some((octets.into(), name.to_owned()))
    };
    entries(text).filter_map(|mut words| entry((words.next()?, words.next()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_file() {
        let networks = parse(
            "# comment\ndefault 0.0.0.0\nloopback\t127\nlan 10.1.2 home\nbad\nworse x.y\nlong 1.2.3.4.5\n",
        );
        let told: Vec<String> = networks.iter().map(|(address, name)| format!("{name} {address}")).collect();
        assert_eq!(told, ["default 0.0.0.0", "loopback 127.0.0.0", "lan 10.1.2.0"]);
    }
}
