//! The structure of the sources: no import cycles among their files, and what is public is on a list.

mod cycles;
mod graph;
mod items;
mod public;
mod resolve;
mod tree;
