//! Numbers: gradients of every op, accuracy, special positions.

mod accuracy;
mod check;
mod edges;
mod grad;
mod integers;
mod norm_gather;
mod ops;
mod rounding;
mod widths;
