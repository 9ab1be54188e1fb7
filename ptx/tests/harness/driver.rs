//! The driver: the emulator's library, or the one that `NETFORM_DRIVER` names.

use std::collections::HashMap;
use std::ffi::{CString, c_char, c_int, c_void};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock};

use netform_ptx::{Launch, Module};

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// The library's handle, and whether it is the emulator's.
fn library() -> (usize, bool) {
    static LIBRARY: OnceLock<(usize, bool)> = OnceLock::new();
    *LIBRARY.get_or_init(|| {
        let given = std::env::var_os("NETFORM_DRIVER").map(PathBuf::from);
        let emulated = given.is_none();
        let path = given.unwrap_or_else(|| {
            // Cargo puts the library beside the test.
            let test = std::env::current_exe().unwrap();
            test.parent().unwrap().join("libnetform_ptx_emulator.so")
        });
        let name = CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: a C string, and a library that is safe to load.
        let handle = unsafe { dlopen(name.as_ptr(), 2) };
        assert!(!handle.is_null(), "{} does not open", path.display());
        (handle as usize, emulated)
    })
}

/// Whether the driver is the emulator.
pub fn emulated() -> bool {
    library().1
}

/// Calls a driver function: `cuda!(cuInit(0 => u32))`.
macro_rules! cuda {
    ($name:ident($($value:expr => $type:ty),* $(,)?)) => {{
        let name = concat!(stringify!($name), "\0");
        // SAFETY: the library is never closed; the types are those of the driver API.
        unsafe {
            let pointer = dlsym(library().0 as *mut c_void, name.as_ptr().cast());
            assert!(!pointer.is_null(), "the driver lacks {name}");
            let function: unsafe extern "C" fn($($type),*) -> c_int = std::mem::transmute(pointer);
            function($($value),*)
        }
    }};
}

/// The driver with a context, for one test at a time.
pub struct Driver {
    held: MutexGuard<'static, HashMap<Module, usize>>,
}

impl Driver {
    pub fn new() -> Self {
        // Loaded functions, kept for the life of the process.
        static LOCK: OnceLock<Mutex<HashMap<Module, usize>>> = OnceLock::new();
        let lock = LOCK.get_or_init(Mutex::default).lock();
        let held = lock.unwrap_or_else(|poisoned| {
            // An error may have destroyed the context.
            let mut held = poisoned.into_inner();
            held.clear();
            if library().1 {
                cuda!(netform_emulator_reset());
            }
            held
        });
        assert_eq!(cuda!(cuInit(0 => u32)), 0);
        let mut context = 0usize;
        assert_eq!(
            cuda!(cuDevicePrimaryCtxRetain(&mut context => *mut usize, 0 => c_int)),
            0
        );
        assert_eq!(cuda!(cuCtxSetCurrent(context => usize)), 0);
        if library().1 {
            // Blocks must not access each other's results.
            let (name, value) = (c"CHECK_BLOCKS".as_ptr(), c"1".as_ptr());
            cuda!(netform_emulator_set(name => *const c_char, value => *const c_char));
        }
        Self { held }
    }

    pub fn alloc(&self, bytes: usize) -> u64 {
        let mut at = 0u64;
        assert_eq!(
            cuda!(cuMemAlloc_v2(&mut at => *mut u64, bytes.max(1) => usize)),
            0
        );
        at
    }

    pub fn free(&self, at: u64) {
        cuda!(cuMemFree_v2(at => u64));
    }

    pub fn write(&self, at: u64, x: &[u8]) {
        if !x.is_empty() {
            let code = cuda!(cuMemcpyHtoD_v2(at => u64, x.as_ptr() => *const u8, x.len() => usize));
            assert_eq!(code, 0, "{}", self.message());
        }
    }

    pub fn read(&self, at: u64, x: &mut [u8]) {
        if !x.is_empty() {
            let code =
                cuda!(cuMemcpyDtoH_v2(x.as_mut_ptr() => *mut u8, at => u64, x.len() => usize));
            assert_eq!(code, 0, "{}", self.message());
        }
    }

    /// The last error's message.
    fn message(&self) -> String {
        if !library().1 {
            return String::new();
        }
        let mut buffer = vec![0u8; 1 << 14];
        cuda!(netform_emulator_last_error(buffer.as_mut_ptr() => *mut u8, buffer.len() => usize));
        let end = buffer.iter().position(|b| *b == 0).unwrap_or(0);
        String::from_utf8_lossy(&buffer[..end]).into_owned()
    }

    fn function(&mut self, launch: &Launch) -> usize {
        if let Some(function) = self.held.get(&launch.module) {
            return *function;
        }
        let text = CString::new(launch.module.text()).unwrap();
        let (mut module, mut function) = (0usize, 0usize);
        let code =
            cuda!(cuModuleLoadData(&mut module => *mut usize, text.as_ptr() => *const c_char));
        assert_eq!(code, 0, "{:?}: {}", launch.module.form, self.message());
        let name = CString::new(launch.entry()).unwrap();
        let code = cuda!(cuModuleGetFunction(
            &mut function => *mut usize,
            module => usize,
            name.as_ptr() => *const c_char,
        ));
        assert_eq!(code, 0, "{name:?}");
        self.held.insert(launch.module, function);
        function
    }

    /// Launches, and waits for the end.
    pub fn launch(&mut self, launch: &Launch) {
        let function = self.function(launch);
        let params = launch.params.bytes();
        let at = |offset: &usize| params[*offset..].as_ptr().cast();
        let pointers: Vec<*const c_void> = launch.params.offsets().iter().map(at).collect();
        let ([x, y, z], [bx, by, bz]) = (launch.grid, launch.block);
        let none = std::ptr::null_mut();
        let code = cuda!(cuLaunchKernel(
            function => usize,
            x => u32, y => u32, z => u32,
            bx => u32, by => u32, bz => u32,
            launch.shared => u32,
            0 => usize,
            pointers.as_ptr() => *const *const c_void,
            none => *mut *mut c_void,
        ));
        assert_eq!(code, 0, "{:?}: {}", launch.module.form, self.message());
        let code = cuda!(cuCtxSynchronize());
        assert_eq!(code, 0, "{:?}: {}", launch.module.form, self.message());
    }
}
