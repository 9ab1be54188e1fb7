//! Numeric tables: comma-separated values, plain or gzipped, with or without a header line.
//!
//! Cells are kept as text and parsed as numbers on request, so that a table may have columns of text. An error names
//! the file, the line and the column. Numbers must be finite: `NaN` and `inf`, which often mark missing values, are
//! errors.
//!
//! ```no_run
//! use netform_runtime::data::csv;
//! let iris = csv::read("iris_train.csv")?;
//! let x: Vec<[f32; 4]> = iris.rows(["sepal_length_cm", "sepal_width_cm", "petal_length_cm", "petal_width_cm"])?;
//! let y: Vec<u32> = iris.labels("target", 3)?;
//! # Ok::<(), netform_runtime::Error>(())
//! ```

use std::path::{Path, PathBuf};

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use super::{bad, bad_in, io, kind, open, shown};
use crate::{Error, FileProblem, Result};

/// A table of text cells.
#[derive(Clone, Debug)]
pub struct Table {
    path: PathBuf,
    header: Vec<String>,
    records: Vec<StringRecord>,
}

/// Reads a table whose first line names the columns.
pub fn read(path: impl AsRef<Path>) -> Result<Table> {
    parse(path.as_ref(), true)
}

/// Reads a table without a header: the columns are named `1`, `2`, ...
pub fn read_headless(path: impl AsRef<Path>) -> Result<Table> {
    parse(path.as_ref(), false)
}

fn parse(path: &Path, headed: bool) -> Result<Table> {
    let mut file = open(path)?.reader;
    let start = file.fill_buf().map_err(|source| io(path, source))?;
    if let Some(kind) = kind::of(start) {
        let what = kind.instead_of("a table of comma-separated values");
        return Err(bad_in(path, FileProblem::WrongKind, what));
    }
    let mut reader = ReaderBuilder::new()
        .has_headers(headed)
        .trim(Trim::All)
        .from_reader(file);
    let mut header: Vec<String> = match headed {
        true => reader
            .headers()
            .map_err(|e| error(path, e))?
            .iter()
            .map(str::to_owned)
            .collect(),
        false => Vec::new(),
    };
    let records = reader
        .records()
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| error(path, e))?;
    if headed && header.iter().all(String::is_empty) {
        return Err(bad(path, "the file has no header line"));
    }
    let control = |name: &&String| name.contains(char::is_control);
    if let Some(name) = header.iter().find(control) {
        let what = format!(
            "the column name `{}` holds a control character",
            shown(name)
        );
        return Err(bad_in(path, FileProblem::Names, what));
    }
    if !headed {
        header = (1..=records.first().map_or(0, StringRecord::len))
            .map(|i| i.to_string())
            .collect();
    }
    Ok(Table {
        path: path.to_path_buf(),
        header,
        records,
    })
}

fn error(path: &Path, error: csv::Error) -> Error {
    let line = error
        .position()
        .map(csv::Position::line)
        .unwrap_or_default();
    match error.into_kind() {
        ErrorKind::Io(source) => io(path, source),
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => bad(
            path,
            format!("line {line} has {len} cells, the lines before have {expected_len}"),
        ),
        ErrorKind::Utf8 { err, .. } => bad(path, format!("line {line} is not UTF-8: {err}")),
        other => bad(path, format!("line {line}: {other:?}")),
    }
}

impl Table {
    /// The columns' names.
    pub fn header(&self) -> &[String] {
        &self.header
    }
    /// Number of lines, without the header.
    pub fn len(&self) -> usize {
        self.records.len()
    }
    /// Whether there are no lines after the header.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// One column as text.
    pub fn text(&self, column: &str) -> Result<Vec<&str>> {
        let at = self.position(column)?;
        Ok(self
            .records
            .iter()
            .map(|r| r.get(at).unwrap_or_default())
            .collect())
    }

    /// One column as numbers.
    pub fn column(&self, column: &str) -> Result<Vec<f32>> {
        let at = self.position(column)?;
        self.records.iter().map(|r| self.number(r, at)).collect()
    }

    /// These columns as rows.
    pub fn rows<const N: usize>(&self, columns: [&str; N]) -> Result<Vec<[f32; N]>> {
        let mut at = [0; N];
        for (at, column) in at.iter_mut().zip(columns) {
            *at = self.position(column)?;
        }
        self.matrix(at)
    }

    /// The first `N` columns as rows: for tables whose last columns are the target.
    pub fn first<const N: usize>(&self) -> Result<Vec<[f32; N]>> {
        if N > self.header.len() {
            return Err(bad(
                &self.path,
                format!("{N} columns asked for, but there are {}", self.header.len()),
            ));
        }
        self.matrix(std::array::from_fn(|i| i))
    }

    /// One column as class numbers, each below `classes`.
    pub fn labels(&self, column: &str, classes: u32) -> Result<Vec<u32>> {
        let at = self.position(column)?;
        let label = |r: &StringRecord| match r.get(at).unwrap_or_default().parse::<u32>() {
            Ok(x) if x < classes => Ok(x),
            Ok(x) => {
                let line = r.position().map_or(0, csv::Position::line);
                Err(bad(
                    &self.path,
                    format!("line {line}, column `{column}`: label {x} is outside 0..{classes}"),
                ))
            }
            Err(_) => Err(self.cell(r, at, "a class number")),
        };
        self.records.iter().map(label).collect()
    }

    fn matrix<const N: usize>(&self, columns: [usize; N]) -> Result<Vec<[f32; N]>> {
        let row = |r: &StringRecord| {
            let mut row = [0.0; N];
            for (x, &at) in row.iter_mut().zip(&columns) {
                *x = self.number(r, at)?;
            }
            Ok(row)
        };
        self.records.iter().map(row).collect()
    }

    /// The only column with this name.
    fn position(&self, column: &str) -> Result<usize> {
        let names = self.header.iter().enumerate();
        let mut found = names.filter(|(_, name)| *name == column).map(|(at, _)| at);
        match (found.next(), found.next()) {
            (Some(at), None) => Ok(at),
            (Some(first), Some(second)) => {
                let (first, second) = (first + 1, second + 1);
                let what =
                    format!("two columns are named `{column}`: number {first} and number {second}");
                Err(bad_in(&self.path, FileProblem::Names, what))
            }
            (None, _) => {
                let near = crate::nearest::nearest(column, self.header.iter().map(String::as_str));
                let hint =
                    near.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
                Err(bad(&self.path, format!("no column `{column}`{hint}")))
            }
        }
    }

    fn number(&self, record: &StringRecord, at: usize) -> Result<f32> {
        let cell = record.get(at).unwrap_or_default();
        match cell.parse::<f32>() {
            Ok(x) if x.is_finite() => Ok(x),
            // A number, but with too many digits.
            Ok(_) if cell.contains(|c: char| c.is_ascii_digit()) => {
                Err(self.cell(record, at, "within the range of f32"))
            }
            Ok(_) => Err(self.cell(record, at, "a finite number")),
            Err(_) => Err(self.cell(record, at, "a number")),
        }
    }

    fn cell(&self, record: &StringRecord, at: usize, wanted: &'static str) -> Error {
        Error::Cell {
            path: self.path.clone(),
            line: record.position().map_or(0, csv::Position::line),
            column: self.header.get(at).cloned().unwrap_or_default(),
            cell: shown(record.get(at).unwrap_or_default()),
            wanted,
        }
    }
}
