//! The CUDA device computes the same as the CPU, on a GPU or on the emulator that replaces its driver.
#![cfg(feature = "cuda")]

use netform_networks::{close, device, results};
#[macro_use]
mod both;

mod attention;
mod blocks;
mod convert;
mod convolutions;
mod faults;
mod graphs;
mod host;
mod indices;
mod kernels;
mod large;
mod memory;
mod mnist;
mod optimizers;
mod outcomes;
mod programs;
mod resident;
mod seq2seq;
mod state;
mod threads;
mod training;
