use crate::codec::{attributes, flags};
use crate::nft::Register;

flags! {
    /// How packets are queued.
    pub struct QueueFlags: u16 = "NFT_QUEUE_FLAG_" {
        /// Accepts the packet where nobody listens.
        BYPASS = 1,
        /// The processor decides which queue of several.
        CPU_FANOUT = 2,
    }
}

attributes! {
    /// Hands the packet to a program that listens to nfnetlink_queue.
    pub struct Queue<'a> = "NFTA_QUEUE_" {
        /// The first queue.
        1 NUM => number: Option<u16>,
        /// How many queues.
        2 TOTAL => total: Option<u16>,
        /// The queue's number in a register.
        4 SREG_QNUM => sreg: Option<Register>,
        /// How packets are queued.
        3 FLAGS => flags: Option<QueueFlags>,
    }
}
