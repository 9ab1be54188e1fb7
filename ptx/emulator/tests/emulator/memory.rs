//! Loads and stores of all widths and spaces, atomics, module variables.

use crate::harness::{
    HEADER, Shape, bytes, cuda, driver, emulated_driver, kernel, per_thread, threads, words,
};

#[test]
fn vectors_and_narrow_elements() {
    let text = kernel(
        2,
        "
        mul.wide.u32 %d0, %r0, 16;
        add.u64 %d1, %p0, %d0;
        add.u64 %d2, %p1, %d0;
        ld.global.nc.v4.u32 {%r1, %r2, %r3, %r4}, [%d1];
        st.global.v2.b32 [%d2], {%r4, %r3};
        ld.global.s8 %r5, [%d1+3];
        st.global.u32 [%d2+8], %r5;
        ld.global.u16 %r6, [%d1+2];
        st.global.u8 [%d2+12], %r6;
        ld.volatile.global.b8 %d3, [%d1+3];
        st.global.b16 [%d2+14], %d3;",
    );
    let input = bytes(&[0x80ff_0001, 2, 3, 4]);
    let driver = driver();
    let out = driver.run(&text, threads(1), &[&input, &[0; 16]]).unwrap();
    assert_eq!(words(&out[1]), [4, 3, 0xffff_ff80, 0x0080_00ff]);
}

#[test]
fn static_and_dynamic_shared_memory() {
    let text = kernel(
        1,
        "
        .shared .align 4 .b8 fixed[128];
        shl.b32 %r1, %r0, 2;
        mov.u32 %r2, fixed;
        add.u32 %r2, %r2, %r1;
        mov.u32 %r3, more;
        add.u32 %r3, %r3, %r1;
        st.shared.u32 [%r2], %r0;
        bar.sync 0;
        ld.shared.u32 %r4, [fixed+12];
        add.u32 %r4, %r4, %r0;
        st.shared.u32 [%r3+16], %r4;
        mov.u64 %d0, more;
        cvta.shared.u64 %d0, %d0;
        cvt.u64.u32 %d1, %r1;
        add.u64 %d0, %d0, %d1;
        ld.u32 %r5, [%d0+16];
        add.u64 %d2, %p0, %d1;
        st.u32 [%d2], %r5;",
    )
    .replace(
        ".visible",
        ".extern .shared .align 16 .b8 more[];\n.visible",
    );
    let driver = driver();
    let shape = Shape {
        shared: 144,
        ..threads(32)
    };
    let out = driver.run(&text, shape, &[&[0; 128]]).unwrap();
    assert_eq!(words(&out[0]), (3..35).collect::<Vec<u32>>());
}

#[test]
fn local_memory_is_each_threads_own() {
    let got = per_thread(
        32,
        "
        .local .align 8 .b8 stack[16];
        mov.u64 %d0, stack;
        st.local.u32 [%d0+4], %r0;
        mul.lo.u32 %r2, %r0, 2;
        st.local.u32 [stack+8], %r2;
        ld.local.u32 %r3, [stack+4];
        ld.local.u32 %r4, [stack+8];
        add.u32 %r1, %r3, %r4;",
    );
    assert_eq!(got, (0..32).map(|i| 3 * i).collect::<Vec<u32>>());
}

#[test]
fn module_variables_have_their_initial_values() {
    let text = kernel(
        1,
        "
        mul.wide.u32 %d0, %r0, 4;
        mov.u64 %d1, table;
        add.u64 %d1, %d1, %d0;
        ld.const.f32 %f0, [%d1];
        ld.global.u32 %r1, [count];
        cvt.rzi.u32.f32 %r2, %f0;
        add.u32 %r1, %r1, %r2;
        add.u64 %d2, %p0, %d0;
        st.global.u32 [%d2], %r1;",
    )
    .replace(
        ".visible",
        "
        .const .align 4 .f32 table[4] = {0f3F800000, 2.0, 0f40400000};
        .global .u32 count = 40;
        .visible",
    );
    let driver = driver();
    let out = driver.run(&text, threads(4), &[&[0; 16]]).unwrap();
    assert_eq!(words(&out[0]), [41, 42, 43, 40]);
    let module = driver.load(&text).unwrap();
    let (mut pointer, mut size) = (0u64, 0usize);
    let code = cuda!(cuModuleGetGlobal_v2(
        &mut pointer => *mut u64,
        &mut size => *mut usize,
        module => usize,
        c"table".as_ptr() => *const std::ffi::c_char,
    ));
    assert_eq!((code, size), (0, 16));
    assert_eq!(driver.download(pointer, 4).unwrap(), 1f32.to_le_bytes());
}

