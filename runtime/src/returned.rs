//! Results of integers in their declared types. A device stores 64 bits. `u32` and `i32` are copied for the host, and a
//! value out of range is an error.

use crate::binding::limits;
use crate::run::unravel;
use crate::{ArgType, Error, Result};

/// Whether the host reads fewer bits than the device stores.
pub(crate) fn is_narrow(ty: ArgType) -> bool {
    matches!(ty, ArgType::U32 | ArgType::I32)
}

/// Narrows result `k`, one word for each element, in place to half the width if its declared type has 32 bits.
pub(crate) fn narrow(
    function: &'static str,
    k: usize,
    ty: ArgType,
    shape: &[usize],
    words: &mut [u64],
) -> Result<()> {
    if !is_narrow(ty) {
        return Ok(());
    }
    let (least, most, limits) = limits(ty);
    let len = crate::shape::elements(shape).unwrap_or(0);
    for at in 0..len.min(words.len()) {
        let value = words[at].cast_signed();
        if !(least..=most).contains(&value) {
            return Err(Error::ResultRange {
                function,
                result: k,
                value,
                position: unravel(at, len, shape),
                limits,
            });
        }
        // The word that contains half `at` has already been read.
        bytemuck::cast_slice_mut::<u64, u32>(words)[at] = value as u32;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrowed(ty: ArgType, values: [i64; 3]) -> Result<Vec<u32>> {
        let mut words = values.map(i64::cast_unsigned);
        narrow("Net::f", 1, ty, &[3], &mut words)?;
        Ok(bytemuck::cast_slice(&words)[..3].to_vec())
    }

    #[test]
    fn what_fits_lies_side_by_side() {
        assert_eq!(
            narrowed(ArgType::U32, [7, 0, 4_294_967_295]).unwrap(),
            [7, 0, u32::MAX]
        );
        let negative = narrowed(ArgType::I32, [-2_147_483_648, -1, 2_147_483_647]).unwrap();
        assert_eq!(
            bytemuck::cast_slice::<u32, i32>(&negative),
            [i32::MIN, -1, i32::MAX]
        );
    }

    #[test]
    fn what_does_not_is_named() {
        let cases = [
            (ArgType::U32, -1),
            (ArgType::U32, 1 << 32),
            (ArgType::I32, 1 << 31),
            (ArgType::I32, (-1 << 31) - 1),
        ];
        for (ty, bad) in cases {
            let error = narrowed(ty, [1, 2, bad]).unwrap_err().to_string();
            let start = format!("Net::f: result 1 holds {bad} at [2], which is outside ");
            assert!(error.starts_with(&start), "{error}");
        }
    }
}
