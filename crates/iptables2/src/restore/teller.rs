use super::{Wanted, lists};
use crate::help;
use crate::listing::{edited, of_chains, user_chains};
use crate::personality::{Personality, VERSION};
use nfnetlink::Transport;
use pkttables::kernel::{KernelError, Snapshot};
use pkttables::model::TableName;
use pkttables::text::{Command, Event, Invocation, Output};

/// Tells of a restore what lines list, and what `-v` asks for, of the whole or in a line.
pub(super) struct Teller<'p> {
    personality: &'p Personality,
    /// Comments are told.
    verbose: bool,
    /// Chains and rules are told as well.
    in_full: bool,
    users: Vec<(TableName, Vec<Box<str>>)>,
    pub(super) text: String,
    /// Of the table that is being read; comments come before it.
    of_table: String,
}

impl<'p> Teller<'p> {
    pub(super) fn new<T: Transport>(
        personality: &'p Personality,
        wanted: &Wanted,
        snapshot: &mut Snapshot<'_, T>,
    ) -> Result<Self, KernelError> {
        let in_full = wanted.verbose && !wanted.no_flush;
        let mut users = Vec::new();
        if in_full {
            for table in TableName::ALL {
                users.push((table, user_chains(snapshot, personality.family, table)?));
            }
        }
        let (text, of_table) = (String::new(), String::new());
        Ok(Self { personality, verbose: wanted.verbose, in_full, users, text, of_table })
    }

    /// Takes in what was read; gives what a line wants that asks for nothing else.
    pub(super) fn tell(&mut self, event: &Event<'_>) -> Option<String> {
        match event {
            Event::Comment(text) if self.verbose => self.text.push_str(&format!("{text}\n")),
            Event::Table(table) if self.in_full => {
                let users = self.users.iter().find(|(of, _)| of == table);
                let users = || users.iter().flat_map(|(_, users)| users).map(|user| &**user);
                let builtin = table.hooks().iter().map(|hook| hook.chain());
                self.of_table =
                    of_chains("Flushing", builtin.chain(users())) + &of_chains("Deleting", users());
            }
            Event::Command(Invocation { command: Command::Version, .. }) => {
                return Some(format!("{} {VERSION}\n", self.personality.name));
            }
            Event::Command(Invocation { command: Command::Help { extensions }, .. }) => {
                return Some(help::text(self.personality, extensions));
            }
            // What they show is told when it is known.
            Event::Command(invocation) if lists(invocation) => {}
            Event::Command(invocation) => self.command(invocation),
            Event::Commit => self.text.push_str(&std::mem::take(&mut self.of_table)),
            _ => {}
        }
        None
    }

    /// Takes in what a line that lists shows.
    pub(super) fn list(&mut self, invocation: &Invocation<'_>, text: &str) {
        self.of_table.push_str(text);
        self.command(invocation);
    }

    fn command(&mut self, invocation: &Invocation<'_>) {
        let adds = matches!(
            invocation.command,
            Command::Append { .. } | Command::Insert { .. } | Command::Replace { .. }
        );
        if invocation.output.verbose > 0 || (self.in_full && adds) {
            let output = Output { verbose: 1, ..invocation.output };
            let invocation = Invocation { output, ..invocation.clone() };
            self.of_table.push_str(&edited(self.personality, &invocation, &[]));
        }
    }
}
