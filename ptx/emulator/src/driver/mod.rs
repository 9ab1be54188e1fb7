//! The driver API, as a library that programs open instead of `libcuda.so.1`.
//!
//! Every function of the API is a few lines over [`state::State`]. Names and argument lists are NVIDIA's, hence the
//! style. All pointers come from the program, which guarantees their validity as for the real driver.
#![allow(non_snake_case)]

mod code;
mod context;
mod device;
mod event;
mod extra;
mod function;
mod graph;
mod launch;
mod memory;
mod module;
mod state;
mod stream;
mod transfer;
mod work;
