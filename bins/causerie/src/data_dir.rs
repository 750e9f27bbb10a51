//! The data folder and the secrets that are generated into it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::IdSource;
use secrecy::SecretString;

/// The data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// It cannot be made or written to.
    #[error(
        "cannot write to the data folder {path}: make it writable for this user, or choose another with \
         --data-dir or CAUSERIE_DATA__DIR"
    )]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A secret in it cannot be read back.
    #[error("cannot read the secret {path}: restore it, or remove it to have a new one made (all sign-ins end)")]
    Secret {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Makes the folder where it is missing, for its owner alone, and proves that it can be written to.
///
/// # Errors
/// [`DataDirError::NotWritable`].
pub fn prepare(path: &Path) -> Result<(), DataDirError> {
    let refused = |source| DataDirError::NotWritable { path: path.to_owned(), source };
    if !path.exists() {
        fs::create_dir_all(path).map_err(refused)?;
        restrict(path, 0o700).map_err(refused)?;
    }
    let probe = path.join(".write-probe");
    fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(refused)
}

/// The secret of this name, generated (256 bits) at the first call and kept with mode 0600.
///
/// # Errors
/// [`DataDirError`] where it can be neither read nor made.
pub fn secret(dir: &Path, name: &str, ids: &dyn IdSource) -> Result<SecretString, DataDirError> {
    let folder = dir.join("secrets");
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= 32 => return Ok(SecretString::from(text.trim().to_owned())),
        Ok(_) => {
            let source = io::Error::new(io::ErrorKind::InvalidData, "it is shorter than 32 characters");
            return Err(DataDirError::Secret { path, source });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(DataDirError::Secret { path, source }),
    }
    let mut bytes = [0_u8; 32];
    ids.fill_random(&mut bytes);
    let text = URL_SAFE_NO_PAD.encode(bytes);
    let made =
        fs::create_dir_all(&folder).and_then(|()| restrict(&folder, 0o700)).and_then(|()| write_private(&path, &text));
    match made {
        Ok(()) => Ok(SecretString::from(text)),
        // Another process made it in this moment: its secret counts.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => secret(dir, name, ids),
        Err(source) => Err(DataDirError::NotWritable { path: folder, source }),
    }
}

/// Writes the whole text under a temporary name first, so that no reader ever sees half a secret.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    linked
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::SystemIds;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn secret_is_made_once_for_its_owner_alone_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let first = secret(dir.path(), "jwt", &SystemIds).unwrap();
        let second = secret(dir.path(), "jwt", &SystemIds).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert!(first.expose_secret().len() >= 43);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(dir.path().join("secrets/jwt")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(dir.path().join("secrets")).unwrap().count(), 1);
    }

    #[test]
    fn truncated_secret_is_refused_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("secrets")).unwrap();
        fs::write(dir.path().join("secrets/jwt"), "short").unwrap();
        assert!(matches!(secret(dir.path(), "jwt", &SystemIds), Err(DataDirError::Secret { .. })));
    }

    #[test]
    fn folder_in_the_place_of_a_file_is_not_writable() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = prepare(&file.join("data")).unwrap_err();
        assert!(error.to_string().contains("--data-dir"), "{error}");
    }
}
