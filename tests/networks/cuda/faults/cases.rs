//! The cases, each in a separate process.

use std::ffi::CString;

use netform::files::Checkpoint;
use netform::prelude::*;
use netform::{Error, Precision, Result};

network! {
    struct Net {
        linear_1: Linear(4 -> 16),
        dropout: Dropout(p = 0.5),
        linear_2: Linear(16 -> 3),
        steps: Buffer[],
    }
    fn forward(x: [B, 4]) -> [B, 3] {
        let h = if training {
            steps = steps + 1.0;
            dropout(tanh(linear_1(x)))
        } else {
            tanh(linear_1(x))
        };
        linear_2(h)
    }
    fn loss(x: [B, 4], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
}

/// Runs a case by its name.
pub fn run(name: &str) {
    match name {
        "no_driver" => refused(0, "cuda:0: the NVIDIA driver (libcuda.so.1) is not here"),
        "no_device" => refused(0, "cuda:0: no NVIDIA GPU is here"),
        "a_driver_that_is_too_old" => refused(
            0,
            "cuda:0: the NVIDIA driver is too old: it knows CUDA 11.3, and 11.4 is needed",
        ),
        "a_device_that_is_too_old" => refused(
            0,
            "cuda:0: netform PTX emulator has compute capability 7.0, and 7.5 is needed",
        ),
        "no_such_ordinal" => refused(3, "cuda:3: the only GPU is number 0"),
        "a_system_that_is_not_ready" => refused(
            0,
            "cuda:0: the system is not ready: a service that its GPUs need, such as the fabric \
             manager, does not run (CUDA error 802)",
        ),
        "a_library_of_another_version" => refused(
            0,
            "cuda:0: the NVIDIA driver and its library (libcuda.so.1) are of different versions: \
             after an update, start the machine again (CUDA error 803)",
        ),
        "a_library_for_other_devices" => refused(
            0,
            "cuda:0: this libcuda.so.1 is for forward compatibility, which this GPU does not have: \
             use the driver's own (CUDA error 804)",
        ),
        "a_code_that_nobody_knows" => refused(0, "cuda:0: unknown error (CUDA error 998)"),
        "a_device_that_another_process_has" => refused(
            0,
            "cuda:0: another process has the device for itself, or it is closed to all (its \
             compute mode) (CUDA error 46)",
        ),
        "a_context_without_memory" => {
            let error = Cuda::new(0).expect_err("there is no room");
            assert!(matches!(error, Error::OutOfMemory { .. }), "{error:?}");
            assert_eq!(
                error.to_string(),
                "cuda:0: out of memory: the device's own use"
            );
        }
        "a_precision_that_the_device_lacks" => precision(),
        "the_oldest_driver" => works(&Net::new(device(), 1).unwrap()),
        "a_kernel_that_does_not_compile" => jit(),
        "out_of_memory" => memory(),
        "no_memory_for_a_network" => no_memory(),
        "a_device_that_is_far_behind" => behind().unwrap(),
        "a_device_lost_in_a_step" => lost().unwrap(),
        "a_device_that_fails_without_a_reason" => fails(999, true),
        "a_call_that_fails_leaves_the_device" => fails(701, false),
        other => panic!("no case {other}"),
    }
}

fn device() -> Cuda {
    Cuda::new(0).unwrap_or_else(|e| panic!("{e}"))
}

/// There is no device; the error says why, also a second time; the CPU computes.
fn refused(ordinal: usize, message: &str) {
    for _ in 0..2 {
        let error = Cuda::new(ordinal).expect_err("there is no such device");
        assert!(matches!(error, Error::NoDevice { .. }), "{error:?}");
        assert_eq!(error.to_string(), message);
    }
    let net = Net::new(Cpu::new(), 1).unwrap();
    net.forward(&[[0.5f32; 4]]).unwrap();
}

/// The network computes the same as on the CPU.
fn works(net: &Net<Cuda>) {
    let cpu = Net::new(Cpu::new(), 1).unwrap();
    let x = [[0.5f32, -0.25, 1.0, 0.0]; 5];
    for _ in 0..4 {
        let (a, b) = (net.forward(&x).unwrap(), cpu.forward(&x).unwrap());
        for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
            assert!((a - b).abs() < 1e-5, "{a} is not {b}");
        }
    }
}

