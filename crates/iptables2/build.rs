//! Links the program with the unwinder instead of having it loaded: each command is a process of its own, and whoever
//! runs many of them waits for the loader.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    let programs = std::env::var_os("CARGO_FEATURE_PROGRAMS").is_some();
    if programs && target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
