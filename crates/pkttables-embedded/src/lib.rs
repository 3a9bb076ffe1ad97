//! pkttables-embedded
