//! Tensor core instructions: `ldmatrix` and `mma.sync`.
//!
//! Fragments have the layout of the ISA: lane = 4 * group + thread in group; a register has one tf32 or two halves, the
//! lower column first.

use super::block::Core;
use super::warp::{Trap, Warp};
use crate::lanes::{bf16_to_f32, f16_to_f32};
use crate::program::{Element, LoadMatrix, Multiply};
use crate::registers::{LANES, Mask};

fn whole_warp(warp: &Warp, mask: Mask, what: &str) -> Result<(), Trap> {
    if mask == Mask::MAX {
        return Ok(());
    }
    let lane = mask.trailing_zeros() as usize;
    let message = format!(
        "{what} needs all 32 lanes: {mask:#010x} are here, {:#010x} have not exited",
        warp.alive
    );
    Err(Trap::new(lane.min(LANES - 1), message))
}

impl Core<'_> {
    pub(crate) fn load_matrix(
        &mut self,
        warp: &mut Warp,
        load: &LoadMatrix,
        mask: Mask,
    ) -> Result<(), Trap> {
        whole_warp(warp, mask, "ldmatrix")?;
        let addresses = warp.addresses(&load.address);
        for (matrix, &register) in load.registers.iter().enumerate().take(load.count) {
            let mut rows = [[0u16; 8]; 8];
            for (row, cells) in rows.iter_mut().enumerate() {
                // Lanes 8m to 8m + 7 have the addresses of the rows of matrix m.
                let lane = matrix * 8 + row;
                let actor = Self::actor(warp, lane, false);
                let data = self.shared.read(actor, addresses[lane], 16)?;
                for (cell, pair) in cells.iter_mut().zip(data.chunks_exact(2)) {
                    *cell = u16::from_le_bytes([pair[0], pair[1]]);
                }
            }
            let out = std::array::from_fn(|lane| {
                let (row, column) = (lane / 4, lane % 4 * 2);
                let (low, high) = if load.transposed {
                    (rows[column][row], rows[column + 1][row])
                } else {
                    (rows[row][column], rows[row][column + 1])
                };
                u32::from(high) << 16 | u32::from(low)
            });
            warp.registers.set_words(register, &out, mask);
        }
        Ok(())
    }
}

/// The elements of a register, and their number.
fn elements(element: Element, register: u32) -> ([f32; 2], usize) {
    match element {
        // The tensor core uses 19 bits of a tf32 and ignores the rest.
        Element::Tf32 => ([f32::from_bits(register & !0x1fff), 0.0], 1),
        Element::F16 => (
            [
                f16_to_f32(register as u16),
                f16_to_f32((register >> 16) as u16),
            ],
            2,
        ),
        Element::Bf16 => (
            [
                bf16_to_f32(register as u16),
                bf16_to_f32((register >> 16) as u16),
            ],
            2,
        ),
    }
}

/// By depth: `a[k][row]` and `b[k][column]`.
type Rows = [[f64; 16]; 16];
type Columns = [[f64; 8]; 16];

#[inline(always)]
fn sum_products(a: &Rows, b: &Columns, depth: usize) -> [[f64; 8]; 16] {
    let mut sums = [[0f64; 8]; 16];
    for (a, b) in a.iter().zip(b).take(depth) {
        // By index, so that the two inner loops are vectorised.
        for row in 0..16 {
            let (sums, x) = (&mut sums[row], a[row]);
            for column in 0..8 {
                sums[column] += x * b[column];
            }
        }
    }
    sums
}

/// # Safety
/// The processor must have AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn sum_products_wide(a: &Rows, b: &Columns, depth: usize) -> [[f64; 8]; 16] {
    sum_products(a, b, depth)
}

fn product(a: &Rows, b: &Columns, depth: usize) -> [[f64; 8]; 16] {
    #[cfg(target_arch = "x86_64")]
    if crate::lanes::has_wide_vectors() {
        // SAFETY: `has_wide_vectors` has just detected AVX2 and FMA.
        return unsafe { sum_products_wide(a, b, depth) };
    }
    sum_products(a, b, depth)
}

/// `D = A B + C`: A is 16 x depth, B is depth x 8. Products are exact. The sum is kept in f64 and rounded once, while
/// the hardware truncates intermediate results: allow for a few units.
pub(super) fn multiply(warp: &mut Warp, multiply: &Multiply, mask: Mask) -> Result<(), Trap> {
    whole_warp(warp, mask, "mma.sync")?;
    let words = |register: u16| &warp.registers.words[usize::from(register)];
    let mut a: Rows = [[0.0; 16]; 16];
    let mut b: Columns = [[0.0; 8]; 16];
    for lane in 0..LANES {
        let (group, thread) = (lane / 4, lane % 4);
        for (i, &register) in multiply.a.iter().enumerate() {
            // Registers go down the two row halves first, then along the depth.
            let (values, per) = elements(multiply.element, words(register)[lane]);
            for (j, &value) in values.iter().enumerate().take(per) {
                let column = thread * per + j + (i / 2) * 4 * per;
                a[column][group + 8 * (i % 2)] = value.into();
            }
        }
        for (i, &register) in multiply.b.iter().enumerate() {
            let (values, per) = elements(multiply.element, words(register)[lane]);
            for (j, &value) in values.iter().enumerate().take(per) {
                b[thread * per + j + i * 4 * per][group] = value.into();
            }
        }
    }
    let sums = product(&a, &b, multiply.depth);
    let mut out = [[0u32; LANES]; 4];
    for (i, out) in out.iter_mut().enumerate() {
        let c = words(multiply.c[i]);
        for (lane, out) in out.iter_mut().enumerate() {
            let (row, column) = (lane / 4 + 8 * (i / 2), lane % 4 * 2 + i % 2);
            let sum = sums[row][column] + f64::from(f32::from_bits(c[lane]));
            *out = (sum as f32).to_bits();
        }
    }
    for (register, out) in multiply.d.iter().zip(&out) {
        warp.registers.set_words(*register, out, mask);
    }
    Ok(())
}
