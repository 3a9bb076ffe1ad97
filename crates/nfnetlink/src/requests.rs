use crate::error::Error;
use crate::wire::{Flags, Header, Writer};

/// Writes requests one after the other, and remembers the dump that has not been read to its end.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    writer: Writer,
    sequence: u32,
    dump: Option<u32>,
}

impl Requests {
    pub(crate) const fn new() -> Self {
        Self { writer: Writer::new(), sequence: 0, dump: None }
    }

    /// Writes a request and gives its sequence number.
    pub(crate) fn write(
        &mut self,
        kind: u16,
        flags: Flags,
        body: impl FnOnce(&mut Writer),
    ) -> Result<u32, Error> {
        self.writer.clear();
        // 0 is what the kernel gives to messages that answer nothing.
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let header = Header { kind, flags: flags | Flags::REQUEST, sequence: self.sequence, port: 0 };
        let mark = self.writer.begin_message(&header);
        body(&mut self.writer);
        self.writer.finish_message(mark)?;
        Ok(self.sequence)
    }

    /// Notes a dump; the kernel refuses the next one (`EBUSY`) until this has been read to its end.
    pub(crate) fn dump_began(&mut self, sequence: u32) {
        self.dump = Some(sequence);
    }

    pub(crate) fn dump_ended(&mut self) {
        self.dump = None;
    }

    /// The dump that was given up before its end; told once.
    pub(crate) fn take_dump(&mut self) -> Option<u32> {
        self.dump.take()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.writer.as_bytes()
    }
}
