//! The language: functions, loops, blocks, state, memory.

mod any_rank;
mod arrays;
mod blocks;
mod buffers;
mod constants;
mod counted_loops;
mod custom;
mod groups;
mod initial;
mod language;
mod layers_in_part;
mod listings;
mod looking;
mod memory;
mod optional_layers;
mod python_words;
mod quotients;
mod recompute;
mod scan;
mod sharing;
mod sizes;
mod solved;
mod state;
mod training_mode;
mod typed_buffers;
mod weights;
