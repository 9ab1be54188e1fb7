//! Kernel launches: shape and parameters are checked and copied, then the work is enqueued.

use super::code;
use super::context::context_call;
use super::state::{Handle, Outcome, State};
use super::work::{Work, enqueue};
use crate::machine::{Shape, shared_bytes};
use crate::program::Kernel;
use std::ffi::{c_int, c_uint, c_void};

/// Markers in the `extra` list of a launch.
const BUFFER_POINTER: usize = 1;
const BUFFER_SIZE: usize = 2;

impl State {
    fn prepare(&mut self, function: Handle, shape: &Shape) -> Outcome<std::sync::Arc<Kernel>> {
        let found = self.functions.get(&function).ok_or(code::INVALID_HANDLE)?;
        let kernel = found.kernel.clone();
        let threads = shape.block.iter().try_fold(1u32, |n, &d| n.checked_mul(d));
        let threads = threads.filter(|&n| n > 0 && n <= 1024 && shape.block[2] <= 64);
        let [x, y, z] = shape.grid;
        let grid_fits =
            x > 0 && x <= i32::MAX as u32 && (1..=65_535).contains(&y) && (1..=65_535).contains(&z);
        let Some(threads) = threads.filter(|_| grid_fits) else {
            let message = format!(
                "launch of {}: grid {:?}, block {:?} are out of range",
                kernel.name, shape.grid, shape.block
            );
            self.tell(message);
            return Err(code::INVALID_VALUE);
        };
        let wrong_size = kernel
            .required_block
            .is_some_and(|block| block != shape.block)
            || kernel.max_threads.is_some_and(|most| threads > most);
        if wrong_size {
            let message = format!(
                "launch of {}: block {:?} is not what .reqntid or .maxntid say",
                kernel.name, shape.block
            );
            self.tell(message);
            return Err(code::INVALID_VALUE);
        }
        let shared = shared_bytes(&kernel, shape.dynamic_shared);
        let limit = self.shared_limit(function)?;
        if shared > limit {
            let message = format!(
                "launch of {}: {shared} bytes of shared memory, {limit} are allowed",
                kernel.name
            );
            self.tell(message);
            return Err(code::INVALID_VALUE);
        }
        if shape.cooperative {
            let room = u64::from(self.blocks_per_multiprocessor(threads, shared))
                * self.settings.multiprocessors as u64;
            if shape.grid.iter().map(|&n| u64::from(n)).product::<u64>() > room {
                return Err(code::COOPERATIVE_LAUNCH_TOO_LARGE);
            }
        }
        Ok(kernel)
    }
}

/// # Safety
/// `arguments` holds a pointer for each parameter, or `extra` names a buffer of them.
unsafe fn parameters(
    kernel: &Kernel,
    arguments: *const *const c_void,
    extra: *const *const c_void,
) -> Outcome<Vec<u8>> {
    let mut bytes = vec![0; kernel.parameter_bytes];
    if !arguments.is_null() {
        for (i, parameter) in kernel.parameters.iter().enumerate() {
            // SAFETY: as the caller promises.
            unsafe {
                let from = *arguments.add(i);
                if from.is_null() {
                    return Err(code::INVALID_VALUE);
                }
                let to = bytes[parameter.offset..].as_mut_ptr();
                std::ptr::copy_nonoverlapping(from.cast(), to, parameter.bytes);
            }
        }
        return Ok(bytes);
    }
    if extra.is_null() {
        return if kernel.parameters.is_empty() {
            Ok(bytes)
        } else {
            Err(code::INVALID_VALUE)
        };
    }
    let (mut buffer, mut size, mut at): (*const u8, usize, usize) = (std::ptr::null(), 0, 0);
    loop {
        // SAFETY: the list ends with a null; each marker is followed by its value.
        let (marker, value) = unsafe {
            let marker = *extra.add(at) as usize;
            if marker == 0 {
                break;
            }
            (marker, *extra.add(at + 1))
        };
        match marker {
            BUFFER_POINTER => buffer = value.cast(),
            // SAFETY: this marker's value points to the size.
            BUFFER_SIZE => size = unsafe { *value.cast::<usize>() },
            _ => return Err(code::INVALID_VALUE),
        }
        at += 2;
    }
    if buffer.is_null() || size < bytes.len() {
        return Err(code::INVALID_VALUE);
    }
    // SAFETY: the buffer has `size` bytes.
    unsafe { std::ptr::copy_nonoverlapping(buffer, bytes.as_mut_ptr(), bytes.len()) };
    Ok(bytes)
}

