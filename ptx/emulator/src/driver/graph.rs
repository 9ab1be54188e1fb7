//! Graphs made by capture: the recorded work is done again at each launch.

use super::code;
use super::context::context_call;
use super::state::{Handle, lock, put};
use super::work;
use std::ffi::{c_char, c_int, c_uint, c_ulonglong};
use std::sync::Arc;

#[unsafe(no_mangle)]
extern "C" fn cuGraphCreate(out: *mut Handle, _flags: c_uint) -> c_int {
    context_call(|state| {
        let handle = state.handle();
        state.graphs.insert(handle, Arc::new(Vec::new()));
        put(out, handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphInstantiateWithFlags(
    out: *mut Handle,
    graph: Handle,
    _flags: c_ulonglong,
) -> c_int {
    context_call(|state| {
        let work = state
            .graphs
            .get(&graph)
            .ok_or(code::INVALID_HANDLE)?
            .clone();
        let handle = state.handle();
        state.executables.insert(handle, work);
        put(out, handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphInstantiate_v2(
    out: *mut Handle,
    graph: Handle,
    _error_node: *mut Handle,
    _log: *mut c_char,
    _log_bytes: usize,
) -> c_int {
    cuGraphInstantiateWithFlags(out, graph, 0)
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphDestroy(graph: Handle) -> c_int {
    context_call(|state| match state.graphs.remove(&graph) {
        Some(_) => Ok(()),
        None => Err(code::INVALID_HANDLE),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphExecDestroy(executable: Handle) -> c_int {
    context_call(|state| match state.executables.remove(&executable) {
        Some(_) => Ok(()),
        None => Err(code::INVALID_HANDLE),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphUpload(executable: Handle, stream: Handle) -> c_int {
    context_call(|state| {
        state.stream(stream)?;
        match state.executables.contains_key(&executable) {
            true => Ok(()),
            false => Err(code::INVALID_HANDLE),
        }
    })
}

/// If `nodes` is null, returns the count; otherwise as many nodes as fit.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphGetNodes(
    graph: Handle,
    nodes: *mut Handle,
    count: *mut usize,
) -> c_int {
    context_call(|state| {
        let work = state.graphs.get(&graph).ok_or(code::INVALID_HANDLE)?;
        if count.is_null() {
            return Err(code::INVALID_VALUE);
        }
        if !nodes.is_null() {
            // SAFETY: the caller passes space for `count` nodes.
            unsafe {
                for i in 0..*count {
                    *nodes.add(i) = if i < work.len() {
                        (graph << 20) + i + 1
                    } else {
                        0
                    };
                }
            }
        }
        put(count, work.len())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphLaunch(executable: Handle, stream: Handle) -> c_int {
    let mut work = None;
    let code = context_call(|state| {
        let found = state
            .executables
            .get(&executable)
            .ok_or(code::INVALID_HANDLE)?
            .clone();
        match state.capture(stream)? {
            // In this case it becomes part of another graph.
            Some(capture) => capture.work.extend(found.iter().cloned()),
            None => work = Some(found),
        }
        Ok(())
    });
    for node in work.as_deref().into_iter().flatten() {
        if let Err(code) = work::put(lock(), node.clone()) {
            // A kernel's error is reported by the next call, as after any launch.
            return if lock().context.sticky.is_some() {
                0
            } else {
                code
            };
        }
    }
    code
}
