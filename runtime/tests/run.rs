//! The calls that `Run` refuses: safe calls must not reach outside of the buffers.

mod common;

use common::{Bench, Calls};
use netform_core::listing;
use netform_runtime::__private::device::{Axis, Memory, Product, Softmax, by};
use netform_runtime::__private::{
    Args, Body, DType, Identity, In, Inner, Lanes, Listing, MapBody, Number, Offset, Operand,
    Reads, Run, Space, View, Window, size,
};
use netform_runtime::{Cpu, Error, Float};
use proptest::prelude::*;

const FLOAT: Operand = Operand::new(DType::Float, Inner::One);

struct Add;
impl MapBody for Add {
    const INPUTS: &'static [Operand] = &[FLOAT, FLOAT];
    const OUTPUTS: &'static [DType] = &[DType::Float];
    // Not used by the CPU.
    fn body() -> Body {
        Body::IDENTITY
    }
    fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
        let y = l.float(0) + l.float(1);
        l.put_float(0, y);
    }
}

/// A body that declares fewer operands and other types than it uses.
struct Liar;
impl MapBody for Liar {
    const INPUTS: &'static [Operand] = &[FLOAT];
    const OUTPUTS: &'static [DType] = &[DType::Float];
    // Not used by the CPU.
    fn body() -> Body {
        Body::IDENTITY
    }
    fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
        let y = l.float(7) + l.int(0).to_float() + l.mask(0).to_float();
        l.put_int(3, l.int(1));
        l.put_float(9, y);
    }
}

fn view(offset: usize, len: usize) -> View {
    View {
        space: Space::Arena,
        dtype: DType::Float,
        offset,
        len,
    }
}

fn line(view: View) -> In<1> {
    In {
        view,
        start: 0,
        strides: [1],
    }
}

#[track_caller]
fn refused(f: impl FnOnce(&Run<Cpu>)) {
    let fault = Bench::new(Cpu::new()).fault(f);
    assert!(
        matches!(
            &fault,
            Error::Internal {
                function: "test",
                ..
            }
        ),
        "{fault}"
    );
}

#[test]
fn views_outside_their_buffers() {
    let end = 16 << 20;
    let far = [
        view(end, 16),
        view(end - 32, 16),
        view(usize::MAX - 3, 16),
        view(0, usize::MAX),
        view(usize::MAX, 1),
    ];
    for bad in far {
        refused(|run| run.fill(bad, Number::Float(0.0)));
        refused(|run| run.map::<Identity, 1, 1, 1>([16], [line(bad)], [view(64, 16)], &[]));
        refused(|run| run.map::<Identity, 1, 1, 1>([16], [line(view(64, 16))], [bad], &[]));
    }
    refused(|run| run.fill(run.slot(0, DType::Float, 4), Number::Float(0.0)));
    refused(|run| run.fill(run.grad(Offset::of_floats(256), 1), Number::Float(0.0)));
    refused(|run| {
        run.fill(
            run.grad(Offset::of_floats(usize::MAX / 2), 1),
            Number::Float(0.0),
        )
    });
    refused(|run| run.fill(view(2, 1), Number::Float(0.0)));
    refused(|run| {
        run.map::<Identity, 1, 1, 1>(
            [4],
            [line(run.param(Offset::of_floats(253), 4))],
            [view(0, 4)],
            &[],
        )
    });
}

