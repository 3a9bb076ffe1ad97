//! The running kernel: what it knows.

mod sets;

pub use sets::KernelSets;
