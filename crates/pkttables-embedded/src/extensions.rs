use nfnetlink::Errno;
use pkttnetlink::nft::CompatKind;

/// Which xt matches and targets there are, and the newest revision of each.
///
/// Unless told otherwise there is every extension in every revision that is asked for. The embedded kernel runs no
/// packets, so an extension is nothing but its name.
///
/// ```
/// use pkttables_embedded::{EmbeddedKernel, Extension, Extensions};
/// use pkttnetlink::nft::CompatKind;
///
/// let multiport = Extension { kind: CompatKind::MATCH, name: "multiport".to_owned(), newest: 1 };
/// let kernel = EmbeddedKernel::with_extensions(Extensions::only([multiport]));
/// # let _ = kernel;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Extensions {
    only: Option<Vec<Extension>>,
}

/// An xt extension that the kernel has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Match or target.
    pub kind: CompatKind,
    /// Its name, as in rules.
    pub name: String,
    /// Its newest revision; it has all before, too.
    pub newest: u32,
}

impl Extensions {
    /// Every extension.
    #[must_use]
    pub const fn all() -> Self {
        Self { only: None }
    }

    /// These and no other.
    #[must_use]
    pub fn only(list: impl IntoIterator<Item = Extension>) -> Self {
        Self { only: Some(list.into_iter().collect()) }
    }

    /// The best revision of an extension, if it has the one wanted.
    pub(crate) fn best(&self, kind: CompatKind, name: &[u8], wanted: u32) -> Result<u32, Errno> {
        let Some(list) = &self.only else { return Ok(wanted) };
        let found =
            list.iter().find(|it| it.kind == kind && it.name.as_bytes() == name).ok_or(Errno::ENOENT)?;
        if wanted <= found.newest { Ok(found.newest) } else { Err(Errno::EPROTONOSUPPORT) }
    }
}
