//! Prints what changes in the nf_tables ruleset until nothing has for a while.
//!
//! `watch_events SECONDS` waits that long, 2 seconds unless told. Without the privilege to watch the running kernel
//! it watches an embedded one, to which it makes a change itself.

use nfnetlink::{Error, Events, Group, Messages, Transport as _};
use pkttables::edit::{EditError, Editor};
use pkttables::kernel::Kernel;
use pkttables::model::{Family, Policy, TableName};
use pkttables_embedded::EmbeddedKernel;
use pkttnetlink::nft::Message;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(2), |text| text.parse())?;
    match Events::subscribe(&[Group::NFTABLES]) {
        Ok(events) => watch(events, Duration::from_secs(seconds)),
        Err(Error::PermissionDenied) => watch_embedded(),
        Err(error) => Err(error.into()),
    }
}

fn watch(mut events: Events, patience: Duration) -> Result<(), Box<dyn std::error::Error>> {
    events.socket_mut().set_timeout(patience)?;
    println!("watching the running kernel for {patience:?}");
    loop {
        match events.receive() {
            Ok(messages) => print(messages)?,
            Err(Error::EventsLost) => {
                println!("some were lost; who keeps a copy has to read everything again")
            }
            Err(Error::Timeout) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn watch_embedded() -> Result<(), Box<dyn std::error::Error>> {
    println!("watching an embedded kernel");
    let kernel = EmbeddedKernel::new();
    let mut watcher = kernel.connect();
    watcher.listen();
    Kernel::new(kernel.connect()).update(|snapshot, transaction| {
        let mut editor = Editor::new(snapshot, transaction, Family::Ipv4, false);
        editor.new_chain(TableName::Filter, "services")?;
        editor.set_policy(TableName::Filter, "INPUT", (Some(Policy::Drop), None))?;
        Ok::<_, EditError>(())
    })?;
    while let Some(datagram) = watcher.try_receive()? {
        print(Messages::new(datagram))?;
    }
    Ok(())
}

fn print(messages: Messages<'_>) -> Result<(), Error> {
    for message in messages {
        println!("{}\n", Message::decode(&message?)?);
    }
    Ok(())
}
