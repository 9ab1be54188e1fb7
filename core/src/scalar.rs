//! The table of scalar functions, from which every elementwise map is built. One row each.
//!
//! A row has the variant, its name in the graph's text (also that of the runtime's method and of the macro in the
//! kernels' files), the op of one operand that is this function (or none), the number of operands, the typing rule,
//! whether it costs more than storing its result, the file of `ptx/kernels/scalar` that holds its instructions, and its
//! value in f64. Gradients are in the compiler's `gradient/scalar.rs`.

use crate::DType;

/// How the types of operands determine the type of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Floats to a float.
    Float,
    /// Floats or integers, both of one type, to the same type.
    Number,
    /// Floats or integers, both of one type, to a bool.
    Compare,
    /// Bools to a bool.
    Logic,
    /// A bool and two operands of one type, to that type.
    Select,
    /// Any type to this type.
    Cast(DType),
}

/// The cost of a function, apart from memory accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Costs less than storing its result and reading it again.
    Cheap,
    /// Costs more than that.
    Dear,
}

macro_rules! scalars {
    ($($variant:ident $name:literal $op:literal $arity:literal $typing:ident $cost:ident $file:literal |$x:ident| $value:expr;)*) => {
        /// A scalar function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scalar {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            /// A change of type. To a float: exact if possible, otherwise the nearest float. To an integer: rounded
            /// towards zero; a number out of range becomes the nearest integer in range, and NaN becomes 0. To a bool:
            /// whether the value is not 0.
            Cast(DType),
        }

        impl Scalar {
            /// Every function.
            pub const ALL: &'static [Scalar] = &[
                $(Scalar::$variant,)*
                Scalar::Cast(DType::Float),
                Scalar::Cast(DType::Int),
                Scalar::Cast(DType::Bool),
            ];

            /// The name in the graph's text, in the kernels and of the runtime's method.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Scalar::$variant => $name,)*
                    Scalar::Cast(DType::Float) => "to_float",
                    Scalar::Cast(DType::Int) => "to_ints",
                    Scalar::Cast(DType::Bool) => "to_mask",
                }
            }

            /// The variant's name, for emitted code.
            pub const fn variant(self) -> &'static str {
                match self {
                    $(Scalar::$variant => stringify!($variant),)*
                    Scalar::Cast(_) => "Cast",
                }
            }

            /// The op of one operand that is this function.
            pub const fn op(self) -> Option<&'static str> {
                let name = match self { $(Scalar::$variant => $op,)* Scalar::Cast(_) => "" };
                if name.is_empty() { None } else { Some(name) }
            }

            /// Number of operands.
            pub const fn arity(self) -> usize {
                match self { $(Scalar::$variant => $arity,)* Scalar::Cast(_) => 1 }
            }

            /// The typing rule.
            pub const fn typing(self) -> Typing {
                match self {
                    $(Scalar::$variant => Typing::$typing,)*
                    Scalar::Cast(to) => Typing::Cast(to),
                }
            }

            /// The cost.
            pub const fn cost(self) -> Cost {
                match self { $(Scalar::$variant => Cost::$cost,)* Scalar::Cast(_) => Cost::Cheap }
            }

            /// The file of `ptx/kernels/scalar` that holds its instructions.
            pub const fn file(self) -> &'static str {
                match self { $(Scalar::$variant => $file,)* Scalar::Cast(_) => "basic" }
            }

            /// The value; bools are 0 and 1.
            pub fn eval(self, args: &[f64]) -> f64 {
                let x = |i: usize| args.get(i).copied().unwrap_or(f64::NAN);
                match self {
                    $(Scalar::$variant => { let $x = x; $value })*
                    Scalar::Cast(DType::Float) => x(0),
                    Scalar::Cast(DType::Int) => libm::trunc(x(0)),
                    Scalar::Cast(DType::Bool) => truth(x(0) != 0.0),
                }
            }
        }
    };
}

