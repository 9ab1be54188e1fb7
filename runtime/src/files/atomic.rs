//! Replaces a file in one step: bytes in; afterwards the name holds all of them, or what it held before.

use std::fs::File;
use std::io::{Error as IoError, Write};
use std::path::Path;

use crate::{Error, Result};

/// Writes a file next to `path`, syncs it and renames it.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes).map_err(|source| Error::Io {
        path: path.to_path_buf(),
        source,
    })
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), IoError> {
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".netform-").suffix(".tmp");
    #[cfg(unix)]
    {
        // As any new file: temporary ones are otherwise their owner's alone.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    // The new name, too, must survive a crash. Not every system can sync a folder.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}
