//! pkttables