scalars! {
    Neg "neg" "neg" 1 Number Cheap "basic" |x| -x(0);
    Abs "abs" "abs" 1 Float Cheap "basic" |x| libm::fabs(x(0));
    Exp "exp" "exp" 1 Float Dear "exp" |x| libm::exp(x(0));
    Log "log" "log" 1 Float Dear "log" |x| libm::log(x(0));
    Sqrt "sqrt" "sqrt" 1 Float Dear "basic" |x| libm::sqrt(x(0));
    Rsqrt "rsqrt" "rsqrt" 1 Float Dear "basic" |x| 1.0 / libm::sqrt(x(0));
    Recip "recip" "reciprocal" 1 Float Dear "basic" |x| 1.0 / x(0);
    Sin "sin" "sin" 1 Float Dear "trig" |x| libm::sin(x(0));
    Cos "cos" "cos" 1 Float Dear "trig" |x| libm::cos(x(0));
    Tanh "tanh" "tanh" 1 Float Dear "exp" |x| libm::tanh(x(0));
    Sigmoid "sigmoid" "sigmoid" 1 Float Dear "exp" |x| 1.0 / (1.0 + libm::exp(-x(0)));
    Erf "erf" "erf" 1 Float Dear "exp" |x| libm::erf(x(0));
    Erfc "erfc" "erfc" 1 Float Dear "exp" |x| libm::erfc(x(0));
    Expm1 "expm1" "expm1" 1 Float Dear "exp" |x| libm::expm1(x(0));
    Log1p "log1p" "log1p" 1 Float Dear "log" |x| libm::log1p(x(0));
    Floor "floor" "floor" 1 Float Dear "basic" |x| libm::floor(x(0));
    Ceil "ceil" "ceil" 1 Float Dear "basic" |x| libm::ceil(x(0));
    Round "round" "round" 1 Float Dear "basic" |x| libm::rint(x(0));
    Sign "sign" "sign" 1 Float Cheap "basic" |x| if x(0) == 0.0 { 0.0 } else { libm::copysign(1.0, x(0)) };
    Relu "relu" "relu" 1 Float Cheap "basic" |x| if x(0) < 0.0 { 0.0 } else { x(0) };
    Add "add" "" 2 Number Cheap "basic" |x| x(0) + x(1);
    Sub "sub" "" 2 Number Cheap "basic" |x| x(0) - x(1);
    Mul "mul" "" 2 Number Cheap "basic" |x| x(0) * x(1);
    Div "div" "" 2 Float Dear "basic" |x| x(0) / x(1);
    Pow "pow" "" 2 Float Dear "pow" |x| libm::pow(x(0), x(1));
    Fmod "fmod" "" 2 Number Dear "fmod" |x| libm::fmod(x(0), x(1));
    Max "max" "" 2 Float Cheap "basic" |x| if x(0).is_nan() || x(0) > x(1) { x(0) } else { x(1) };
    Min "min" "" 2 Float Cheap "basic" |x| if x(0).is_nan() || x(0) < x(1) { x(0) } else { x(1) };
    Eq "eq" "" 2 Compare Cheap "basic" |x| truth(x(0) == x(1));
    Ne "ne" "" 2 Compare Cheap "basic" |x| truth(x(0) != x(1));
    Lt "lt" "" 2 Compare Cheap "basic" |x| truth(x(0) < x(1));
    Le "le" "" 2 Compare Cheap "basic" |x| truth(x(0) <= x(1));
    Gt "gt" "" 2 Compare Cheap "basic" |x| truth(x(0) > x(1));
    Ge "ge" "" 2 Compare Cheap "basic" |x| truth(x(0) >= x(1));
    And "and" "" 2 Logic Cheap "basic" |x| truth(x(0) != 0.0 && x(1) != 0.0);
    Or "or" "" 2 Logic Cheap "basic" |x| truth(x(0) != 0.0 || x(1) != 0.0);
    Not "not" "" 1 Logic Cheap "basic" |x| truth(x(0) == 0.0);
    Where "where" "" 3 Select Cheap "basic" |x| if x(0) != 0.0 { x(1) } else { x(2) };
}

fn truth(b: bool) -> f64 {
    if b { 1.0 } else { 0.0 }
}
