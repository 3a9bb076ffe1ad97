/// How many jiffies a second has, by which kernels count time (`CONFIG_HZ`): 250, as most distributions set it.
pub const HZ: u64 = 250;

const NANOS: u64 = 1_000_000_000 / HZ;
const MILLIS: u64 = 1_000 / HZ;

/// The jiffy in which a time in nanoseconds lies.
#[must_use]
pub const fn jiffies(nanoseconds: u64) -> u64 {
    nanoseconds / NANOS
}

/// How many jiffies a kernel waits for so many milliseconds to pass (`msecs_to_jiffies`).
#[must_use]
pub const fn jiffies_of_millis(milliseconds: u32) -> u64 {
    if milliseconds > i32::MAX as u32 {
        return (i64::MAX >> 1) as u64 - 1;
    }
    (milliseconds as u64).div_ceil(MILLIS)
}
