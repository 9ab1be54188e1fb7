//! Scalar functions: the elements of every elementwise map. One row each: its name in the graph's
//! text, its arity, its types, its value in f64, and its gradient (in `gradient/scalar.rs`).

use crate::ir::DType;

/// How operand types give the result's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Floats to a float.
    Float,
    /// Floats or ints, both alike, to the same.
    Number,
    /// Floats or ints, both alike, to a bool.
    Compare,
    /// Bools to a bool.
    Logic,
    /// A bool and two of one type to that type.
    Select,
}

macro_rules! scalars {
    ($($variant:ident $name:literal $arity:literal $typing:ident |$x:ident| $value:expr;)*) => {
        /// A scalar function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scalar {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            /// A change of type.
            Cast(DType),
        }

        impl Scalar {
            /// Every function but the casts.
            pub const ALL: &'static [Scalar] = &[$(Scalar::$variant),*];

            /// The name in the graph's text, and of the runtime's method.
            pub fn name(self) -> &'static str {
                match self {
                    $(Scalar::$variant => $name,)*
                    Scalar::Cast(DType::Float) => "to_float",
                    Scalar::Cast(DType::Int) => "to_ints",
                    Scalar::Cast(DType::Bool) => "to_mask",
                }
            }

            /// Number of operands.
            pub fn arity(self) -> usize {
                match self { $(Scalar::$variant => $arity,)* Scalar::Cast(_) => 1 }
            }

            /// The typing rule; casts take anything.
            pub fn typing(self) -> Option<Typing> {
                match self { $(Scalar::$variant => Some(Typing::$typing),)* Scalar::Cast(_) => None }
            }

            /// The value; bools are 0 and 1.
            pub fn eval(self, args: &[f64]) -> f64 {
                let x = |i: usize| args.get(i).copied().unwrap_or(f64::NAN);
                match self {
                    $(Scalar::$variant => { let $x = x; $value })*
                    Scalar::Cast(DType::Float) => x(0),
                    Scalar::Cast(DType::Int) => x(0).trunc(),
                    Scalar::Cast(DType::Bool) => truth(x(0) != 0.0),
                }
            }
        }
    };
}

scalars! {
    Neg "neg" 1 Number |x| -x(0);
    Abs "abs" 1 Float |x| x(0).abs();
    Exp "exp" 1 Float |x| x(0).exp();
    Log "log" 1 Float |x| x(0).ln();
    Sqrt "sqrt" 1 Float |x| x(0).sqrt();
    Rsqrt "rsqrt" 1 Float |x| 1.0 / x(0).sqrt();
    Recip "recip" 1 Float |x| 1.0 / x(0);
    Sin "sin" 1 Float |x| x(0).sin();
    Cos "cos" 1 Float |x| x(0).cos();
    Tanh "tanh" 1 Float |x| x(0).tanh();
    Sigmoid "sigmoid" 1 Float |x| 1.0 / (1.0 + (-x(0)).exp());
    Erf "erf" 1 Float |x| erf(x(0));
    Expm1 "expm1" 1 Float |x| x(0).exp_m1();
    Log1p "log1p" 1 Float |x| x(0).ln_1p();
    Floor "floor" 1 Float |x| x(0).floor();
    Ceil "ceil" 1 Float |x| x(0).ceil();
    Round "round" 1 Float |x| x(0).round_ties_even();
    Sign "sign" 1 Float |x| if x(0) == 0.0 { 0.0 } else { x(0).signum() };
    Relu "relu" 1 Float |x| if x(0) < 0.0 { 0.0 } else { x(0) };
    Add "add" 2 Number |x| x(0) + x(1);
    Sub "sub" 2 Number |x| x(0) - x(1);
    Mul "mul" 2 Number |x| x(0) * x(1);
    Div "div" 2 Float |x| x(0) / x(1);
    Pow "pow" 2 Float |x| x(0).powf(x(1));
    Max "max" 2 Float |x| if x(0).is_nan() || x(0) > x(1) { x(0) } else { x(1) };
    Min "min" 2 Float |x| if x(0).is_nan() || x(0) < x(1) { x(0) } else { x(1) };
    Eq "eq" 2 Compare |x| truth(x(0) == x(1));
    Ne "ne" 2 Compare |x| truth(x(0) != x(1));
    Lt "lt" 2 Compare |x| truth(x(0) < x(1));
    Le "le" 2 Compare |x| truth(x(0) <= x(1));
    Gt "gt" 2 Compare |x| truth(x(0) > x(1));
    Ge "ge" 2 Compare |x| truth(x(0) >= x(1));
    And "and" 2 Logic |x| truth(x(0) != 0.0 && x(1) != 0.0);
    Or "or" 2 Logic |x| truth(x(0) != 0.0 || x(1) != 0.0);
    Not "not" 1 Logic |x| truth(x(0) == 0.0);
    Where "where" 3 Select |x| if x(0) != 0.0 { x(1) } else { x(2) };
}

fn truth(b: bool) -> f64 {
    if b { 1.0 } else { 0.0 }
}

/// The error function, by its series near 0 and the continued fraction of `erfc` beyond
/// (Abramowitz and Stegun 7.1.6, 7.1.14); to about 1e-15.
pub fn erf(x: f64) -> f64 {
    let a = x.abs();
    if a.is_nan() {
        return x;
    }
    let value = if a < 2.5 {
        let mut term = a;
        let mut sum = a;
        let mut n = 0.0;
        while term > 1e-18 * sum {
            n += 1.0;
            term *= 2.0 * a * a / (2.0 * n + 1.0);
            sum += term;
        }
        2.0 / std::f64::consts::PI.sqrt() * (-a * a).exp() * sum
    } else if a < 6.0 {
        let mut fraction = 0.0;
        for k in (1..=60).rev() {
            fraction = f64::from(k) / 2.0 / (a + fraction);
        }
        1.0 - (-a * a).exp() / std::f64::consts::PI.sqrt() / (a + fraction)
    } else {
        1.0
    };
    value.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::erf;

    #[test]
    fn erf_at_known_points() {
        for (x, want) in [
            (0.0, 0.0),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (3.0, 0.999_977_909_503_001_4),
        ] {
            assert!((erf(x) - want).abs() < 1e-15, "{x}: {}", erf(x));
            assert_eq!(erf(-x), -erf(x));
        }
    }
}
