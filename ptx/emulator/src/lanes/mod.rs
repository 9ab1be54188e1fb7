//! Instructions that compute each lane from its own registers: arithmetic, logic, comparison.
//!
//! [`find`] turns an opcode with its suffixes into a [`LaneInstruction`]: a boxed function over whole registers, and
//! the types of its operands, from which the decoder resolves names. The builders here ([`unary`], [`binary`],
//! [`ternary`]) lift a scalar closure to 32 lanes and compile it twice, so that one binary uses AVX2 and FMA on
//! processors that have them.

mod approximate;
mod bits;
mod carry;
mod compare;
mod convert;
mod float;
mod half;
mod integer;
pub(crate) mod moves;
mod opcode;
mod pick;
pub(crate) mod rounding;

use crate::registers::{LANES, Lane, Mask, Operands, Registers, merge};
use crate::types::Type;
pub(crate) use half::{add_pair, bf16_to_f32, f16_to_f32};
pub(crate) use opcode::Opcode;

/// The effect of a lane instruction on a warp.
pub(crate) type LaneFn = Box<dyn Fn(&mut Registers, &Operands, Mask) + Send + Sync>;

/// An instruction and the types of its operands, results first.
pub(crate) struct LaneInstruction {
    pub(crate) run: LaneFn,
    pub(crate) results: Vec<Type>,
    pub(crate) sources: Vec<Type>,
}

/// `Ok(None)`: not an instruction of this kind; `Err`: an unknown instruction of this kind.
type Found = Result<Option<LaneInstruction>, String>;

/// The instruction with this name. Known suffixes are taken from `opcode`.
pub(crate) fn find(opcode: &Opcode) -> Found {
    let groups: [fn(&Opcode) -> Found; 9] = [
        carry::find,
        half::find,
        float::find,
        approximate::find,
        integer::find,
        bits::find,
        compare::find,
        pick::find,
        convert::find,
    ];
    for group in groups {
        if let Some(found) = group(opcode)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// An instruction with one result.
fn instruction(run: LaneFn, result: Type, sources: &[Type]) -> Found {
    Ok(Some(LaneInstruction {
        run,
        results: vec![result],
        sources: sources.to_vec(),
    }))
}

/// Whether the processor has the features that the second copy of every lane function needs.
pub(crate) fn has_wide_vectors() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Defines a builder: a scalar function of N arguments becomes a function of whole registers.
macro_rules! builder {
    ($(#[$doc:meta])* $name:ident, $apply:ident, $wide:ident, $($arg:ident: $type:ident = $index:literal),+) => {
        #[inline(always)]
        fn $apply<$($type: Lane,)+ D: Lane>(
            f: impl Fn($($type),+) -> D,
            registers: &mut Registers,
            operands: &Operands,
            mask: Mask,
        ) {
            $(let $arg = $type::file(registers, operands.sources[$index]);)+
            let mut out = [D::Raw::default(); LANES];
            for lane in 0..LANES {
                out[lane] = f($($type::from_raw($arg[lane])),+).to_raw();
            }
            merge(D::file_mut(registers, operands.results[0]), &out, mask);
        }

        /// # Safety
        /// The processor must have AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn $wide<$($type: Lane,)+ D: Lane>(
            f: impl Fn($($type),+) -> D,
            registers: &mut Registers,
            operands: &Operands,
            mask: Mask,
        ) {
            $apply(f, registers, operands, mask);
        }

        $(#[$doc])*
        fn $name<$($type: Lane,)+ D: Lane>(
            f: impl Fn($($type),+) -> D + Copy + Send + Sync + 'static,
        ) -> LaneFn {
            #[cfg(target_arch = "x86_64")]
            if has_wide_vectors() {
                return Box::new(move |registers, operands, mask| {
                    // SAFETY: `has_wide_vectors` has just detected AVX2 and FMA.
                    unsafe { $wide(f, registers, operands, mask) }
                });
            }
            Box::new(move |registers, operands, mask| $apply(f, registers, operands, mask))
        }
    };
}

builder!(
    /// `d = f(a)`
    unary, apply_1, apply_1_wide, a: A = 0
);
builder!(
    /// `d = f(a, b)`
    binary, apply_2, apply_2_wide, a: A = 0, b: B = 1
);
builder!(
    /// `d = f(a, b, c)`
    ternary, apply_3, apply_3_wide, a: A = 0, b: B = 1, c: C = 2
);
builder!(
    /// `d = f(a, b, c, e)`
    quaternary, apply_4, apply_4_wide, a: A = 0, b: B = 1, c: C = 2, e: E = 3
);
