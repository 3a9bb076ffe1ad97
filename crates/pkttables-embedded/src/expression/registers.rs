use nfnetlink::Errno;
use pkttnetlink::nft::Register;

const REGISTER_LEN: u32 = 4;
/// `NFT_REG32_15`'s end: the verdict's 16 bytes and sixteen registers of 4.
const END: u32 = 20;
const FIRST: u32 = 4;

/// Which of a rule's registers hold something: a bit for each of 4 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Registers {
    written: u32,
}

impl Registers {
    /// Notes that `len` bytes are put into a register, which takes on the name that the kernel dumps.
    pub(crate) fn store(&mut self, register: &mut Option<Register>, len: u32) -> Result<(), Errno> {
        self.written |= span(register, len)?;
        Ok(())
    }

    /// Checks that a register holds `len` bytes; it takes on the name that the kernel dumps.
    pub(crate) fn load(&self, register: &mut Option<Register>, len: u32) -> Result<(), Errno> {
        let wanted = span(register, len)?;
        if self.written & wanted == wanted { Ok(()) } else { Err(Errno::ENODATA) }
    }

    /// Checks the register for a value of a map, which is the verdict's for verdicts alone.
    pub(crate) fn store_value(
        &mut self,
        register: &mut Option<Register>,
        is_verdict: bool,
        len: u32,
    ) -> Result<(), Errno> {
        match (*register == Some(Register::VERDICT), is_verdict) {
            (true, true) => Ok(()),
            (false, false) => self.store(register, len),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Like [`Registers::load`], where there is a register at all.
    pub(crate) fn load_if_given(&self, register: &mut Option<Register>, len: u32) -> Result<(), Errno> {
        if register.is_some() { self.load(register, len) } else { Ok(()) }
    }
}

/// The bits of the registers that `len` bytes from this one on take.
fn span(register: &mut Option<Register>, len: u32) -> Result<u32, Errno> {
    let register = register.as_mut().ok_or(Errno::EINVAL)?;
    let first = match register.0 {
        0 => return Err(Errno::EINVAL),
        wide @ 1..=4 => wide * 4,
        narrow @ 8..=23 => narrow - 4,
        _ => return Err(Errno::ERANGE),
    };
    if len == 0 {
        return Err(Errno::EINVAL);
    }
    let count = len.div_ceil(REGISTER_LEN);
    if first < FIRST || count > END || first + count > END {
        return Err(Errno::ERANGE);
    }
    *register = if first.is_multiple_of(4) { Register(first / 4) } else { Register(first + 4) };
    Ok(((1 << count) - 1) << first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(number: u32) -> Option<Register> {
        Some(Register(number))
    }

    #[test]
    fn what_was_not_stored_cannot_be_loaded() {
        let mut registers = Registers::default();
        registers.store(&mut register(1), 6).unwrap();
        assert_eq!(registers.load(&mut register(1), 8), Ok(()));
        assert_eq!(registers.load(&mut register(9), 4), Ok(()));
        assert_eq!(registers.load(&mut register(1), 9), Err(Errno::ENODATA));
        assert_eq!(registers.load(&mut register(2), 1), Err(Errno::ENODATA));
    }

    #[test]
    fn registers_that_do_not_exist_are_refused() {
        let mut registers = Registers::default();
        assert_eq!(registers.store(&mut register(0), 4), Err(Errno::EINVAL));
        assert_eq!(registers.store(&mut register(5), 4), Err(Errno::ERANGE));
        assert_eq!(registers.store(&mut register(23), 5), Err(Errno::ERANGE));
        assert_eq!(registers.store(&mut register(23), 4), Ok(()));
        assert_eq!(registers.store(&mut None, 4), Err(Errno::EINVAL));
        assert_eq!(registers.store(&mut register(24), u32::MAX), Err(Errno::ERANGE));
        assert_eq!(registers.store(&mut register(1), u32::MAX), Err(Errno::ERANGE));
    }

    #[test]
    fn the_older_name_is_dumped() {
        let mut registers = Registers::default();
        for (given, dumped) in [(8, 1), (12, 2), (9, 9), (3, 3), (20, 4), (23, 23)] {
            let mut register = register(given);
            registers.store(&mut register, 4).unwrap();
            assert_eq!(register, Some(Register(dumped)), "{given}");
        }
    }
}
