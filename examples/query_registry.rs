//! Asks the registry what extensions there are and what they accept, and lets it check values.

use pkttables::model::Family;
use pkttables::registry::{Kind, Registry, Scope};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::builtin();
    let of = |kind| registry.all().iter().filter(move |extension| extension.kind == kind);
    println!("{} matches and {} targets\n", of(Kind::Match).count(), of(Kind::Target).count());

    let limit = registry.find(Kind::Match, "limit", Family::Ipv4).ok_or("no match called limit")?;
    println!("{}: {}", limit.name, limit.help.summary());
    for param in limit.params {
        let default = param.default.map_or(String::new(), |value| format!(", {value} if it is left out"));
        println!("  --{} takes {}{default}", param.name, param.domain.describe());
    }

    println!("\nmatches that look at ports:");
    for extension in of(Kind::Match) {
        let ports = extension.params.iter().filter(|param| param.domain.describe().contains("port number"));
        let names: Vec<&str> = ports.map(|param| param.name).collect();
        if !names.is_empty() {
            println!("  {:12} {}", extension.name, names.join(", "));
        }
    }

    println!();
    let rate = limit.param("limit", Family::Ipv4).ok_or("no such parameter")?;
    let scope = Scope { family: Family::Ipv4, protocol: None };
    for value in ["5/minute", "many", "20000/second"] {
        match rate.check(value, &scope) {
            Ok(()) => println!("--limit {value} is good"),
            Err(error) => println!("--limit {value} is not: {error}"),
        }
    }
    Ok(())
}
