//! Executes kernels: a grid of blocks over a device memory.

mod access;
mod atomic;
mod barrier;
mod block;
mod copy_async;
mod exchange;
mod global;
mod matrix;
pub(crate) mod memory;
mod own;
mod run;
mod shared;
mod touch;
mod warp;

use crate::error::Fault;
use crate::program::Kernel;
pub(crate) use atomic::is_known as atomic_is_known;
use block::{Block, Launch, Progress};
use memory::DeviceMemory;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use touch::Touches;
use warp::Place;

/// Generic addresses of shared memory: this, plus the offset.
pub(crate) const SHARED_WINDOW: u64 = 0x0100_0000_0000;
/// Generic addresses of local memory.
pub(crate) const LOCAL_WINDOW: u64 = 0x0200_0000_0000;
/// The size of the windows.
pub(crate) const WINDOW_BYTES: u64 = 1 << 32;

/// A launch that takes longer than this is shared with other threads.
const ALONE: Duration = Duration::from_micros(200);

/// The shape of a launch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) grid: [u32; 3],
    pub(crate) block: [u32; 3],
    pub(crate) dynamic_shared: u32,
    /// All blocks must make progress together.
    pub(crate) cooperative: bool,
}

/// The options of execution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) threads: usize,
    pub(crate) max_steps: u64,
    pub(crate) check_blocks: bool,
}

/// The counts of a launch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) warp_instructions: u64,
    pub(crate) thread_instructions: u64,
}

/// Shared memory of a block: the static part, and the dynamic part if there is one.
pub(crate) fn shared_bytes(kernel: &Kernel, dynamic: u32) -> u64 {
    match dynamic {
        0 => kernel.shared_bytes as u64,
        _ => kernel.shared_bytes.next_multiple_of(16) as u64 + u64::from(dynamic),
    }
}

/// Runs a kernel to the end. The caller has checked the shape and the size of the parameters.
pub(crate) fn launch(
    kernel: &Kernel,
    shape: &Shape,
    parameters: &[u8],
    memory: &DeviceMemory,
    limits: &Limits,
) -> Result<Counts, Fault> {
    let touches = limits.check_blocks.then(|| Mutex::new(Touches::default()));
    let launch = Launch {
        kernel,
        memory,
        parameters,
        place: Place {
            grid: shape.grid,
            block_size: shape.block,
            block: [0; 3],
            dynamic_shared: shape.dynamic_shared,
            total_shared: shared_bytes(kernel, shape.dynamic_shared) as u32,
        },
        max_steps: limits.max_steps,
        touches: touches.as_ref(),
    };
    let blocks = shape.grid.iter().map(|&n| u64::from(n)).product();
    if shape.cooperative {
        return together(&launch, blocks);
    }
    // Blocks that may see each other's results run in the order of their numbers.
    let serial = kernel.has_global_atomics || limits.check_blocks;
    let crew = Crew {
        launch: &launch,
        blocks,
        next: AtomicU64::new(0),
        stopped: AtomicBool::new(false),
        outcome: Mutex::new((Counts::default(), None)),
    };
    crew.work(if serial { 1 } else { limits.threads });
    let (counts, fault) = crew
        .outcome
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    match fault {
        Some((_, fault)) => Err(fault),
        None => Ok(counts),
    }
}

/// Runs all blocks at the same time, each in turn.
fn together(launch: &Launch, count: u64) -> Result<Counts, Fault> {
    let mut blocks: Vec<(Block, Progress)> = (0..count)
        .map(|number| {
            let mut block = Block::new(launch);
            block.start(number);
            (block, Progress::Running)
        })
        .collect();
    while blocks
        .iter()
        .any(|(_, progress)| *progress == Progress::Running)
    {
        for (block, progress) in &mut blocks {
            if *progress == Progress::Running {
                *progress = block.advance()?;
            }
        }
    }
    let mut counts = Counts::default();
    for (block, _) in &blocks {
        counts.add(block);
    }
    Ok(counts)
}

impl Counts {
    fn add(&mut self, block: &Block) {
        let (warp, thread) = block.counts();
        self.warp_instructions += warp;
        self.thread_instructions += thread;
    }
}

/// Host threads that share the blocks of a launch.
struct Crew<'l> {
    launch: &'l Launch<'l>,
    blocks: u64,
    next: AtomicU64,
    stopped: AtomicBool,
    /// The counts, and the error of the lowest block that has one.
    outcome: Mutex<(Counts, Option<(u64, Fault)>)>,
}

impl Crew<'_> {
    /// Starts on one thread: most launches of a test end before another thread could start.
    fn work(&self, threads: usize) {
        let start = Instant::now();
        let mut block = Block::new(self.launch);
        while threads == 1 || start.elapsed() < ALONE {
            if !self.one(&mut block) {
                self.add(&block);
                return;
            }
        }
        let left = self.blocks.saturating_sub(self.next.load(Relaxed));
        let helpers = (threads - 1).min(usize::try_from(left).unwrap_or(usize::MAX));
        std::thread::scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(|| {
                    let mut block = Block::new(self.launch);
                    while self.one(&mut block) {}
                    self.add(&block);
                });
            }
            while self.one(&mut block) {}
            self.add(&block);
        });
    }

    fn add(&self, block: &Block) {
        if let Ok(mut outcome) = self.outcome.lock() {
            outcome.0.add(block);
        }
    }

    /// Runs the next block. Blocks are taken in order, so when all stop after an error, every block below it has run,
    /// and the lowest error is the same each time.
    fn one(&self, block: &mut Block) -> bool {
        if self.stopped.load(Relaxed) {
            return false;
        }
        let number = self.next.fetch_add(1, Relaxed);
        if number >= self.blocks {
            return false;
        }
        block.start(number);
        if let Err(fault) = block.finish() {
            self.stopped.store(true, Relaxed);
            if let Ok(mut outcome) = self.outcome.lock()
                && outcome
                    .1
                    .as_ref()
                    .is_none_or(|(lowest, _)| number < *lowest)
            {
                outcome.1 = Some((number, fault));
            }
            return false;
        }
        true
    }
}
