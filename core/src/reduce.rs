//! The table of reductions: one row each.

macro_rules! combiners {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal $neutral:expr, |$a:ident, $b:ident| $value:expr;)*) => {
        /// How two partial results become one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Combiner {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Combiner {
            /// Every combiner.
            pub const ALL: &'static [Combiner] = &[$(Combiner::$variant),*];

            /// The name in the graph's text and in kernels.
            pub const fn name(self) -> &'static str {
                match self { $(Combiner::$variant => $name,)* }
            }

            /// The result of no element, which changes no other.
            pub const fn neutral(self) -> f64 {
                match self { $(Combiner::$variant => $neutral,)* }
            }

            /// Two results as one.
            pub fn combine(self, a: f64, b: f64) -> f64 {
                match self { $(Combiner::$variant => { let ($a, $b) = (a, b); $value })* }
            }
        }

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

            /// The name in the graph's text.
            pub const fn name(self) -> &'static str {
                match self { $(Reduce::$variant => $name,)* Reduce::Mean => "mean" }
            }
        }
    };
}

combiners! {
    /// The sum, in a fixed blocked order.
    Sum "sum" 0.0, |a, b| a + b;
    /// The largest. NaN wins.
    Max "max" f64::NEG_INFINITY, |a, b| if a.is_nan() || a > b { a } else { b };
    /// The smallest. NaN wins.
    Min "min" f64::INFINITY, |a, b| if a.is_nan() || a < b { a } else { b };
}