#[test]
fn parameters_of_every_shape() {
    let text = format!(
        "{HEADER}
        .visible .entry k(.param .u64 .ptr .global .align 256 out, .param .align 8 .b8 pack[8])
        {{
            .reg .b64 %d<2>;
            .reg .b32 %r<4>;
            ld.param.u64 %d0, [out];
            ld.param.v2.u32 {{%r0, %r1}}, [pack];
            ld.param.u8 %r2, [pack+1];
            add.u32 %r0, %r0, %r1;
            add.u32 %r0, %r0, %r2;
            st.global.u32 [%d0], %r0;
            ret;
        }}"
    );
    let driver = driver();
    let module = driver.load(&text).unwrap();
    let function = driver.function(module, "k");
    let out = driver.upload(&[0; 4]);
    assert_eq!(
        driver.launch(function, threads(1), 0, &[out, 0x0000_0007_0000_0305]),
        0
    );
    assert_eq!(
        driver.download(out, 4).unwrap(),
        (0x305u32 + 7 + 3).to_le_bytes()
    );
}

#[test]
fn atomics_return_the_old_value() {
    let run = |op: &str, start: u32| {
        let text = kernel(
            1,
            &format!("atom.global.{op};\nst.global.u32 [%p0+4], %r1;"),
        );
        let driver = driver();
        words(
            &driver
                .run(&text, threads(1), &[&bytes(&[start, 0])])
                .unwrap()[0],
        )
    };
    assert_eq!(run("add.u32 %r1, [%p0], 5", 7), [12, 7]);
    assert_eq!(
        run("add.f32 %r1, [%p0], 0f3F800000", 1f32.to_bits()),
        [2f32.to_bits(), 1f32.to_bits()]
    );
    assert_eq!(run("min.s32 %r1, [%p0], -3", 2), [-3i32 as u32, 2]);
    assert_eq!(run("max.u32 %r1, [%p0], -3", 2), [-3i32 as u32, 2]);
    assert_eq!(run("exch.b32 %r1, [%p0], 9", 2), [9, 2]);
    assert_eq!(run("cas.b32 %r1, [%p0], 2, 9", 2), [9, 2]);
    assert_eq!(run("cas.b32 %r1, [%p0], 3, 9", 2), [2, 2]);
    assert_eq!(run("inc.u32 %r1, [%p0], 4", 4), [0, 4]);
    assert_eq!(run("dec.u32 %r1, [%p0], 4", 0), [4, 0]);
    assert_eq!(run("xor.b32 %r1, [%p0], 6", 5), [3, 5]);
}

#[test]
fn reductions_of_all_blocks_add_up() {
    let text = kernel(
        1,
        "
        .shared .align 4 .u32 sum;
        setp.eq.u32 %q0, %r0, 0;
        @%q0 st.shared.u32 [sum], 0;
        bar.sync 0;
        red.shared.add.u32 [sum], %r0;
        bar.sync 0;
        ld.shared.u32 %r1, [sum];
        @%q0 red.global.add.u32 [%p0], %r1;
        @%q0 red.global.add.f64 [%p0+8], 0d3FF0000000000000;",
    );
    let driver = driver();
    let shape = Shape {
        grid: [5, 2, 1],
        ..threads(64)
    };
    let out = driver.run(&text, shape, &[&[0; 16]]).unwrap();
    assert_eq!(words(&out[0])[0], 10 * 63 * 32);
    assert_eq!(out[0][8..], 10f64.to_le_bytes());
}

#[test]
fn fresh_memory_is_nan() {
    let Some(driver) = emulated_driver() else {
        return;
    };
    let mut pointer = 0u64;
    assert_eq!(
        cuda!(cuMemAlloc_v2(&mut pointer => *mut u64, 64 => usize)),
        0
    );
    let first = driver.download(pointer, 4).unwrap();
    assert!(f32::from_le_bytes(first.try_into().unwrap()).is_nan());
}
