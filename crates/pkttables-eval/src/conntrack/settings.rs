use thiserror::Error;

/// Why a kernel setting was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingError {
    /// Connection tracking has no setting of this name.
    #[error("no such setting of connection tracking")]
    Unknown,
    /// The value is not a number the setting takes.
    #[error("not a number this setting takes")]
    Value,
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $field:ident: $sysctl:literal = $default:literal;)+) => {
        /// The kernel settings of connection tracking and of reassembly, with the kernel's defaults; times in seconds.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $field: u32,)+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Settings {
            /// The names of all settings below `net.netfilter` or `net.ipv4`.
            pub const NAMES: &'static [&'static str] = &[$($sysctl,)+];

            /// The value of a setting by its sysctl name, with or without the path before it.
            #[must_use]
            pub fn get(&self, name: &str) -> Option<u32> {
                match last_word(name) {
                    $($sysctl => Some(self.$field),)+
                    _ => None,
                }
            }

            fn place(&mut self, name: &str) -> Option<&mut u32> {
                match last_word(name) {
                    $($sysctl => Some(&mut self.$field),)+
                    _ => None,
                }
            }
        }
    };
}

settings! {
    /// Packets and bytes are counted per direction.
    acct: "nf_conntrack_acct" = 0;
    /// Checksums of incoming packets are verified.
    checksum: "nf_conntrack_checksum" = 1;
    /// The most connections at a time; 0 for no limit.
    max: "nf_conntrack_max" = 262_144;
    /// The most expectations at a time.
    expect_max: "nf_conntrack_expect_max" = 4096;
    /// Connections of protocols without a tracker.
    generic: "nf_conntrack_generic_timeout" = 600;
    /// GRE seen in one direction.
    gre: "nf_conntrack_gre_timeout" = 30;
    /// GRE seen in both directions.
    gre_stream: "nf_conntrack_gre_timeout_stream" = 180;
    /// ICMP queries.
    icmp: "nf_conntrack_icmp_timeout" = 30;
    /// ICMPv6 queries.
    icmpv6: "nf_conntrack_icmpv6_timeout" = 30;
    /// UDP unless a stream.
    udp: "nf_conntrack_udp_timeout" = 30;
    /// UDP answered and still in use after two seconds.
    udp_stream: "nf_conntrack_udp_timeout_stream" = 120;
    /// TCP packets outside the window are not invalid.
    tcp_be_liberal: "nf_conntrack_tcp_be_liberal" = 0;
    /// An RST outside the window is not invalid.
    tcp_ignore_invalid_rst: "nf_conntrack_tcp_ignore_invalid_rst" = 0;
    /// Connections are picked up in the middle.
    tcp_loose: "nf_conntrack_tcp_loose" = 1;
    /// Retransmissions after which the timeout shrinks.
    tcp_max_retrans: "nf_conntrack_tcp_max_retrans" = 3;
    /// TCP after a SYN.
    tcp_syn_sent: "nf_conntrack_tcp_timeout_syn_sent" = 120;
    /// TCP after SYN and SYN+ACK.
    tcp_syn_recv: "nf_conntrack_tcp_timeout_syn_recv" = 60;
    /// TCP, established.
    tcp_established: "nf_conntrack_tcp_timeout_established" = 432_000;
    /// TCP after the first FIN.
    tcp_fin_wait: "nf_conntrack_tcp_timeout_fin_wait" = 120;
    /// TCP after the first FIN was acknowledged.
    tcp_close_wait: "nf_conntrack_tcp_timeout_close_wait" = 60;
    /// TCP after both FINs.
    tcp_last_ack: "nf_conntrack_tcp_timeout_last_ack" = 30;
    /// TCP after the last acknowledgement.
    tcp_time_wait: "nf_conntrack_tcp_timeout_time_wait" = 120;
    /// TCP after an RST.
    tcp_close: "nf_conntrack_tcp_timeout_close" = 10;
    /// TCP that retransmits.
    tcp_retrans: "nf_conntrack_tcp_timeout_max_retrans" = 300;
    /// TCP with data not yet acknowledged.
    tcp_unacknowledged: "nf_conntrack_tcp_timeout_unacknowledged" = 300;
    /// SCTP, closed.
    sctp_closed: "nf_conntrack_sctp_timeout_closed" = 10;
    /// SCTP after INIT ACK.
    sctp_cookie_wait: "nf_conntrack_sctp_timeout_cookie_wait" = 3;
    /// SCTP after COOKIE ECHO.
    sctp_cookie_echoed: "nf_conntrack_sctp_timeout_cookie_echoed" = 3;
    /// SCTP, established.
    sctp_established: "nf_conntrack_sctp_timeout_established" = 210;
    /// SCTP after SHUTDOWN from the first side.
    sctp_shutdown_sent: "nf_conntrack_sctp_timeout_shutdown_sent" = 3;
    /// SCTP after SHUTDOWN from the other side.
    sctp_shutdown_recd: "nf_conntrack_sctp_timeout_shutdown_recd" = 3;
    /// SCTP after SHUTDOWN ACK.
    sctp_shutdown_ack_sent: "nf_conntrack_sctp_timeout_shutdown_ack_sent" = 3;
    /// SCTP opened by a HEARTBEAT.
    sctp_heartbeat_sent: "nf_conntrack_sctp_timeout_heartbeat_sent" = 30;
    /// IPv4 fragments that wait for the others.
    ipfrag_time: "ipfrag_time" = 30;
    /// IPv6 fragments that wait for the others.
    frag6_timeout: "nf_conntrack_frag6_timeout" = 60;
}

impl Settings {
    /// Changes a setting by its sysctl name: `net.netfilter.nf_conntrack_max`, with slashes, or the last word alone.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        let place = self.place(name).ok_or(SettingError::Unknown)?;
        *place = value.trim().parse().map_err(|_| SettingError::Value)?;
        Ok(())
    }
}

fn last_word(name: &str) -> &str {
    name.rsplit(['.', '/']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_reached_by_its_name_in_any_form() {
        let mut settings = Settings::default();
        for (value, name) in (1000..).zip(Settings::NAMES) {
            settings.set(&format!("net.netfilter.{name}"), &value.to_string()).unwrap();
            assert_eq!(settings.get(&format!("net/netfilter/{name}")), Some(value));
        }
        assert_eq!(settings.set("nf_conntrack_nonsense", "1"), Err(SettingError::Unknown));
        assert_eq!(settings.set("nf_conntrack_max", "-1"), Err(SettingError::Value));
    }
}
