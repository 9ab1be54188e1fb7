//! Finite differences in f64: is `f_vjp` the gradient of `f`? With the feature `cuda`, `family` also checks with
//! `same.rs` that the GPU computes both.

use netform::check::{Options, Report, gradients_with};
use netform::{Float, Network, Tensor};

/// Pseudorandom numbers, the same in every run.
pub fn noise(i: usize) -> f64 {
    let z = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((z ^ (z >> 27)) >> 11) as f64 / (1u64 << 53) as f64
}

/// A tensor within a range.
pub fn tensor(shape: &[usize], salt: usize, (low, high): (f64, f64)) -> Tensor {
    let n = shape.iter().product();
    let data = (0..n)
        .map(|i| low + (high - low) * noise(i + 1000 * salt))
        .collect();
    Tensor::from_vec(shape, data).unwrap()
}

/// Compares the gradients of a network's parameters with differences, at 5 elements of each parameter: these
/// networks have many, and are compiled without optimisation.
pub fn gradients<N: Network, F: Float>(
    net: &mut N,
    backward: impl FnMut(&mut N) -> netform::Result<F>,
) -> netform::Result<Report> {
    let elements = 5;
    gradients_with(
        net,
        Options {
            elements,
            ..Options::default()
        },
        backward,
    )
}

/// Compares the gradients of `sum(f(x) * dy)` with central differences.
pub fn check(name: &str, shapes: &[&[usize]], range: (f64, f64), f: Call<'_>, vjp: Vjp<'_>) {
    let x: Vec<Tensor> = shapes
        .iter()
        .enumerate()
        .map(|(k, s)| tensor(s, k, range))
        .collect();
    let y = f(&x).unwrap_or_else(|e| panic!("{name} {shapes:?}: {e}"));
    let dy = tensor(y.shape(), 77, (-1.0, 1.0));
    let grads = vjp(&x, &dy).unwrap_or_else(|e| panic!("{name} {shapes:?}: {e}"));
    assert_eq!(grads.len(), x.len(), "{name}");
    let value = |x: &[Tensor]| -> f64 {
        let y = f(x).unwrap().to_f64_vec();
        y.iter().zip(dy.to_f64_vec()).map(|(a, b)| a * b).sum()
    };
    for (k, grad) in grads.iter().enumerate() {
        assert_eq!(grad.shape(), shapes[k], "{name}: the gradient's shape");
        let got = grad.to_f64_vec();
        for direction in directions(got.len(), k) {
            let h = 1e-6;
            let moved = |by: f64| {
                let mut data: Vec<Vec<f64>> = x.iter().map(Tensor::to_f64_vec).collect();
                for (x, d) in data[k].iter_mut().zip(&direction) {
                    *x += by * d;
                }
                let all: Vec<Tensor> = data
                    .into_iter()
                    .zip(shapes)
                    .map(|(d, s)| Tensor::from_vec(s, d).unwrap())
                    .collect();
                value(&all)
            };
            let want = (moved(h) - moved(-h)) / (2.0 * h);
            let got: f64 = got.iter().zip(&direction).map(|(g, d)| g * d).sum();
            assert!(
                (got - want).abs() <= 1e-6 * (1.0 + want.abs()),
                "{name} {shapes:?}: the derivative in x{k} along {direction:?} is {got}, differences give {want}"
            );
        }
    }
}

/// The directions in which an argument of `n` elements moves: each element separately if there are few; else all by 1
/// or -1, several times. The chance that a gradient with a wrong element has the right derivative along all of these is
/// only 2^-8.
fn directions(n: usize, salt: usize) -> Vec<Vec<f64>> {
    let each = |f: &dyn Fn(usize, usize) -> f64, count: usize| {
        (0..count)
            .map(|d| (0..n).map(|e| f(d, e)).collect())
            .collect()
    };
    match n {
        0..=8 => each(&|d, e| f64::from(d == e), n),
        _ => each(
            &|d, e| f64::copysign(1.0, noise(e + 4096 * (d + 8 * salt)) - 0.5),
            8,
        ),
    }
}

/// The result of a function for some arguments.
pub type Call<'a> = &'a dyn Fn(&[Tensor]) -> netform::Result<Tensor>;
/// Its gradients, for a gradient of the result.
pub type Vjp<'a> = &'a mut dyn FnMut(&[Tensor], &Tensor) -> netform::Result<Vec<Tensor>>;

/// A function of a network and its gradients, as closures of a list of arguments.
#[macro_export]
macro_rules! calls {
    ($net:ident $f:ident $v:ident ($($arg:ident),*)) => {(
        &|t: &[netform::Tensor]| {
            let mut t = t.iter();
            $(let $arg = t.next().unwrap();)*
            Ok($net.borrow().$f($($arg),*)?.to_tensor())
        },
        &mut |t: &[netform::Tensor], dy: &netform::Tensor| {
            let mut t = t.iter();
            $(let $arg = t.next().unwrap();)*
            Ok($net.borrow_mut().$v($($arg,)* dy)?.tensors())
        },
    )};
}

/// A network of functions, each checked at several shapes of its arguments.
///
/// `name name_vjp (x: [M, N], ..) -> [M, N] { body } at shapes, ..;`
#[macro_export]
macro_rules! family {
    ($test:ident in $range:expr; $($f:ident $v:ident ($($arg:ident : $ty:tt),*) -> $out:tt { $($body:tt)* } at $($shapes:expr),+ ;)*) => {
        #[test]
        fn $test() {
            use std::cell::RefCell;
            use $crate::finite::check;
            use $crate::results::Gradients as _;
            use netform::prelude::*;
            network! {
                struct Family {}
                $(fn $f($(#[grad] $arg: $ty),*) -> $out { $($body)* })*
            }
            let cpu = RefCell::new(Family::new(Cpu::f64(), 1).unwrap());
            #[cfg(feature = "cuda")]
            let cuda = RefCell::new(Family::new($crate::device::cuda(), 1).unwrap());
            $(
                for shapes in [$($shapes),+] {
                    let shapes: &[&[usize]] = &shapes;
                    let (f, vjp) = $crate::calls!(cpu $f $v ($($arg),*));
                    check(stringify!($f), shapes, $range, f, vjp);
                    #[cfg(feature = "cuda")]
                    $crate::same::same(
                        stringify!($f),
                        shapes,
                        $range,
                        $crate::calls!(cpu $f $v ($($arg),*)),
                        $crate::calls!(cuda $f $v ($($arg),*)),
                    );
                }
            )*
        }
    };
}
