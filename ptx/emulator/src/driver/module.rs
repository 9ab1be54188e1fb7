//! Modules: takes PTX text and gives functions and variables.

use super::code;
use super::context::context_call;
use super::state::{Function, Handle, Outcome, State, put};
use super::work::{ALL, catch_up};
use crate::module::Module;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

/// Numbers of `CUjit_option`.
const ERROR_LOG: c_int = 5;
const ERROR_LOG_BYTES: c_int = 6;

/// The caller's buffer for the compiler's log.
struct Log {
    buffer: *mut u8,
    bytes: usize,
}

impl Log {
    /// # Safety
    /// `count` options and values must be there, as the driver API asks.
    unsafe fn from_options(
        count: c_uint,
        options: *const c_int,
        values: *const *mut c_void,
    ) -> Log {
        let mut log = Log {
            buffer: std::ptr::null_mut(),
            bytes: 0,
        };
        if options.is_null() || values.is_null() {
            return log;
        }
        for i in 0..count as usize {
            // SAFETY: as the caller promises.
            let (option, value) = unsafe { (*options.add(i), *values.add(i)) };
            match option {
                ERROR_LOG => log.buffer = value.cast(),
                ERROR_LOG_BYTES => log.bytes = value as usize,
                _ => {}
            }
        }
        log
    }

    fn write(&self, text: &str) {
        if self.buffer.is_null() || self.bytes == 0 {
            return;
        }
        let count = text.len().min(self.bytes - 1);
        // SAFETY: the caller of the driver passed a buffer of `bytes`.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr(), self.buffer, count);
            *self.buffer.add(count) = 0;
        }
    }
}

impl State {
    fn load_module(&mut self, image: &CStr, log: &Log) -> Outcome<Handle> {
        let refuse = |state: &mut State, code, message: String| {
            log.write(&message);
            state.tell(message);
            Err(code)
        };
        let Ok(text) = image.to_str() else {
            return refuse(
                self,
                code::INVALID_PTX,
                "the module is not PTX text".to_string(),
            );
        };
        if self.settings.fail_jit {
            return refuse(
                self,
                code::INVALID_PTX,
                "the JIT fails as asked".to_string(),
            );
        }
        let module = match Module::load(text, &mut self.memory) {
            Ok(module) => module,
            Err(errors) => {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                return refuse(self, code::INVALID_PTX, lines.join("\n"));
            }
        };
        if let Err((code, message)) = self.check_target(&module) {
            module.unload(&mut self.memory);
            return refuse(self, code, message);
        }
        let handle = self.handle();
        self.modules.insert(handle, module);
        Ok(handle)
    }

    /// Whether this driver supports the PTX version, and this GPU the target.
    fn check_target(&self, module: &Module) -> Result<(), (c_int, String)> {
        let (major, minor) = module.version;
        let newest = self.settings.ptx_version();
        if (major, minor) > newest {
            let message = format!(
                "PTX {major}.{minor} is newer than this driver, which knows up to {}.{}",
                newest.0, newest.1
            );
            return Err((code::UNSUPPORTED_PTX_VERSION, message));
        }
        let target = module.target.strip_prefix("sm_").unwrap_or("");
        let digits = target.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let Ok(number) = digits.parse::<u32>() else {
            return Err((
                code::INVALID_PTX,
                format!("unknown .target {}", module.target),
            ));
        };
        let wanted = (number / 10, number % 10);
        let own = self.settings.capability;
        let message = format!(
            ".target {} does not run on a GPU of {}.{}",
            module.target, own.0, own.1
        );
        if target.ends_with('a') && wanted != own {
            return Err((code::NO_BINARY_FOR_GPU, message));
        }
        if wanted > own || (target.ends_with('f') && wanted.0 != own.0) {
            return Err((code::INVALID_PTX, message));
        }
        Ok(())
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleLoadDataEx(
    out: *mut Handle,
    image: *const c_char,
    count: c_uint,
    options: *const c_int,
    values: *const *mut c_void,
) -> c_int {
    context_call(|state| {
        state.forbid_during_capture()?;
        if image.is_null() {
            return Err(code::INVALID_VALUE);
        }
        // SAFETY: PTX images end with a zero byte; options are as many as the caller states.
        let (image, log) = unsafe {
            (
                CStr::from_ptr(image),
                Log::from_options(count, options, values),
            )
        };
        let handle = state.load_module(image, &log)?;
        put(out, handle)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleLoadData(out: *mut Handle, image: *const c_char) -> c_int {
    // SAFETY: as this function's own caller promises.
    unsafe { cuModuleLoadDataEx(out, image, 0, std::ptr::null(), std::ptr::null()) }
}

#[unsafe(no_mangle)]
extern "C" fn cuModuleUnload(module: Handle) -> c_int {
    let _ = catch_up(ALL);
    context_call(|state| {
        let removed = state.modules.remove(&module).ok_or(code::INVALID_HANDLE)?;
        removed.unload(&mut state.memory);
        state
            .functions
            .retain(|_, function| function.module != module);
        Ok(())
    })
}

/// # Safety
/// `name` must be null or a C string.
unsafe fn text<'t>(name: *const c_char) -> Outcome<&'t str> {
    if name.is_null() {
        return Err(code::INVALID_VALUE);
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(name) }
        .to_str()
        .map_err(|_| code::NOT_FOUND)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleGetFunction(
    out: *mut Handle,
    module: Handle,
    name: *const c_char,
) -> c_int {
    context_call(|state| {
        // SAFETY: the driver API takes a C string.
        let name = unsafe { text(name)? };
        let found = state.modules.get(&module).ok_or(code::INVALID_HANDLE)?;
        let kernel = found.kernels.get(name).ok_or(code::NOT_FOUND)?.clone();
        // Each function has one handle, so attributes set through it are kept.
        let same = state
            .functions
            .iter()
            .find(|(_, f)| f.module == module && f.kernel.name == kernel.name)
            .map(|(handle, _)| *handle);
        let handle = match same {
            Some(handle) => handle,
            None => {
                let handle = state.handle();
                state.functions.insert(
                    handle,
                    Function {
                        module,
                        kernel,
                        max_dynamic_shared: 0,
                    },
                );
                handle
            }
        };
        put(out, handle)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleGetGlobal_v2(
    pointer: *mut u64,
    bytes: *mut usize,
    module: Handle,
    name: *const c_char,
) -> c_int {
    context_call(|state| {
        // SAFETY: the driver API takes a C string.
        let name = unsafe { text(name)? };
        let found = state.modules.get(&module).ok_or(code::INVALID_HANDLE)?;
        let place = found.globals.get(name).ok_or(code::NOT_FOUND)?;
        if !pointer.is_null() {
            put(pointer, place.address)?;
        }
        if bytes.is_null() {
            Ok(())
        } else {
            put(bytes, place.bytes as usize)
        }
    })
}
