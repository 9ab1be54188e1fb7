//! What the emulator must do, from the PTX ISA's words: rows of text, inputs and outputs that go
//! through the driver API by function pointers.
//!
//! `NETFORM_DRIVER=/path/libcuda.so.1` runs the rows on a real driver; what only the emulator
//! notices (planted faults, fault injection) is skipped there. `NETFORM_KEEP_PTX=directory` writes
//! the texts to files, for NVIDIA's own assembler to judge.

mod control;
mod convert;
mod driver;
mod faults;
mod float;
mod graph;
mod harness;
mod integer;
mod matrix;
mod memory;
mod samples;
mod warp;
