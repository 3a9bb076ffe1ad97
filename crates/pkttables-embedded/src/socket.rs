use std::collections::VecDeque;

use nfnetlink::{Error, Transport};

use crate::dump::Dump;
use crate::kernel::EmbeddedKernel;
use crate::request::handle;

/// A socket to an [`EmbeddedKernel`]: the counterpart of [`nfnetlink::Socket`].
///
/// Requests are answered while they are sent, so there is nothing to wait for: where no reply is there,
/// [`Error::Timeout`] is given at once.
#[derive(Debug)]
pub struct EmbeddedSocket {
    kernel: EmbeddedKernel,
    port: u32,
    privileged: bool,
    replies: VecDeque<Vec<u8>>,
    dump: Option<Dump>,
    /// The datagram that was received last.
    received: Vec<u8>,
}

impl EmbeddedSocket {
    pub(crate) fn new(kernel: EmbeddedKernel, privileged: bool) -> Self {
        let port = kernel.core().new_port();
        Self { kernel, port, privileged, replies: VecDeque::new(), dump: None, received: Vec::new() }
    }

    /// What it is connected to.
    #[must_use]
    pub const fn kernel(&self) -> &EmbeddedKernel {
        &self.kernel
    }

    /// Has the socket receive what is changed from now on, as a member of [`nfnetlink::Group::NFTABLES`] would.
    ///
    /// Events that nobody takes are kept up to a limit; after that [`Error::RepliesLost`] is received.
    pub fn listen(&mut self) {
        self.kernel.core().listen(self.port);
    }

    /// Ends that; what waits is not received any more.
    pub fn stop_listening(&mut self) {
        self.kernel.core().stop_listening(self.port);
    }

    fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.replies.is_empty() {
            let (events, overrun) = self.kernel.core().take_events(self.port);
            self.replies.extend(events);
            if overrun {
                return Err(Error::RepliesLost);
            }
        }
        let Some(next) = self.replies.pop_front() else { return Ok(None) };
        self.received = next;
        self.continue_dump();
        Ok(Some(&self.received))
    }

    /// A part of a dump is made when the one before it is received.
    fn continue_dump(&mut self) {
        if let Some(dump) = &mut self.dump {
            let (part, ended) = dump.part(self.kernel.core().ruleset.generation);
            self.replies.push_back(part);
            if ended {
                self.dump = None;
            }
        }
    }
}

impl Transport for EmbeddedSocket {
    fn port(&self) -> u32 {
        self.port
    }

    fn send(&mut self, datagram: &[u8]) -> Result<(), Error> {
        let dumping = self.dump.is_some();
        let mut replies = Vec::new();
        let mut core = self.kernel.core();
        handle(&mut core, datagram, self.port, self.privileged, &mut replies, &mut self.dump);
        drop(core);
        self.replies.extend(replies);
        if !dumping {
            self.continue_dump();
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<&[u8], Error> {
        self.next()?.ok_or(Error::Timeout)
    }

    fn try_receive(&mut self) -> Result<Option<&[u8]>, Error> {
        self.next()
    }
}

impl Drop for EmbeddedSocket {
    fn drop(&mut self) {
        self.kernel.core().close(self.port);
    }
}
