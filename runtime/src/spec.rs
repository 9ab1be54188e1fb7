//! The macro's description of a network, as constants.
//!
//! The macro writes these as tokens, and only emitted code and the runtime use them as values. So they are here and not
//! in the crate that the compiler shares.

use crate::DType;

/// The initial values of a parameter. The macro evaluates fan sizes from the layer's declaration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All the same value.
    Constant(f64),
    /// Uniform in [-bound, bound).
    Uniform {
        /// The bound.
        bound: f64,
    },
    /// Uniform within `sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio, 2010).
    Xavier {
        /// Inputs of each unit.
        fan_in: usize,
        /// Units that each input reaches.
        fan_out: usize,
    },
    /// Normal with the same variance, `2 / (fan_in + fan_out)`.
    XavierNormal {
        /// Inputs of each unit.
        fan_in: usize,
        /// Units that each input reaches.
        fan_out: usize,
    },
    /// Uniform in [-1/sqrt(fan_in), 1/sqrt(fan_in)): PyTorch's default for `Linear` weight and bias.
    FanIn {
        /// Number of inputs of the layer.
        fan_in: usize,
    },
    /// Uniform in [low, high).
    Between {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// Normal.
    Gaussian {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Normal within bounds.
    Truncated {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// Normal or uniform with a standard deviation of `gain / sqrt(fan)` (Glorot and Bengio, 2010; He et al., 2015).
    Scaled {
        /// Inputs, outputs, or both.
        fan: usize,
        /// A factor.
        gain: f64,
        /// Normal, not uniform.
        normal: bool,
    },
    /// Ones on the diagonal of a matrix.
    Eye,
    /// A kernel that keeps the channels of its input.
    Dirac {
        /// Groups of channels.
        groups: usize,
    },
    /// Orthogonal rows or columns (Saxe et al., 2013).
    Orthogonal {
        /// Their length.
        gain: f64,
    },
    /// Normal, with this part of each column zero.
    Sparse {
        /// The part.
        sparsity: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Normal with mean 0.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// Normal with mean 0 and standard deviation 1, but row `row` of the first dimension is zero
    /// (an `Embedding` with `padding_idx`).
    NormalZeroRow {
        /// The zero row.
        row: usize,
    },
}

/// The place of a parameter in a network's buffers. It has two parts, because only the device knows the size of a
/// float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offset {
    /// The number of floats before it.
    pub floats: usize,
    /// The number of further bytes after these floats.
    pub bytes: usize,
}

impl Offset {
    /// After this number of floats.
    pub const fn of_floats(floats: usize) -> Self {
        Self { floats, bytes: 0 }
    }

    /// The first byte, if a float has `float` bytes; `usize::MAX` on overflow.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub const fn in_bytes(self, float: usize) -> usize {
        self.floats.saturating_mul(float).saturating_add(self.bytes)
    }

    /// The place `n` elements later.
    pub(crate) const fn after(self, n: usize, dtype: DType) -> Self {
        match dtype {
            DType::Float => Self {
                floats: self.floats.saturating_add(n),
                ..self
            },
            _ => Self {
                bytes: self.bytes.saturating_add(n.saturating_mul(dtype.size(0))),
                ..self
            },
        }
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamSpec {
    /// PyTorch's name: `linear_1.weight`; in an array of layers `blocks.{}.weight`.
    pub name: &'static str,
    /// The sizes of the array that it belongs to, outermost first; empty for a single layer. The elements of an array
    /// are consecutive.
    pub stack: &'static [usize],
    /// Its shape; in an array, the shape of one element.
    pub shape: &'static [usize],
    /// The type of its elements: parameters are floats, buffers may be integers or booleans.
    pub dtype: DType,
    /// Its first element in the flat buffers.
    pub offset: Offset,
    /// Its initial values.
    pub init: Init,
    /// Not trained: optimizers skip it.
    pub frozen: bool,
    /// A buffer, not a parameter: training runs assign it. It is frozen, too.
    pub buffer: bool,
    /// A file may lack it, as older files of PyTorch lack `num_batches_tracked`. It is then 0 after `load`, and unchanged
    /// after `load_matching`.
    pub optional: bool,
}

impl NetSpec {
    /// The parameter with this name, which may be one of several names.
    pub(crate) fn find(&self, name: &str) -> Option<&'static ParamSpec> {
        let shared = self.shared.iter().find(|s| s.name == name);
        let name = shared.map_or(name, |s| s.holder);
        self.params.iter().find(|p| p.name == name)
    }

    /// The names of a parameter, with its own first.
    pub(crate) fn names_of(&self, param: &ParamSpec) -> impl Iterator<Item = &'static str> {
        let holder = param.name;
        let also = self.shared.iter().filter(move |s| s.holder == holder);
        std::iter::once(holder).chain(also.map(|s| s.name))
    }

    /// All names, with the additional ones last.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        let params = self.params.iter().map(|p| p.name);
        params.chain(self.shared.iter().map(|s| s.name))
    }

    /// The number of a parameter among [`params`](Self::params).
    pub(crate) fn index_of(&self, param: &ParamSpec) -> usize {
        let own = |p: &ParamSpec| std::ptr::eq(p, param);
        self.params.iter().position(own).unwrap_or(usize::MAX)
    }

    /// The parameters in the order of their places.
    pub(crate) fn by_offset(&self) -> Vec<&'static ParamSpec> {
        let mut out: Vec<&ParamSpec> = self.params.iter().collect();
        out.sort_by_key(|p| (p.offset.floats, p.offset.bytes));
        out
    }
}

