//! Opens the driver library, and runs kernels through it.

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::PathBuf;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

struct Library {
    handle: usize,
    emulated: bool,
}

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
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
        Library {
            handle: handle as usize,
            emulated,
        }
    })
}

/// The address of a driver function.
pub fn symbol(name: &str) -> *mut c_void {
    let c_name = CString::new(name).unwrap();
    // SAFETY: the library is never closed.
    let found = unsafe { dlsym(library().handle as *mut c_void, c_name.as_ptr()) };
    assert!(!found.is_null(), "the driver lacks {name}");
    found
}

/// Calls a driver function: `cuda!(cuInit(0: u32))`.
macro_rules! cuda {
    ($name:ident($($value:expr => $type:ty),* $(,)?)) => {{
        let pointer = $crate::harness::symbol(stringify!($name));
        // SAFETY: the types are those of the driver API.
        let function: unsafe extern "C" fn($($type),*) -> std::ffi::c_int =
            unsafe { std::mem::transmute(pointer) };
        unsafe { function($($value),*) }
    }};
}
pub(crate) use cuda;

/// The driver with a context, for one test at a time.
pub struct Driver {
    _guard: MutexGuard<'static, ()>,
}

/// One for all tests of the process.
pub fn driver() -> Driver {
    static LOCK: Mutex<()> = Mutex::new(());
    let guard = LOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let driver = Driver { _guard: guard };
    driver.reset();
    driver.start();
    driver
}

/// As [`driver`]; None if a real driver is under test.
pub fn emulated_driver() -> Option<Driver> {
    library().emulated.then(driver)
}

impl Driver {
    /// Forgets all settings and errors.
    pub fn reset(&self) {
        if library().emulated {
            cuda!(netform_emulator_reset());
        }
    }

    pub fn start(&self) {
        assert_eq!(cuda!(cuInit(0 => u32)), 0);
        let mut context = 0usize;
        assert_eq!(
            cuda!(cuDevicePrimaryCtxRetain(&mut context => *mut usize, 0 => c_int)),
            0
        );
        assert_eq!(cuda!(cuCtxSetCurrent(context => usize)), 0);
    }

    /// Sets the value of an environment variable.
    pub fn set(&self, name: &str, value: &str) {
        let (name, value) = (CString::new(name).unwrap(), CString::new(value).unwrap());
        let code = cuda!(netform_emulator_set(
            name.as_ptr() => *const c_char,
            value.as_ptr() => *const c_char,
        ));
        assert_eq!(code, 0, "{name:?} = {value:?}");
    }

    /// The last error's message.
    pub fn message(&self) -> String {
        if !library().emulated {
            return String::new();
        }
        let mut buffer = vec![0u8; 1 << 14];
        cuda!(netform_emulator_last_error(
            buffer.as_mut_ptr() => *mut u8,
            buffer.len() => usize,
        ));
        let end = buffer.iter().position(|&b| b == 0).unwrap();
        String::from_utf8_lossy(&buffer[..end]).into_owned()
    }

    pub fn upload(&self, data: &[u8]) -> u64 {
        let mut pointer = 0u64;
        assert_eq!(
            cuda!(cuMemAlloc_v2(&mut pointer => *mut u64, data.len() => usize)),
            0
        );
        assert_eq!(self.copy_to(pointer, data), 0);
        pointer
    }

    pub fn copy_to(&self, pointer: u64, data: &[u8]) -> c_int {
        cuda!(cuMemcpyHtoD_v2(pointer => u64, data.as_ptr() => *const u8, data.len() => usize))
    }

    pub fn download(&self, pointer: u64, bytes: usize) -> Result<Vec<u8>, c_int> {
        let mut out = vec![0u8; bytes];
        match cuda!(cuMemcpyDtoH_v2(out.as_mut_ptr() => *mut u8, pointer => u64, bytes => usize)) {
            0 => Ok(out),
            code => Err(code),
        }
    }

    pub fn load(&self, ptx: &str) -> Result<usize, c_int> {
        let text = CString::new(ptx).unwrap();
        let mut module = 0usize;
        let code = cuda!(cuModuleLoadData(
            &mut module => *mut usize,
            text.as_ptr() => *const c_char,
        ));
        if code == 0 { Ok(module) } else { Err(code) }
    }

    pub fn function(&self, module: usize, name: &str) -> usize {
        self.find(module, name)
            .unwrap_or_else(|| panic!("no kernel {name}"))
    }

    /// The kernel with this name, if there is one.
    pub fn find(&self, module: usize, name: &str) -> Option<usize> {
        let name = CString::new(name).unwrap();
        let mut function = 0usize;
        let code = cuda!(cuModuleGetFunction(
            &mut function => *mut usize,
            module => usize,
            name.as_ptr() => *const c_char,
        ));
        (code == 0).then_some(function)
    }

    /// Launches with 64-bit parameters; returns the launch's result code.
    pub fn launch(&self, function: usize, shape: Shape, stream: usize, args: &[u64]) -> c_int {
        let pointers: Vec<*const c_void> =
            args.iter().map(|a| std::ptr::from_ref(a).cast()).collect();
        let [x, y, z] = shape.grid;
        let [bx, by, bz] = shape.block;
        cuda!(cuLaunchKernel(
            function => usize,
            x => u32, y => u32, z => u32,
            bx => u32, by => u32, bz => u32,
            shape.shared => u32,
            stream => usize,
            pointers.as_ptr() => *const *const c_void,
            null_mut() => *mut *mut c_void,
        ))
    }

