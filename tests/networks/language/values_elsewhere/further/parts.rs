//! Constants of a module whose parent is no file.

pub const ROUNDS: usize = super::super::FEW * 2 - 1;
pub const HALF: f32 = 1.0 / 2.0;