fn jit() {
    let net = Net::new(device(), 1).unwrap();
    for _ in 0..3 {
        let error = net.forward(&[[0.5f32; 4]]).expect_err("no kernel compiles");
        assert!(matches!(error, Error::Device { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with("cuda:0: "), "{text}");
        assert!(text.contains("CUDA error 218"), "{text}");
        // The kernel's name, and the compiler's message about it.
        assert!(
            text.contains("kernel `") && text.contains("the JIT fails as asked"),
            "{text}"
        );
    }
    // The device itself works: calls without kernels succeed, and kernels do once they compile.
    assert_eq!(net.parameter("linear_2.bias").unwrap().shape(), [3]);
    set("FAIL_JIT", "0");
    works(&net);
}

fn precision() {
    network! {
        struct Wide { linear: Linear(128 -> 128) }
        fn forward(x: [B, 128]) -> [B, 128] { linear(x) }
    }
    let x = vec![[0.5f32; 128]; 128];
    for (precision, name) in [(Precision::Tf32, "tf32"), (Precision::Bf16, "bf16")] {
        let net = Wide::new(device().with_matmul_precision(precision), 1).unwrap();
        for _ in 0..3 {
            let error = net.forward(&x).expect_err("there are no such instructions");
            assert!(matches!(error, Error::Device { .. }), "{error:?}");
            assert_eq!(
                error.to_string(),
                format!(
                    "cuda:0: matrix products in {name} need compute capability 8.0, and netform \
                     PTX emulator has 7.5\n  in `Wide::forward`, or before it"
                )
            );
        }
    }
    Wide::new(device(), 1).unwrap().forward(&x).unwrap();
}

/// Queues more batches on the stream than the pinned memory holds, before the device starts.
fn behind() -> Result<()> {
    network! {
        struct Line { linear: Linear(64 -> 2) }
        fn loss(x: [B, 64], y: [B, 2]) -> [] { mse_loss(linear(x), y) }
    }
    let (mut cuda, mut cpu) = (Line::new(device(), 1)?, Line::new(Cpu::new(), 1)?);
    let (mut a, mut b) = (Sgd::new(0.1), Sgd::new(0.1));
    for step in 0..60u32 {
        // Less than 300 KB each, all different; the host's memory is reused at once.
        let rows = 900 + step as usize % 3 * 100;
        let value = |i: usize| ((i as u32 * 7 + step * 13) % 31) as f32 / 31.0 - 0.5;
        let x: Vec<[f32; 64]> = (0..rows)
            .map(|r| std::array::from_fn(|c| value(r * 64 + c)))
            .collect();
        let y: Vec<[f32; 2]> = x.iter().map(|x| [x[0], x[1] - x[2]]).collect();
        cuda.loss_step(&mut a, &x, &y)?;
        cpu.loss_step(&mut b, &x, &y)?;
    }
    for name in ["linear.weight", "linear.bias"] {
        let (a, b) = (
            cuda.parameter(name)?.to_f64_vec(),
            cpu.parameter(name)?.to_f64_vec(),
        );
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 1e-5, "{name}: {a} is not {b}");
        }
    }
    Ok(())
}

/// All calls after a launch return this error: whether the device can be used afterwards.
fn fails(code: u32, last: bool) {
    let net = Net::new(device(), 1).unwrap();
    works(&net);
    set("FAIL_LAUNCH", "1");
    let text = net
        .forward(&[[0.5f32; 4]])
        .expect_err("it fails")
        .to_string();
    let told = text.contains("; this program cannot use the device any more");
    assert!(text.contains(&format!("(CUDA error {code})")), "{text}");
    assert_eq!(told, last, "{text}");
}

fn memory() {
    let net = Net::new(device(), 1).unwrap();
    works(&net);
    let before = net.parameter("linear_1.weight").unwrap();
    let large = vec![[0.5f32; 4]; 200_000];
    for _ in 0..2 {
        let error = net.forward(&large).expect_err("there is no room");
        assert!(
            matches!(error, Error::OutOfMemory { bytes, .. } if bytes > 8_000_000),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.starts_with("cuda:0: out of memory: ") && text.contains(" bytes asked for "),
            "{text}"
        );
        assert_eq!(net.parameter("linear_1.weight").unwrap(), before);
        works(&net);
    }
}

