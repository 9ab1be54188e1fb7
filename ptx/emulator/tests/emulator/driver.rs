//! The driver API around kernels: devices, memory, events, errors, and simulated errors.

use crate::harness::{
    Driver, NULL, Shape, bytes, cuda, driver, emulated_driver, kernel, threads, words,
};
use std::ffi::{CStr, c_char, c_int, c_void};

fn attribute(number: c_int) -> c_int {
    let mut value = 0;
    let code = cuda!(cuDeviceGetAttribute(
        &mut value => *mut c_int, number => c_int, 0 => c_int,
    ));
    assert_eq!(code, 0);
    value
}

#[test]
fn devices_tell_what_they_are() {
    let driver = driver();
    let mut count = 0;
    assert_eq!(cuda!(cuDeviceGetCount(&mut count => *mut c_int)), 0);
    assert!(count >= 1);
    assert_eq!(
        cuda!(cuDeviceGet(&mut count => *mut c_int, 99 => c_int)),
        101
    );
    assert_eq!(attribute(10), 32);
    assert!(attribute(97) >= 48 << 10);
    if emulated(&driver) {
        driver.set("COMPUTE_CAPABILITY", "8.0");
        assert_eq!(
            (attribute(75), attribute(76), attribute(97)),
            (8, 0, 163 << 10)
        );
    }
    let mut name = [0u8; 64];
    let code = cuda!(cuDeviceGetName(name.as_mut_ptr() => *mut u8, 64 => c_int, 0 => c_int));
    assert_eq!(code, 0);
    assert_ne!(name[0], 0);
}

fn emulated(_: &Driver) -> bool {
    std::env::var_os("NETFORM_DRIVER").is_none()
}

#[test]
fn errors_have_names() {
    let _driver = driver();
    let mut text: *const c_char = std::ptr::null();
    assert_eq!(
        cuda!(cuGetErrorName(700 => c_int, &mut text => *mut *const c_char)),
        0
    );
    // SAFETY: the driver returns C strings.
    assert_eq!(
        unsafe { CStr::from_ptr(text) },
        c"CUDA_ERROR_ILLEGAL_ADDRESS"
    );
    assert_eq!(
        cuda!(cuGetErrorString(2 => c_int, &mut text => *mut *const c_char)),
        0
    );
    // SAFETY: as above.
    assert_eq!(unsafe { CStr::from_ptr(text) }, c"out of memory");
    assert_eq!(
        cuda!(cuGetErrorName(-5 => c_int, &mut text => *mut *const c_char)),
        1
    );
}

#[test]
fn fills_and_copies() {
    let driver = driver();
    let data = driver.upload(&[0; 16]);
    assert_eq!(
        cuda!(cuMemsetD32_v2(data => u64, 0x0403_0201 => u32, 2 => usize)),
        0
    );
    assert_eq!(
        cuda!(cuMemsetD16Async(data + 8 => u64, 0x0605 => u16, 2 => usize, 0 => usize)),
        0
    );
    assert_eq!(
        cuda!(cuMemsetD8_v2(data + 12 => u64, 9 => u8, 4 => usize)),
        0
    );
    let want = [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 5, 6, 9, 9, 9, 9];
    assert_eq!(driver.download(data, 16).unwrap(), want);
    let other = driver.upload(&[0; 16]);
    assert_eq!(
        cuda!(cuMemcpyDtoD_v2(other => u64, data => u64, 16 => usize)),
        0
    );
    assert_eq!(driver.download(other, 16).unwrap(), want);
    assert_eq!(cuda!(cuMemFree_v2(data => u64)), 0);
    if emulated(&driver) {
        assert_eq!(driver.download(data, 16), Err(1));
        assert_eq!(driver.copy_to(other, &[0; 17]), 1);
    }
}

