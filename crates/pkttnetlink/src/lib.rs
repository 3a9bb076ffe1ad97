//! pkttnetlink
