//! What emitted code computes with sizes, in constants and at run time, and the usual rows of its tables.

use crate::spec::Reached;
use crate::{DType, In, Offset, Space, View};

/// The floats from one parameter's start to the next are a multiple of this.
const ALIGN: usize = 16;

/// The start of each parameter. `lens`: their numbers of elements; `others`: the numbers and types of those that are
/// not floats, in ascending order.
pub const fn offsets<const N: usize>(lens: &[usize; N], others: &[(usize, DType)]) -> [Offset; N] {
    let mut out = [Offset::of_floats(0); N];
    let (mut i, mut at, mut other) = (0, 0, 0);
    while i < N {
        out[i].floats = at;
        if other < others.len() && others[other].0 == i {
            other += 1;
        } else {
            at += lens[i].next_multiple_of(ALIGN);
        }
        i += 1;
    }
    assert!(other == others.len());
    let (mut k, mut end) = (0, 0);
    while k < others.len() {
        let (i, dtype) = others[k];
        out[i] = Offset {
            floats: at,
            bytes: end,
        };
        end += (lens[i] * dtype.size(0)).next_multiple_of(SLOT);
        k += 1;
    }
    out
}

/// The floats of all parameters.
pub const fn flat_len(lens: &[usize], others: &[(usize, DType)]) -> usize {
    let (mut i, mut at, mut other) = (0, 0, 0);
    while i < lens.len() {
        if other < others.len() && others[other].0 == i {
            other += 1;
        } else {
            at += lens[i].next_multiple_of(ALIGN);
        }
        i += 1;
    }
    at
}

/// The bytes of the parameters that are not floats.
pub const fn other_bytes(lens: &[usize], others: &[(usize, DType)]) -> usize {
    let (mut k, mut end) = (0, 0);
    while k < others.len() {
        let (i, dtype) = others[k];
        end += (lens[i] * dtype.size(0)).next_multiple_of(SLOT);
        k += 1;
    }
    end
}

/// The number of parameters: the elements of those with these numbers.
pub const fn total(lens: &[usize], trained: &[usize]) -> usize {
    let (mut i, mut sum) = (0, 0);
    while i < trained.len() {
        sum += lens[trained[i]];
        i += 1;
    }
    sum
}

/// Parameters that are reached as a whole.
pub const fn reached<const N: usize>(
    offsets: &[Offset],
    lens: &[usize],
    params: [usize; N],
) -> [Reached; N] {
    let mut all = [Reached::NONE; N];
    let mut i = 0;
    while i < N {
        all[i].offset = offsets[params[i]].floats;
        all[i].len = lens[params[i]];
        i += 1;
    }
    all
}

/// The usual parameters. Constants that the macro emits give the rest: a short table takes rustc less time.
pub mod param {
    use crate::spec::Init;
    use crate::{DType, Offset, ParamSpec};

    /// A trained parameter of floats.
    pub const TRAINED: ParamSpec = ParamSpec {
        name: "",
        stack: &[],
        shape: &[],
        dtype: DType::Float,
        offset: Offset::of_floats(0),
        init: Init::Constant(0.0),
        frozen: false,
        buffer: false,
        optional: false,
    };

    /// A parameter that is not trained.
    pub const FROZEN: ParamSpec = ParamSpec {
        frozen: true,
        ..TRAINED
    };

    /// A buffer.
    pub const BUFFER: ParamSpec = ParamSpec {
        buffer: true,
        ..FROZEN
    };
}

/// The product of sizes; `usize::MAX` on overflow.
#[inline]
pub const fn product<const N: usize>(sizes: [usize; N]) -> usize {
    let (mut i, mut product) = (0, 1_usize);
    while i < N {
        product = product.saturating_mul(sizes[i]);
        i += 1;
    }
    product
}

/// The sum of sizes; `usize::MAX` on overflow.
#[inline]
pub const fn sum<const N: usize>(sizes: [usize; N]) -> usize {
    let (mut i, mut sum) = (0, 0_usize);
    while i < N {
        sum = sum.saturating_add(sizes[i]);
        i += 1;
    }
    sum
}

