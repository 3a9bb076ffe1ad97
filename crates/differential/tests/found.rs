//! What was found once: plans at which the evaluator did something else than the kernel, with what the kernel did.
//!
//! `cargo run -p differential -- --record PLAN` makes such a file from a plan as a failure is printed.

use differential::Recording;
use std::path::Path;

#[test]
fn what_was_found_once_stays_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("found");
    let mut files: Vec<_> =
        folder.read_dir().expect("the folder").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a file");
        let recording: Recording = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let differences =
            recording.differences().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(differences.is_empty(), "{}:\n{text}\n{}", file.display(), differences.join("\n"));
    }
}
