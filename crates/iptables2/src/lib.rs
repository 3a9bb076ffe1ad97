//! iptables2
