//! The header that is checked in is the one that the sources make, and says something of every function.
//!
//! `PKTTABLES_WRITE_HEADER=1 cargo test -p pkttables-capi --test header` writes it anew.

use std::path::Path;

fn generated() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("the configuration");
    let bindings = cbindgen::Builder::new().with_crate(root).with_config(config).generate();
    let mut header = Vec::new();
    bindings.expect("bindings").write(&mut header);
    // A pointer type that comes by renaming keeps a blank that others do not have.
    let header = String::from_utf8(header).expect("text");
    ["const char *const *", "const char *", "const uint8_t *"]
        .iter()
        .fold(header, |header, pointer| header.replace(&format!("{pointer} "), pointer))
}

#[test]
fn the_header_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/pkttables.h");
    let generated = generated();
    if std::env::var_os("PKTTABLES_WRITE_HEADER").is_some() {
        std::fs::write(&path, &generated).expect("written");
    }
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(present == generated, "include/pkttables.h is stale: PKTTABLES_WRITE_HEADER=1 writes it anew");
}
