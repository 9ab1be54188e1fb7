//! Quotients of sizes in arithmetic: floats, as in Python, unless the place needs a size.

use netform::prelude::*;

const THREE: usize = 3;
const PAIR: [i32; 2] = [3, 5];

/// A network for each expression, and a test that each has its value for `T = 3`.
macro_rules! values {
    ($($name:ident: [$($e:tt)*], $wanted:expr;)*) => {
        $(mod $name {
            use super::*;
            network! {
                pub struct Net { #[allow(dead_code)] layers: [Linear(1 -> 1); 3] }
                fn f(x: [T]) -> [T] {
                    x * ($($e)*)
                }
            }
        })*

        #[test]
        fn quotients_in_arithmetic_are_floats() {
            $(
                let net = $name::Net::new(Cpu::f64(), 1).unwrap();
                let value = net.f(&[1.0f64; 3]).unwrap()[0];
                assert!((value - $wanted).abs() < 1e-12, "{}: {value}", stringify!($($e)*));
            )*
        }
    };
}

values! {
    of_a_float: [T / 2 * 0.5], 0.75;
    after_a_float: [0.5 * (T / 2)], 0.75;
    of_a_sum: [(1 + T / 2) * 0.5], 1.25;
    of_a_size_of_a_tensor: [x.size(0) / 2], 1.5;
    of_a_shape: [x.shape[0] / 2 + 1.0], 2.5;
    of_elements: [x.numel() / 2], 1.5;
    of_a_count: [len(layers) / 2], 1.5;
    of_a_power: [3 ** 2 / 2], 4.5;
    of_a_power_of_a_constant: [THREE ** 2 / 2], 4.5;
    of_an_element: [PAIR[0] ** 2 / PAIR[1]], 1.8;
    remainder_of_an_element: [PAIR[1] % 2], 1.0;
    remainder_by_an_element: [(T + 2) % PAIR[0]], 2.0;
    in_a_root: [sqrt(T / 2)], 1.5f64.sqrt();
    in_a_method: [(T / 2).sqrt()], 1.5f64.sqrt();
    in_a_power: [(T / 2) ** 0.5], 1.5f64.sqrt();
    in_an_exponent: [2 ** (T / 2)], 2f64.powf(1.5);
    in_a_choice: [where(x > 2.0, 1.0, T / 2)], 1.5;
    converted: [float(T / 2)], 1.5;
    rounded_down: [int(T / 2)], 1.0;
    rounded_up: [ceil(T / 2)], 2.0;
    of_the_larger: [max(T, 4) / 8], 0.5;
    larger: [max(T / 2, 1)], 1.5;
    smaller: [min(1, T / 2)], 1.0;
    negative_powers: [2 ** -1 + T ** -1 + THREE ** -2], 0.5 + 1.0 / 3.0 + 1.0 / 9.0;
}

network! {
    struct Variables {}
    fn float(x: [T]) -> [T] {
        let each = 1 / (T - 1);
        let half = T / 2;
        let more = half + 1;
        x * each + more * 0.5
    }
    fn size(x: [T]) -> [T] {
        let half = T / 2;
        x + x[:half].sum()
    }
    fn both(x: [T]) -> [T] {
        let half = T / 2;
        x * half + x[:half].sum()
    }
    fn known(x: [T]) -> [T] {
        let mut s = THREE / 2;
        s = s * 2;
        x * s
    }
    fn full_of_booleans(x: [T]) -> ([T], bool[2, T]) {
        (where(full([T], true), x, 0), full([2, T], false))
    }
}

#[test]
fn a_variable_is_a_float_or_a_size() -> netform::Result<()> {
    let net = Variables::new(Cpu::f64(), 1)?;
    assert_eq!(*net.float(&[1.0f64; 3])?, [1.75; 3]);
    assert!(net.size(&[1.0f64; 3]).is_err());
    assert_eq!(*net.size(&[1.0f64; 4])?, [3.0; 4]);
    assert!(net.both(&[1.0f64; 3]).is_err());
    assert_eq!(*net.both(&[1.0f64; 4])?, [4.0; 4]);
    assert_eq!(*net.known(&[1.0f64; 1])?, [3.0]);
    Ok(())
}

#[test]
fn full_takes_a_boolean() -> netform::Result<()> {
    let net = Variables::new(Cpu::f64(), 1)?;
    let (all, none) = net.full_of_booleans(&[1.0f64, 2.0])?;
    assert_eq!(*all, [1.0, 2.0]);
    assert_eq!(none.to_tensor().to_f64_vec(), [0.0; 4]);
    Ok(())
}

mod names {
    use netform::prelude::*;

    network! {
        /// A name that resembles a layer's.
        struct Embeddings { words: Embedding(5, 4) }
        fn forward(ids: u32[B]) -> [B, 4] { words(ids) }
    }
    network! {
        struct Model { embeddings: Embeddings }
        fn forward(ids: u32[B]) -> [B, 4] { embeddings(ids) }
    }

    #[test]
    fn a_network_may_be_called_almost_as_a_layer() {
        let net = Model::new(Cpu::new(), 1).unwrap();
        assert_eq!(net.forward(&[1u32, 2]).unwrap().shape(), [2, 4]);
    }
}
