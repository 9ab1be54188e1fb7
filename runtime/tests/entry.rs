//! Entry functions: the checks when inputs are bound, the conversion of inputs, and the lifetime of results.

#[path = "nets/hand.rs"]
mod hand;

use hand::Hand;
use netform_runtime::__private::*;
use netform_runtime::*;

fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn the_door_names_function_argument_and_dimension() {
    let mut net = Hand::new(Cpu::new(), 1).unwrap();
    let (x, y) = (vec![[0f32; 4]; 10], vec![[0f32; 3]; 9]);
    assert_eq!(
        message(net.loss_backward(&x, &y, false)),
        "Hand::loss_backward: B is 10 in `x` but 9 in `target`"
    );
    assert!(net.copy(&x[..0]).unwrap().is_empty());
    assert_eq!(
        message(net.loss_backward(&x[..0], &y, false)),
        "Hand::loss_backward: B is 0 in `x` but 9 in `target`"
    );
    let t = Tensor::zeros::<f32>([5, 3]).unwrap();
    assert_eq!(
        message(net.copy(&t)),
        "Hand::copy: `x` has shape [5, 3], but `x: [B, 4]` wants 4 in dimension 1"
    );
    let t = Tensor::zeros::<f32>([1, 1, 1, 1, 1, 1, 1, 1]).unwrap();
    assert_eq!(
        message(net.copy(&t)),
        "Hand::copy: `x` has 8 dimensions, but `x: [B, 4]` has 2"
    );
    let t = Tensor::zeros::<i64>([5, 4]).unwrap();
    assert_eq!(
        message(net.copy(&t)),
        "Hand::copy: `x` holds i64, but it is declared as floats (f32 or f64)"
    );
    let flags = [true; 2];
    assert_eq!(
        message(net.mixed(&[[1u8]; 2], &flags, &[0; 4])),
        "Hand::mixed: `Pairs` `pairs`: T must be at least 2, but it is 1\n  ids are pairs\n  at src/net.rs:7, where B is 2, T is 1"
    );
    assert_eq!(
        message(net.mixed(&[[1u8; 2]; 2], &flags, &[0; 3])),
        "Hand::mixed: `wide` has shape [3], but `wide: i64[2 * B]` wants 4 in dimension 0"
    );
    assert_eq!(
        message(net.mixed(&[[0, -1], [0, 0]], &flags, &[0; 4])),
        "Hand::mixed: `ids` holds -1, which is outside 0..=4294967295"
    );
    assert_eq!(
        message(net.mixed(&[[0, 1i64 << 32], [0, 0]], &flags, &[0i64; 4])),
        "Hand::mixed: `ids` holds 4294967296, which is outside 0..=4294967295"
    );
    assert_eq!(
        message(net.mixed(&[[0, 1], [0, 0]], &flags, &[0, usize::MAX, 0, 0])),
        "Hand::mixed: `wide` holds 18446744073709551615, which is outside -9223372036854775808..=9223372036854775807"
    );
    // After an error everything still works.
    assert_eq!(
        net.copy(&[[1.0, 2.0, 3.0, 4.0]]).unwrap()[0],
        [1.0, 2.0, 3.0, 4.0]
    );
}

#[test]
fn inputs_convert_to_the_device() {
    let net = Hand::new(Cpu::f64(), 1).unwrap();
    let rows: Vec<[f32; 4]> = (0..300).map(|i| [i as f32 + 0.25; 4]).collect();
    let out = net.copy(&rows).unwrap();
    assert_eq!(
        (out.shape(), out.len(), out[299]),
        (&[300, 4][..], 300, [299.25; 4])
    );
    assert_eq!(out.to_tensor().data().type_name(), "f64");
    let net = Hand::new(Cpu::new(), 1).unwrap();
    let ids = Tensor::from_vec([2, 3], vec![5i64, 4, 3, 2, 1, 0]).unwrap();
    let (ids, flags, wide) = net
        .mixed(&ids, &[true, false], &[7usize, 8, 9, 10])
        .unwrap();
    assert_eq!(
        (&ids[..], ids.shape()),
        (&[5, 4, 3, 2, 1, 0][..], &[2, 3][..])
    );
    assert_eq!(flags[..], [true, false]);
    assert_eq!(wide[..], [7, 8, 9, 10]);
    assert_eq!(format!("{flags:?}"), "[true, false]");
    assert!(ids.item().is_err());
}

