//! Writes converted values to a device, without an allocation.

use bytemuck::Pod;

use crate::Result;
use crate::addr::Addr;

/// Elements converted at a time, on the stack, so that nothing is allocated. Long arrays use larger chunks, because
/// each chunk is one copy by the driver.
const CHUNK: usize = 256;
const LARGE_CHUNK: usize = 16 << 10;

/// Converts `values` and passes the results, in order, to `write`, with the address of the first result of each call.
pub(crate) fn in_chunks<T: Copy, U: Pod>(
    dst: Addr,
    values: &[T],
    convert: impl Fn(T) -> Result<U>,
    write: impl FnMut(Addr, &[u8]) -> Result<()>,
) -> Result<()> {
    match values.len() <= CHUNK {
        true => in_chunks_of::<CHUNK, T, U>(dst, values, convert, write),
        false => in_chunks_of::<LARGE_CHUNK, T, U>(dst, values, convert, write),
    }
}

fn in_chunks_of<const N: usize, T: Copy, U: Pod>(
    dst: Addr,
    values: &[T],
    convert: impl Fn(T) -> Result<U>,
    mut write: impl FnMut(Addr, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut chunk = [U::zeroed(); N];
    for (i, part) in values.chunks(N).enumerate() {
        for (to, &from) in chunk.iter_mut().zip(part) {
            *to = convert(from)?;
        }
        let at = dst.wrapping_add(i * N * size_of::<U>());
        write(at, bytemuck::cast_slice(&chunk[..part.len()]))?;
    }
    Ok(())
}
