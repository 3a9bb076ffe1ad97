use pkttables::json::{plan, read_plan, read_ruleset, ruleset};
use pkttables::registry::Registry;

/// A ruleset as JSON. What is read can be written, and is then read as the same.
pub fn json_ruleset(text: &[u8]) {
    let Ok(value) = serde_json::from_slice(text) else { return };
    match read_ruleset(&value, Registry::builtin()) {
        Ok(read) => {
            let written = ruleset(&read);
            let again = read_ruleset(&written, Registry::builtin()).expect("what was written can be read");
            assert_eq!(ruleset(&again), written);
        }
        Err(error) => _ = error.to_string(),
    }
}

/// A plan as JSON. What is read can be written, and is then read as the same.
pub fn json_plan(text: &[u8]) {
    let Ok(value) = serde_json::from_slice(text) else { return };
    match read_plan(&value, Registry::builtin()) {
        Ok(read) => {
            let written = plan(&read);
            let again = read_plan(&written, Registry::builtin()).expect("what was written can be read");
            assert_eq!(plan(&again), written);
        }
        Err(error) => _ = error.to_string(),
    }
}