#[test]
fn results_keep_their_workspace() {
    let net = Hand::new(Cpu::new(), 1).unwrap();
    let held: Vec<_> = (0..70)
        .map(|i| net.copy(&[[i as f32; 4]]).unwrap())
        .collect();
    for (i, out) in held.iter().enumerate() {
        assert_eq!(out[0], [i as f32; 4]);
    }
    let last = held[69].clone();
    drop(held);
    drop(net);
    assert_eq!(last.as_slice(), [69.0; 4]);
}

#[test]
fn a_result_is_an_input() {
    let net = Hand::new(Cpu::new(), 1).unwrap();
    let first = net.copy(&[[1.0, 2.0, 3.0, 4.0]]).unwrap();
    let second = net.copy(&first).unwrap();
    assert_eq!(first[..], second[..]);
    let wide = Hand::new(Cpu::f64(), 1).unwrap().copy(&second).unwrap();
    assert_eq!(wide[0], [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn threads_infer_at_once() {
    let net = Hand::new(Cpu::new(), 1).unwrap();
    std::thread::scope(|scope| {
        for t in 0..4 {
            let net = &net;
            scope.spawn(move || {
                for i in 0..200 {
                    let value = (t * 1000 + i) as f32;
                    let out = net.copy(&vec![[value; 4]; 1 + i % 40]).unwrap();
                    assert!(out.iter().all(|row| *row == [value; 4]));
                }
            });
        }
    });
    assert_eq!(net.core().random_step(), 800);
}

#[test]
fn gradients_are_overwritten_or_added() {
    let mut net = Hand::new(Cpu::new(), 1).unwrap();
    let (x, y) = ([[0.0; 4]; 2], [[0.0; 3]; 2]);
    assert_eq!(
        message(net.gradient("head.bias")),
        "Hand has no gradients yet: call one of its `_backward` functions first"
    );
    let loss = net.loss_backward(&x, &y, false).unwrap();
    assert_eq!(
        (loss.item().unwrap(), loss.to_string().as_str()),
        (7.0, "7")
    );
    net.loss_backward(&x, &y, true).unwrap();
    net.loss_backward(&x, &y, true).unwrap();
    assert_eq!(
        net.gradient("head.weight")
            .unwrap()
            .as_slice::<f32>()
            .unwrap(),
        [4.5; 12]
    );
    net.loss_backward(&x, &y, false).unwrap();
    assert_eq!(
        net.gradient("head.weight")
            .unwrap()
            .as_slice::<f32>()
            .unwrap(),
        [1.5; 12]
    );
    net.zero_grad();
    assert_eq!(net.gradient("head.weight").unwrap().to_f64_vec(), [0.0; 12]);
}

#[test]
fn parameters_by_name() {
    let mut net = Hand::new(Cpu::new(), 3).unwrap();
    let names: Vec<_> = net
        .parameters()
        .map(|p| (p.name(), p.shape().to_vec(), p.frozen()))
        .collect();
    assert_eq!(names[2], ("table", vec![2, 2], true));
    assert_eq!(net.parameter("head.bias").unwrap().to_f64_vec(), [0.5; 3]);
    net.set_parameter("head.bias", &Tensor::from(&[1.0f64, 2.0, 3.0]))
        .unwrap();
    assert_eq!(
        net.parameter("head.bias")
            .unwrap()
            .as_slice::<f32>()
            .unwrap(),
        [1.0, 2.0, 3.0]
    );
    assert_eq!(
        message(net.parameter("head.wieght")),
        "Hand has no parameter `head.wieght`; did you mean `head.weight`?"
    );
    assert_eq!(message(net.parameter("zzz")), "Hand has no parameter `zzz`");
    assert_eq!(
        message(net.set_parameter("head.weight", &Tensor::zeros::<f32>([4, 3]).unwrap())),
        "Hand: `head.weight` has shape [3, 4], but the value has [4, 3]"
    );
    assert!(
        net.set_parameter("head.bias", &Tensor::from(vec![1i32, 2, 3]))
            .is_err()
    );
    // The same seed gives the same values in each precision.
    let wide = Hand::new(Cpu::f64(), 3)
        .unwrap()
        .parameter("table")
        .unwrap();
    let narrow: Vec<f64> = wide
        .to_f64_vec()
        .iter()
        .map(|x| f64::from(*x as f32))
        .collect();
    assert_eq!(net.parameter("table").unwrap().to_f64_vec(), narrow);
}

fn shared<T: Send + Sync>() {}

#[test]
fn networks_and_results_are_send_and_sync() {
    shared::<Hand>();
    shared::<Output<Cpu, [f32; 4]>>();
    shared::<Loss<Cpu<f64>>>();
    shared::<RunResults<Cpu>>();
}
