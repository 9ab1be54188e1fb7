//! Whole kernels, from the files in this folder.

use crate::harness::{Driver, Shape, driver, threads};

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes
        .chunks_exact(4)
        .map(|c| f32::from_le_bytes(c.try_into().unwrap()))
        .collect()
}

fn run(driver: &Driver, text: &str, name: &str, shape: Shape, args: &[u64]) {
    let module = driver
        .load(text)
        .unwrap_or_else(|code| panic!("{code}: {}", driver.message()));
    assert_eq!(
        driver.launch(driver.function(module, name), shape, 0, args),
        0
    );
}

fn upload(driver: &Driver, data: &[f32]) -> u64 {
    driver.upload(
        &data
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect::<Vec<u8>>(),
    )
}

#[test]
fn vectors_add() {
    let driver = driver();
    let n = 1000;
    let x: Vec<f32> = (0..n).map(|i| i as f32).collect();
    let (a, b, c) = (
        upload(&driver, &x),
        upload(&driver, &x),
        upload(&driver, &x),
    );
    let shape = Shape {
        grid: [4, 1, 1],
        ..threads(256)
    };
    run(
        &driver,
        include_str!("../ptx/vecadd.ptx"),
        "vec_add",
        shape,
        &[a, b, c, n],
    );
    let want: Vec<f32> = x.iter().map(|v| 2.0 * v).collect();
    assert_eq!(floats(&driver.download(c, 4 * n as usize).unwrap()), want);
}

#[test]
fn blocks_reduce_in_shared_memory() {
    let driver = driver();
    let x: Vec<f32> = (0..64 * 256).map(|i| (i % 7) as f32).collect();
    let (input, out) = (upload(&driver, &x), upload(&driver, &[0.0; 64]));
    let shape = Shape {
        grid: [64, 1, 1],
        ..threads(256)
    };
    run(
        &driver,
        include_str!("../ptx/reduce.ptx"),
        "block_sum",
        shape,
        &[input, out],
    );
    let want: Vec<f32> = x.chunks(256).map(|c| c.iter().sum()).collect();
    assert_eq!(floats(&driver.download(out, 256).unwrap()), want);
}

#[test]
fn lanes_add_across() {
    let driver = driver();
    let x: Vec<f32> = (0..32).map(|i| i as f32).collect();
    let data = upload(&driver, &x);
    run(
        &driver,
        include_str!("../ptx/shfl.ptx"),
        "warp_sum",
        threads(32),
        &[data],
    );
    let want: Vec<f32> = (0..32).map(|i| (i + (i ^ 16)) as f32).collect();
    assert_eq!(floats(&driver.download(data, 128).unwrap()), want);
}

#[test]
fn special_functions() {
    let driver = driver();
    let data = upload(&driver, &[1.0, 2.0, 4.0, 4.0]);
    run(
        &driver,
        include_str!("../ptx/sfu.ptx"),
        "sfu",
        threads(1),
        &[data],
    );
    // 2^1 * lg2(2) + 1/4, then 1/sqrt(4) added twice.
    assert_eq!(
        floats(&driver.download(data, 16).unwrap()),
        [1.5, 2.5, 2.25, 2.0]
    );
}

#[test]
fn tensor_cores_multiply() {
    let driver = driver();
    let a: Vec<f32> = (0..128).map(|i| (i % 11) as f32 - 5.0).collect();
    let b: Vec<f32> = (0..64).map(|i| (i % 7) as f32 - 3.0).collect();
    let (pa, pb, pc) = (
        upload(&driver, &a),
        upload(&driver, &b),
        upload(&driver, &[0.0; 128]),
    );
    let text = include_str!("../ptx/mma_sm80.ptx");
    run(&driver, text, "mma_tf32_16x8x8", threads(32), &[pa, pb, pc]);
    let got = floats(&driver.download(pc, 512).unwrap());
    for (i, got) in got.iter().enumerate() {
        let want: f32 = (0..8).map(|k| a[i / 8 * 8 + k] * b[i % 8 * 8 + k]).sum();
        assert_eq!(*got, want, "element {i}");
    }
    let half = |x: f32| ((x.to_bits() >> 16) as u16).to_le_bytes();
    let a: Vec<f32> = (0..256).map(|i| (i % 11) as f32 - 5.0).collect();
    let b: Vec<f32> = (0..128).map(|i| (i % 7) as f32 - 3.0).collect();
    let pa = driver.upload(&a.iter().flat_map(|x| half(*x)).collect::<Vec<u8>>());
    let pb = driver.upload(&b.iter().flat_map(|x| half(*x)).collect::<Vec<u8>>());
    run(
        &driver,
        text,
        "mma_bf16_16x8x16",
        threads(32),
        &[pa, pb, pc],
    );
    let got = driver
        .download(pc, 512)
        .unwrap_or_else(|code| panic!("{code}: {}", driver.message()));
    for (i, got) in floats(&got).iter().enumerate() {
        let want: f32 = (0..16).map(|k| a[i / 8 * 16 + k] * b[i % 8 * 16 + k]).sum();
        assert_eq!(*got, want, "element {i}");
    }
}
