//! The table of reductions: one row each.
//!
//! A row names the variant, its name in kernels, that of its op (also in the graph's text), the result of no element, and
//! how two partial results become one.

/// What reductions combine: a number, or several side by side.
pub trait Combinable: Copy {
    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The product.
    fn times(self, other: Self) -> Self;
    /// The larger. NaN wins.
    fn larger(self, other: Self) -> Self;
    /// The smaller. NaN wins.
    fn smaller(self, other: Self) -> Self;
}

macro_rules! combinable {
    ($($float:ty),*) => { $(
        impl Combinable for $float {
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self + other
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self * other
            }
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                if self > other || self.is_nan() { self } else { other }
            }
            #[inline(always)]
            fn smaller(self, other: Self) -> Self {
                if self < other || self.is_nan() { self } else { other }
            }
        }
    )* };
}
combinable!(f32, f64);

/// Of 64-bit integers, so that what leaves 64 bits on the way does not count. No sum of them leaves 128 bits. A product
/// that does stays at their end: whatever is combined with it is beyond 64 bits, or 0.
impl Combinable for i128 {
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }
    fn times(self, other: Self) -> Self {
        self.saturating_mul(other)
    }
    fn larger(self, other: Self) -> Self {
        self.max(other)
    }
    fn smaller(self, other: Self) -> Self {
        self.min(other)
    }
}

/// A combiner as a type, so that kernels are compiled for the one that they use.
pub trait Combine: 'static {
    /// Which.
    const COMBINER: Combiner;
    /// Two results as one.
    fn combine<T: Combinable>(a: T, b: T) -> T;
}

macro_rules! combiners {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal $op:literal $neutral:expr, |$a:ident, $b:ident| $value:expr;)*) => {
        /// How two partial results become one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Combiner {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Combiner {
            /// Every combiner.
            pub const ALL: &'static [Combiner] = &[$(Combiner::$variant),*];

            /// The name in kernels.
            pub const fn name(self) -> &'static str {
                match self { $(Combiner::$variant => $name,)* }
            }

            /// The variant's name, for emitted code.
            pub const fn variant(self) -> &'static str {
                match self { $(Combiner::$variant => stringify!($variant),)* }
            }

            /// The result of no element, which changes no other.
            pub const fn neutral(self) -> f64 {
                match self { $(Combiner::$variant => $neutral,)* }
            }

            /// Two results as one.
            pub fn combine<T: Combinable>(self, a: T, b: T) -> T {
                match self { $(Combiner::$variant => <by::$variant as Combine>::combine(a, b),)* }
            }
        }

        /// Each combiner as a type.
        pub mod by {
            $($(#[doc = $doc])* pub enum $variant {})*
        }

        $(impl Combine for by::$variant {
            const COMBINER: Combiner = Combiner::$variant;
            #[inline(always)]
            fn combine<T: Combinable>($a: T, $b: T) -> T { $value }
        })*

        /// What a reduction computes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reduce {
            $($(#[doc = $doc])* $variant,)*
            /// The sum in double precision, divided by the number of elements and rounded once.
            Mean,
        }

        impl Reduce {
            /// How it combines, if that is all it does.
            pub const fn combiner(self) -> Option<Combiner> {
                match self {
                    $(Reduce::$variant => Some(Combiner::$variant),)*
                    Reduce::Mean => None,
                }
            }

            /// The name in text, tables and pictures.
            pub const fn name(self) -> &'static str {
                match self { $(Reduce::$variant => $op,)* Reduce::Mean => "mean" }
            }

            /// The variant's name, for emitted code.
            pub const fn variant(self) -> &'static str {
                match self { $(Reduce::$variant => stringify!($variant),)* Reduce::Mean => "Mean" }
            }
        }
    };
}

combiners! {
    /// The sum, in a fixed blocked order.
    Sum "sum" "sum" 0.0, |a, b| a.plus(b);
    /// The product, in a fixed blocked order.
    Prod "prod" "prod" 1.0, |a, b| a.times(b);
    /// The largest. NaN wins.
    Max "max" "amax" f64::NEG_INFINITY, |a, b| a.larger(b);
    /// The smallest. NaN wins.
    Min "min" "amin" f64::INFINITY, |a, b| a.smaller(b);
}
