//! Fragment layouts of `mma.sync` and `ldmatrix`, and asynchronous copies.
//!
//! Every element is a different integer, so one wrong place is visible.

use crate::harness::{bytes, driver, kernel, threads, words};

fn half(kind: &str, x: i32) -> u32 {
    let bits = (x as f32).to_bits();
    match kind {
        "bf16" => bits >> 16,
        // f16 of an integer below 2048.
        _ if x == 0 => 0,
        _ => (bits >> 16 & 0x8000) | ((bits >> 13) & 0x3ffff).wrapping_sub(112 << 10) & 0x7fff,
    }
}

/// A of 16 x k by rows, B of k x 8, both small integers.
fn a(row: usize, column: usize) -> i32 {
    (row * 3 + column * 5) as i32 % 11 - 5
}

fn b(row: usize, column: usize) -> i32 {
    (row * 7 + column * 2) as i32 % 9 - 4
}

/// Runs one `mma` with fragments placed as the ISA's formulas say, and checks every element of D.
fn multiply(kind: &str, k: usize) {
    let per = if kind == "tf32" { 1 } else { 2 };
    let (a_registers, b_registers) = (k / (4 * per) * 2, k / (4 * per));
    let element = |x: i32| {
        if per == 1 {
            (x as f32).to_bits()
        } else {
            half(kind, x)
        }
    };
    let mut input = Vec::new();
    for lane in 0..32usize {
        let (group, thread) = (lane >> 2, lane & 3);
        // ai: row = group for i even, else group + 8; column = thread * per + part, + 4 per for
        // the second pair of registers.
        for i in 0..a_registers {
            let row = if i % 2 == 0 { group } else { group + 8 };
            let column = thread * per + if i >= 2 { 4 * per } else { 0 };
            let value = (0..per).fold(0, |v, p| v | element(a(row, column + p)) << (16 * p));
            input.push(value);
        }
        for i in 0..b_registers {
            let row = thread * per + i * 4 * per;
            let value = (0..per).fold(0, |v, p| v | element(b(row + p, group)) << (16 * p));
            input.push(value);
        }
    }
    let names = |first: usize, n: usize| -> String {
        (first..first + n)
            .map(|i| format!("%r{i}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let count = a_registers + b_registers;
    let mut body = format!(
        "mul.wide.u32 %d0, %r0, {};\nadd.u64 %d0, %d0, %p0;\n",
        4 * count
    );
    for i in 0..count {
        body += &format!("ld.global.b32 %r{}, [%d0+{}];\n", i + 1, 4 * i);
    }
    body += &format!(
        "mov.f32 %f4, 0f42C80000;
         mma.sync.aligned.m16n8k{k}.row.col.f32.{kind}.{kind}.f32 {{%f0, %f1, %f2, %f3}}, {{{}}}, {{{}}}, {{%f4, %f4, %f4, %f4}};
         mul.wide.u32 %d1, %r0, 16;
         add.u64 %d1, %d1, %p1;
         st.global.v4.f32 [%d1], {{%f0, %f1, %f2, %f3}};",
        names(1, a_registers),
        names(1 + a_registers, b_registers),
    );
    let driver = driver();
    let out = driver
        .run(&kernel(2, &body), threads(32), &[&bytes(&input), &[0; 512]])
        .unwrap_or_else(|code| panic!("{kind} {k}: {code} {}", driver.message()));
    for (i, got) in words(&out[1]).into_iter().enumerate() {
        let (lane, register) = (i / 4, i % 4);
        let row = (lane >> 2) + if register < 2 { 0 } else { 8 };
        let column = (lane & 3) * 2 + (register & 1);
        let want = 100 + (0..k).map(|j| a(row, j) * b(j, column)).sum::<i32>();
        assert_eq!(
            f32::from_bits(got),
            want as f32,
            "{kind} k{k}: lane {lane}, c{register}"
        );
    }
}

#[test]
fn multiplications_of_every_shape() {
    for (kind, k) in [
        ("tf32", 4),
        ("tf32", 8),
        ("f16", 8),
        ("f16", 16),
        ("bf16", 8),
        ("bf16", 16),
    ] {
        multiply(kind, k);
    }
}

/// Rows are 16 bytes apart, matrix after matrix; element = 64 matrix + 8 row + column.
fn load_matrix(count: usize, transposed: bool) {
    let trans = if transposed { ".trans" } else { "" };
    let list = (1..=count)
        .map(|i| format!("%r{i}"))
        .collect::<Vec<_>>()
        .join(", ");
    let mut body = format!(
        "
        .shared .align 16 .b8 tile[512];
        shl.b32 %r10, %r0, 4;
        mul.wide.u32 %d0, %r0, 16;
        add.u64 %d1, %d0, %p0;
        mov.u32 %r11, tile;
        add.u32 %r11, %r11, %r10;
        ld.global.v4.b32 {{%r12, %r13, %r14, %r15}}, [%d1];
        st.shared.v4.b32 [%r11], {{%r12, %r13, %r14, %r15}};
        bar.warp.sync -1;
        ldmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 {{{list}}}, [%r11];
        add.u64 %d2, %d0, %p1;\n"
    );
    for i in 0..count {
        body += &format!("st.global.b32 [%d2+{}], %r{};\n", 4 * i, i + 1);
    }
    let input: Vec<u8> = (0..256u16).flat_map(|x| x.to_le_bytes()).collect();
    let driver = driver();
    let out = driver
        .run(&kernel(2, &body), threads(32), &[&input, &[0; 512]])
        .unwrap();
    for (i, got) in words(&out[1]).into_iter().enumerate() {
        let (lane, matrix) = (i / 4, i % 4);
        if matrix >= count {
            continue;
        }
        let element = |part: usize| {
            let (row, column) = (lane / 4, lane % 4 * 2 + part);
            let (row, column) = if transposed {
                (column, row)
            } else {
                (row, column)
            };
            (64 * matrix + 8 * row + column) as u32
        };
        assert_eq!(
            got,
            element(1) << 16 | element(0),
            "x{count}{trans}: lane {lane}, {matrix}"
        );
    }
}

#[test]
fn matrices_load_plain_and_transposed() {
    for count in [1, 2, 4] {
        load_matrix(count, false);
        load_matrix(count, true);
    }
}

#[test]
fn asynchronous_copies_fill_with_zeros() {
    let body = "
        .shared .align 16 .b8 tile[64];
        mov.u32 %r1, tile;
        cp.async.cg.shared.global [%r1], [%p0], 16, 6;
        cp.async.commit_group;
        cp.async.ca.shared.global [%r1+16], [%p0+8], 8;
        cp.async.ca.shared.global [%r1+24], [%p0], 4, 0;
        cp.async.commit_group;
        cp.async.wait_group 1;
        ld.shared.v4.b32 {%r2, %r3, %r4, %r5}, [%r1];
        st.global.v4.b32 [%p1], {%r2, %r3, %r4, %r5};
        cp.async.wait_all;
        ld.shared.v2.b32 {%r2, %r3}, [%r1+16];
        ld.shared.b32 %r4, [%r1+24];
        st.global.b32 [%p1+16], %r2;
        st.global.b32 [%p1+20], %r3;
        st.global.b32 [%p1+24], %r4;";
    let driver = driver();
    let input = bytes(&[0x1111_1111, 0x2222_2222, 3, 4]);
    let out = driver
        .run(&kernel(2, body), threads(1), &[&input, &[0xee; 32]])
        .unwrap();
    assert_eq!(words(&out[1])[..7], [0x1111_1111, 0x2222, 0, 0, 3, 4, 0]);
}
