//! Saving over a file: the properties of the old file that are kept, the targets of links, and the files of killed
//! processes.

#[path = "nets/hand.rs"]
mod hand;

use std::fs;
use std::path::{Path, PathBuf};

use hand::Hand;
use netform_runtime::files::{Checkpoint, safetensors};
use netform_runtime::*;

fn net(seed: u64) -> Hand<Cpu> {
    Hand::new(Cpu::new(), seed).unwrap()
}

fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().to_string_lossy().into())
        .collect();
    names.sort();
    names
}

/// Whether the file holds this network's parameters.
fn holds(path: &Path, seed: u64) -> bool {
    let (wanted, mut read) = (net(seed), net(0));
    read.load(path).unwrap();
    let values = |net: &Hand<Cpu>| -> Vec<_> { net.parameters().map(|p| p.values()).collect() };
    values(&wanted)
        .into_iter()
        .map(Result::unwrap)
        .eq(values(&read).into_iter().map(Result::unwrap))
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn the_mode_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        // A new file has the usual mode.
        let plain = folder.path().join("plain");
        fs::write(&plain, "").unwrap();
        net(1).save(&path).unwrap();
        assert_eq!(mode(&path), mode(&plain));
        for (k, wanted) in [0o600, 0o640, 0o644, 0o660, 0o604, 0o755, 0o777, 0o200]
            .into_iter()
            .enumerate()
        {
            set_mode(&path, wanted);
            let seed = k as u64 + 2;
            net(seed).save(&path).unwrap();
            assert_eq!(mode(&path), wanted);
            Checkpoint::of(&net(seed)).save(&path).unwrap();
            assert_eq!(mode(&path), wanted);
            set_mode(&path, 0o600);
            assert!(holds(&path, seed), "{wanted:o}");
        }
        let t = Tensor::from(vec![1.0f32]);
        set_mode(&path, 0o600);
        safetensors::write(&path, [("t", &t)]).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(names(folder.path()), ["net.safetensors", "plain"]);
    }

    /// For processes that may change owners, such as those of root; it cannot be tested otherwise.
    #[test]
    fn the_owner_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        net(1).save(&path).unwrap();
        if std::os::unix::fs::chown(&path, Some(1234), Some(4321)).is_err() {
            return;
        }
        set_mode(&path, 0o640);
        net(2).save(&path).unwrap();
        let meta = fs::metadata(&path).unwrap();
        assert_eq!((meta.uid(), meta.gid(), mode(&path)), (1234, 4321, 0o640));
    }

    /// A read-only file is not replaced either. (Root may write all files.)
    #[test]
    fn a_file_that_may_only_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        net(1).save(&path).unwrap();
        set_mode(&path, 0o444);
        let may = fs::OpenOptions::new().write(true).open(&path).is_ok();
        match net(2).save(&path) {
            Ok(()) => assert!(may && holds(&path, 2)),
            Err(e) => assert!(!may && holds(&path, 1), "{e}"),
        }
        assert_eq!(mode(&path), 0o444);
        assert_eq!(names(folder.path()), ["net.safetensors"]);
    }

    #[test]
    fn links_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("store/deep")).unwrap();
        net(1).save(at("store/old")).unwrap();
        set_mode(&at("store/old"), 0o600);
        // The link, its target, and the file that is written in the end.
        let cases = [
            ("direct", at("store/old"), "store/old"),
            ("relative", "store/old".into(), "store/old"),
            ("chain", "relative".into(), "store/old"),
            ("store/deep/up", "../old".into(), "store/old"),
            ("dangling", "store/new".into(), "store/new"),
            ("dangling_chain", "dangling_2".into(), "store/new_2"),
        ];
        symlink("store/new_2", at("dangling_2")).unwrap();
        symlink("store", at("folder")).unwrap();
        for (k, (link, to, file)) in cases.iter().enumerate() {
            symlink(to, at(link)).unwrap();
            let seed = k as u64 + 10;
            net(seed).save(at(link)).unwrap();
            assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink());
            assert_eq!(fs::read_link(at(link)).unwrap(), *to);
            assert!(fs::symlink_metadata(at(file)).unwrap().is_file(), "{link}");
            assert!(holds(&at(file), seed), "{link}");
        }
        assert_eq!(mode(&at("store/old")), 0o600);
        // A folder may be a link, too.
        net(30).save(at("folder/old")).unwrap();
        assert!(holds(&at("store/old"), 30));
        assert_eq!(names(&at("store")), ["deep", "new", "new_2", "old"]);

        symlink("loop_b", at("loop_a")).unwrap();
        symlink("loop_a", at("loop_b")).unwrap();
        symlink("itself", at("itself")).unwrap();
        symlink("nowhere/file", at("lost")).unwrap();
        for link in ["loop_a", "itself", "lost"] {
            let error = message(net(1).save(at(link)));
            assert!(error.contains(link), "{error}");
            assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink());
        }
    }

    #[test]
    fn names_that_are_no_text() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join(OsStr::from_bytes(b"f\xff"));
        fs::create_dir(&inner).unwrap();
        let path = inner.join(OsStr::from_bytes(b"\xfe\xfd.st"));
        for seed in [1, 2] {
            net(seed).save(&path).unwrap();
            assert!(holds(&path, seed));
        }
        assert_eq!(names(&inner).len(), 1);
    }

    /// A pipe or a device is written directly, not replaced.
    #[test]
    fn what_is_no_file_stays() {
        use std::os::unix::fs::FileTypeExt;
        net(1).save("/dev/null").unwrap();
        let meta = fs::metadata("/dev/null").unwrap();
        assert!(meta.file_type().is_char_device());
        if Path::new("/dev/full").exists() {
            let error = message(net(1).save("/dev/full"));
            assert!(error.starts_with("/dev/full: No space left"), "{error}");
        }
        let error = message(net(1).save("/dev/null/net"));
        assert!(error.starts_with("/dev/null/net: "), "{error}");
    }

    /// No space, simulated by a limit on the size of files: the old file is kept, and no other file is left.
    #[test]
    fn a_full_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        net(1).save(&path).unwrap();
        let script = format!(
            "trap '' XFSZ; ulimit -f 1; exec '{}' a_process_that_saves",
            std::env::current_exe().unwrap().display()
        );
        let mut child = std::process::Command::new("sh");
        child.args(["-c", &script]).env(SAVES, &path);
        assert!(!child.output().unwrap().status.success());
        assert!(holds(&path, 1));
        assert_eq!(names(folder.path()), ["net.safetensors"]);
    }
}

