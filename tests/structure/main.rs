//! The structure of the sources: no import cycles among their files, and every public item is on a list.

mod cycles;
mod graph;
mod items;
mod public;
mod resolve;
mod tree;
