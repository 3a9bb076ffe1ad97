//! CRC-32C (Castagnoli), the checksum of SCTP (RFC 9260, appendix A).

const POLYNOMIAL: u32 = 0x82f6_3b78;

#[expect(clippy::indexing_slicing, reason = "done by the compiler")]
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
};

/// The checksum as it stands in the header, read as a little-endian number.
pub(crate) fn crc32c<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    !bytes.fold(!0, |value, byte| {
        let entry = TABLE.get(usize::from(value as u8 ^ byte)).copied().unwrap_or_default();
        value >> 8 ^ entry
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_the_check_value() {
        assert_eq!(super::crc32c(b"123456789".iter()), 0xe306_9283);
    }
}
