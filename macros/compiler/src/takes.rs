//! The element types that each tensor argument takes: one table, with PyTorch's rules.
//!
//! Takes an op or layer and the name of an argument; returns the element types that are allowed. `Args::tensor` rejects
//! all others, with the conversion to write.

use crate::ir::DType;
use crate::scalar::Scalar;

/// The element types that an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Floats.
    Float,
    /// Floats and integers.
    Number,
    /// Integers: positions, classes, lengths.
    Int,
    /// Booleans: conditions.
    Bool,
    /// Booleans, or floats that are added to scores.
    Mask,
    /// Integers (classes), or floats (probabilities).
    Classes,
    /// All.
    Any,
}

use Takes::{Any, Bool, Classes, Float, Int, Mask, Number};

/// Ops, their arguments, and the types that these take; `*` is every op, or every argument. The first matching row is
/// used. Layers are in the rows of `*`; layers that are an op with stored arguments are in the op's rows.
pub const TABLE: &[(&str, &str, Takes)] = &[
    // Positions, classes and lengths.
    ("embedding one_hot", "input", Int),
    ("*", "index lengths", Int),
    // Conditions and masks.
    ("masked_fill", "mask", Bool),
    ("*", "condition", Bool),
    (
        "*",
        "mask attn_mask key_padding_mask src_mask tgt_mask memory_mask src_key_padding_mask \
         tgt_key_padding_mask memory_key_padding_mask",
        Mask,
    ),
    // Elementwise: integers stay integers, or become floats if the function's results are floats.
    (
        "abs neg floor ceil round sub relu relu6 hardtanh softsign tanhshrink",
        "*",
        Number,
    ),
    (
        "add mul div remainder fmod maximum minimum eq ne lt le gt ge logical_and logical_or logical_not isnan pow \
         where masked_fill clamp sign square detach float int bool",
        "*",
        Any,
    ),
    ("tan exp2 log2 log10 sinh cosh", "*", Any),
    // Reductions.
    (
        "sum prod amax amin max min logsumexp cumsum cumprod",
        "*",
        Any,
    ),
    ("argmax argmin", "*", Number),
    // Ops that move elements take any type.
    (
        "reshape flatten unflatten transpose t permute squeeze unsqueeze expand expand_as repeat flip roll outer \
         slice narrow select split chunk cat stack pad tril triu zeros_like ones_like full_like",
        "*",
        Any,
    ),
    ("gather index_select index_copy", "*", Any),
    ("rotary", "positions", Number),
    // Losses.
    ("mse_loss smooth_l1_loss", "input target", Any),
    ("l1_loss", "input target", Number),
    ("huber_loss", "target", Any),
    (
        "binary_cross_entropy binary_cross_entropy_with_logits",
        "weight",
        Any,
    ),
    ("binary_cross_entropy_with_logits", "pos_weight", Number),
    ("nll_loss cross_entropy", "target", Classes),
    ("cosine_embedding_loss", "*", Any),
];

/// The types that an argument takes.
pub fn takes(op: &str, argument: &str) -> Takes {
    let named =
        |names: &str, name: &str| names == "*" || names.split_whitespace().any(|n| n == name);
    TABLE
        .iter()
        .find(|(ops, arguments, _)| named(ops, op) && named(arguments, argument))
        .map_or_else(|| scalar(op), |row| row.2)
}

/// The types for all other arguments. The argument of a scalar function becomes a float; scores, weights, statistics,
/// sequences and images are floats.
fn scalar(op: &str) -> Takes {
    match Scalar::ALL.iter().any(|f| f.op() == Some(op)) {
        true => Any,
        false => Float,
    }
}

impl Takes {
    /// Whether values of this type are allowed.
    pub fn has(self, dtype: DType) -> bool {
        match dtype {
            DType::Float => !matches!(self, Int | Bool),
            DType::Int => matches!(self, Int | Number | Classes | Any),
            DType::Bool => matches!(self, Bool | Mask | Any),
        }
    }

    /// The types, for messages.
    pub fn text(self) -> &'static str {
        match self {
            Float => "floats",
            Number => "floats or integers",
            Int => "integers",
            Bool => "booleans",
            Mask => "bool or floats",
            Classes => "integers (classes) or floats (probabilities)",
            Any => "any type",
        }
    }

    /// The meaning of true in a mask, as a further line.
    pub fn meaning(self, op: &str, argument: &str) -> &'static str {
        match (self, op, argument) {
            (Mask, "scaled_dot_product_attention", _) => {
                "\nnote: true marks a key that gets attention"
            }
            (Mask, _, name) if name.ends_with("key_padding_mask") => {
                "\nnote: true marks a key that is padding and gets no attention"
            }
            (Mask, ..) => "\nnote: true marks a key that gets no attention",
            _ => "",
        }
    }

    /// The conversion of a value of another type.
    pub fn conversion(self, from: DType, value: &str) -> String {
        let value = enclosed(value);
        match (self, from) {
            (Bool | Mask, _) => format!("{value} != 0"),
            (Int | Classes, _) | (Number, DType::Bool) => format!("{value}.int()"),
            _ => format!("{value}.float()"),
        }
    }
}

/// A value as an operand: unchanged if it is a name, or a call whose first bracket closes last; otherwise in
/// parentheses.
pub fn enclosed(value: &str) -> String {
    let call = value.split_once('(').is_some_and(|(name, rest)| {
        let depth = |d: i32, c: char| match c {
            '(' => Some(d + 1),
            ')' if d == 0 => None,
            ')' => Some(d - 1),
            _ => Some(d),
        };
        let inside = rest.strip_suffix(')');
        !name.contains(' ')
            && !name.starts_with(['!', '-'])
            && inside.is_some_and(|r| r.chars().try_fold(0, depth) == Some(0))
    });
    let name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    match call || value.chars().all(name) {
        true => value.to_owned(),
        false => format!("({value})"),
    }
}

/// The `Takes` for values of one type.
fn only(to: DType) -> Takes {
    match to {
        DType::Float => Float,
        DType::Int => Int,
        DType::Bool => Bool,
    }
}

/// A type, for messages.
pub fn named(dtype: DType) -> &'static str {
    only(dtype).text()
}

/// How a value is converted to a type. Integers lose the fraction, which is said unless the value has none.
pub fn conversion_help(to: DType, from: DType, value: &str) -> String {
    let call = converted(to, from, value);
    let whole = ["floor(", "ceil(", "round("]
        .iter()
        .any(|op| value.starts_with(op) && enclosed(value) == value);
    match (to, from) {
        (DType::Int, DType::Float) if !whole => format!("to drop the fraction, write `{call}`"),
        _ => format!("convert it: `{call}`"),
    }
}

/// The expression that converts a value to a type.
pub fn converted(to: DType, from: DType, value: &str) -> String {
    only(to).conversion(from, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::parameters;
    use crate::ops;

    #[test]
    fn every_name_in_the_table_is_one() {
        for (names, arguments, _) in TABLE {
            for name in names.split_whitespace().filter(|n| *n != "*") {
                let op = ops::find(name).unwrap_or_else(|| panic!("no op {name}"));
                for argument in arguments.split_whitespace().filter(|a| *a != "*") {
                    let known = parameters(op.signature).iter().any(|p| p.0 == argument);
                    assert!(known, "{name} has no {argument}");
                }
            }
        }
    }
}