/// # Safety
/// As [`parameters`].
unsafe fn launch(
    function: Handle,
    shape: Shape,
    stream: Handle,
    arguments: *const *const c_void,
    extra: *const *const c_void,
) -> c_int {
    let mut work = None;
    let code = context_call(|state| {
        let kernel = state.prepare(function, &shape)?;
        // SAFETY: as the caller promises.
        let parameters = unsafe { parameters(&kernel, arguments, extra)? };
        work = Some(Work::Launch {
            kernel,
            shape,
            parameters,
        });
        Ok(())
    });
    match work {
        Some(work) => enqueue(stream, work).err().unwrap_or(0),
        None => code,
    }
}

#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
unsafe extern "C" fn cuLaunchKernel(
    function: Handle,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    dynamic_shared: c_uint,
    stream: Handle,
    arguments: *const *const c_void,
    extra: *const *const c_void,
) -> c_int {
    let shape = Shape {
        grid: [grid_x, grid_y, grid_z],
        block: [block_x, block_y, block_z],
        dynamic_shared,
        cooperative: false,
    };
    // SAFETY: as the driver API asks of its caller.
    unsafe { launch(function, shape, stream, arguments, extra) }
}

#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
unsafe extern "C" fn cuLaunchCooperativeKernel(
    function: Handle,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    dynamic_shared: c_uint,
    stream: Handle,
    arguments: *const *const c_void,
) -> c_int {
    let shape = Shape {
        grid: [grid_x, grid_y, grid_z],
        block: [block_x, block_y, block_z],
        dynamic_shared,
        cooperative: true,
    };
    // SAFETY: as the driver API asks of its caller.
    unsafe { launch(function, shape, stream, arguments, std::ptr::null()) }
}

/// `CUlaunchConfig`, as drivers from 11.8 on take it.
#[repr(C)]
struct LaunchConfig {
    grid: [c_uint; 3],
    block: [c_uint; 3],
    dynamic_shared: c_uint,
    stream: Handle,
    attributes: *const LaunchAttribute,
    attribute_count: c_uint,
}

/// `CUlaunchAttribute`: a number, and a value of 64 bytes.
#[repr(C)]
struct LaunchAttribute {
    id: c_int,
    padding: c_int,
    value: [c_uint; 16],
}

/// Numbers of `CUlaunchAttributeID`.
const COOPERATIVE: c_int = 2;
const CLUSTER: c_int = 4;

/// A cluster of more than one block is an error; other attributes are hints.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuLaunchKernelEx(
    config: *const LaunchConfig,
    function: Handle,
    arguments: *const *const c_void,
    extra: *const *const c_void,
) -> c_int {
    if config.is_null() {
        return code::INVALID_VALUE;
    }
    // SAFETY: the caller passes a configuration with its stated number of attributes.
    let (config, attributes) = unsafe {
        let config = &*config;
        let count = config.attribute_count as usize;
        let attributes = match config.attributes.is_null() {
            true => &[][..],
            false => std::slice::from_raw_parts(config.attributes, count),
        };
        (config, attributes)
    };
    let mut cooperative = false;
    for attribute in attributes {
        match attribute.id {
            COOPERATIVE => cooperative = attribute.value[0] != 0,
            CLUSTER if attribute.value[..3].iter().any(|&n| n > 1) => return code::NOT_SUPPORTED,
            _ => {}
        }
    }
    let shape = Shape {
        grid: config.grid,
        block: config.block,
        dynamic_shared: config.dynamic_shared,
        cooperative,
    };
    // SAFETY: as the driver API asks of its caller.
    unsafe { launch(function, shape, config.stream, arguments, extra) }
}