#[test]
fn operands_that_reach_outside_their_views() {
    let y = view(4096, 64);
    refused(|run| run.map::<Identity, 1, 1, 1>([17], [line(view(0, 16))], [y], &[]));
    refused(|run| {
        run.map::<Identity, 1, 1, 1>(
            [4],
            [In {
                start: 13,
                ..line(view(0, 16))
            }],
            [y],
            &[],
        )
    });
    refused(|run| {
        run.map::<Identity, 1, 1, 1>(
            [4],
            [In {
                start: usize::MAX,
                ..line(view(0, 16))
            }],
            [y],
            &[],
        )
    });
    refused(|run| {
        run.map::<Identity, 1, 1, 1>(
            [4],
            [In {
                strides: [2],
                ..line(view(0, 16))
            }],
            [y],
            &[],
        )
    });
    refused(|run| {
        run.map::<Identity, 2, 1, 1>(
            [2, 4],
            [In {
                view: view(0, 16),
                start: 0,
                strides: [usize::MAX, 1],
            }],
            [y],
            &[],
        )
    });
    refused(|run| run.map::<Identity, 1, 1, 1>([65], [line(view(0, 65))], [y], &[]));
    refused(|run| {
        run.map::<Identity, 2, 1, 1>(
            [1 << 40, 1 << 40],
            [In {
                view: y,
                start: 0,
                strides: [0, 0],
            }],
            [y],
            &[],
        )
    });
    let axis = Axis {
        outer: 4,
        n: 4,
        inner: 4,
    };
    let x = In {
        view: view(0, 63),
        start: 0,
        strides: [16, 4, 1],
    };
    refused(|run| run.reduce::<Identity, by::Sum, 1>(axis, [x], &[], y));
    refused(|run| run.softmax(Softmax::Softmax, axis, view(0, 63), y));
    refused(|run| {
        run.softmax(
            Softmax::Softmax,
            Axis {
                outer: usize::MAX,
                ..axis
            },
            view(0, 64),
            y,
        )
    });
    let none = || view(4096, 15);
    refused(|run| run.logsumexp(axis, view(0, 64), [none(), view(8192, 16)]));
    refused(|run| run.logsumexp(axis, view(0, 64), [view(8192, 16), none()]));
    let whole = In {
        view: view(0, 64),
        ..x
    };
    refused(|run| run.mean::<Identity, 1>(axis, [whole], &[], none(), None));
    refused(|run| run.mean::<Identity, 1>(axis, [whole], &[], view(8192, 16), Some(none())));
    let size = Product {
        batch: 1,
        m: 4,
        n: 4,
        k: 4,
        ta: false,
        tb: false,
    };
    refused(|run| {
        run.product::<Identity, size::Any, 0, 1>(size, view(0, 15), view(256, 16), [], [y], &[])
    });
    refused(|run| {
        run.product::<Identity, size::Any, 0, 1>(size, view(0, 16), view(256, 15), [], [y], &[])
    });
    refused(|run| {
        run.product::<Identity, size::Any, 0, 1>(
            size,
            view(0, 16),
            view(256, 16),
            [],
            [view(4096, 15)],
            &[],
        )
    });
    refused(|run| {
        run.product::<Identity, size::Nk<4, 5>, 0, 1>(
            size,
            view(0, 64),
            view(256, 64),
            [],
            [y],
            &[],
        )
    });
    refused(|run| {
        run.product::<Identity, size::Mn<5, 4>, 0, 1>(
            size,
            view(0, 64),
            view(256, 64),
            [],
            [y],
            &[],
        )
    });
    let window = |view, start, stride| Window {
        view,
        start,
        strides: [stride],
    };
    refused(|run| run.copy([4], window(view(0, 4), 0, -1), window(y, 0, 1)));
    refused(|run| run.copy([4], window(view(0, 4), 0, 2), window(y, 0, 1)));
    refused(|run| run.copy([4], window(view(0, 4), 0, 1), window(y, 61, 1)));
    refused(|run| run.copy([4], window(view(0, 4), 0, isize::MIN), window(y, 0, 1)));
    let ints = View {
        dtype: DType::Int,
        ..view(256, 3)
    };
    refused(|run| run.take(axis, 4, view(0, 64), ints, y, Reads::default()));
}

