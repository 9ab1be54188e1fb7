//! The form of listings: large programs as bytes, which the macro writes and the runtime performs.
//!
//! A listing is a list of whole numbers:
//!
//! * the number of sizes, and each as a [`Size`] and its operands;
//! * the number of views, and each as an [`At`], the number of the slot, parameter or entry, a [`dtype`], and the number
//!   of a size, its length;
//! * until the end, steps: the number of a function, and for each kind of argument their count and numbers. The kinds
//!   are views, sizes, numbers, integers, streams and sites, in this order.
//!
//! Each number takes bytes of 7 bits, the lowest first; the highest bit of a byte is 1 if more follow (LEB128).

use crate::DType;

/// How a size is computed. Operands are numbers of sizes before it, except where something else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A value that code has computed; the operand is its number.
    Leaf,
    /// A number, the operand.
    Number,
    /// The product of sizes; the first operand is their count.
    Product,
    /// The sum of sizes; the first operand is their count.
    Sum,
    /// A difference, 0 if it is negative.
    Difference,
    /// A quotient, rounded down; 0 if the divisor is 0.
    Quotient,
}

impl Size {
    /// The size with this number.
    pub const fn of(number: usize) -> Option<Size> {
        Some(match number {
            0 => Size::Leaf,
            1 => Size::Number,
            2 => Size::Product,
            3 => Size::Sum,
            4 => Size::Difference,
            5 => Size::Quotient,
            _ => return None,
        })
    }
}

/// Where a view lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// In a slot of the workspace.
    Slot,
    /// In a parameter or buffer.
    Param,
    /// In the gradient of a parameter.
    Grad,
    /// In a value that is kept between calls.
    State,
}

impl At {
    /// The place with this number.
    pub const fn of(number: usize) -> Option<At> {
        Some(match number {
            0 => At::Slot,
            1 => At::Param,
            2 => At::Grad,
            3 => At::State,
            _ => return None,
        })
    }
}

/// The number of an element type.
pub const fn dtype(dtype: DType) -> usize {
    match dtype {
        DType::Float => 0,
        DType::Int => 1,
        DType::Bool => 2,
    }
}

/// The element type with this number.
pub const fn dtype_of(number: usize) -> Option<DType> {
    Some(match number {
        0 => DType::Float,
        1 => DType::Int,
        2 => DType::Bool,
        _ => return None,
    })
}

/// Writes a number.
pub fn write(out: &mut impl Extend<u8>, mut number: usize) {
    loop {
        let (low, rest) = ((number & 0x7f) as u8, number >> 7);
        out.extend([if rest == 0 { low } else { low | 0x80 }]);
        if rest == 0 {
            return;
        }
        number = rest;
    }
}

/// The number at the front, which is removed; `None` if there is none.
#[inline]
pub fn read(bytes: &mut &[u8]) -> Option<usize> {
    let (mut number, mut shift) = (0usize, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = usize::from(byte & 0x7f);
        let placed = part.checked_shl(shift)?;
        // The macro may run on a machine with larger numbers.
        if placed >> shift != part {
            return None;
        }
        number |= placed;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let numbers = [0, 1, 127, 128, 300, 1 << 14, 1 << 21, usize::MAX];
        let mut bytes = [0u8; 64];
        let mut len = 0;
        struct Into<'a>(&'a mut [u8], &'a mut usize);
        impl Extend<u8> for Into<'_> {
            fn extend<T: IntoIterator<Item = u8>>(&mut self, items: T) {
                for item in items {
                    self.0[*self.1] = item;
                    *self.1 += 1;
                }
            }
        }
        for n in numbers {
            write(&mut Into(&mut bytes, &mut len), n);
        }
        let mut rest = &bytes[..len];
        for n in numbers {
            assert_eq!(read(&mut rest), Some(n));
        }
        assert_eq!(read(&mut rest), None);
        assert_eq!(read(&mut &[0x80u8][..]), None);
    }

    #[test]
    fn numbers_and_words_agree() {
        for n in 0..8 {
            assert!(Size::of(n).is_none_or(|size| size as usize == n));
            assert!(At::of(n).is_none_or(|at| at as usize == n));
            assert!(dtype_of(n).is_none_or(|t| dtype(t) == n));
        }
    }
}
