//! The structure of the sources: no import cycles among their files.

mod cycles;
mod graph;
mod resolve;
mod tree;
