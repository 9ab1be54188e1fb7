//! Opens the CUDA driver at run time.
//!
//! `cust` calls the driver through ordinary imports. This module *defines* those symbols inside the program and
//! forwards each to `libcuda.so.1`, opened on first use. So nothing links to the driver: the same program starts on a
//! machine without a driver, where every call returns an error, and uses the GPU on a machine with one.

mod forward;

use cust_raw::CUresult;
use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::sync::OnceLock;

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}
const RTLD_NOW: c_int = 2;

/// An open library. Handles may be used from any thread.
struct Library(*mut c_void);
// SAFETY: `dlsym` takes a handle from any thread.
unsafe impl Send for Library {}
// SAFETY: as above.
unsafe impl Sync for Library {}

static LIBRARY: OnceLock<Library> = OnceLock::new();

fn open(names: &[&CStr]) -> Library {
    // SAFETY: names end with a zero; opening the driver runs only its own initialisers.
    let mut opened = (names.iter()).map(|n| unsafe { dlopen(n.as_ptr(), RTLD_NOW) });
    let found = opened.find(|h| !h.is_null());
    Library(found.unwrap_or(std::ptr::null_mut()))
}

fn library() -> *mut c_void {
    let names = [c"libcuda.so.1", c"libcuda.so"];
    LIBRARY.get_or_init(|| open(&names)).0
}

/// Opens the driver, or the library at `path` if there is none: for tests without a GPU. Returns whether there is a
/// driver now. Without effect after an earlier attempt to open the driver.
pub fn open_or(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_encoded_bytes()) else {
        return present();
    };
    let names = [c"libcuda.so.1", c"libcuda.so", &path];
    LIBRARY.get_or_init(|| open(&names));
    present()
}

/// Whether the driver's library could be opened.
pub fn present() -> bool {
    !library().is_null()
}

/// A function of the driver by name; null if there is none.
pub fn symbol(name: &CStr) -> *mut c_void {
    match library() {
        h if h.is_null() => h,
        // SAFETY: an open library and a name that ends with a zero.
        h => unsafe { dlsym(h, name.as_ptr()) },
    }
}

thread_local! {
    /// The driver's last result code other than success.
    static LAST: Cell<c_int> = const { Cell::new(0) };
}

/// The driver's code for the last call of this thread that failed. `cust` and its enum know fewer codes, and have
/// "unknown" for all others.
pub fn last() -> u32 {
    LAST.get().cast_unsigned()
}

/// A result code as the enum of CUDA 11.4 that `cust` knows. Codes that newer drivers add must never become a value of
/// that enum.
fn checked(code: c_int) -> CUresult {
    if code != 0 {
        LAST.set(code);
    }
    match code {
        0..=8
        | 34
        | 100..=102
        | 200..=202
        | 205..=224
        | 300..=304
        | 400..=401
        | 500
        | 600
        | 700..=705
        | 708..=720
        | 800..=809
        | 900..=911
        | 999 => {
            // SAFETY: these are the enum's values, and it is as wide as an integer.
            unsafe { std::mem::transmute::<c_int, CUresult>(code) }
        }
        _ => CUresult::CUDA_ERROR_UNKNOWN,
    }
}

/// The meaning of an error code: the driver's text, or a plainer one if the user can do something about it.
pub fn error_text(code: u32) -> String {
    let text = match code {
        46 => c"another process has the device for itself, or it is closed to all (its compute mode)",
        222 => c"the NVIDIA driver is too old for this PTX",
        802 => c"the system is not ready: a service that its GPUs need, such as the fabric manager, does not run",
        803 => c"the NVIDIA driver and its library (libcuda.so.1) are of different versions: after an update, start the machine again",
        804 => c"this libcuda.so.1 is for forward compatibility, which this GPU does not have: use the driver's own",
        code => words(code.cast_signed()),
    };
    text.to_string_lossy().into_owned()
}

/// The driver's text for a code.
fn words(code: c_int) -> &'static CStr {
    let p = symbol(c"cuGetErrorString");
    if !p.is_null() {
        let mut text: *const c_char = std::ptr::null();
        // SAFETY: the driver's function of this name has this signature; `text` takes the pointer.
        let failed =
            unsafe { std::mem::transmute::<*mut c_void, ErrorString>(p)(code, &raw mut text) };
        if failed == 0 && !text.is_null() {
            // SAFETY: the text ends with a zero, and lives as long as the program.
            return unsafe { CStr::from_ptr(text) };
        }
    }
    match code {
        303 => c"the NVIDIA driver (libcuda.so.1) is not here",
        302 => c"this NVIDIA driver lacks a function that is needed",
        _ => c"unknown error",
    }
}
type ErrorString = unsafe extern "C" fn(c_int, *mut *const c_char) -> c_int;

/// Works without a driver, too: `cust` calls this when it displays an error, and the call must not fail then.
///
/// # Safety
/// `out` points to a pointer.
#[allow(non_snake_case)]
// SAFETY: as in `forward`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuGetErrorString(error: CUresult, out: *mut *const c_char) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { *out = words(error as c_int).as_ptr() };
    CUresult::CUDA_SUCCESS
}
