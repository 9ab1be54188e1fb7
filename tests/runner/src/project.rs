//! The generated program: a workspace of a few crates that hold the modules, and one that runs them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::place::EMULATOR;
use crate::tensors::Failure;

/// The number of crates with modules: they compile in parallel.
const PARTS: usize = 4;

/// The path of netform.
const HOME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A program on disk.
pub struct Project {
    name: String,
    main: &'static str,
    root: PathBuf,
    target: PathBuf,
    modules: BTreeMap<usize, Source>,
}

/// The emulator's library, which Cargo builds with this program's dependencies.
fn emulator() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?;
    let folder = program.parent().ok_or("a program lies in a folder")?;
    let deps = match folder.ends_with("deps") {
        true => folder.to_owned(),
        false => folder.join("deps"),
    };
    Ok(deps.join("libnetform_ptx_emulator.so"))
}

/// A module's case and text.
struct Source {
    id: String,
    text: String,
}

impl Project {
    /// A program of this name in a build directory; `main` runs its modules.
    pub fn new(build: &Path, name: &str, main: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            main,
            root: build.join("fixtures").join(name),
            target: build.to_owned(),
            modules: BTreeMap::new(),
        }
    }

    /// Adds the module of case number `k`.
    pub fn add(&mut self, k: usize, id: &str, text: String) {
        let id = id.to_owned();
        self.modules.insert(k, Source { id, text });
    }

    /// Builds the program. Modules that do not compile are removed until the others do; returns their messages.
    pub fn build(&mut self) -> Result<BTreeMap<usize, String>, Failure> {
        let mut refused = BTreeMap::new();
        loop {
            self.write()?;
            let errors = self.compile()?;
            if errors.is_empty() {
                return Ok(refused);
            }
            for (k, message) in errors {
                self.modules.remove(&k);
                refused.insert(k, message);
            }
        }
    }

    /// Runs the program on a folder of cases; returns the JSON objects that it writes.
    pub fn run<T: DeserializeOwned>(&self, dir: &Path) -> Result<Vec<T>, Failure> {
        let program = self.target.join("debug").join(&self.name);
        let output = Command::new(program)
            .arg(dir)
            .env(EMULATOR, emulator()?)
            .stderr(Stdio::inherit())
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let outcomes = text.lines().map(serde_json::from_str);
        let outcomes = outcomes.collect::<Result<Vec<T>, _>>()?;
        if !output.status.success() {
            let after = text.lines().last().unwrap_or("the start");
            return Err(format!("the program ended after {after}: {}", output.status).into());
        }
        Ok(outcomes)
    }

    fn write(&self) -> Result<(), Failure> {
        let home = fs::canonicalize(HOME)?;
        let mut members = vec!["program".to_owned()];
        let features = match cfg!(feature = "cuda") {
            true => ", features = [\"cuda\"]",
            false => "",
        };
        let dependencies = format!(
            "netform = {{ path = {home:?} }}\nnetform-fixtures = {{ path = {:?}, default-features = false{features} }}\n",
            home.join("tests/runner")
        );
        let mut program = format!(
            "//! Runs all cases.\n\nfn main() -> std::process::ExitCode {{\n    {}(&[",
            self.main
        );
        let mut parts = String::new();
        for part in 0..PARTS {
            // Programs share a target folder, where Cargo distinguishes packages by name.
            let name = format!("{}_part_{part}", self.name.replace('-', "_"));
            self.write_part(part, &name, &dependencies)?;
            parts += &format!("{name} = {{ path = \"../{name}\" }}\n");
            program += &format!("{name}::CASES, ");
            members.push(name);
        }
        program += "])\n}\n";
        // Kernels are compiled in the crate that declares the network: optimising them takes ten times as long, and the
        // arithmetic is the same. Everything else has the workspace's settings.
        let level = std::env::var("NETFORM_FIXTURES_OPT").unwrap_or_else(|_| "0".into());
        let mut root = format!(
            "[workspace]\nresolver = \"3\"\nmembers = {members:?}\n\n{}",
            profiles(&fs::read_to_string(home.join("Cargo.toml"))?)
        );
        for name in std::iter::once(&self.name).chain(&members[1..]) {
            root += &format!("[profile.dev.package.{name}]\nopt-level = {level}\ndebug = false\n");
        }
        keep(&self.root.join("Cargo.toml"), &root)?;
        let lock = self.root.join("Cargo.lock");
        if !lock.exists() && home.join("Cargo.lock").exists() {
            fs::copy(home.join("Cargo.lock"), lock)?;
        }
        let dir = self.root.join("program");
        keep(
            &dir.join("Cargo.toml"),
            &manifest(&self.name, &(dependencies + &parts)),
        )?;
        keep(&dir.join("src/main.rs"), &program)
    }

    fn write_part(&self, part: usize, name: &str, dependencies: &str) -> Result<(), Failure> {
        let dir = self.root.join(name);
        let mut lib =
            String::from("//! A part of the cases.\n\nuse netform_fixtures::prelude::*;\n\n");
        let mut list = String::new();
        let cuda = match cfg!(feature = "cuda") {
            true => |module: &str| format!(", cuda: |t| {module}::run(cuda()?, t)"),
            false => |_: &str| String::new(),
        };
        for (k, source) in self.modules.iter().filter(|(k, _)| *k % PARTS == part) {
            let module = format!("case_{k:04}");
            lib += &format!("mod {module};\n");
            list += &format!(
                "    Subject {{ id: {:?}, f32: |t| {module}::run(Cpu::new(), t), f64: |t| {module}::run(Cpu::f64(), t){} }},\n",
                source.id,
                cuda(&module)
            );
            keep(&dir.join(format!("src/{module}.rs")), &source.text)?;
        }
        lib += &format!("\n/// The cases.\npub static CASES: &[Subject] = &[\n{list}];\n");
        keep(&dir.join("Cargo.toml"), &manifest(name, dependencies))?;
        keep(&dir.join("src/lib.rs"), &lib)
    }

    /// The first error of each module that has one.
    fn compile(&self) -> Result<BTreeMap<usize, String>, Failure> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(["build", "--keep-going", "--quiet"])
            .args(["--message-format", "json", "--target-dir"])
            .arg(&self.target)
            // Set here, since the workspace's configuration (`.cargo/config.toml`) is not found.
            .env(
                "CUDA_LIBRARY_PATH",
                fs::canonicalize(HOME)?.join("runtime/cuda-stub"),
            )
            .current_dir(&self.root)
            .stderr(Stdio::piped());
        if self.root.join("Cargo.lock").exists() {
            command.arg("--offline");
        }
        let output = command.output()?;
        if output.status.success() {
            return Ok(BTreeMap::new());
        }
        let mut errors = BTreeMap::new();
        let mut other = String::from_utf8_lossy(&output.stderr).into_owned();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let message = &line["message"];
            if message["level"] != "error" {
                continue;
            }
            match module_of(message) {
                Some(k) => {
                    let text = message["rendered"].as_str().unwrap_or_default();
                    errors.entry(k).or_insert_with(|| text.trim().to_owned());
                }
                None => other += message["rendered"].as_str().unwrap_or_default(),
            }
        }
        if errors.is_empty() {
            return Err(format!("the generated program does not build:\n{other}").into());
        }
        Ok(errors)
    }
}

/// The module of a message: that of its first span, or of the code that expands to it.
fn module_of(message: &Value) -> Option<usize> {
    let number = |span: &Value| -> Option<usize> {
        let (_, rest) = span["file_name"].as_str()?.rsplit_once("case_")?;
        rest.strip_suffix(".rs")?.parse().ok()
    };
    let spans = message["spans"].as_array()?;
    let own = spans.iter().find_map(number);
    own.or_else(|| {
        let outer = spans.iter().map(|s| &s["expansion"]["span"]);
        outer.into_iter().find_map(number)
    })
    .or_else(|| message["children"].as_array()?.iter().find_map(module_of))
}

fn manifest(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}"
    )
}

/// The sections of a manifest that set the profile `dev`.
fn profiles(manifest: &str) -> String {
    let mut ours = false;
    let lines = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            ours = line.starts_with("[profile.dev");
        }
        ours && !line.starts_with('#')
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// Writes a file, unless it has this text already: Cargo compares modification times.
fn keep(path: &Path, text: &str) -> Result<(), Failure> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()).into())
}
