//! Stand-in: one lane.

/// Floats.
#[derive(Clone, Copy)]
pub struct Pack<F>(pub F);
/// Integers.
#[derive(Clone, Copy)]
pub struct Ints(pub i32);
/// Booleans.
#[derive(Clone, Copy)]
pub struct Mask(pub bool);
impl<F: std::ops::Add<Output = F>> std::ops::Add for Pack<F> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self(self.0 + o.0)
    }
}
