//! Types of stored elements, in memory or in a file, each with a fixed size.
//!
//! Networks compute with a [`DType`], whose float is the device's float. A [`Stored`] type gives the exact bytes.

use core::fmt;

use crate::DType;

macro_rules! stored {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal $size:literal $float:literal;)*) => {
        /// The type of an element in memory or in a file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Stored {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Stored {
            /// Every type.
            pub const ALL: &'static [Stored] = &[$(Stored::$variant),*];

            /// Bytes of an element.
            #[inline(always)]
            pub const fn size(self) -> usize {
                match self { $(Stored::$variant => $size,)* }
            }

            /// Whether it is a float.
            pub const fn is_float(self) -> bool {
                match self { $(Stored::$variant => $float,)* }
            }

            /// The name: Rust's, and `bf16`.
            pub const fn name(self) -> &'static str {
                match self { $(Stored::$variant => $name,)* }
            }
        }
    };
}

stored! {
    /// IEEE 754 single precision.
    F32 "f32" 4 true;
    /// IEEE 754 double precision.
    F64 "f64" 8 true;
    /// The upper half of an f32: its range, with 8 binary digits.
    Bf16 "bf16" 2 true;
    /// IEEE 754 half precision: 11 binary digits, numbers up to 65504.
    F16 "f16" 2 true;
    /// A signed 64-bit integer.
    I64 "i64" 8 false;
    /// A signed 32-bit integer.
    I32 "i32" 4 false;
    /// An unsigned 32-bit integer.
    U32 "u32" 4 false;
    /// One byte, 0 or 1.
    Bool "bool" 1 false;
}

/// The name in messages.
impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl DType {
    /// The type of elements in the memory of a device whose float has `float` bytes.
    #[inline(always)]
    pub const fn stored(self, float: usize) -> Stored {
        match self {
            DType::Float if float == 8 => Stored::F64,
            DType::Float => Stored::F32,
            DType::Int => Stored::I64,
            DType::Bool => Stored::Bool,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stored;
    use crate::DType;

    #[test]
    fn sizes_agree() {
        for float in [4, 8] {
            for dtype in [DType::Float, DType::Int, DType::Bool] {
                assert_eq!(dtype.stored(float).size(), dtype.size(float));
            }
        }
        let twos = Stored::ALL.iter().filter(|s| s.size() == 2);
        assert!(twos.eq(&[Stored::Bf16, Stored::F16]));
    }
}
