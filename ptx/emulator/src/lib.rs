//! Executes PTX on the CPU, and replaces the NVIDIA driver library.
//!
//! The library `libnetform_ptx_emulator.so` that this package builds exports the CUDA driver API. A program that opens
//! `libcuda.so.1` at run time uses it without changes and sees a GPU, whose kernels are then executed instruction by
//! instruction, with every access checked. It is for tests on machines without a GPU, and for errors that a GPU does
//! not report.
//!
//! # How to use it
//!
//! ```text
//! cargo build -p netform-ptx-emulator
//! mkdir -p target/emulator
//! ln -sf ../debug/libnetform_ptx_emulator.so target/emulator/libcuda.so.1
//! LD_LIBRARY_PATH=target/emulator any-program-that-opens-libcuda.so.1
//! ```
//!
//! A test harness of Cargo finds the library in the folder of its own executable (`current_exe()`, in
//! `target/debug/deps`) if the emulator is among its dev-dependencies. It links or copies it as `libcuda.so.1` into a
//! separate directory and starts the program with that directory first in `LD_LIBRARY_PATH`, or opens it by path. The
//! library is not called `libcuda.so` so that it is not mistaken for the real one: Cargo puts `target/debug/deps` on
//! `LD_LIBRARY_PATH`. Do not link the Rust library into a program that defines the driver's functions itself: both
//! would define `cuInit`.
//!
//! # What it covers
//!
//! - **PTX**: all integer and float arithmetic of 16 to 64 bits with every rounding, `.ftz`, `.sat`;
//!   f16 and bf16, single and in pairs; `cvt` between all types; comparisons, logic, shifts, fields,
//!   `prmt`, `lop3`, carries; the `.approx` functions; loads and stores in every state space, vectors
//!   and cache hints; atomics; branches, calls of functions (expanded in place), all barriers;
//!   `shfl`, `vote`, `match`, `redux`; `cp.async`; `ldmatrix`; `mma.sync` of tf32, bf16 and f16 with
//!   f32 sums; module variables, static and dynamic shared memory, local arrays, nested scopes.
//! - **Driver API**: devices, one context, memory (also pinned and managed), copies and fills, modules with the JIT's
//!   error log, function attributes, launches (also cooperative), streams, events, capture into graphs and their
//!   launch, host functions. Work is done when it is enqueued, so streams are always idle; captured work is done at
//!   each launch of its graph.
//!
//! Not supported: wgmma, TMA, mbarrier, clusters, textures, `.b128` registers, `mma` with f16 sums or of integers,
//! indirect calls, recursion, generic addresses of parameters. A module that uses them is refused when it is loaded,
//! with kernel, line and instruction.
//!
//! The IEEE operations are exact to the last bit. The `.approx` functions are computed in f64 and rounded once, and
//! `mma` sums in f64. Both are more exact than on a GPU, so tests that run on both must allow for the ISA's error
//! bounds.
//!
//! # What it checks
//!
//! Each of these errors stops the kernel with a message that names kernel, PTX line, instruction, block and thread. The
//! launch itself succeeds and every later call fails, as on a GPU:
//!
//! - an access outside of its allocation, to the byte (700); a misaligned access (716);
//! - a read of shared memory that was never written, or whose `cp.async` was not waited for (719);
//! - two accesses to shared memory, one a write, with no barrier between their threads (719). Lanes of a warp are
//!   ordered only by `bar.warp.sync` and by exchanges such as `shfl.sync`;
//! - a barrier that some threads do not reach, or in divergent code; a `.sync` instruction without some of its members;
//!   `mma` or `ldmatrix` by part of a warp (719). Threads that exit before a barrier, with nothing done in between, are
//!   counted as arrived;
//! - an infinite loop (702);
//! - optionally, two blocks of a launch that access the same bytes of global memory (719).
//!
//! Fresh device memory and unwritten registers are filled with 0xff: floats are NaN. (So every allocation takes real
//! memory of the host at once.) Addresses are never reused, so freed memory stays invalid. Results are deterministic:
//! blocks run on several threads, but in the order of their numbers if the kernel has atomics on global memory.
//!
//! Not detected: races on global memory within a block; writes to shared memory of its present value. A partial member
//! mask orders accesses as if it were the whole warp. Flags in shared memory that threads spin on order nothing unless
//! they are volatile, and then only themselves.
//!
//! # Settings
//!
//! By environment variable, or at run time by `netform_emulator_set`:
//!
//! | `NETFORM_EMULATOR_..` | default | |
//! |---|---|---|
//! | `COMPUTE_CAPABILITY` | 9.0 | modules for newer GPUs do not load; also decides shared memory |
//! | `MULTIPROCESSORS` | 132 | |
//! | `MEMORY` | 8 GiB | bytes of device memory; beyond it allocation fails |
//! | `DRIVER_VERSION` | 12080 | also determines the newest PTX version that loads |
//! | `DEVICES` | 1 | 0: there is a driver, but no GPU |
//! | `THREADS` | all | host threads for the blocks of a launch |
//! | `MAX_STEPS` | 2^28 | warp instructions of one block before it is considered endless |
//! | `CHECK_BLOCKS` | 0 | 1: checks for races between blocks (slow, blocks run one by one) |
//! | `FAIL_INIT`, `FAIL_CONTEXT` | 0 | result codes of `cuInit` and of retaining a context |
//! | `FAIL_LAUNCH` | | this launch, from 1, loses the device |
//! | `FAIL_CODE` | 719 | result code of all later calls |
//! | `FAIL_JIT` | 0 | 1: every module fails to compile (218) |
//! | `LAUNCH_DELAY_US` | 0 | extra time of each launch |
//! | `LATER` | 0 | 1: work is done when it is waited for, with the contents of memory at that time |
//!
//! # Functions beyond the driver's
//!
//! ```c
//! // Words of the last error, zero-terminated; answers their whole length.
//! size_t netform_emulator_last_error(char *buffer, size_t bytes);
//! // As the environment variable; an empty value is the default. 0, or 1 for nonsense.
//! int netform_emulator_set(const char *name, const char *value);
//! // Forgets everything, as if the process had just started.
//! void netform_emulator_reset(void);
//! // Launches, and executed instructions times threads.
//! int netform_emulator_counts(uint64_t *launches, uint64_t *instructions);
//! ```
//!
//! # How it works
//!
//! `syntax` parses the text; `decode` gives every name a register index and every opcode a function; `machine` runs
//! blocks, each warp as arrays of 32 lanes. Lanes with the lowest step run first, so that lanes that diverged converge
//! again. `lanes` has the arithmetic; `driver` the API. An ordinary kernel runs at 0.5 to 0.7 billion thread
//! instructions per second and core.

mod decode;
mod driver;
mod error;
mod lanes;
mod machine;
mod module;
mod program;
mod registers;
mod settings;
mod syntax;
mod types;

pub use error::LoadError;

/// The names of a text's kernels if the emulator can run all of them, otherwise all errors.
///
/// ```
/// let text = ".version 7.0\n.target sm_80\n.visible .entry k() { frob.u32 %r1, 2; ret; }";
/// let errors = netform_ptx_emulator::check(text).unwrap_err();
/// assert_eq!(
///     errors[0].to_string(),
///     "kernel k, PTX line 3: `frob.u32 %r1, 2`: frob not known to the emulator"
/// );
/// ```
pub fn check(text: &str) -> Result<Vec<String>, Vec<LoadError>> {
    let mut memory = machine::memory::DeviceMemory::default();
    let module = module::Module::load(text, &mut memory)?;
    let mut names: Vec<String> = module.kernels.into_keys().collect();
    names.sort();
    Ok(names)
}
