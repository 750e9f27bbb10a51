//! Remembered checksums: a line for each file, `SHA256 SIZE MODIFIED_NS NAME`.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

const FILE: &str = ".verified";

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    sha256: String,
    size_bytes: u64,
    modified_ns: u128,
}

/// The checksums remembered in one folder.
#[derive(Debug)]
pub(super) struct Stamps {
    path: PathBuf,
    stamps: BTreeMap<String, Stamp>,
    changed: bool,
}

impl Stamps {
    /// What `folder` remembers; nothing when there is no such file or it is not understood.
    pub(super) fn load(folder: &Path) -> Self {
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).unwrap_or_default();
        Self { path, stamps: text.lines().filter_map(parse).collect(), changed: false }
    }

    /// The checksum of `name`, if the file has not changed since.
    pub(super) fn find(&self, name: &str, metadata: &Metadata) -> Option<String> {
        let stamp = self.stamps.get(name)?;
        let same = stamp.size_bytes == metadata.len() && stamp.modified_ns == modified_ns(metadata)?;
        same.then(|| stamp.sha256.clone())
    }

    /// Remembers a checksum.
    pub(super) fn remember(&mut self, name: &str, metadata: &Metadata, sha256: &str) {
        if let Some(modified_ns) = modified_ns(metadata) {
            let stamp = Stamp { sha256: sha256.into(), size_bytes: metadata.len(), modified_ns };
            self.stamps.insert(name.into(), stamp);
            self.changed = true;
        }
    }

    /// Writes them down. A folder that may not be written costs time at the next start, nothing else.
    pub(super) fn save(&self) {
        if !self.changed {
            return;
        }
        let line = |(name, s): (&String, &Stamp)| format!("{} {} {} {name}\n", s.sha256, s.size_bytes, s.modified_ns);
        let text: String = self.stamps.iter().map(line).collect();
        if let Err(error) = fs::write(&self.path, text) {
            tracing::debug!(path = %self.path.display(), %error, "checksums of weights are not remembered");
        }
    }
}

fn parse(line: &str) -> Option<(String, Stamp)> {
    let mut fields = line.splitn(4, ' ');
    let sha256 = fields.next()?.to_owned();
    let size_bytes = fields.next()?.parse().ok()?;
    let modified_ns = fields.next()?.parse().ok()?;
    Some((fields.next()?.to_owned(), Stamp { sha256, size_bytes, modified_ns }))
}

fn modified_ns(metadata: &Metadata) -> Option<u128> {
    Some(metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos())
}