#[test]
fn wrong_types_and_counts() {
    let (x, y) = (view(0, 16), view(4096, 16));
    let ints = View {
        dtype: DType::Int,
        ..y
    };
    refused(|run| run.map::<Identity, 1, 1, 1>([16], [line(ints)], [x], &[]));
    refused(|run| run.map::<Identity, 1, 1, 1>([16], [line(x)], [ints], &[]));
    refused(|run| run.map::<Add, 1, 1, 1>([16], [line(x)], [y], &[]));
    refused(|run| run.map::<Add, 1, 2, 0>([16], [line(x), line(x)], [], &[]));
    refused(|run| {
        run.map::<Identity, 1, 1, 1>(
            [1],
            [line(View {
                space: Space::Nowhere,
                ..x
            })],
            [y],
            &[],
        )
    });
    refused(|run| {
        run.cumsum(
            false,
            Axis {
                outer: 1,
                n: 16,
                inner: 1,
            },
            ints,
            x,
        )
    });
    refused(|run| run.bernoulli(0.5, 0, y));
    // A body that reads undeclared operands gets zeros.
    let mut t = Bench::new(Cpu::new());
    let (x, y) = (t.floats(&[1.0; 5]), t.empty(5));
    t.run(|run| run.map::<Liar, 1, 1, 1>([5], [line(x)], [y], &[]));
    assert_eq!(t.get(y), [0.0; 5]);
}

#[test]
fn overlaps() {
    let x = view(0, 16);
    refused(|run| {
        run.map::<Identity, 1, 1, 1>(
            [15],
            [In {
                start: 1,
                ..line(x)
            }],
            [x],
            &[],
        )
    });
    refused(|run| {
        run.map::<Identity, 2, 1, 1>(
            [4, 4],
            [In {
                view: x,
                start: 0,
                strides: [0, 1],
            }],
            [x],
            &[],
        )
    });
    refused(|run| {
        run.softmax(
            Softmax::Softmax,
            Axis {
                outer: 1,
                n: 8,
                inner: 1,
            },
            view(0, 8),
            view(4, 8),
        )
    });
    refused(|run| {
        run.logsumexp(
            Axis {
                outer: 1,
                n: 8,
                inner: 1,
            },
            x,
            [x, view(4096, 1)],
        )
    });
    // Overlapping results.
    let axis = Axis {
        outer: 2,
        n: 4,
        inner: 1,
    };
    let [y, z] = [view(4096, 2), view(4100, 2)];
    refused(|run| run.logsumexp(axis, view(0, 8), [y, z]));
    let row = In {
        view: view(0, 8),
        start: 0,
        strides: [4, 1, 1],
    };
    for rest in [y, z, view(4, 2)] {
        refused(|run| run.mean::<Identity, 1>(axis, [row], &[], y, Some(rest)));
    }
    let size = Product {
        batch: 1,
        m: 4,
        n: 4,
        k: 4,
        ta: false,
        tb: false,
    };
    refused(|run| run.product::<Identity, size::Any, 0, 1>(size, x, view(256, 16), [], [x], &[]));
    refused(|run| {
        run.product::<Identity, size::Any, 0, 1>(size, x, view(256, 16), [], [view(260, 16)], &[])
    });
    let window = |view| Window {
        view,
        start: 0,
        strides: [1],
    };
    refused(|run| run.copy([16], window(x), window(view(32, 16))));
}

#[test]
fn parameters_and_missing_gradients() {
    refused(|run| run.fill(run.param(Offset::of_floats(0), 1), Number::Float(0.0)));
    refused(|run| {
        run.map::<Identity, 1, 1, 1>(
            [1],
            [line(view(0, 1))],
            [run.param(Offset::of_floats(0), 1)],
            &[],
        )
    });
    refused(|run| {
        run.copy(
            [1],
            Window {
                view: view(0, 1),
                start: 0,
                strides: [1],
            },
            Window {
                view: run.param(Offset::of_floats(0), 1),
                start: 0,
                strides: [1],
            },
        )
    });
    let cpu = Cpu::new();
    let (params, mut arena) = (cpu.alloc(64).unwrap(), cpu.alloc(64).unwrap());
    // SAFETY: nothing else uses the parameters.
    let run = unsafe { Run::new(&cpu, "inference", &params, None, &mut arena, &[0], 0, 0) };
    run.fill(run.slot(0, DType::Float, 16), Number::Float(1.0));
    run.fill(run.grad(Offset::of_floats(0), 1), Number::Float(1.0));
    assert!(matches!(
        run.finish(),
        Err(Error::Internal {
            function: "inference",
            ..
        })
    ));
}

