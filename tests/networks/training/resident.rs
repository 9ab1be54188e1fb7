//! Training on samples that stay on the device gives the same as samples copied for each batch.

use netform::data::{Loader, Resident};
use netform::prelude::*;
use netform::{Error, Tensor};

network! {
    struct Net {
        token: Embedding(5 -> 6),
        linear: Linear(6 -> 3),
    }
    fn forward(x: [B, 6], token: u32[B], keep: bool[B]) -> [B, 3] {
        let y = linear(x + self_token(token));
        where(keep.unsqueeze(1), y, 0.0)
    }
    fn self_token(i: u32[B]) -> [B, 6] { token(i) }
    fn loss(x: [B, 6], token: u32[B], keep: bool[B], class: u32[B]) -> [] {
        cross_entropy(forward(x, token, keep), class)
    }
}

/// Shared with the device tests, for any device.
pub fn trains_alike<D: Device>(device: &D) {
    let n = 37;
    let mut x = vec![[0f32; 6]; n];
    netform::fill_uniform(3, 0, x.as_flattened_mut(), -1.0, 1.0);
    let token: Vec<u32> = (0..n as u32).map(|i| i % 5).collect();
    let keep: Vec<bool> = (0..n).map(|i| i % 4 != 0).collect();
    let class: Vec<u32> = (0..n as u32).map(|i| i * i % 3).collect();
    let mut there = (
        Resident::new(device, &Tensor::from(&x)).unwrap(),
        Resident::new(device, &Tensor::from(token.clone())).unwrap(),
        Resident::new(device, &Tensor::from(keep.clone())).unwrap(),
        Resident::new(device, &Tensor::from(class.clone())).unwrap(),
    );
    assert_eq!((there.0.len(), there.0.sample()), (n, &[6][..]));
    let (mut a, mut b) = (
        Net::new(device.clone(), 1).unwrap(),
        Net::new(device.clone(), 1).unwrap(),
    );
    let (mut sgd_a, mut sgd_b) = (Sgd::new(0.1).momentum(0.9), Sgd::new(0.1).momentum(0.9));
    let mut loader = Loader::new(&x, &class, 8).unwrap().shuffle(5);
    for _ in 0..2 {
        let mut batches = loader.epoch();
        while let Some(at) = batches.positions() {
            let pick = |i: usize| (x[i], token[i], keep[i], class[i]);
            let rows: Vec<_> = at.iter().map(|i| pick(*i)).collect();
            let (xs, tokens): (Vec<_>, Vec<_>) = rows.iter().map(|r| (r.0, r.1)).unzip();
            let (keeps, classes): (Vec<_>, Vec<_>) = rows.iter().map(|r| (r.2, r.3)).unzip();
            let wanted = a
                .loss_step(&mut sgd_a, &xs, &tokens, &keeps, &classes)
                .unwrap();
            let wanted = wanted.item().unwrap();
            let (x, token) = (there.0.pick(at).unwrap(), there.1.pick(at).unwrap());
            let (keep, class) = (there.2.pick(at).unwrap(), there.3.pick(at).unwrap());
            let found = b.loss_step(&mut sgd_b, &x, &token, &keep, &class).unwrap();
            assert_eq!(found.item().unwrap(), wanted);
        }
    }
    // Samples that do not fit are an error.
    let (x, other) = (
        there.0.pick(&[0, 1]).unwrap(),
        there.1.pick(&[0, 1, 2]).unwrap(),
    );
    let error = b.forward(&x, &other, &[true, true]).err().unwrap();
    assert!(matches!(error, Error::Disagree { .. }), "{error}");
    let picked = there.1.pick(&[0, 1]).unwrap();
    let error = b.forward(&picked, &[0u32, 1], &[true, true]).err().unwrap();
    assert!(matches!(error, Error::Rank { .. }), "{error}");
    assert!(there.0.pick(&[37]).is_err());
    let negative = Resident::new(device, &Tensor::from(vec![-1i32, 2]));
    let mut negative = negative.unwrap();
    let negative = negative.pick(&[1, 1]).unwrap();
    let error = b.self_token(&negative).err().unwrap();
    assert!(
        matches!(error, Error::IntegerRange { value: -1, .. }),
        "{error}"
    );
    assert!(Resident::new(device, &Tensor::zeros::<f32>([0, 3]).unwrap()).is_err());
    // Single precision, so not the type of a device in double precision.
    let double = Net::new(Cpu::f64(), 1).unwrap();
    let mut single = Resident::new(&Cpu::new(), &Tensor::from(&[[0.5f32; 6]; 2])).unwrap();
    let x = single.pick(&[0, 1]).unwrap();
    let error = double.forward(&x, &[0u32, 1], &[true, true]).err().unwrap();
    assert_eq!(
        error.to_string(),
        "Net::forward: `x` lies on another device than the network"
    );
}

#[test]
fn on_the_cpu() {
    trains_alike(&Cpu::new());
    trains_alike(&Cpu::f64());
}