#[test]
fn pinned_memory_is_the_devices_too() {
    let driver = driver();
    let mut host: *mut u32 = std::ptr::null_mut();
    assert_eq!(
        cuda!(cuMemAllocHost_v2(&mut host => *mut *mut u32, 4 => usize)),
        0
    );
    // SAFETY: just allocated.
    unsafe { host.write(5) };
    let text = kernel(
        1,
        "ld.global.u32 %r1, [%p0];\nadd.u32 %r1, %r1, 1;\nst.global.u32 [%p0], %r1;",
    );
    let module = driver.load(&text).unwrap();
    let function = driver.function(module, "k");
    assert_eq!(driver.launch(function, threads(1), 0, &[host as u64]), 0);
    assert_eq!(cuda!(cuCtxSynchronize()), 0);
    // SAFETY: as above; the kernel has finished.
    assert_eq!(unsafe { host.read() }, 6);
    assert_eq!(cuda!(cuMemFreeHost(host => *mut u32)), 0);
}

#[test]
fn memory_is_counted_and_ends() {
    let Some(driver) = emulated_driver() else {
        return;
    };
    driver.set("MEMORY", "10000");
    let (mut free, mut total, mut pointer) = (0usize, 0usize, 0u64);
    assert_eq!(
        cuda!(cuMemAlloc_v2(&mut pointer => *mut u64, 6000 => usize)),
        0
    );
    assert_eq!(
        cuda!(cuMemGetInfo_v2(&mut free => *mut usize, &mut total => *mut usize)),
        0
    );
    assert_eq!((free, total), (4000, 10000));
    let mut second = 0u64;
    assert_eq!(
        cuda!(cuMemAlloc_v2(&mut second => *mut u64, 6000 => usize)),
        2
    );
    assert_eq!(cuda!(cuMemFree_v2(pointer => u64)), 0);
    assert_eq!(
        cuda!(cuMemAlloc_v2(&mut second => *mut u64, 6000 => usize)),
        0
    );
    assert_ne!(pointer, second, "addresses are not used twice");
}

#[test]
fn events_measure_time() {
    let driver = driver();
    let (mut start, mut end, mut milliseconds) = (0usize, 0usize, -1f32);
    for event in [&mut start, &mut end] {
        assert_eq!(cuda!(cuEventCreate(event => *mut usize, 0 => u32)), 0);
        assert_eq!(cuda!(cuEventRecord(*event => usize, 0 => usize)), 0);
    }
    assert_eq!(cuda!(cuEventSynchronize(end => usize)), 0);
    assert_eq!(cuda!(cuEventQuery(end => usize)), 0);
    let code =
        cuda!(cuEventElapsedTime(&mut milliseconds => *mut f32, start => usize, end => usize));
    assert_eq!(code, 0);
    assert!(milliseconds >= 0.0);
    assert_eq!(cuda!(cuEventDestroy_v2(end => usize)), 0);
    drop(driver);
}

/// Copies then use the host's memory as it is when they are waited for.
#[test]
fn work_can_be_left_for_later() {
    let Some(driver) = emulated_driver() else {
        return;
    };
    driver.set("LATER", "1");
    let (data, mut stream, mut event) = (driver.upload(&[0; 8]), 0usize, 0usize);
    assert_eq!(
        cuda!(cuStreamCreate(&mut stream => *mut usize, 1 => u32)),
        0
    );
    assert_eq!(cuda!(cuEventCreate(&mut event => *mut usize, 2 => u32)), 0);
    let mut host = [1u8; 8];
    let at = host.as_mut_ptr();
    let copy = |k: usize| {
        let from = at.wrapping_add(k);
        cuda!(cuMemcpyHtoDAsync_v2(data + k as u64 => u64, from => *mut u8, 4 => usize, stream => usize))
    };
    // SAFETY: the bytes are `host`'s.
    let write = |value: u8| unsafe { at.write_bytes(value, 8) };
    assert_eq!(copy(0), 0);
    assert_eq!(cuda!(cuEventRecord(event => usize, stream => usize)), 0);
    assert_eq!(copy(4), 0);
    write(2);
    assert_eq!(cuda!(cuEventSynchronize(event => usize)), 0);
    write(3);
    assert_eq!(cuda!(cuStreamSynchronize(stream => usize)), 0);
    write(4);
    assert_eq!(driver.download(data, 8).unwrap(), [2, 2, 2, 2, 3, 3, 3, 3]);
}

