//! Drawings of networks: tables, and pictures of computation graphs as DOT and SVG.
//!
//! `Net::graph()` is the static [`Graph`]. It prints as a table, and [`Graph::function`] gives the graph of one
//! function to draw, with shapes on its wires. A function marked `#[draw]` has a method `f_draw`, whose [`Picture`] has
//! a run's values above its wires and the gradients below.

mod dot;
mod function;
mod graph;
mod layout;
mod picture;
mod scene;
mod svg;
mod table;
#[doc(hidden)]
pub mod text;

pub use graph::{Function, Graph, Kind, Layer, Node};
pub use picture::{Drawn, Picture};