fn no_memory() {
    // A few bytes are left for the device itself, none for the gradients of a step.
    let mut net = Net::new(device(), 1).unwrap();
    let before = net.parameter("linear_1.weight").unwrap();
    let mut adam = Adam::new(0.1);
    for _ in 0..2 {
        let error = net
            .loss_step(&mut adam, &[[0.5f32; 4]; 3], &[0u32, 1, 2])
            .err();
        let error = error.expect("there is no room");
        assert!(matches!(error, Error::OutOfMemory { .. }), "{error}");
        assert_eq!(net.parameter("linear_1.weight").unwrap(), before);
    }
    set("MEMORY", "");
    net.loss_step(&mut adam, &[[0.5f32; 4]; 3], &[0u32, 1, 2])
        .unwrap();
}

/// The device is lost in the middle of a step; training continues on the CPU from the last checkpoint.
fn lost() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, weights) = (
        folder.path().join("a.ckpt"),
        folder.path().join("a.safetensors"),
    );
    let (x, y) = ([[0.5f32, -0.25, 1.0, 0.0]; 3], [0u32, 1, 2]);
    let (mut net, mut adam) = (Net::new(device(), 5)?, Adam::new(0.1));
    let (mut other, mut other_adam) = (Net::new(Cpu::new(), 5)?, Adam::new(0.1));
    for _ in 0..3 {
        net.loss_step(&mut adam, &x, &y)?;
        other.loss_step(&mut other_adam, &x, &y)?;
    }
    Checkpoint::of(&net).optimizer(&adam)?.step(3).save(&file)?;
    net.save(&weights)?;
    let saved = std::fs::read(&weights).expect("the file");
    let held = net.forward(&x)?;
    let copy = held.to_tensor();

    set("FAIL_LAUNCH", "2");
    for _ in 0..3 {
        let loss = net.loss_step(&mut adam, &x, &y);
        let error = loss
            .and_then(|loss| loss.item())
            .expect_err("the device is lost");
        assert!(matches!(error, Error::Device { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with("cuda:0: "), "{text}");
        assert!(
            text.contains("(CUDA error 719); this program cannot use the device any more"),
            "{text}"
        );
    }
    // Nothing appears to work, and no file is overwritten.
    assert!(net.forward(&x).is_err());
    assert!(net.parameter("linear_1.weight").is_err());
    assert!(net.save(&weights).is_err());
    assert_eq!(std::fs::read(&weights).expect("the file"), saved);
    assert!(Net::new(net.device().clone(), 1).is_err());
    // Earlier results remain readable.
    assert_eq!(held.to_tensor(), copy);
    drop((held, net));

    let (mut net, mut adam) = (Net::new(Cpu::new(), 1)?, Adam::new(0.1));
    let saved = Checkpoint::open(&file)?;
    saved.network(&mut net)?;
    saved.optimizer(&mut adam, &net)?;
    for _ in 0..3 {
        let a = net.loss_step(&mut adam, &x, &y)?.item()?;
        let b = other.loss_step(&mut other_adam, &x, &y)?.item()?;
        assert!((a - b).abs() < 1e-4, "{a} is not {b}");
    }
    assert_eq!(net.parameter("steps")?.to_f64_vec(), [6.0]);
    Ok(())
}

#[link(name = "dl")]
unsafe extern "C" {
    fn dlopen(path: *const std::ffi::c_char, flags: i32) -> *mut std::ffi::c_void;
    fn dlsym(handle: *mut std::ffi::c_void, name: *const std::ffi::c_char)
    -> *mut std::ffi::c_void;
}

/// Changes a setting of the emulator in this process.
fn set(name: &str, value: &str) {
    type Set = unsafe extern "C" fn(*const std::ffi::c_char, *const std::ffi::c_char) -> i32;
    let [name, value] = [name, value].map(|s| CString::new(s).expect("no zero in it"));
    // SAFETY: the library is already open (and is the emulator), and the function has this type.
    let failed = unsafe {
        let library = dlopen(c"libcuda.so.1".as_ptr(), 2);
        let function = dlsym(library, c"netform_emulator_set".as_ptr());
        assert!(!function.is_null(), "the driver is not the emulator");
        std::mem::transmute::<*mut std::ffi::c_void, Set>(function)(name.as_ptr(), value.as_ptr())
    };
    assert_eq!(failed, 0);
}
