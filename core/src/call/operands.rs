//! The operands of a call: how each is accessed, and which of its elements are accessed.

use crate::{DType, Stored};

/// How a call accesses an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It reads the elements.
    Read,
    /// It writes them. They overlap no other operand.
    Write,
    /// It writes them, possibly in place: element for element over the operand with this number.
    WriteOn(usize),
}

/// The type of an operand's elements, which gives their size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elements {
    /// A type that networks compute with.
    Values(DType),
    /// A type of stored elements, possibly one that networks do not compute with. If the device does not store values
    /// of this type, the operand is an array of bytes.
    Stored(Stored),
}

impl From<DType> for Elements {
    fn from(dtype: DType) -> Self {
        Elements::Values(dtype)
    }
}

impl From<Stored> for Elements {
    fn from(stored: Stored) -> Self {
        Elements::Stored(stored)
    }
}

/// One operand of a call. The kernel gets the address of element `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// How it is accessed.
    pub access: Access,
    /// The type of its elements.
    pub elements: Elements,
    /// The first element that is accessed.
    pub from: usize,
    /// One more than the last element; `usize::MAX` if the number of elements overflows.
    pub to: usize,
}

impl Declared {
    pub(super) fn read<T: Into<Elements>>(elements: T, len: usize) -> Self {
        Self {
            access: Access::Read,
            elements: elements.into(),
            from: 0,
            to: len,
        }
    }

    pub(super) fn write<T: Into<Elements>>(elements: T, len: usize) -> Self {
        Self {
            access: Access::Write,
            ..Self::read(elements, len)
        }
    }

    pub(super) fn write_on(operand: usize, dtype: DType, len: usize) -> Self {
        Self {
            access: Access::WriteOn(operand),
            ..Self::read(dtype, len)
        }
    }

    /// Elements at `start + strides . position` over a shape.
    pub(super) fn read_strided<const R: usize>(
        dtype: DType,
        start: usize,
        strides: [usize; R],
        shape: [usize; R],
    ) -> Self {
        if shape.contains(&0) {
            return Self::read(dtype, 0);
        }
        let reach = strides.iter().zip(shape);
        let last = reach.fold(start, |last, (stride, n)| {
            last.saturating_add(stride.saturating_mul(n - 1))
        });
        Self {
            access: Access::Read,
            elements: dtype.into(),
            from: start,
            to: last.saturating_add(1),
        }
    }
}

/// The number of elements of a shape; `usize::MAX` if it overflows.
pub(super) fn elements(shape: &[usize]) -> usize {
    if shape.contains(&0) {
        return 0;
    }
    shape.iter().fold(1, |all, n| all.saturating_mul(*n))
}
