//! Code generation: from planned graphs to Rust. It cannot fail and is deterministic.
//!
//! The struct is outside; everything else is in one unnamed constant, so that no name escapes: statics that describe
//! the network and its plans, one zero-size type per distinct map, a function of runtime calls per plan, and the
//! methods. A large plan is emitted as data, a listing of its steps, and equal steps are one function.
//!
//! | file | contents |
//! |---|---|
//! | `network.rs` | the struct and its `impl`s |
//! | `generics.rs`, `chosen.rs` | const parameters; the choice among variants |
//! | `constants.rs`, `dims.rs` | Rust constants; sizes as Rust expressions |
//! | `spec.rs`, `weights.rs`, `state.rs` | parameters; weights in the program; state between calls |
//! | `methods.rs`, `signatures.rs` | what methods do; how they are declared |
//! | `plan.rs` | the memory of a function |
//! | `steps.rs`, `emit.rs`, `locals.rs`, `site.rs` | its runtime calls, their parts, variables and places |
//! | `form.rs` | calls of maps and reductions |
//! | `map.rs` | types of fused maps |
//! | `outline.rs`, `listing.rs`, `sizes.rs` | large plans: functions of steps, the listing, its sizes |
//! | `custom.rs`, `names.rs` | custom ops; the names of their items |
//! | `graph.rs` | the graph to draw |
//! | `lints.rs` | warnings of unused fields and arguments |

mod chosen;
mod constants;
mod custom;
pub mod dims;
pub mod emit;
mod form;
mod generics;
mod graph;
mod lints;
mod listing;
mod locals;
mod map;
mod methods;
mod names;
mod network;
mod outline;
mod plan;
mod signatures;
mod site;
mod sizes;
mod spec;
mod state;
mod steps;
pub mod values;
mod weights;

pub use lints::lints;
pub use network::{in_fields, network, skeleton};
