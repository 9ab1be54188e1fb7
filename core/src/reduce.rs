//! The table of reductions: one row each.
//!
//! A row has the variant, its name in kernels, the name of its op (also in the graph's text), the result of no
//! elements, and the function that combines two partial results.

/// Values that reductions combine: a number, or several side by side.
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

/// 64-bit integers are combined in 128 bits, so that an intermediate value may exceed 64 bits. Sums never exceed 128
/// bits. A product that does saturates: its products with other integers do not fit in 64 bits either, or are 0.
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
    /// The combiner.
    const COMBINER: Combiner;
    /// Combines two results.
    fn combine<T: Combinable>(a: T, b: T) -> T;
}

macro_rules! combiners {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal $op:literal $neutral:expr, |$a:ident, $b:ident| $value:expr;)*) => {
        /// How two partial results are combined.
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

            /// The result of no elements; it is the neutral element.
            pub const fn neutral(self) -> f64 {
                match self { $(Combiner::$variant => $neutral,)* }
            }

            /// Combines two results.
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

        /// The function that a reduction computes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reduce {
            $($(#[doc = $doc])* $variant,)*
            /// The sum in double precision, divided by the number of elements and rounded once.
            Mean,
        }

        impl Reduce {
            /// The combiner, if the reduction only combines.
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