impl ParamSpec {
    /// Number of elements, of the whole array if it is one.
    pub const fn len(&self) -> usize {
        count(self.shape) * count(self.stack)
    }
    /// Whether it has no elements.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The product of sizes.
const fn count(sizes: &[usize]) -> usize {
    let (mut n, mut i) = (1, 0);
    while i < sizes.len() {
        n *= sizes[i];
        i += 1;
    }
    n
}

/// A name for another parameter: `head.weight = token.weight`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shared {
    /// Its name, in the same form as those of parameters.
    pub name: &'static str,
    /// The name of the parameter that holds the values.
    pub holder: &'static str,
    /// The sizes of the array that both belong to.
    pub stack: &'static [usize],
}

/// A network.
#[derive(Clone, Copy, Debug)]
pub struct NetSpec {
    /// The struct's name.
    pub name: &'static str,
    /// Parameters and buffers in PyTorch's order. Floats come first in memory, then integers and booleans, which have
    /// neither gradients nor moments. Each float parameter starts at a multiple of 16 floats and each other one at a
    /// multiple of 64 bytes (except the elements of an array after the first). The padding between stays zero. In an
    /// array, the elements of each parameter are adjacent, all `weight`s before all `bias`es.
    pub params: &'static [ParamSpec],
    /// Additional names of these.
    pub shared: &'static [Shared],
    /// Floats of the parameters, and of their gradients and moments, with padding.
    pub flat_len: usize,
    /// Bytes of the buffers that are not floats, with padding. They follow the floats of the parameters.
    pub other_bytes: usize,
    /// Number of elements of trainable and frozen parameters, without padding and buffers.
    pub parameters: usize,
}

/// A dimension of an input or output.
#[derive(Clone, Copy, Debug)]
pub enum DimSpec {
    /// Known at compile time.
    Fixed(usize),
    /// Named dimension number k of the plan.
    Named(usize),
    /// Computed from the named dimensions, and its text in the source.
    Derived(fn(&[usize]) -> usize, &'static str),
    /// Gives a named dimension its size: `4 * H`. Checked as a derived one.
    Solved {
        /// The named dimension's number in the plan.
        dim: usize,
        /// Its size, from the named dimensions before it and the size of this one; rounded down.
        solve: fn(&[usize], usize) -> usize,
        /// The size, computed from the named dimensions.
        value: fn(&[usize]) -> usize,
        /// Its text in the source.
        text: &'static str,
    },
}

/// The declared element type of a function's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgType {
    /// The device's float.
    Float,
    /// `u32`: stored as a signed integer, with a check of the range.
    U32,
    /// `i32`.
    I32,
    /// `i64`.
    I64,
    /// `bool`.
    Bool,
}

/// An argument or result of an entry function.
#[derive(Clone, Copy, Debug)]
pub struct ArgSpec {
    /// The name in the source (`output` for an unnamed result).
    pub name: &'static str,
    /// The element type.
    pub ty: ArgType,
    /// The declared shape.
    pub shape: &'static [DimSpec],
}

