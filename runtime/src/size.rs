//! Sizes of a product that are known at compile time, as types.

use netform_core::Product;

/// The sizes that are known.
pub trait Sizes: 'static {
    /// Whether a product has these sizes.
    fn agree(size: Product) -> bool;
    /// Calls the visitor's method for these sizes.
    fn visit<V: Visitor>(visitor: V);
}

/// A function with a method for each kind of known sizes.
pub trait Visitor {
    /// No size is known.
    fn any(self);
    /// `n` and `k` are known.
    fn nk<const N: usize, const K: usize>(self);
    /// `m` and `n` are known.
    fn mn<const M: usize, const N: usize>(self);
}

/// No size is known.
pub enum Any {}

/// One small product whose `n` and `k` are known.
pub enum Nk<const N: usize, const K: usize> {}

/// One small product whose `m` and `n` are known.
pub enum Mn<const M: usize, const N: usize> {}

impl Sizes for Any {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn agree(_: Product) -> bool {
        true
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn visit<V: Visitor>(visitor: V) {
        visitor.any();
    }
}

impl<const N: usize, const K: usize> Sizes for Nk<N, K> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn agree(size: Product) -> bool {
        size.n == N && size.k == K
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn visit<V: Visitor>(visitor: V) {
        visitor.nk::<N, K>();
    }
}

impl<const M: usize, const N: usize> Sizes for Mn<M, N> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn agree(size: Product) -> bool {
        size.m == M && size.n == N
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn visit<V: Visitor>(visitor: V) {
        visitor.mn::<M, N>();
    }
}