    /// Runs the only kernel `k` of a text on buffers; returns their contents afterwards, or the code.
    pub fn run(&self, ptx: &str, shape: Shape, buffers: &[&[u8]]) -> Result<Vec<Vec<u8>>, c_int> {
        let module = self.load(ptx)?;
        let function = self.function(module, "k");
        let pointers: Vec<u64> = buffers.iter().map(|b| self.upload(b)).collect();
        keep(ptx);
        match self.launch(function, shape, 0, &pointers) {
            0 => {}
            code => return Err(code),
        }
        match cuda!(cuCtxSynchronize()) {
            0 => {}
            code => return Err(code),
        }
        let out = pointers
            .iter()
            .zip(buffers)
            .map(|(&p, b)| self.download(p, b.len()))
            .collect();
        for &pointer in &pointers {
            cuda!(cuMemFree_v2(pointer => u64));
        }
        cuda!(cuModuleUnload(module => usize));
        out
    }
}

/// Writes a text to the directory `NETFORM_KEEP_PTX`, for NVIDIA's assembler to check.
fn keep(ptx: &str) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    if let Some(directory) = std::env::var_os("NETFORM_KEEP_PTX") {
        let name = format!("{:03}.ptx", COUNT.fetch_add(1, Ordering::Relaxed));
        std::fs::write(PathBuf::from(directory).join(name), ptx).unwrap();
    }
}

#[derive(Clone, Copy)]
pub struct Shape {
    pub grid: [u32; 3],
    pub block: [u32; 3],
    pub shared: u32,
}

/// One block of this number of threads.
pub fn threads(count: u32) -> Shape {
    Shape {
        grid: [1; 3],
        block: [count, 1, 1],
        shared: 0,
    }
}

pub fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

pub fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|c| u32::from_le_bytes(c.try_into().unwrap()))
        .collect()
}

/// The beginning of every text.
pub const HEADER: &str = ".version 7.8\n.target sm_80\n.address_size 64\n";

/// A kernel `k` with pointer parameters `p0`.. in `%p0`.., and registers of all types.
pub fn kernel(parameters: usize, body: &str) -> String {
    let list: Vec<String> = (0..parameters)
        .map(|i| format!(".param .u64 p{i}"))
        .collect();
    let loads: String = (0..parameters)
        .map(|i| format!("ld.param.u64 %p{i}, [p{i}];\n"))
        .collect();
    format!(
        "{HEADER}.visible .entry k({}) {{\n.reg .b64 %p<8>;\n.reg .b64 %d<16>;\n.reg .b32 %r<32>;\n\
         .reg .f32 %f<16>;\n.reg .b16 %h<8>;\n.reg .pred %q<8>;\n{loads}mov.u32 %r0, %tid.x;\n{body}\n\
         ret;\n}}\n",
        list.join(", ")
    )
}

/// A 32-bit result for each thread: `body` leaves it in `%r1`, given the thread in `%r0`.
pub fn per_thread(count: u32, body: &str) -> Vec<u32> {
    let text = kernel(
        1,
        &format!(
            "{body}\nmul.wide.u32 %d15, %r0, 4;\nadd.u64 %d15, %d15, %p0;\nst.global.b32 [%d15], %r1;"
        ),
    );
    let driver = driver();
    let room = vec![0; 4 * count as usize];
    let out = driver.run(&text, threads(count), &[&room]);
    words(&out.unwrap_or_else(|code| panic!("{code}: {}", driver.message()))[0])
}

/// Checks an instruction lane by lane. `types` are the register types of `%s0`.. (sources), the
/// last one that of `%t` (result); each case is the sources' bits and the result's.
pub fn check(types: &[&str], instruction: &str, cases: &[(&[u64], u64)]) {
    let (result, sources) = types.split_last().unwrap();
    let mut text = format!("{HEADER}.visible .entry k(.param .u64 in, .param .u64 out) {{\n");
    text += ".reg .b64 %in, %out, %step;\n.reg .b32 %own;\n.reg .pred %q<4>;\n";
    for (i, ty) in sources.iter().enumerate() {
        text += &format!(".reg {ty} %s{i};\n");
    }
    text += &format!(".reg {result} %t;\nld.param.u64 %in, [in];\nld.param.u64 %out, [out];\n");
    text += "mov.u32 %own, %tid.x;\n";
    text += &format!("mul.wide.u32 %step, %own, {};\n", 8 * sources.len());
    text += "add.u64 %in, %in, %step;\nmul.wide.u32 %step, %own, 8;\nadd.u64 %out, %out, %step;\n";
    for (i, ty) in sources.iter().enumerate() {
        text += &format!("ld.global.b{} %s{i}, [%in+{}];\n", width(ty), 8 * i);
    }
    text += &format!(
        "{instruction}\nst.global.b{} [%out], %t;\nret;\n}}\n",
        width(result)
    );
    let input: Vec<u8> = cases
        .iter()
        .flat_map(|(s, _)| s.iter().flat_map(|v| v.to_le_bytes()))
        .collect();
    let room = vec![0; 8 * cases.len()];
    let driver = driver();
    let out = driver
        .run(&text, threads(cases.len() as u32), &[&input, &room])
        .unwrap_or_else(|code| panic!("{instruction} -> {code}: {}", driver.message()));
    for ((sources, expected), got) in cases.iter().zip(out[1].chunks_exact(8)) {
        let got = u64::from_le_bytes(got.try_into().unwrap());
        assert_eq!(
            got, *expected,
            "{instruction} of {sources:x?}: {got:#x}, not {expected:#x}"
        );
    }
}

/// The bits of a float, for a case.
pub fn f(x: f32) -> u64 {
    x.to_bits().into()
}

/// A null argument.
pub const NULL: *const c_void = null();

/// The width of a type, from its name.
fn width(ty: &str) -> &str {
    ty.trim_start_matches(|c: char| c.is_alphabetic() || c == '.')
}
