//! Composed PTX, loaded once: modules live as long as the device, since captured runs refer to them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::{CStr, CString, c_void};
use std::ptr::null_mut;

use cust_raw::{CUfunction, CUjit_option_enum as Option_, CUmodule};

use super::errors::{Code, checked};
use super::identity::Identity;
use crate::custom::Kernel;
use crate::{Error, Result};
use netform_ptx::{Form, Module as Key};

/// Dynamic shared memory that needs no opt-in.
const PLAIN_SHARED: u32 = 48 << 10;

/// The loaded modules, by their key.
#[derive(Default)]
pub struct Modules {
    composed: HashMap<Key, Module>,
    own: HashMap<Kernel, Module>,
}

/// A module and the kernel in it.
struct Module {
    module: CUmodule,
    function: CUfunction,
}

// SAFETY: the driver takes its handles from any thread.
unsafe impl Send for Module {}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: made by `load`, unloaded once, when no graph is left and the stream is empty.
        unsafe { cust_raw::cuModuleUnload(self.module) };
    }
}

impl Modules {
    /// A custom kernel.
    pub fn own(&mut self, gpu: &Identity, kernel: Kernel) -> Result<CUfunction> {
        Ok(match self.own.entry(kernel) {
            Entry::Occupied(known) => known.get().function,
            Entry::Vacant(new) => new.insert(load(gpu, kernel.text, kernel.entry)?).function,
        })
    }

    /// The kernel of a module, for launches with this much dynamic shared memory.
    pub fn kernel(&mut self, gpu: &Identity, key: &Key, shared: u32) -> Result<CUfunction> {
        let function = match self.composed.entry(*key) {
            Entry::Occupied(known) => known.get().function,
            Entry::Vacant(new) => {
                suits(gpu, key)?;
                new.insert(load(gpu, &key.text(), key.form.entry())?)
                    .function
            }
        };
        if shared > PLAIN_SHARED {
            allow_shared(function, shared).map_err(|e| gpu.error(e, key.form.entry()))?;
        }
        Ok(function)
    }
}

/// Reports a missing precision by name, because the device's compiler would report only instructions.
fn suits(gpu: &Identity, key: &Key) -> Result<()> {
    let ((major, minor), (has, has_minor)) = (key.capability(), gpu.capability);
    if (major, minor) <= gpu.capability {
        return Ok(());
    }
    let what = match key.form {
        Form::Tensor { bf16: true, .. } => "matrix products in bf16 need",
        Form::Tensor { .. } => "matrix products in tf32 need",
        _ => "a kernel needs",
    };
    let model = &gpu.model;
    Err(gpu.fails(format!(
        "{what} compute capability {major}.{minor}, and {model} has {has}.{has_minor}"
    )))
}

fn load(gpu: &Identity, text: &str, entry: &str) -> Result<Module> {
    let name = format!("kernel `{entry}`");
    let (Ok(image), Ok(symbol)) = (CString::new(text), CString::new(entry)) else {
        return Err(gpu.fails(format!("{name}: its text holds a zero")));
    };
    let module = compile(&image).map_err(|(e, log)| match gpu.error(e, &name) {
        Error::Device { what, .. } if !log.is_empty() => gpu.fails(format!("{what}\n{log}")),
        error => error,
    })?;
    let mut loaded = Module {
        module,
        function: null_mut(),
    };
    // SAFETY: the module is loaded, and the name ends with a zero.
    let found = checked(unsafe {
        cust_raw::cuModuleGetFunction(&raw mut loaded.function, module, symbol.as_ptr())
    });
    found.map_err(|e| gpu.error(e, &name))?;
    Ok(loaded)
}

/// Loads a text. If the driver's compiler refuses it, the error has its log.
fn compile(image: &CStr) -> Result<CUmodule, (Code, String)> {
    let mut log = vec![0u8; 8 << 10];
    let mut options = [
        Option_::CU_JIT_ERROR_LOG_BUFFER,
        Option_::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
    ];
    let mut values = [
        log.as_mut_ptr().cast::<c_void>(),
        std::ptr::without_provenance_mut(log.len() - 1),
    ];
    let mut module = null_mut();
    // SAFETY: the image ends with a zero, options and values are as many as stated, and the log is as long
    // as stated.
    let loaded = checked(unsafe {
        cust_raw::cuModuleLoadDataEx(
            &raw mut module,
            image.as_ptr().cast(),
            2,
            options.as_mut_ptr(),
            values.as_mut_ptr(),
        )
    });
    loaded.map_err(|e| {
        let text = CStr::from_bytes_until_nul(&log).map(CStr::to_string_lossy);
        (e, text.map(|t| t.trim().to_owned()).unwrap_or_default())
    })?;
    Ok(module)
}

fn allow_shared(f: CUfunction, bytes: u32) -> Result<(), Code> {
    use cust_raw::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES as MOST;
    // SAFETY: the function is loaded; an amount that the device lacks is an error.
    checked(unsafe { cust_raw::cuFuncSetAttribute(f, MOST, bytes.cast_signed()) })
}
