use crate::error::Error;

/// Where requests go and replies come from: the kernel, or an in-process stand-in that speaks the same bytes.
///
/// A request is handled completely before [`Transport::send`] returns, as netlink in the kernel does it: every
/// reply to it (of a dump, the first part) can then be received without waiting. A dump is continued by
/// receiving. One datagram may hold many messages, in both directions.
pub trait Transport {
    /// The netlink port that requests come from and replies go to.
    fn port(&self) -> u32;

    /// Hands over one datagram whole: one request, or one batch of any size.
    fn send(&mut self, datagram: &[u8]) -> Result<(), Error>;

    /// Takes the next reply datagram; waits for it a limited time and then gives [`Error::Timeout`].
    fn receive(&mut self) -> Result<&[u8], Error>;

    /// Takes the next reply datagram if there is one.
    fn try_receive(&mut self) -> Result<Option<&[u8]>, Error>;

    /// Makes room for replies that take about `bytes` bytes before the first of them is received.
    ///
    /// Needed where many replies come at once: echoed batches and events. Dumps come by parts.
    fn reserve_replies(&mut self, bytes: usize) -> Result<(), Error> {
        let _ = bytes;
        Ok(())
    }
}

macro_rules! forward {
    ($($holder:ty),*) => { $(
        impl<T: Transport + ?Sized> Transport for $holder {
            fn port(&self) -> u32 {
                (**self).port()
            }

            fn send(&mut self, datagram: &[u8]) -> Result<(), Error> {
                (**self).send(datagram)
            }

            fn receive(&mut self) -> Result<&[u8], Error> {
                (**self).receive()
            }

            fn try_receive(&mut self) -> Result<Option<&[u8]>, Error> {
                (**self).try_receive()
            }

            fn reserve_replies(&mut self, bytes: usize) -> Result<(), Error> {
                (**self).reserve_replies(bytes)
            }
        }
    )* };
}

forward!(&mut T, Box<T>);
