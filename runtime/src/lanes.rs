//! [`LANES`] elements at a time.

/// Elements in a pack.
pub const LANES: usize = 16;

/// Floats.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Pack<F>(pub [F; LANES]);

/// `f` of every lane.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn each<A: Copy, B: Copy>(a: &[A; LANES], zero: B, f: impl Fn(A) -> B) -> [B; LANES] {
    let mut y = [zero; LANES];
    // Two arrays of one length are iterated together, for which an index is clearest.
    #[allow(clippy::needless_range_loop)]
    for i in 0..LANES {
        y[i] = f(a[i]);
    }
    y
}
