//! Only for tests: `build.rs` writes random programs, `tests/emitted.rs` runs them.
