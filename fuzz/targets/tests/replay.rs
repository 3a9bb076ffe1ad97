//! Every target on its seeds, and on every input that was found once.

use std::fs;
use std::path::Path;

fn replay(folder: &str) -> usize {
    let mut count = 0;
    for (name, target) in fuzz_targets::TARGETS {
        let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join(name);
        let Ok(entries) = fs::read_dir(&inputs) else { continue };
        for entry in entries {
            let path = entry.expect("a file").path();
            println!("{}", path.display());
            target(&fs::read(&path).expect("an input"));
            count += 1;
        }
    }
    count
}

#[test]
fn every_target_has_seeds_and_takes_them() {
    assert!(replay("seeds") >= fuzz_targets::TARGETS.len());
}

#[test]
fn what_was_found_stays_fixed() {
    replay("regressions");
}

#[test]
fn targets_take_nothing_and_a_little() {
    for (_, target) in fuzz_targets::TARGETS {
        target(&[]);
        (0..=u8::MAX).for_each(|byte| target(&[byte]));
    }
}
