use crate::error::Error;
use crate::transport::Transport;

/// Which way a datagram went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From here.
    Sent,
    /// To here.
    Received,
}

/// A transport that shows every datagram to an observer on its way.
///
/// ```
/// use nfnetlink::{Connection, Direction, Messages, Tap, Transport};
///
/// fn traced<T: Transport>(transport: T) -> Connection<impl Transport> {
///     Connection::new(Tap::new(transport, |direction: Direction, datagram: &[u8]| {
///         for message in Messages::new(datagram).flatten() {
///             eprintln!("{direction:?} {:?}", message.header);
///         }
///     }))
/// }
/// ```
#[derive(Debug)]
pub struct Tap<T, F> {
    transport: T,
    observe: F,
}

impl<T: Transport, F: FnMut(Direction, &[u8])> Tap<T, F> {
    /// Has `observe` see what goes through `transport`.
    pub const fn new(transport: T, observe: F) -> Self {
        Self { transport, observe }
    }

    /// The transport behind.
    pub const fn inner_mut(&mut self) -> &mut T {
        &mut self.transport
    }
}

impl<T: Transport, F: FnMut(Direction, &[u8])> Transport for Tap<T, F> {
    fn port(&self) -> u32 {
        self.transport.port()
    }

    fn send(&mut self, datagram: &[u8]) -> Result<(), Error> {
        (self.observe)(Direction::Sent, datagram);
        self.transport.send(datagram)
    }

    fn receive(&mut self) -> Result<&[u8], Error> {
        let datagram = self.transport.receive()?;
        (self.observe)(Direction::Received, datagram);
        Ok(datagram)
    }

    fn try_receive(&mut self) -> Result<Option<&[u8]>, Error> {
        let datagram = self.transport.try_receive()?;
        if let Some(datagram) = datagram {
            (self.observe)(Direction::Received, datagram);
        }
        Ok(datagram)
    }

    fn reserve_replies(&mut self, bytes: usize) -> Result<(), Error> {
        self.transport.reserve_replies(bytes)
    }
}
