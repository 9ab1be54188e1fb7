//! Replaces a file in one step: takes bytes; afterwards the file has all of them, or its old content.
//!
//! The bytes are written to a temporary file in the same folder. Its writer locks it, and the system unlocks it when
//! the writer's process ends: so a temporary file without a lock is from a killed process. A process removes those
//! files when it first saves in a folder, because searching a large folder takes time.

use std::collections::HashSet;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{Error as IoError, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::NamedTempFile;

use crate::Result;
use crate::data::io;

/// The name of a temporary file: this prefix and suffix, with six letters or digits between them.
const PREFIX: &str = ".netform-";
const SUFFIX: &str = ".tmp";
const LETTERS: usize = 6;

/// The maximum number of symbolic links that lead to a file, as in Linux.
const LINKS: usize = 40;

/// Writes a file next to `path`, syncs it and renames it. The mode of an older file is kept, and so is its owner if the
/// process may change owners. A symbolic link is kept, too, and the file that it names is replaced. A pipe or a device
/// is written directly.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes).map_err(|source| io(path, source))
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), IoError> {
    let old = match fs::metadata(path) {
        Ok(old) => Some(old),
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    if let Some(old) = old.as_ref().filter(|old| !old.is_file()) {
        if old.is_dir() {
            return Err(IoError::new(ErrorKind::IsADirectory, "it is a folder"));
        }
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let target = target(path)?;
    if target.file_name().is_none() {
        let what = "the path names no file";
        return Err(IoError::new(ErrorKind::InvalidInput, what));
    }
    if old.is_some() {
        // A read-only file must not be replaced either.
        OpenOptions::new().write(true).open(&target)?;
    }
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if let Err(e) = fs::metadata(folder) {
        let what = format!("its folder `{}`: {e}", folder.display());
        return Err(IoError::new(e.kind(), what));
    }
    if is_new(folder) {
        sweep(folder);
    }
    let mut file = make(folder, old.is_none())?;
    file.write_all(bytes)?;
    if let Some(old) = &old {
        keep(file.as_file(), old)?;
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|e| e.error)?;
    // The new name, too, must survive a crash. Not every system can sync a folder.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// The target of symbolic links, whether or not that file exists.
fn target(path: &Path) -> Result<PathBuf, IoError> {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        if !fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_symlink()) {
            return Ok(path);
        }
        let link = fs::read_link(&path)?;
        path = path.parent().unwrap_or(Path::new("")).join(link);
    }
    Err(IoError::other("too many symbolic links"))
}

/// An empty temporary file, locked if the file system supports locks. Only its owner may read it; if it is `new`, it
/// has the mode of new files.
fn make(folder: &Path, new: bool) -> Result<NamedTempFile, IoError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(LETTERS);
    #[cfg(unix)]
    if new {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = new;
    for _ in 0..64 {
        let file = builder.tempfile_in(folder)?;
        match file.as_file().try_lock() {
            Err(TryLockError::Error(_)) => return Ok(file),
            Ok(()) if file.path().exists() => return Ok(file),
            // Another process takes it for the file of a killed process, and removes it.
            Ok(()) | Err(TryLockError::WouldBlock) => {}
        }
    }
    Err(IoError::other("temporary files vanish at once"))
}

/// Whether this process saves in the folder for the first time.
fn is_new(folder: &Path) -> bool {
    static SWEPT: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    let Ok(folder) = fs::canonicalize(folder) else {
        return false;
    };
    let mut swept = SWEPT.lock().unwrap_or_else(PoisonError::into_inner);
    swept.get_or_insert_default().insert(folder)
}

/// Removes the files of killed processes. A file that cannot be removed, or locked, is left.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(is_temporary);
        if !ours || !entry.file_type().is_ok_and(|t| t.is_file()) {
            continue;
        }
        let path = entry.path();
        let open = |write| OpenOptions::new().read(true).write(write).open(&path);
        // On some systems a file must be open for writing to be locked.
        let Ok(file) = open(true).or_else(|_| open(false)) else {
            continue;
        };
        // A file that has been renamed since it was listed is locked, or has another name.
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}

fn is_temporary(name: &str) -> bool {
    let middle = name
        .strip_prefix(PREFIX)
        .and_then(|name| name.strip_suffix(SUFFIX));
    middle.is_some_and(|m| m.len() == LETTERS && m.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Gives a file the owner and the mode of the file that it replaces.
#[cfg(unix)]
fn keep(file: &File, old: &Metadata) -> Result<(), IoError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let new = file.metadata()?;
    let mut mode = old.mode() & 0o777;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        let group = || fchown(file, None, Some(old.gid()));
        let kept = fchown(file, Some(old.uid()), Some(old.gid())).or_else(|_| group());
        if kept.is_err() {
            // The group is different, and gets the rights of others.
            mode = mode & 0o707 | (mode & 0o007) << 3;
        }
    }
    if new.mode() & 0o777 == mode {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep(_: &File, _: &Metadata) -> Result<(), IoError> {
    Ok(())
}
