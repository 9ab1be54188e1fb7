//! A decoded kernel: a dense list of steps whose operands are register indices.

use crate::lanes::LaneFn;
use crate::registers::{Mask, Operands};
use crate::syntax::ast::Space;
use crate::types::Type;
use std::ops::Range;
use std::sync::Arc;

/// A kernel, ready to run.
pub(crate) struct Kernel {
    pub(crate) name: String,
    /// The module's text, for messages.
    pub(crate) source: Arc<str>,
    pub(crate) steps: Vec<Step>,
    /// The place of each step: line, and range in the text.
    pub(crate) places: Vec<(usize, Range<usize>)>,
    /// The number of registers in each file.
    pub(crate) words: usize,
    pub(crate) doubles: usize,
    pub(crate) predicates: usize,
    pub(crate) word_constants: Vec<(u16, u32)>,
    pub(crate) double_constants: Vec<(u16, u64)>,
    /// Registers that are filled from the launch and the thread's position.
    pub(crate) specials: Vec<(u16, Special)>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) parameter_bytes: usize,
    /// Static shared memory; dynamic shared memory follows at the next multiple of 16.
    pub(crate) shared_bytes: usize,
    /// Local memory of each thread.
    pub(crate) local_bytes: usize,
    /// `.reqntid`
    pub(crate) required_block: Option<[u32; 3]>,
    /// `.maxntid`, as a product.
    pub(crate) max_threads: Option<u32>,
    /// Blocks may then see each other's results, so their order must be fixed.
    pub(crate) has_global_atomics: bool,
    /// Width of the narrowest access to shared memory: the resolution of the race check.
    pub(crate) shared_granule: usize,
}

/// The place of a kernel parameter in the parameter bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub(crate) offset: usize,
    pub(crate) bytes: usize,
}

/// A special register whose value is fixed once a block starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Special {
    Thread(u8),
    BlockSize(u8),
    Block(u8),
    GridSize(u8),
    Lane,
    Warp,
    Warps,
    /// Lanes equal to, below, up to, from and above this one.
    MaskEqual,
    MaskBelow,
    MaskUpTo,
    MaskFrom,
    MaskAbove,
    DynamicShared,
    TotalShared,
    Zero,
    One,
}

/// One instruction with its guard.
pub(crate) struct Step {
    pub(crate) guard: u16,
    /// All ones if the guard is negated.
    pub(crate) flip: Mask,
    pub(crate) op: Op,
}

/// The operation of a step.
pub(crate) enum Op {
    Lanes {
        run: LaneFn,
        operands: Operands,
    },
    Branch(u32),
    Exit,
    Trap,
    Nothing,
    Barrier(Box<Barrier>),
    WarpBarrier {
        members: u16,
    },
    Load(Box<Access>),
    Store(Box<Access>),
    Atomic(Box<Atomic>),
    Exchange(Box<Exchange>),
    CopyAsync(Box<CopyAsync>),
    CommitGroup,
    /// Waits until at most this many groups are pending.
    WaitGroup(u32),
    WaitAll,
    LoadMatrix(Box<LoadMatrix>),
    Multiply(Box<Multiply>),
    Clock {
        result: u16,
        wide: bool,
    },
}

/// An address: a register and a constant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    /// In the double file, else in the word file.
    pub(crate) wide: bool,
    pub(crate) base: u16,
    pub(crate) offset: i64,
    /// The named parameter, first byte and end.
    pub(crate) bounds: Option<(u64, u64)>,
}

/// A load or a store of one to four elements.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) space: Space,
    pub(crate) ty: Type,
    pub(crate) count: usize,
    pub(crate) registers: [u16; 4],
    pub(crate) address: Address,
    /// `.volatile`, `.relaxed` and stronger: does not race with others of its kind.
    pub(crate) synchronised: bool,
}

/// The operation of `atom`, `red`, `redux` and `bar.red`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduction {
    Add,
    Min,
    Max,
    And,
    Or,
    Xor,
    Increment,
    Decrement,
    Exchange,
    CompareAndSwap,
    Count,
}

#[derive(Clone, Debug)]
pub(crate) struct Atomic {
    pub(crate) operation: Reduction,
    pub(crate) space: Space,
    pub(crate) ty: Type,
    /// None for `red`.
    pub(crate) result: Option<u16>,
    pub(crate) address: Address,
    pub(crate) sources: [u16; 2],
}

/// An exchange between the lanes of a warp.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) kind: ExchangeKind,
    pub(crate) operands: Operands,
    /// The requested results: the second is a predicate.
    pub(crate) predicate: Option<u16>,
    /// The register of the member mask; None for `activemask`.
    pub(crate) members: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExchangeKind {
    ShuffleUp,
    ShuffleDown,
    ShuffleButterfly,
    ShuffleIndex,
    VoteAll,
    VoteAny,
    VoteUniform,
    VoteBallot,
    /// The type's width in bits decides the file of the operand.
    MatchAny {
        wide: bool,
    },
    MatchAll {
        wide: bool,
    },
    Reduce(Reduction, Type),
    ActiveMask,
}

#[derive(Clone, Debug)]
pub(crate) struct CopyAsync {
    pub(crate) to: Address,
    pub(crate) from: Address,
    pub(crate) bytes: usize,
    /// The register with the bytes to read; the rest become zero.
    pub(crate) read: Option<u16>,
    /// If true, nothing is read.
    pub(crate) ignore: Option<u16>,
    pub(crate) ignore_negated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BarrierKind {
    Sync,
    Arrive,
    /// Result register, operation; the source is a predicate.
    Reduce(Reduction),
}

#[derive(Clone, Debug)]
pub(crate) struct Barrier {
    pub(crate) kind: BarrierKind,
    pub(crate) id: u16,
    pub(crate) count: Option<u16>,
    /// All threads of the warp must arrive together.
    pub(crate) aligned: bool,
    pub(crate) result: u16,
    pub(crate) source: u16,
    pub(crate) source_negated: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct LoadMatrix {
    pub(crate) count: usize,
    pub(crate) transposed: bool,
    pub(crate) registers: [u16; 4],
    pub(crate) address: Address,
}

/// The element type of `mma` operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Tf32,
    F16,
    Bf16,
}

/// `mma.sync.m16n8kK` with f32 sums.
#[derive(Clone, Debug)]
pub(crate) struct Multiply {
    pub(crate) element: Element,
    pub(crate) depth: usize,
    pub(crate) d: [u16; 4],
    pub(crate) a: Vec<u16>,
    pub(crate) b: Vec<u16>,
    pub(crate) c: [u16; 4],
}