/// The bytes of a listing: sizes 4 and 0, a view of 4 floats and one of a slot that does not exist, and two steps.
fn listing(view: usize, function: usize) -> Vec<u8> {
    let (number, slot) = (listing::Size::Number as usize, listing::At::Slot as usize);
    let float = listing::dtype(DType::Float);
    let program = [
        &[2, number, 4, number, 0][..],
        &[2, slot, 0, float, 0, slot, 9, float, 0],
        // A function with one view and one number.
        &[0, 1, 0, 0, 1, 0, 0, 0, 0],
        &[function, 1, view, 0, 1, 1, 0, 0, 0],
    ];
    let mut bytes = Vec::new();
    let numbers = program.into_iter().flatten();
    numbers.for_each(|n| listing::write(&mut bytes, *n));
    bytes
}

/// Performs a listing on 4 floats that are 0 before it.
fn performed(bytes: &[u8]) -> (Vec<f32>, netform_runtime::Result<()>) {
    fn fill(run: &Run<Cpu>, args: &Args) {
        match (args.views, args.numbers) {
            ([to], [value]) => run.fill(*to, Number::Float(*value)),
            _ => run.refuse_arguments(),
        }
    }
    let cpu = Cpu::new();
    let (params, mut arena) = (cpu.alloc(64).unwrap(), cpu.alloc(64).unwrap());
    // SAFETY: nothing else uses the parameters.
    let run = unsafe { Run::new(&cpu, "test", &params, None, &mut arena, &[0], 0, 0) };
    run.fill(view(0, 4), Number::Float(0.0));
    run.perform(&Listing {
        program: bytes,
        functions: &[fill],
        parameters: &[],
        sizes: &[],
        numbers: &[1.0, 2.0],
        integers: &[],
        streams: &[],
        sites: &[],
    });
    let done = run.finish();
    let mut bytes = [0; 16];
    // SAFETY: inside the arena.
    unsafe { cpu.read(Cpu::<f32>::addr(&arena), &mut bytes).unwrap() };
    let floats = bytes.chunks_exact(4).map(bytemuck::pod_read_unaligned);
    (floats.collect(), done)
}

#[test]
fn broken_listings() {
    let whole = listing(0, 0);
    let (values, done) = performed(&whole);
    assert!(done.is_ok());
    assert_eq!(values, [2.0; 4]);
    // After the sizes, the views and each step, a listing may end.
    let ends = [14, 23, 32];
    for end in 0..whole.len() {
        let (values, done) = performed(&whole[..end]);
        assert_eq!(done.is_ok(), ends.contains(&end), "{end} bytes");
        // The steps before the mistake are performed, no other.
        assert_eq!(values, [if end < 23 { 0.0 } else { 1.0 }; 4], "{end} bytes");
    }
    // A function that does not exist, a view that does not exist, and one outside the workspace.
    for bytes in [listing(0, 1), listing(2, 0), listing(1, 0)] {
        let (values, done) = performed(&bytes);
        let internal = matches!(
            &done,
            Err(Error::Internal {
                function: "test",
                ..
            })
        );
        assert!(internal, "{done:?}");
        assert_eq!(values, [1.0; 4]);
    }
}

proptest! {
    /// Each call of a map is refused or stays inside (the guards after views and the memory checkers verify it).
    #[test]
    fn any_map(
        shape in [0usize..6, 0usize..40],
        strides in [[0usize..50, 0usize..3], [0usize..50, 0usize..3]],
        starts in [0usize..20, 0usize..20],
        lens in [0usize..300, 0usize..300, 0usize..300],
        offsets in [0usize..600, 0usize..600, 0usize..600],
    ) {
        let cpu = Cpu::new();
        let (params, mut arena) = (cpu.alloc(64).unwrap(), cpu.alloc(2048).unwrap());
        // SAFETY: nothing else uses the parameters.
 let run = unsafe { Run::new(&cpu, "any", &params, None, &mut arena, &[], 0, 0) };
        let input = |k: usize| In { view: view(offsets[k] * 4, lens[k]), start: starts[k], strides: strides[k] };
        run.map::<Add, 2, 2, 1>(shape, [input(0), input(1)], [view(offsets[2] * 4, lens[2])], &[]);
        let _ = run.finish();
    }
}
