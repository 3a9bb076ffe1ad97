//! Gives the shared library its name for the dynamic linker; the number is that of the binary interface.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpkttables.so.0");
}
