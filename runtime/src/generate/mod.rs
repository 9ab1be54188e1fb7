//! Sequences from a model that scores the next symbol: greedy, sampled, or by beam search.
//!
//! Takes the scores (logits) of one position, on the host, and returns the next symbol. The model itself is a network.
//! A network with a `#[state]` of keys and values scores the next symbol without reading the whole sequence again.
//!
//! ```
//! use netform_runtime::generate::Sampler;
//!
//! let scores = [0.1f32, 2.0, -1.0, 1.9];
//! assert_eq!(Sampler::greedy().pick(&scores)?, 1);
//! let mut sampler = Sampler::new(7).temperature(0.8).top_k(2);
//! assert!([1, 3].contains(&sampler.pick(&scores)?));
//! # Ok::<(), netform_runtime::Error>(())
//! ```

mod beam;
mod beams;
mod sampler;

pub use beam::{Beam, Hypothesis};
pub use beams::Beams;
pub use sampler::Sampler;