/// A call of a layer or op, for messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Site {
    /// The layer's kind and name, or the op's name: `` `BatchNorm1d` `norm` ``. Empty if it is neither.
    pub by: &'static str,
    /// The file of the call.
    pub file: &'static str,
    /// The line, from 1; 0 if unknown.
    pub line: u32,
}

/// A read at positions held as data, for messages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reads<'a> {
    /// The layer or op that reads.
    pub site: Site,
    /// The positions, as written in the source.
    pub index: &'static str,
    /// Their shape.
    pub shape: &'a [usize],
}

/// A condition on the named dimensions that could not be proved at compile time.
#[derive(Clone, Copy, Debug)]
pub struct Require {
    /// Whether it holds.
    pub holds: fn(&[usize]) -> bool,
    /// The size in the condition.
    pub value: fn(&[usize]) -> usize,
    /// The condition, with the network's names: `B*L must be at least 2`.
    pub what: &'static str,
    /// Its reason.
    pub why: &'static str,
    /// The layer or op with the condition.
    pub site: Site,
}

/// A value over a product of named dimensions, which may be larger than any memory.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Whether some memory can hold it.
    pub fits: fn(&[usize]) -> bool,
    /// The value, as written in the source, with its shape.
    pub value: &'static str,
}

/// A parameter that the gradients of a function reach; in an array of layers, some of its elements.
#[derive(Clone, Copy, Debug)]
pub struct Reached {
    /// The parameter's first element in the flat buffers, in floats.
    pub offset: usize,
    /// Its number of elements, of the whole array if it is one.
    pub len: usize,
    /// The sizes of the array that it belongs to.
    pub stack: &'static [usize],
    /// The layers of the array: the first and the number, for each of the array's dimensions from the outermost on.
    /// Layers in any of the lists are reached. If there is no list, all are reached.
    pub ranges: &'static [&'static [[usize; 2]]],
}

impl Reached {
    /// No parameter.
    pub(crate) const NONE: Self = Self {
        offset: 0,
        len: 0,
        stack: &[],
        ranges: &[],
    };

    /// Whether it includes the layer's parameter that begins here.
    pub(crate) fn holds(&self, offset: usize) -> bool {
        let Some(at) = offset.checked_sub(self.offset) else {
            return false;
        };
        if at >= self.len {
            return false;
        }
        let layer = at / (self.len / count(self.stack).max(1)).max(1);
        let among = |range: &&[[usize; 2]]| {
            let (mut rest, mut unit) = (layer, count(self.stack));
            range.iter().zip(self.stack).all(|([first, n], size)| {
                unit /= (*size).max(1);
                let index = rest / unit.max(1);
                rest %= unit.max(1);
                (*first..first + n).contains(&index)
            })
        };
        self.ranges.is_empty() || self.ranges.iter().any(among)
    }
}

/// One compiled function: the conditions that are checked when its inputs are bound, and the size of its workspace. The
/// steps themselves are the closure passed to the run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// `SimpleMlp::loss_backward`, for messages.
    pub name: &'static str,
    /// The named dimensions, in the order of the slices passed to the functions here.
    pub dims: &'static [&'static str],
    /// Whether each dimension may have a size: one that has the name of a Rust constant has its value. Empty if none has
    /// such a name.
    pub sizes: &'static [fn(size: usize) -> bool],
    /// Inputs in call order; input k is copied to slot k of the workspace.
    pub inputs: &'static [ArgSpec],
    /// The inputs in the state that is kept from call to call, and not in their slots.
    pub kept: &'static [usize],
    /// Results, in order; result k is left in slot `outputs[k].1`.
    pub outputs: &'static [(ArgSpec, usize)],
    /// Conditions on the named dimensions.
    pub require: &'static [Require],
    /// Values that may be larger than any memory.
    pub rooms: &'static [Room],
    /// The trained parameters that its gradients reach: an optimizer's step after it changes these.
    pub reached: &'static [Reached],
    /// Number of slots.
    pub slots: usize,
    /// Writes each slot's first byte for these dimensions and this size of a float; returns the workspace's size in
    /// bytes. Constant for given arguments.
    pub layout: fn(dims: &[usize], float: usize, offsets: &mut [usize]) -> usize,
    /// It draws random numbers: each run takes the next step of the network's generator.
    pub random: bool,
    /// It calls custom functions on the host.
    pub host: bool,
}