#[test]
fn functions_have_attributes() {
    let driver = driver();
    let text = kernel(0, "").replace(
        ".visible",
        ".extern .shared .align 16 .b8 more[];\n.visible",
    );
    let module = driver.load(&text).unwrap();
    let function = driver.function(module, "k");
    let large = Shape {
        shared: 60 << 10,
        ..threads(1)
    };
    assert_eq!(driver.launch(function, large, 0, &[]), 1);
    let set =
        |bytes: c_int| cuda!(cuFuncSetAttribute(function => usize, 8 => c_int, bytes => c_int));
    assert_eq!(set(60 << 10), 0);
    assert_eq!(driver.launch(function, large, 0, &[]), 0);
    assert_eq!(set(1 << 20), 1);
    let mut value = 0;
    let code = cuda!(cuFuncGetAttribute(&mut value => *mut c_int, 8 => c_int, function => usize));
    assert_eq!((code, value), (0, 60 << 10));
}

/// All blocks wait for each other through global memory.
#[test]
fn cooperative_blocks_run_together() {
    let driver = driver();
    let text = kernel(
        1,
        "
        atom.global.add.u32 %r1, [%p0], 1;
    WAIT:
        ld.relaxed.gpu.global.u32 %r2, [%p0];
        setp.lt.u32 %q0, %r2, 6;
        @%q0 bra WAIT;",
    );
    let module = driver.load(&text).unwrap();
    let function = driver.function(module, "k");
    let counter = driver.upload(&[0; 4]);
    let args = [std::ptr::from_ref(&counter).cast::<c_void>()];
    let code = cuda!(cuLaunchCooperativeKernel(
        function => usize,
        6 => u32, 1 => u32, 1 => u32, 1 => u32, 1 => u32, 1 => u32,
        0 => u32, 0 => usize,
        args.as_ptr() => *const *const c_void,
    ));
    assert_eq!(code, 0);
    assert_eq!(words(&driver.download(counter, 4).unwrap()), [6]);
}

/// The configuration of `cuLaunchKernelEx`.
#[repr(C)]
struct Config {
    numbers: [u32; 7],
    stream: usize,
    attributes: *const c_void,
    attribute_count: u32,
}

#[test]
fn launches_may_have_a_configuration() {
    let driver = driver();
    let module = driver.load(&kernel(1, "st.global.u32 [%p0], 3;")).unwrap();
    let function = driver.function(module, "k");
    let out = driver.upload(&[0; 4]);
    let args = [std::ptr::from_ref(&out).cast::<c_void>()];
    let config = Config {
        numbers: [1, 1, 1, 1, 1, 1, 0],
        stream: 0,
        attributes: NULL,
        attribute_count: 0,
    };
    let code = cuda!(cuLaunchKernelEx(
        &config => *const Config,
        function => usize,
        args.as_ptr() => *const *const c_void,
        NULL => *const c_void,
    ));
    assert_eq!(code, 0);
    assert_eq!(driver.download(out, 4).unwrap(), bytes(&[3]));
}

/// Results and errors do not depend on the number of threads that run the blocks.
#[test]
fn host_threads_change_nothing() {
    let Some(driver) = emulated_driver() else {
        return;
    };
    let text = kernel(
        1,
        "
        mov.u32 %r1, %ctaid.x;
        mov.u32 %r3, 300;
    LOOP:
        mad.lo.u32 %r1, %r1, 1664525, %r0;
        sub.u32 %r3, %r3, 1;
        setp.ne.u32 %q0, %r3, 0;
        @%q0 bra LOOP;
        mov.u32 %r2, %ctaid.x;
        mad.lo.u32 %r2, %r2, 64, %r0;
        mul.wide.u32 %d0, %r2, 4;
        add.u64 %d0, %d0, %p0;
        st.global.u32 [%d0], %r1;",
    );
    let shape = Shape {
        grid: [500, 1, 1],
        ..threads(64)
    };
    let room = vec![0; 500 * 64 * 4];
    let mut results = Vec::new();
    for count in ["1", "4"] {
        driver.set("THREADS", count);
        results.push(driver.run(&text, shape, &[&room]).unwrap());
        // The first block with an error is the one that is reported.
        assert_eq!(driver.run(&text, shape, &[&room[..400 * 256]]), Err(700));
        assert!(
            driver
                .message()
                .contains("block (400, 0, 0), thread (0, 0, 0)")
        );
        driver.reset();
        driver.start();
    }
    assert_eq!(results[0], results[1]);
}

