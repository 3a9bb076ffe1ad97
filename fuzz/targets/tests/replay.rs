//! Every target on its seeds, and on every input that was found once.

use std::fs;
use std::path::Path;

fn replay(folder: &str) -> usize {
    let mut count = 0;
    for (name, group, _) in fuzz_targets::GROUPS {
        let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join(name);
        let Ok(entries) = fs::read_dir(&inputs) else { continue };
        for entry in entries {
            let path = entry.expect("a file").path();
            println!("{}", path.display());
            group(&fs::read(&path).expect("an input"));
            count += 1;
        }
    }
    count
}

#[test]
fn every_target_has_seeds_and_takes_them() {
    for (name, _, targets) in fuzz_targets::GROUPS {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds").join(name);
        let names: Vec<_> =
            fs::read_dir(seeds).expect(name).map(|entry| entry.expect("a file").file_name()).collect();
        for target in *targets {
            let begin = format!("{target}-");
            assert!(
                names.iter().any(|name| name.to_string_lossy().starts_with(&begin)),
                "{target} has no seeds"
            );
        }
    }
    replay("seeds");
}

#[test]
fn what_was_found_stays_fixed() {
    replay("regressions");
}

#[test]
fn targets_take_nothing_and_a_little() {
    for (_, group, targets) in fuzz_targets::GROUPS {
        group(&[]);
        for target in 0..targets.len() as u8 {
            group(&[target]);
            (0..=u8::MAX).for_each(|byte| group(&[target, byte]));
        }
    }
}
