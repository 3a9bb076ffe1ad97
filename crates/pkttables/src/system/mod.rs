//! What the system calls things: services, protocols, accounts and more, as its configuration files list them.

mod names;
mod networks;
mod protocols;
mod services;

pub use names::Names;
pub use networks::network_name;
pub use protocols::Protocols;
pub use services::Services;

/// The words of each line that has any, without comments.
fn entries(text: &str) -> impl Iterator<Item = impl Iterator<Item = &str>> {
    text.lines().map(|line| line.split('#').next().unwrap_or_default().split_ascii_whitespace())
}

/// The content of a configuration file; nothing where it cannot be read, as the C library does it.
fn read(path: &str) -> String {
    std::fs::read(path).map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}
