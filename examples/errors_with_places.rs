//! Finds all that is wrong with a save file in one pass, with line, column and what may have been meant.

use pkttables::model::Family;
use pkttables::registry::Registry;
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};

const RULES: &str = "\
*filter
:INPUT DROP [0:0]
:services - [0:0]
-A INPUT -m contrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dprot 22 -j services
-A services -s 192.0.2.0/33 -j ACCEPT
-A services -m limit --limit often -j RETURN
-A INPUT -j servces
COMMIT
";

fn main() {
    let parser = Parser::new(Family::Ipv4, Registry::builtin());
    let mut reader = Reader::new(RULES.as_bytes(), parser, ReadOptions::default()).with_file("rules.v4");
    match read_ruleset(&mut reader) {
        Ok(ruleset) => println!("nothing is wrong with {} tables", ruleset.tables.len()),
        Err(errors) => errors.iter().for_each(|error| println!("{}\n", error.render())),
    }
}
