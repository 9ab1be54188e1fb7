//! Composed PTX, loaded once: modules live as long as the program.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::{CStr, CString, c_void};

use cust::function::Function;
use cust::module::Module;
use cust_raw::{CUjit_option_enum as Option_, cuModuleLoadDataEx, cuModuleUnload};

use super::gpu::Code;
use crate::custom::Kernel;
use netform_ptx::Module as Key;

/// Dynamic shared memory that needs no permission.
const PLAIN_SHARED: u32 = 48 << 10;

/// The modules that are loaded, by what they are made of.
#[derive(Default)]
pub struct Modules {
    composed: HashMap<Key, Function<'static>>,
    own: HashMap<Kernel, Function<'static>>,
}

impl Modules {
    /// A kernel of the user's own.
    pub fn own(&mut self, kernel: Kernel) -> Result<&Function<'static>, String> {
        Ok(match self.own.entry(kernel) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(load(kernel.text, kernel.entry)?),
        })
    }

    /// The kernel of a module, for launches with this much dynamic shared memory.
    pub fn kernel(&mut self, key: &Key, shared: u32) -> Result<&Function<'static>, String> {
        if !self.composed.contains_key(key) {
            let function = load(&key.text(), key.form.entry())?;
            self.composed.insert(*key, function);
        }
        let function = self.composed.get(key).ok_or("a kernel is gone")?;
        if shared > PLAIN_SHARED {
            allow_shared(function, shared).map_err(|e| e.to_string())?;
        }
        Ok(function)
    }
}

/// A kernel of a module that is never unloaded: whoever captured it in a graph may launch it any time.
pub fn load(text: &str, entry: &str) -> Result<Function<'static>, String> {
    let image = CString::new(text).map_err(|_| "a kernel's text holds a zero".to_owned())?;
    let module = Module::from_ptx_cstr(&image, &[])
        .map_err(|e| format!("kernel `{entry}`: {}\n{}", Code::from(e), log(&image)))?;
    let module: &'static Module = Box::leak(Box::new(module));
    let found = module.get_function(entry);
    found.map_err(|e| format!("kernel `{entry}`: {}", Code::from(e)))
}

fn allow_shared(f: &Function<'_>, bytes: u32) -> Result<(), Code> {
    use cust_raw::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES as MOST;
    // SAFETY: the function is loaded; an amount that the device lacks is an error.
    super::gpu::checked(unsafe {
        cust_raw::cuFuncSetAttribute(f.to_raw(), MOST, bytes.cast_signed())
    })
}

/// Why the driver's compiler refuses a text: `cust` has no log of it.
fn log(image: &CStr) -> String {
    let mut buffer = vec![0u8; 8 << 10];
    let mut options = [
        Option_::CU_JIT_ERROR_LOG_BUFFER,
        Option_::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
    ];
    let mut values = [
        buffer.as_mut_ptr().cast::<c_void>(),
        std::ptr::without_provenance_mut(buffer.len() - 1),
    ];
    let mut module = std::ptr::null_mut();
    // SAFETY: the image ends with a zero, options and values are as many as stated, the log is as long as
    // stated; a module that loads after all is unloaded.
    unsafe {
        let loaded = cuModuleLoadDataEx(
            &raw mut module,
            image.as_ptr().cast(),
            2,
            options.as_mut_ptr(),
            values.as_mut_ptr(),
        );
        if super::gpu::checked(loaded).is_ok() {
            cuModuleUnload(module);
        }
    }
    let text = CStr::from_bytes_until_nul(&buffer).map(CStr::to_string_lossy);
    text.map(|t| t.trim().to_owned()).unwrap_or_default()
}
