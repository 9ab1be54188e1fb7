//! Stream capture: what is recorded, the calls that invalidate it, and its replay.

use crate::harness::{Driver, cuda, driver, kernel, threads, words};
use std::ffi::{c_int, c_void};

fn stream() -> usize {
    let mut stream = 0usize;
    assert_eq!(
        cuda!(cuStreamCreate(&mut stream => *mut usize, 0 => u32)),
        0
    );
    stream
}

fn begin(stream: usize) {
    assert_eq!(cuda!(cuStreamBeginCapture_v2(stream => usize, 1 => u32)), 0);
}

fn end(stream: usize) -> Result<usize, c_int> {
    let mut graph = 0usize;
    match cuda!(cuStreamEndCapture(stream => usize, &mut graph => *mut usize)) {
        0 => Ok(graph),
        code => Err(code),
    }
}

fn counter(driver: &Driver) -> usize {
    let text = kernel(
        2,
        "ld.global.u32 %r1, [%p0];\ncvt.u32.u64 %r2, %p1;\nadd.u32 %r1, %r1, %r2;\n\
        st.global.u32 [%p0], %r1;",
    );
    let module = driver.load(&text).unwrap();
    driver.function(module, "k")
}

unsafe extern "C" fn bump(data: *mut c_void) {
    // SAFETY: the test passes a u32 that outlives the graph.
    unsafe { *data.cast::<u32>() += 1 };
}

#[test]
fn captured_work_runs_at_each_launch() {
    let driver = driver();
    let (function, stream) = (counter(&driver), stream());
    let cell = driver.upload(&[0; 4]);
    let mut calls = 0u32;
    begin(stream);
    let mut status = 0;
    assert_eq!(
        cuda!(cuStreamIsCapturing(stream => usize, &mut status => *mut c_int)),
        0
    );
    assert_eq!(status, 1);
    let mut step = 5;
    assert_eq!(
        driver.launch(function, threads(1), stream, &[cell, step]),
        0
    );
    // Parameters are copied when they are captured.
    step = 7;
    assert_eq!(
        driver.launch(function, threads(1), stream, &[cell, step]),
        0
    );
    let code = cuda!(cuLaunchHostFunc(
        stream => usize,
        bump => unsafe extern "C" fn(*mut c_void),
        (&raw mut calls).cast() => *mut c_void,
    ));
    assert_eq!(code, 0);
    let graph = end(stream).unwrap();
    assert_eq!(driver.download(cell, 4).unwrap(), [0; 4], "nothing has run");
    let mut nodes = 0usize;
    let code = cuda!(cuGraphGetNodes(
        graph => usize, std::ptr::null_mut() => *mut usize, &mut nodes => *mut usize,
    ));
    assert_eq!((code, nodes), (0, 3));
    let mut executable = 0usize;
    let code = cuda!(cuGraphInstantiateWithFlags(
        &mut executable => *mut usize, graph => usize, 0 => u64,
    ));
    assert_eq!(code, 0);
    assert_eq!(cuda!(cuGraphDestroy(graph => usize)), 0);
    assert_eq!(
        cuda!(cuGraphUpload(executable => usize, stream => usize)),
        0
    );
    for launch in 1..=3 {
        assert_eq!(
            cuda!(cuGraphLaunch(executable => usize, stream => usize)),
            0
        );
        assert_eq!(cuda!(cuStreamSynchronize(stream => usize)), 0);
        assert_eq!(words(&driver.download(cell, 4).unwrap()), [12 * launch]);
        // SAFETY: the graph has run.
        assert_eq!(unsafe { (&raw const calls).read_volatile() }, launch);
    }
    assert_eq!(cuda!(cuGraphExecDestroy(executable => usize)), 0);
    assert_eq!(cuda!(cuStreamDestroy_v2(stream => usize)), 0);
}

type Call = Box<dyn FnMut() -> c_int>;

