//! The structure of the sources: no import cycles among their files, every public item is on a list, and no comment or
//! message has words that readers stumble over.

mod cycles;
mod graph;
mod items;
mod public;
mod resolve;
mod tree;
mod words;
