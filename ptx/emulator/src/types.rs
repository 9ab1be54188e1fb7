//! PTX's scalar types: from the suffix of an instruction to its width.

use std::fmt;

/// A fundamental type of the PTX ISA, as written after a dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[rustfmt::skip]
pub(crate) enum Type {
    B8, B16, B32, B64,
    U8, U16, U32, U64,
    S8, S16, S32, S64,
    F16, Bf16, F16x2, Bf16x2, Tf32, F32, F64,
    Pred,
}

/// The register file that holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Up to 32 bits; readers of narrower types ignore the bits above.
    Word,
    /// 64 bits.
    Double,
    /// One bit for each lane.
    Predicate,
}

const NAMES: [(&str, Type); 20] = [
    ("b8", Type::B8),
    ("b16", Type::B16),
    ("b32", Type::B32),
    ("b64", Type::B64),
    ("u8", Type::U8),
    ("u16", Type::U16),
    ("u32", Type::U32),
    ("u64", Type::U64),
    ("s8", Type::S8),
    ("s16", Type::S16),
    ("s32", Type::S32),
    ("s64", Type::S64),
    ("f16", Type::F16),
    ("bf16", Type::Bf16),
    ("f16x2", Type::F16x2),
    ("bf16x2", Type::Bf16x2),
    ("tf32", Type::Tf32),
    ("f32", Type::F32),
    ("f64", Type::F64),
    ("pred", Type::Pred),
];

impl Type {
    /// The type with this name, without the dot.
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(n, _)| *n == name).map(|&(_, t)| t)
    }

    /// Bytes in memory. A predicate cannot be in memory; its size is given as one.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Type::B8 | Type::U8 | Type::S8 | Type::Pred => 1,
            Type::B16 | Type::U16 | Type::S16 | Type::F16 | Type::Bf16 => 2,
            Type::B64 | Type::U64 | Type::S64 | Type::F64 => 8,
            _ => 4,
        }
    }

    pub(crate) fn class(self) -> Class {
        match self {
            Type::Pred => Class::Predicate,
            _ if self.bytes() == 8 => Class::Double,
            _ => Class::Word,
        }
    }

    pub(crate) fn is_signed(self) -> bool {
        matches!(self, Type::S8 | Type::S16 | Type::S32 | Type::S64)
    }

    pub(crate) fn is_float(self) -> bool {
        use Type::*;
        matches!(self, F16 | Bf16 | F16x2 | Bf16x2 | Tf32 | F32 | F64)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, t)| t == self).map_or("?", |n| n.0);
        write!(f, ".{name}")
    }
}
