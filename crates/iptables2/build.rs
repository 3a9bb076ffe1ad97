//! Links the program with the C library instead of having it loaded, where the library can be had like that: each
//! command is a process of its own, and whoever runs many of them waits for the loader.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What Rust's own libraries ask the linker for, and the archive that has it.
const ARCHIVES: &[(&str, &str)] = &[
    ("libc.a", "libc.a"),
    ("libm.a", "libm.a"),
    ("libdl.a", "libdl.a"),
    ("librt.a", "librt.a"),
    ("libpthread.a", "libpthread.a"),
    ("libutil.a", "libutil.a"),
    ("libgcc_s.a", "libgcc_eh.a"),
    ("libgcc_eh.a", "libgcc_eh.a"),
    ("libgcc.a", "libgcc.a"),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    let wanted =
        env::var_os("CARGO_FEATURE_PROGRAMS").is_some() && env::var_os("CARGO_FEATURE_STATIC").is_some();
    let glibc = target("OS") == "linux" && target("ENV") == "gnu";
    // Another system's archives are not where this compiler looks for them.
    let native = env::var("HOST")? == env::var("TARGET")?;
    // The sanitizers' runtime wants the C library loaded.
    let sanitized = env::var_os("CARGO_CFG_SANITIZE").is_some();
    if wanted && glibc && native && !sanitized && found("rcrt1.o").is_some() {
        let directory = Path::new(&env::var("OUT_DIR")?).join("archives");
        if gather(&directory)? {
            // Where a directory has the archive alone, the linker does not look for what is loaded.
            let search = format!("-L{}", directory.display());
            for argument in
                [&*search, "-static-pie", "-Wl,--start-group", "-lc", "-lgcc_eh", "-lgcc", "-Wl,--end-group"]
            {
                println!("cargo::rustc-link-arg-bins={argument}");
            }
        }
    }
    Ok(())
}

/// Puts links to all archives into a directory; false if one is not installed.
fn gather(directory: &Path) -> Result<bool, Box<dyn Error>> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    fs::create_dir_all(directory)?;
    for (name, archive) in ARCHIVES {
        let Some(path) = found(archive) else { return Ok(false) };
        std::os::unix::fs::symlink(path, directory.join(name))?;
    }
    Ok(true)
}

/// Where the C compiler finds a file of its libraries; a name alone is its answer when it does not.
fn found(file: &str) -> Option<PathBuf> {
    let output = Command::new("cc").arg(format!("-print-file-name={file}")).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    path.is_absolute().then(|| path.canonicalize().ok()).flatten()
}
