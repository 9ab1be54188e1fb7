//! The registers of one warp: three files, each register an array over the 32 lanes.
//!
//! Constants and special registers are registers, too, filled before the first instruction, so an instruction reads
//! only arrays.

/// Lanes of a warp.
pub(crate) const LANES: usize = 32;

/// One bit for each lane.
pub(crate) type Mask = u32;

/// A register's 32-bit values.
pub(crate) type Words = [u32; LANES];

/// A register's 64-bit values.
pub(crate) type Doubles = [u64; LANES];

/// The predicate register that is always true; it is the guard of steps without a guard.
pub(crate) const TRUE: u16 = 0;

/// The predicate register that holds the carry flag `CC.CF`.
pub(crate) const CARRY: u16 = 1;

/// The three register files of a warp.
#[derive(Clone, Default)]
pub(crate) struct Registers {
    pub(crate) words: Vec<Words>,
    pub(crate) doubles: Vec<Doubles>,
    pub(crate) predicates: Vec<Mask>,
}

/// Indices of the registers that an instruction writes and reads. The instruction determines the files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Operands {
    pub(crate) results: [u16; 2],
    pub(crate) sources: [u16; 4],
    /// Bit i: source i is a predicate with `!` before it.
    pub(crate) negated: u8,
}

impl Registers {
    pub(crate) fn predicate(&self, operands: &Operands, source: usize) -> Mask {
        let value = self.predicates[usize::from(operands.sources[source])];
        if operands.negated >> source & 1 == 1 {
            !value
        } else {
            value
        }
    }

    pub(crate) fn set_predicate(&mut self, register: u16, value: Mask, mask: Mask) {
        let old = &mut self.predicates[usize::from(register)];
        *old = (*old & !mask) | (value & mask);
    }

    pub(crate) fn set_words(&mut self, register: u16, values: &Words, mask: Mask) {
        merge(&mut self.words[usize::from(register)], values, mask);
    }

    pub(crate) fn set_doubles(&mut self, register: u16, values: &Doubles, mask: Mask) {
        merge(&mut self.doubles[usize::from(register)], values, mask);
    }
}

/// Replaces the lanes of `mask`.
#[inline(always)]
pub(crate) fn merge<T: Copy>(old: &mut [T; LANES], new: &[T; LANES], mask: Mask) {
    if mask == Mask::MAX {
        *old = *new;
        return;
    }
    for lane in 0..LANES {
        old[lane] = if mask >> lane & 1 == 1 {
            new[lane]
        } else {
            old[lane]
        };
    }
}

/// The lanes of a mask, lowest first.
pub(crate) fn lanes_of(mut mask: Mask) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if mask == 0 {
            return None;
        }
        let lane = mask.trailing_zeros() as usize;
        mask &= mask - 1;
        Some(lane)
    })
}

/// The Rust type of a register in an instruction.
pub(crate) trait Lane: Copy + 'static {
    /// The element type of the file.
    type Raw: Copy + Default;
    fn file(registers: &Registers, register: u16) -> &[Self::Raw; LANES];
    fn file_mut(registers: &mut Registers, register: u16) -> &mut [Self::Raw; LANES];
    fn from_raw(raw: Self::Raw) -> Self;
    fn to_raw(self) -> Self::Raw;
}

macro_rules! lane {
    ($type:ty, $raw:ty, $file:ident, $from:expr, $to:expr) => {
        impl Lane for $type {
            type Raw = $raw;
            #[inline(always)]
            fn file(registers: &Registers, register: u16) -> &[$raw; LANES] {
                &registers.$file[usize::from(register)]
            }
            #[inline(always)]
            fn file_mut(registers: &mut Registers, register: u16) -> &mut [$raw; LANES] {
                &mut registers.$file[usize::from(register)]
            }
            #[inline(always)]
            fn from_raw(raw: $raw) -> Self {
                let from: fn($raw) -> Self = $from;
                from(raw)
            }
            #[inline(always)]
            fn to_raw(self) -> $raw {
                let to: fn(Self) -> $raw = $to;
                to(self)
            }
        }
    };
}

lane!(u8, u32, words, |x| x as u8, u32::from);
lane!(i8, u32, words, |x| x as i8, |x| x as u32);
lane!(u16, u32, words, |x| x as u16, u32::from);
lane!(i16, u32, words, |x| x as i16, |x| x as u32);
lane!(u32, u32, words, |x| x, |x| x);
lane!(i32, u32, words, |x| x as i32, |x| x as u32);
lane!(f32, u32, words, f32::from_bits, f32::to_bits);
lane!(u64, u64, doubles, |x| x, |x| x);
lane!(i64, u64, doubles, |x| x as i64, |x| x as u64);
lane!(f64, u64, doubles, f64::from_bits, f64::to_bits);