#[test]
fn parameters_may_come_in_a_buffer() {
    let driver = driver();
    let text = kernel(1, "st.global.u32 [%p0], 3;");
    let module = driver.load(&text).unwrap();
    let function = driver.function(module, "k");
    let out = driver.upload(&[0; 4]);
    let size = 8usize;
    let marker = |number: usize| std::ptr::without_provenance::<c_void>(number);
    let extra: [*const c_void; 5] = [
        marker(1),
        std::ptr::from_ref(&out).cast(),
        marker(2),
        std::ptr::from_ref(&size).cast(),
        NULL,
    ];
    let code = cuda!(cuLaunchKernel(
        function => usize,
        1 => u32, 1 => u32, 1 => u32, 1 => u32, 1 => u32, 1 => u32,
        0 => u32, 0 => usize, NULL => *const c_void,
        extra.as_ptr() => *const *const c_void,
    ));
    assert_eq!(code, 0);
    assert_eq!(driver.download(out, 4).unwrap(), bytes(&[3]));
}

#[test]
fn the_jit_log_says_why() {
    let driver = driver();
    let text = std::ffi::CString::new(kernel(0, "frob.u32 %r1, %r2;")).unwrap();
    let mut log = [0u8; 1024];
    let options = [5, 6];
    let values = [log.as_mut_ptr().cast::<c_void>(), 1024 as *mut c_void];
    let mut module = 0usize;
    let code = cuda!(cuModuleLoadDataEx(
        &mut module => *mut usize,
        text.as_ptr() => *const c_char,
        2 => u32,
        options.as_ptr() => *const c_int,
        values.as_ptr() => *const *mut c_void,
    ));
    assert_eq!(code, 218);
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("frob") || !emulated(&driver), "{log}");
}

#[test]
fn faults_come_when_asked_for() {
    let Some(driver) = emulated_driver() else {
        return;
    };
    let text = kernel(0, "");
    // The third launch loses the device: the launch itself succeeds, and all later calls fail.
    driver.set("FAIL_LAUNCH", "3");
    let module = driver.load(&text).unwrap();
    let function = driver.function(module, "k");
    for _ in 0..2 {
        assert_eq!(driver.launch(function, threads(1), 0, &[]), 0);
        assert_eq!(cuda!(cuCtxSynchronize()), 0);
    }
    assert_eq!(driver.launch(function, threads(1), 0, &[]), 0);
    assert_eq!(cuda!(cuCtxSynchronize()), 719);
    assert_eq!(driver.load(&text), Err(719));
    // Another code, and codes of initialisation.
    driver.reset();
    driver.start();
    driver.set("FAIL_CODE", "999");
    driver.set("FAIL_LAUNCH", "1");
    let module = driver.load(&text).unwrap();
    let function = driver.function(module, "k");
    assert_eq!(driver.launch(function, threads(1), 0, &[]), 0);
    assert_eq!(cuda!(cuCtxSynchronize()), 999);
    driver.reset();
    driver.set("FAIL_INIT", "802");
    assert_eq!(cuda!(cuInit(0 => u32)), 802);
    // A driver of 11.4 supports PTX up to 7.4.
    driver.reset();
    driver.start();
    driver.set("DRIVER_VERSION", "11040");
    assert_eq!(driver.load(&text), Err(222));
    driver.set("DRIVER_VERSION", "");
    driver.set("COMPUTE_CAPABILITY", "7.5");
    assert_eq!(driver.load(&text), Err(218));
    assert_eq!(
        driver.load(&text.replace("sm_80", "sm_75")).map(|_| ()),
        Ok(())
    );
    driver.set("FAIL_JIT", "1");
    assert_eq!(driver.load(&text.replace("sm_80", "sm_75")), Err(218));
    driver.reset();
    driver.set("DEVICES", "0");
    assert_eq!(cuda!(cuInit(0 => u32)), 100);
    let mut count = 7;
    assert_eq!(cuda!(cuDeviceGetCount(&mut count => *mut c_int)), 0);
    assert_eq!(count, 0);
}
