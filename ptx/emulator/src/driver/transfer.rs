//! Copies and fills, synchronous and in streams.

use super::context::context_call;
use super::state::{Handle, State};
use super::work::{ALL, Work, catch_up, enqueue, perform};
use std::ffi::{c_int, c_uchar, c_uint, c_ushort, c_void};

/// A call that is forbidden while a stream captures. It belongs to the legacy default stream.
fn now(work: &Work) -> c_int {
    let allowed = |state: &mut State| {
        state.forbid_during_capture()?;
        state.check_default_stream(0)
    };
    match context_call(allowed) {
        0 => (catch_up(ALL).and_then(|()| perform(work)))
            .err()
            .unwrap_or(0),
        code => code,
    }
}

fn in_stream(stream: Handle, work: Work) -> c_int {
    match context_call(|_| Ok(())) {
        0 => enqueue(stream, work).err().unwrap_or(0),
        code => code,
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyHtoD_v2(to: u64, from: *const c_void, bytes: usize) -> c_int {
    now(&Work::ToDevice {
        to,
        from: from as usize,
        bytes,
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoH_v2(to: *mut c_void, from: u64, bytes: usize) -> c_int {
    now(&Work::ToHost {
        to: to as usize,
        from,
        bytes,
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) -> c_int {
    now(&Work::OnDevice { to, from, bytes })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyHtoDAsync_v2(
    to: u64,
    from: *const c_void,
    bytes: usize,
    stream: Handle,
) -> c_int {
    in_stream(
        stream,
        Work::ToDevice {
            to,
            from: from as usize,
            bytes,
        },
    )
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoHAsync_v2(
    to: *mut c_void,
    from: u64,
    bytes: usize,
    stream: Handle,
) -> c_int {
    in_stream(
        stream,
        Work::ToHost {
            to: to as usize,
            from,
            bytes,
        },
    )
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: Handle) -> c_int {
    in_stream(stream, Work::OnDevice { to, from, bytes })
}

macro_rules! fills {
    ($($now:ident, $in_stream:ident, $type:ty, $width:literal;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $now(to: u64, value: $type, count: usize) -> c_int {
            now(&Work::Fill { to, value: u32::from(value), width: $width, count })
        }

        #[unsafe(no_mangle)]
        extern "C" fn $in_stream(to: u64, value: $type, count: usize, stream: Handle) -> c_int {
            in_stream(stream, Work::Fill { to, value: u32::from(value), width: $width, count })
        }
    )*};
}

fills! {
    cuMemsetD8_v2, cuMemsetD8Async, c_uchar, 1;
    cuMemsetD16_v2, cuMemsetD16Async, c_ushort, 2;
    cuMemsetD32_v2, cuMemsetD32Async, c_uint, 4;
}