/// Each of these fails with its own code and invalidates the capture.
#[test]
fn some_calls_spoil_a_capture() {
    let driver = driver();
    let cell = driver.upload(&[0; 4]);
    let function = counter(&driver);
    let mut pointer = 0u64;
    let mut word = [0u8; 4];
    let stream = stream();
    let mut calls: Vec<(&str, c_int, Call)> = vec![
        (
            "alloc",
            900,
            Box::new(move || cuda!(cuMemAlloc_v2(&mut pointer => *mut u64, 4 => usize))),
        ),
        (
            "synchronize",
            900,
            Box::new(move || cuda!(cuStreamSynchronize(stream => usize))),
        ),
        (
            "query",
            900,
            Box::new(move || cuda!(cuStreamQuery(stream => usize))),
        ),
    ];
    if std::env::var_os("NETFORM_DRIVER").is_none() {
        calls.push(("copy", 900, Box::new(move || {
            cuda!(cuMemcpyDtoH_v2(word.as_mut_ptr() => *mut u8, cell => u64, 4 => usize))
        })));
    }
    for (name, code, call) in &mut calls {
        begin(stream);
        assert_eq!(call(), *code, "{name}");
        assert_eq!(end(stream), Err(901), "{name}");
    }
    // The default stream would have to wait for the capturing one.
    begin(stream);
    assert_eq!(driver.launch(function, threads(1), 0, &[cell, 1]), 906);
    assert_eq!(end(stream), Err(901));
    // A stream that does not capture cannot end a capture.
    assert_eq!(end(stream), Err(401));
}

/// Synchronous copies use the legacy default stream, which waits for blocking streams: none may capture.
#[test]
fn a_copy_that_waits_spoils_the_captures_of_blocking_streams() {
    let driver = driver();
    let cell = driver.upload(&[0; 4]);
    let (blocking, mut other, mut word) = (stream(), 0usize, [0u8; 4]);
    assert_eq!(cuda!(cuStreamCreate(&mut other => *mut usize, 1 => u32)), 0);
    let mut read = || cuda!(cuMemcpyDtoH_v2(word.as_mut_ptr() => *mut u8, cell => u64, 4 => usize));
    // Relaxed: the calls themselves are allowed.
    for (stream, code) in [(blocking, 906), (other, 0)] {
        assert_eq!(cuda!(cuStreamBeginCapture_v2(stream => usize, 2 => u32)), 0);
        assert_eq!(read(), code);
        assert_eq!(
            end(stream).map(drop),
            [Ok(()), Err(901)][usize::from(code != 0)]
        );
    }
}

#[test]
fn events_draw_streams_into_a_capture() {
    let driver = driver();
    let (function, one, two) = (counter(&driver), stream(), stream());
    let cell = driver.upload(&[0; 4]);
    let mut event = 0usize;
    assert_eq!(cuda!(cuEventCreate(&mut event => *mut usize, 2 => u32)), 0);
    let record = |stream: usize| cuda!(cuEventRecord(event => usize, stream => usize));
    let wait = |stream: usize| cuda!(cuStreamWaitEvent(stream => usize, event => usize, 0 => u32));
    begin(one);
    assert_eq!((record(one), wait(two)), (0, 0));
    assert_eq!(driver.launch(function, threads(1), two, &[cell, 3]), 0);
    assert_eq!((record(two), wait(one)), (0, 0));
    // More work, which the origin does not wait for.
    assert_eq!(driver.launch(function, threads(1), two, &[cell, 3]), 0);
    assert_eq!(end(one), Err(904));
    begin(one);
    assert_eq!((record(one), wait(two)), (0, 0));
    assert_eq!(driver.launch(function, threads(1), two, &[cell, 3]), 0);
    assert_eq!((record(two), wait(one)), (0, 0));
    let graph = end(one).unwrap();
    let mut executable = 0usize;
    let code = cuda!(cuGraphInstantiateWithFlags(
        &mut executable => *mut usize, graph => usize, 0 => u64,
    ));
    assert_eq!(code, 0);
    assert_eq!(cuda!(cuGraphLaunch(executable => usize, two => usize)), 0);
    assert_eq!(cuda!(cuStreamSynchronize(two => usize)), 0);
    assert_eq!(words(&driver.download(cell, 4).unwrap()), [3]);
}