/// The difference of two sizes; 0 if it is negative.
#[inline]
pub const fn minus(a: usize, b: usize) -> usize {
    a.saturating_sub(b)
}

/// Slots, and buffers that are not floats, are aligned to this number of bytes.
const SLOT: usize = 64;

/// The starts of the slots in a workspace, and its bytes; `usize::MAX` on overflow. `values` are the slot, the number of
/// elements and the bytes of one, for each value that a slot ever holds, in the order of the slots.
pub const fn lay_out(at: &mut [usize], values: &[(usize, usize, usize)]) -> usize {
    let (mut end, mut slot, mut i) = (0, 0, 0);
    while slot < at.len() {
        at[slot] = end;
        let mut largest = 0;
        while i < values.len() && values[i].0 == slot {
            let bytes = values[i].1.saturating_mul(values[i].2);
            if bytes > largest {
                largest = bytes;
            }
            i += 1;
        }
        end = after(end, largest);
        slot += 1;
    }
    assert!(i == values.len());
    end
}

/// The start of the slot after one of `bytes` bytes; `usize::MAX` on overflow.
const fn after(end: usize, bytes: usize) -> usize {
    match bytes.checked_next_multiple_of(SLOT) {
        Some(bytes) => end.saturating_add(bytes),
        None => usize::MAX,
    }
}

/// Whether this number of elements might fit in memory: fewer than a processor has addresses for.
pub fn has_room(elements: f64) -> bool {
    elements < (1u64 << 45) as f64
}

/// The quotient, 0 if `q` is 0.
pub const fn div(p: usize, q: usize) -> usize {
    match p.checked_div(q) {
        Some(quotient) => quotient,
        None => 0,
    }
}

/// Whether `q` divides `p`.
pub const fn divides(p: usize, q: usize) -> bool {
    q != 0 && p.is_multiple_of(q)
}

/// A size; a constant of another type does not compile.
pub const fn whole(size: usize) -> usize {
    size
}

/// The size that a constant of any type of numbers is. `text` is the error of a constant that is no size.
///
/// # Panics
///
/// If it is no size: when the program is compiled, as the argument is a constant.
pub const fn size_of_number(number: f64, text: &str) -> usize {
    // `usize::MAX` as a float is one more.
    if number as usize as f64 != number || number >= usize::MAX as f64 {
        panic!("{}", text);
    }
    number as usize
}

/// The integer that a constant of any type of numbers is, given as both. `text` is the error of a constant that is no
/// integer.
///
/// # Panics
///
/// If it is no integer: when the program is compiled, as the arguments are constants.
pub const fn integer_of_number(whole: i128, number: f64, text: &str) -> i128 {
    if whole as f64 != number {
        panic!("{}", text);
    }
    whole
}

/// Sets an integer to a size, if its type holds it.
pub fn set<T: TryFrom<usize>>(to: &mut T, size: usize) -> bool {
    T::try_from(size).map(|value| *to = value).is_ok()
}

/// The quotient, 0 if the divisor is 0.
pub const fn quotient_or_0(p: f64, q: f64) -> f64 {
    if q == 0.0 { 0.0 } else { p / q }
}

/// The number of a stream of random numbers in step `at` of a loop.
pub const fn stream(stream: u32, at: usize) -> u64 {
    stream as u64 | (at as u64) << 32
}

/// An operand whose value is its position, by strides.
pub const fn iota<const R: usize>(strides: [usize; R]) -> In<R> {
    let view = View {
        space: Space::Nowhere,
        dtype: DType::Int,
        offset: 0,
        len: 0,
    };
    In {
        view,
        start: 0,
        strides,
    }
}

/// The device of a network: every device is its own. The trait exists for its message.
#[diagnostic::on_unimplemented(
    message = "the device is `{Self}`, but the network is for `{D}`",
    label = "not a `{D}`",
    note = "`Block::<8>` is for the CPU in f32; `Block::<8, _>::new(device, seed)` takes any device"
)]
pub trait DeviceOf<D> {
    /// The device.
    fn device(self) -> D;
}

impl<D: crate::Device> DeviceOf<D> for D {
    fn device(self) -> D {
        self
    }
}
