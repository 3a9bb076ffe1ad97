//! The embedded kernel beside the real one: the same batches, the same errors, the same dumps afterwards.
//!
//! Handles are not compared as such, for the kernel does not give those of a refused batch again; they are replaced
//! by their order. A change that names one is made for each side with the handle that the side has given.

mod cases;
mod pair;
mod programs;
mod random;
mod random_sets;
