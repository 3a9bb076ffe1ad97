use crate::Result;
use crate::failure::Failure;
use nfnetlink::{Direction, Socket, Tap, Transport};
use pkttables::kernel::{Kernel, KernelSets};
use pkttables_embedded::{EmbeddedKernel, StateError};
use pkttnetlink::Readable;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};

/// A kernel, the running one or an embedded one.
pub(crate) type AnyKernel = Kernel<Box<dyn Transport>>;

/// Options that every personality takes besides those of iptables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// `--embedded[=FILE]`
    pub(crate) embedded: Option<Option<PathBuf>>,
    /// `--debug=netlink`
    pub(crate) debug: bool,
    kernel: OnceCell<EmbeddedKernel>,
}

impl Options {
    /// Whether it is one of these options.
    pub(crate) fn has(arg: &str) -> bool {
        arg == "--debug=netlink" || arg == "--embedded" || arg.starts_with("--embedded=")
    }

    /// Takes these options out of the arguments.
    pub(crate) fn take(args: &[String]) -> Result<(Self, Vec<String>)> {
        let mut options = Self::default();
        let mut rest = Vec::with_capacity(args.len());
        for arg in args {
            match arg.as_str() {
                "--debug=netlink" => options.debug = true,
                "--embedded" => options.embedded = Some(None),
                other => match other.strip_prefix("--embedded=") {
                    Some(file) => options.embedded = Some(Some(file.into())),
                    None => rest.push(arg.clone()),
                },
            }
        }
        Ok((options, rest))
    }

    /// Connects to the kernel that the options name.
    pub(crate) fn open(&self) -> Result<AnyKernel> {
        if let Some(file) = &self.embedded {
            let kernel = match file {
                Some(file) => EmbeddedKernel::open(file).map_err(|error| not_kept(file, &error))?,
                None => EmbeddedKernel::new(),
            };
            let socket = kernel.connect();
            // A second one in the same process is the same.
            let socket = match self.kernel.set(kernel) {
                Ok(()) => socket,
                Err(_) => self.kernel.get().map_or(socket, EmbeddedKernel::connect),
            };
            return Ok(Kernel::new(self.tapped(socket)));
        }
        let socket = Socket::open().map_err(pkttables::kernel::KernelError::from)?;
        Ok(Kernel::new(self.tapped(socket)).with_sets(KernelSets::new(Socket::open)))
    }

    /// Like [`Options::open`], for reading whole tables: with further sockets that read ahead.
    pub(crate) fn open_for_reading(&self) -> Result<AnyKernel> {
        let kernel = self.open()?;
        if self.debug || self.embedded.is_some() {
            return Ok(kernel);
        }
        let open = || Socket::open().map_err(pkttables::kernel::KernelError::from);
        Ok(kernel.with_read_ahead([open()?, open()?]))
    }

    /// Writes what the embedded kernel holds to its file, if it has one.
    pub(crate) fn keep(&self) -> Result<()> {
        match (&self.embedded, self.kernel.get()) {
            (Some(Some(file)), Some(kernel)) => kernel.save(file).map_err(|error| not_kept(file, &error)),
            _ => Ok(()),
        }
    }

    fn tapped(&self, transport: impl Transport + 'static) -> Box<dyn Transport> {
        if !self.debug {
            return Box::new(transport);
        }
        Box::new(Tap::new(transport, |direction: Direction, datagram: &[u8]| {
            eprintln!("{direction:?}\n{}", Readable(datagram));
        }))
    }
}

fn not_kept(file: &Path, error: &StateError) -> Failure {
    Failure::Other(4, format!("{}: {error}", file.display()))
}
