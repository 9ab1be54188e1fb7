//! A warp: registers, the position of each lane, and how diverged lanes converge again.

use crate::error::FaultKind;
use crate::program::{Address, Kernel, Special};
use crate::registers::{LANES, Lane, Mask, Registers, TRUE};

/// The error that stopped a lane.
#[derive(Debug)]
pub(crate) struct Trap {
    pub(crate) lane: usize,
    pub(crate) message: String,
    pub(crate) kind: FaultKind,
}

impl Trap {
    pub(crate) fn new(lane: usize, message: impl Into<String>) -> Self {
        Trap {
            lane,
            message: message.into(),
            kind: FaultKind::Other,
        }
    }

    /// An access outside of the allocated memory.
    pub(crate) fn address(lane: usize, message: impl Into<String>) -> Self {
        Trap {
            lane,
            message: message.into(),
            kind: FaultKind::Address,
        }
    }
}

/// A barrier that lanes wait at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) id: usize,
    pub(crate) generation: u64,
    pub(crate) lanes: Mask,
    /// The step of the barrier.
    pub(crate) pc: u32,
    pub(crate) aligned: bool,
    /// Register for the result of `bar.red`.
    pub(crate) result: Option<u16>,
}

/// A pending asynchronous copy.
#[derive(Clone, Copy)]
pub(crate) struct Pending {
    pub(crate) lane: usize,
    /// The number of groups that the lane had committed before.
    pub(crate) group: u32,
    pub(crate) to: u64,
    pub(crate) bytes: usize,
    pub(crate) data: [u8; 16],
}

/// One warp of a block.
#[derive(Default)]
pub(crate) struct Warp {
    pub(crate) index: usize,
    pub(crate) registers: Registers,
    pub(crate) pcs: [u32; LANES],
    /// Lanes that have not exited.
    pub(crate) alive: Mask,
    /// Lanes at a barrier of the block.
    pub(crate) waiting: Mask,
    pub(crate) waits: Vec<Waiting>,
    /// Lanes at a warp-wide instruction whose other members have not arrived.
    pub(crate) parked: Mask,
    /// Lanes that have done work since others of the warp arrived at a barrier.
    pub(crate) worked: Mask,
    /// This warp's vector clock; see `shared`.
    pub(crate) clock: Vec<u32>,
    pub(crate) pending: Vec<Pending>,
    pub(crate) committed: [u32; LANES],
}

impl Warp {
    pub(crate) fn new(kernel: &Kernel, index: usize, warps: usize) -> Self {
        let registers = Registers {
            words: vec![[0; LANES]; kernel.words],
            doubles: vec![[0; LANES]; kernel.doubles],
            predicates: vec![0; kernel.predicates],
        };
        Warp {
            index,
            registers,
            clock: vec![0; warps],
            ..Warp::default()
        }
    }

    /// Prepares for the next block.
    pub(crate) fn start(&mut self, kernel: &Kernel, place: &Place, newest: u32) {
        let first = self.index * LANES;
        let lanes = place.threads().saturating_sub(first).min(LANES);
        self.alive = if lanes == LANES {
            Mask::MAX
        } else {
            (1 << lanes) - 1
        };
        self.pcs = [0; LANES];
        (self.waiting, self.parked, self.worked) = (0, 0, 0);
        self.waits.clear();
        self.pending.clear();
        self.committed = [0; LANES];
        self.clock.fill(newest);
        self.clock[self.index] = newest + 1;
        self.fill_registers(kernel);
        for &(register, special) in &kernel.specials {
            let words = &mut self.registers.words[usize::from(register)];
            for (lane, word) in words.iter_mut().enumerate() {
                *word = place.special(special, self.index, lane);
            }
        }
    }

    /// Unwritten registers are the same in every block, and NaN as floats.
    fn fill_registers(&mut self, kernel: &Kernel) {
        let registers = &mut self.registers;
        registers.words.fill([u32::MAX; LANES]);
        registers.doubles.fill([u64::MAX; LANES]);
        registers.predicates.fill(0);
        registers.predicates[usize::from(TRUE)] = Mask::MAX;
        for &(register, value) in &kernel.word_constants {
            registers.words[usize::from(register)] = [value; LANES];
        }
        for &(register, value) in &kernel.double_constants {
            registers.doubles[usize::from(register)] = [value; LANES];
        }
    }

    pub(crate) fn runnable(&self) -> Mask {
        self.alive & !self.waiting & !self.parked
    }

    /// The addresses of all lanes.
    #[inline(always)]
    pub(crate) fn addresses(&self, address: &Address) -> [u64; LANES] {
        let offset = address.offset as u64;
        let mut out = [0; LANES];
        if address.wide {
            let base = u64::file(&self.registers, address.base);
            for lane in 0..LANES {
                out[lane] = base[lane].wrapping_add(offset);
            }
        } else {
            let base = u32::file(&self.registers, address.base);
            for lane in 0..LANES {
                // 32-bit addresses wrap around in 32 bits.
                out[lane] = u64::from(base[lane].wrapping_add(offset as u32));
            }
        }
        out
    }

    /// The lanes of the warp have met: earlier work of each is ordered before later work of any.
    pub(crate) fn synchronise(&mut self) {
        self.clock[self.index] += 1;
    }
}

/// The launch and the block, for special registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) grid: [u32; 3],
    pub(crate) block_size: [u32; 3],
    pub(crate) block: [u32; 3],
    pub(crate) dynamic_shared: u32,
    pub(crate) total_shared: u32,
}

impl Place {
    pub(crate) fn threads(&self) -> usize {
        self.block_size.iter().map(|&n| n as usize).product()
    }

    pub(crate) fn warps(&self) -> usize {
        self.threads().div_ceil(LANES)
    }

    /// `%tid` of a thread, from its number in the block.
    pub(crate) fn thread(&self, thread: usize) -> [u32; 3] {
        let [x, y, _] = self.block_size;
        let t = thread as u32;
        [t % x, t / x % y, t / (x * y)]
    }

    fn special(&self, special: Special, warp: usize, lane: usize) -> u32 {
        let below = (1u32 << lane) - 1;
        let own = 1u32 << lane;
        match special {
            Special::Thread(axis) => self.thread(warp * LANES + lane)[usize::from(axis)],
            Special::BlockSize(axis) => self.block_size[usize::from(axis)],
            Special::Block(axis) => self.block[usize::from(axis)],
            Special::GridSize(axis) => self.grid[usize::from(axis)],
            Special::Lane => lane as u32,
            Special::Warp => warp as u32,
            Special::Warps => self.warps() as u32,
            Special::MaskEqual => own,
            Special::MaskBelow => below,
            Special::MaskUpTo => below | own,
            Special::MaskFrom => !below,
            Special::MaskAbove => !(below | own),
            Special::DynamicShared => self.dynamic_shared,
            Special::TotalShared => self.total_shared,
            Special::Zero => 0,
            Special::One => 1,
        }
    }
}
