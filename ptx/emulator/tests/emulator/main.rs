//! The required behaviour of the emulator, by the PTX ISA: rows of text, inputs and outputs that go through the driver
//! API by function pointers.
//!
//! `NETFORM_DRIVER=/path/libcuda.so.1` runs the rows on a real driver. Tests that only the emulator can pass (planted
//! errors, error injection) are skipped there. `NETFORM_KEEP_PTX=directory` writes the texts to files, for NVIDIA's own
//! assembler to check.

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