/// The variable that makes [`a_process_that_saves`] save.
const SAVES: &str = "NETFORM_TEST_SAVES";

/// Not a test, but the program of another process: it saves a large tensor until it is killed, or fails.
#[test]
fn a_process_that_saves() {
    let Some(path) = std::env::var_os(SAVES) else {
        return;
    };
    let large = Tensor::zeros::<f32>([1 << 20]).unwrap();
    loop {
        safetensors::write(&path, [("large", &large)]).unwrap();
    }
}

fn saving(path: &Path) -> std::process::Child {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.arg("a_process_that_saves");
    let child = child.env(SAVES, path).stdout(std::process::Stdio::null());
    child.spawn().unwrap()
}

/// The temporary files in a folder.
fn temporary(folder: &Path) -> Vec<PathBuf> {
    let names = names(folder).into_iter();
    let ours = names.filter(|n| n.starts_with(".netform-"));
    ours.map(|n| folder.join(n)).collect()
}

#[test]
fn the_first_save_of_a_process_removes_what_a_killed_one_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    // It is almost always in the middle of a save.
    for _ in 0..100 {
        let mut child = saving(&path);
        while temporary(folder.path()).is_empty() {
            assert!(child.try_wait().unwrap().is_none(), "it cannot save");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if !temporary(folder.path()).is_empty() {
            break;
        }
    }
    assert_eq!(temporary(folder.path()).len(), 1);
    // A failed save, too, cleans up first; a save in another folder does not.
    let elsewhere = tempfile::tempdir().unwrap();
    net(1).save(elsewhere.path().join("net")).unwrap();
    assert_eq!(temporary(folder.path()).len(), 1);
    net(1).save(&path).unwrap();
    assert_eq!(names(folder.path()), ["net.safetensors"]);
    assert!(holds(&path, 1));
}

/// Temporary files of this and of another living process are kept, and also files with similar names.
#[test]
fn what_a_living_process_writes_stays() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let path = at("net.safetensors");
    let living = fs::File::create(at(".netform-Abc123.tmp")).unwrap();
    living.lock().unwrap();
    for left in [".netform-000000.tmp", ".netform-zzzzzz.tmp"] {
        fs::write(at(left), "half").unwrap();
    }
    let others = [
        ".netform-notes.tmp",
        ".netform-1234567.tmp",
        ".netform-12-456.tmp",
        ".netform-123456",
        "netform-123456.tmp",
    ];
    for other in others {
        fs::write(at(other), "mine").unwrap();
    }
    fs::create_dir(at(".netform-folder.tmp")).unwrap();
    net(1).save(&path).unwrap();
    let mut wanted: Vec<String> = others.map(String::from).into();
    wanted.extend(
        [
            ".netform-Abc123.tmp",
            ".netform-folder.tmp",
            "net.safetensors",
        ]
        .map(String::from),
    );
    wanted.sort();
    assert_eq!(names(folder.path()), wanted);
    drop(living);
    // The folder is searched once. Another process searches it again.
    net(1).save(&path).unwrap();
    assert_eq!(names(folder.path()), wanted);

    // Another process saves at the same time, each to its own file and both to one file.
    let mut child = saving(&at("theirs"));
    while !at("theirs").exists() {
        assert!(child.try_wait().unwrap().is_none());
    }
    assert!(!at(".netform-Abc123.tmp").exists());
    for seed in 1..20 {
        net(seed).save(&path).unwrap();
        assert!(child.try_wait().unwrap().is_none(), "its file was removed");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The last save wins; no reader sees a mixture, and no save fails.
#[test]
fn several_save_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    std::thread::scope(|scope| {
        for seed in 1..5 {
            let path = &path;
            scope.spawn(move || {
                let net = net(seed);
                for _ in 0..25 {
                    net.save(path).unwrap();
                    let mut read = Hand::new(Cpu::new(), 0).unwrap();
                    read.load(path).unwrap();
                }
            });
        }
    });
    assert!((1..5).any(|seed| holds(&path, seed)));
    assert_eq!(names(folder.path()), ["net.safetensors"]);
}

#[test]
fn paths_that_name_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("folder")).unwrap();
    fs::write(at("file"), "x").unwrap();
    let cases = [
        (at("folder"), "it is a folder"),
        (folder.path().to_owned(), "it is a folder"),
        ("/".into(), "it is a folder"),
        (at("no/such/net"), "its folder `"),
        (at("file/net"), "ot a directory"),
        (PathBuf::new(), "the path names no file"),
    ];
    for (path, wanted) in cases {
        let error = message(net(1).save(&path));
        assert!(error.contains(wanted), "{}: {error}", path.display());
        assert!(error.starts_with(&*path.to_string_lossy()), "{error}");
    }
    assert_eq!(names(folder.path()), ["file", "folder"]);
}
