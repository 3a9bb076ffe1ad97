use crate::Text;
use crate::codec::{attributes, flags, named};

named! {
    /// The level of a kernel log message.
    pub struct LogLevel(u32) = "NFT_LOGLEVEL_" {
        EMERG = 0,
        ALERT = 1,
        CRIT = 2,
        ERR = 3,
        WARNING = 4,
        NOTICE = 5,
        INFO = 6,
        DEBUG = 7,
        /// Into the audit log.
        AUDIT = 8,
    }
}

flags! {
    /// What a kernel log message tells besides (`linux/netfilter/nf_log.h`).
    pub struct LogFlags: u32 = "NF_LOG_" {
        TCPSEQ = 1,
        TCPOPT = 2,
        IPOPT = 4,
        UID = 8,
        NFLOG = 16,
        MACDECODE = 32,
    }
}

attributes! {
    /// Logs the packet: to the kernel's log, or with a group to the listeners of nfnetlink_log.
    pub struct Log<'a> = "NFTA_LOG_" {
        /// What the message begins with.
        2 PREFIX => prefix: Option<Text<'a>>,
        /// The level of the kernel's log message.
        5 LEVEL => level: Option<LogLevel>,
        /// What the kernel's log message tells besides.
        6 FLAGS => flags: Option<LogFlags>,
        /// The group of listeners.
        1 GROUP => group: Option<u16>,
        /// How much of the packet they get.
        3 SNAPLEN => snap_len: Option<u32>,
        /// After how many packets they are told.
        4 QTHRESHOLD => queue_threshold: Option<u16>,
    }
}
