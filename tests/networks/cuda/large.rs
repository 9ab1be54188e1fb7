//! Ops at sizes of several blocks, and slightly off a tile's size.

/// A network of functions, each compared at several shapes of its arguments, values and gradients.
///
/// `name name_vjp (x: [M, N], ..) -> [M, N] { body } at shapes, ..;`
macro_rules! family {
    ($test:ident in $range:expr; $($f:ident $v:ident ($($arg:ident : $ty:tt),*) -> $out:tt { $($body:tt)* } at $($shapes:expr),+ ;)*) => {
        #[test]
        fn $test() {
            use $crate::both::{close, random};
            use $crate::results::Gradients as _;
            use netform::prelude::*;
            network! {
                struct Family {}
                $(fn $f($(#[grad] $arg: $ty),*) -> $out { $($body)* })*
            }
            let mut cuda = Family::new($crate::device::cuda(), 1).unwrap();
            let mut cpu = Family::new(Cpu::new(), 1).unwrap();
            $(
                for shapes in [$($shapes),+] {
                    let shapes: &[&[usize]] = &shapes;
                    let mut args = shapes.iter().enumerate().map(|(k, s)| random(s, k as u64, $range));
                    $(let $arg = args.next().unwrap();)*
                    let name = format!("{} {shapes:?}", stringify!($f));
                    let a = cuda.$f($(&$arg),*).unwrap_or_else(|e| panic!("{name}: {e}")).to_tensor();
                    let b = cpu.$f($(&$arg),*).unwrap_or_else(|e| panic!("{name}: {e}")).to_tensor();
                    close(&name, &a, &b, 2e-5);
                    let dy = random(b.shape(), 77, (-1.0, 1.0));
                    let a = cuda.$v($(&$arg,)* &dy).unwrap_or_else(|e| panic!("{name}: {e}")).tensors();
                    let b = cpu.$v($(&$arg,)* &dy).unwrap_or_else(|e| panic!("{name}: {e}")).tensors();
                    for (k, (a, b)) in a.iter().zip(&b).enumerate() {
                        close(&format!("{name}: gradient {k}"), a, b, 5e-5);
                    }
                }
            )*
        }
    };
}

family! {
    large_maps in (-1.5, 1.5);
    map map_vjp (x: [M, N], y: [N]) -> [M, N] { gelu(x * y) + tanh(x) } at [&[65, 129][..], &[129][..]], [&[1, 4097][..], &[4097][..]], [&[1025, 3][..], &[3][..]];
    turned turned_vjp (x: [M, N, K]) -> [K, M, N] { sin(x.permute([2, 0, 1])) } at [&[17, 33, 19][..]], [&[1, 511, 3][..]];
    joined joined_vjp (x: [M, N], y: [M, N]) -> [M, 2 * N] { cat([x, y.flip([0])], dim = 1) } at [&[33, 65][..], &[33, 65][..]], [&[513, 1][..], &[513, 1][..]];
}

family! {
    large_reductions in (-1.0, 1.0);
    all all_vjp (x: [M, N]) -> [1] { sum(x).reshape([1]) } at [&[3, 5001][..]], [&[257, 65][..]];
    rows rows_vjp (x: [M, N]) -> [M] { sum(x * x, dim = 1) } at [&[3, 5001][..]], [&[257, 65][..]], [&[1000, 2][..]];
    columns columns_vjp (x: [M, N]) -> [N] { mean(x, dim = 0) } at [&[5001, 3][..]], [&[257, 65][..]], [&[2, 1000][..]];
    middle middle_vjp (x: [M, N, K]) -> [M, K] { amax(x, dim = 1) } at [&[3, 700, 5][..]], [&[1, 33, 129][..]];
    soft soft_vjp (x: [M, N]) -> [M, N] { softmax(x, 1) } at [&[3, 2049][..]], [&[130, 10][..]];
    soft_0 soft_0_vjp (x: [M, N]) -> [M, N] { log_softmax(x, 0) } at [&[1025, 3][..]], [&[10, 130][..]];
    lse lse_vjp (x: [M, N]) -> [M] { logsumexp(x, 1) } at [&[5, 1500][..]], [&[300, 7][..]];
    running running_vjp (x: [M, N]) -> [M, N] { cumsum(x, 1) * 0.01 } at [&[3, 1030][..]], [&[70, 33][..]];
    running_0 running_0_vjp (x: [M, N]) -> [M, N] { cumsum(x, 0) * 0.01 } at [&[1030, 3][..]], [&[33, 70][..]];
    normal normal_vjp (x: [M, 257]) -> [M, 257] { layer_norm(x, [257]) } at [&[37, 257][..]];
}

family! {
    large_products in (-0.5, 0.5);
    tile tile_vjp (x: [M, K], y: [K, N]) -> [M, N] { matmul(x, y) } at [&[129, 65][..], &[65, 130][..]], [&[64, 64][..], &[64, 64][..]], [&[127, 3][..], &[3, 1][..]];
    long long_vjp (x: [M, K], y: [K, N]) -> [M, N] { matmul(x, y) } at [&[5, 2051][..], &[2051, 7][..]], [&[1, 300][..], &[300, 1][..]];
    biased biased_vjp (x: [B, K], w: [N, K], b: [N]) -> [B, N] { relu(linear(x, w, b)) } at [&[33, 100][..], &[70, 100][..], &[70][..]], [&[1, 257][..], &[129, 257][..], &[129][..]];
    stack stack_vjp (x: [B, M, K], y: [B, K, N]) -> [B, M, N] { matmul(x, y) } at [&[7, 17, 33][..], &[7, 33, 20][..]], [&[70, 1, 5][..], &[70, 5, 3][..]];
}
