//! The scalar functions that bodies are made of. Their names, arities and types are those of the
//! compiler's table; their instructions stand in `scalar/`.

use crate::Type;

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
    /// Anything to this type.
    Cast(Type),
}

macro_rules! functions {
    ($($variant:ident $name:literal $arity:literal $typing:ident;)*) => {
        /// A scalar function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Fn {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            /// To a float, exactly where that is possible, else the nearest.
            ToFloat,
            /// To an integer, towards zero; what does not fit becomes the nearest that does, NaN 0.
            ToInts,
            /// Whether it is not 0.
            ToMask,
        }

        impl Fn {
            /// Every function.
            pub const ALL: &'static [Fn] =
                &[$(Fn::$variant,)* Fn::ToFloat, Fn::ToInts, Fn::ToMask];

            /// The name in the graph's text.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Fn::$variant => $name,)*
                    Fn::ToFloat => "to_float",
                    Fn::ToInts => "to_ints",
                    Fn::ToMask => "to_mask",
                }
            }

            /// Number of operands.
            pub const fn arity(self) -> usize {
                match self {
                    $(Fn::$variant => $arity,)*
                    Fn::ToFloat | Fn::ToInts | Fn::ToMask => 1,
                }
            }

            /// The typing rule.
            pub const fn typing(self) -> Typing {
                match self {
                    $(Fn::$variant => Typing::$typing,)*
                    Fn::ToFloat => Typing::Cast(Type::Float),
                    Fn::ToInts => Typing::Cast(Type::Int),
                    Fn::ToMask => Typing::Cast(Type::Bool),
                }
            }
        }
    };
}

functions! {
    Neg "neg" 1 Number;
    Abs "abs" 1 Float;
    Exp "exp" 1 Float;
    Log "log" 1 Float;
    Sqrt "sqrt" 1 Float;
    Rsqrt "rsqrt" 1 Float;
    Recip "recip" 1 Float;
    Sin "sin" 1 Float;
    Cos "cos" 1 Float;
    Tanh "tanh" 1 Float;
    Sigmoid "sigmoid" 1 Float;
    Erf "erf" 1 Float;
    Expm1 "expm1" 1 Float;
    Log1p "log1p" 1 Float;
    Floor "floor" 1 Float;
    Ceil "ceil" 1 Float;
    Round "round" 1 Float;
    Sign "sign" 1 Float;
    Relu "relu" 1 Float;
    Add "add" 2 Number;
    Sub "sub" 2 Number;
    Mul "mul" 2 Number;
    Div "div" 2 Float;
    Pow "pow" 2 Float;
    Max "max" 2 Float;
    Min "min" 2 Float;
    Eq "eq" 2 Compare;
    Ne "ne" 2 Compare;
    Lt "lt" 2 Compare;
    Le "le" 2 Compare;
    Gt "gt" 2 Compare;
    Ge "ge" 2 Compare;
    And "and" 2 Logic;
    Or "or" 2 Logic;
    Not "not" 1 Logic;
    Where "where" 3 Select;
}

#[cfg(test)]
mod tests {
    use super::{Fn, Typing};

    /// The rows of the compiler's table: name, arity, typing.
    #[test]
    fn the_list_is_the_compilers() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../macros/compiler/src/scalar.rs"
        );
        let text = std::fs::read_to_string(path).unwrap();
        let (_, table) = text.split_once("\nscalars! {\n").unwrap();
        let (table, _) = table.split_once("\n}").unwrap();
        let theirs: Vec<String> = table
            .lines()
            .map(|l| {
                l.split('|')
                    .next()
                    .unwrap()
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        let ours: Vec<String> = Fn::ALL
            .iter()
            .filter(|f| !matches!(f.typing(), Typing::Cast(_)))
            .map(|f| format!("{f:?} \"{}\" {} {:?}", f.name(), f.arity(), f.typing()))
            .collect();
        assert_eq!(ours, theirs);
    }
}
