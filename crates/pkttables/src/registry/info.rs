/// Writes an extension's kernel structure (`struct xt_*_info`), integers in host byte order unless said.
#[derive(Debug)]
pub struct InfoWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> InfoWriter<'a> {
    /// Appends to `out`; alignment counts from here.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start }
    }

    /// How many bytes of the structure have been written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// 16 bits in host byte order.
    pub fn ne_u16(&mut self, value: u16) {
        self.bytes(&value.to_ne_bytes());
    }

    /// 32 bits in host byte order.
    pub fn ne_u32(&mut self, value: u32) {
        self.bytes(&value.to_ne_bytes());
    }

    /// 64 bits in host byte order.
    pub fn ne_u64(&mut self, value: u64) {
        self.bytes(&value.to_ne_bytes());
    }

    /// 16 bits in network byte order.
    pub fn be_u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    /// 32 bits in network byte order.
    pub fn be_u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    /// A fixed-size string field, filled up with NULs; what does not fit is cut off.
    pub fn c_string(&mut self, text: &[u8], size: usize) {
        let end = self.out.len() + size;
        self.bytes(text.get(..size).unwrap_or(text));
        self.out.resize(end, 0);
    }

    /// Zeros.
    pub fn zeros(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, 0);
    }

    /// Zeros up to the next multiple of `alignment` within the structure.
    pub fn align(&mut self, alignment: usize) {
        self.out.resize(self.start + self.len().next_multiple_of(alignment), 0);
    }
}
