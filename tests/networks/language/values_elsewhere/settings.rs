//! Constants for networks of another file.

pub const DEPTH: usize = super::FEW + 1;
pub const STEP: usize = 2;
pub const WIDTHS: [usize; 3] = [4, deep::MIDDLE, STEP * 5];
pub use deep::*;

pub mod deep {
    use super::STEP;

    pub const MIDDLE: usize = STEP + OWN;
    pub const SCALE: f64 = std::f64::consts::PI / 2.0;
    const OWN: usize = 4;
}
pub const FIVE: usize = 5;
