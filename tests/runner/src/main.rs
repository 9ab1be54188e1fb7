//! `cargo run --release -p netform-fixtures -- DIR`: checks netform against a folder of golden values.

use std::process::ExitCode;

use netform_fixtures::index::Index;
use netform_fixtures::session::Status;
use netform_fixtures::tensors::Failure;
use netform_fixtures::{report, session};

fn main() -> ExitCode {
    let run = || -> Result<bool, Failure> {
        let dir = std::env::args_os().nth(1);
        let index = Index::read(dir.ok_or("the folder of the cases is missing")?)?;
        let statuses = session::check(&index)?;
        print!("{}", report::report(&index, &statuses));
        // A case without a network is a failure.
        Ok(statuses.values().all(|s| matches!(s, Status::Passed)))
    };
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("netform-fixtures: {e}");
            ExitCode::from(2)
        }
    }
}
