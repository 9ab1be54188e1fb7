//! A block: its warps run in turn, until all have exited or none can continue.

use super::barrier::Barriers;
use super::memory::DeviceMemory;
use super::shared::{Actor, Shared};
use super::touch::Touches;
use super::warp::{Place, Trap, Warp};
use crate::error::{Fault, FaultKind};
use crate::program::Kernel;
use crate::registers::lanes_of;
use std::sync::Mutex;

/// The number of instructions that a warp runs before the next warp.
const SLICE: u64 = 20_000;

/// The state that all blocks of a launch share.
pub(crate) struct Launch<'a> {
    pub(crate) kernel: &'a Kernel,
    pub(crate) memory: &'a DeviceMemory,
    pub(crate) parameters: &'a [u8],
    pub(crate) place: Place,
    pub(crate) max_steps: u64,
    /// The accesses to global bytes, if blocks are checked against each other.
    pub(crate) touches: Option<&'a Mutex<Touches>>,
}

/// A block's state except for its warps.
pub(crate) struct Core<'a> {
    pub(crate) launch: &'a Launch<'a>,
    pub(crate) place: Place,
    /// The block's number in the grid.
    pub(crate) number: u64,
    pub(crate) shared: Shared,
    pub(crate) local: Vec<u8>,
    pub(crate) barriers: Barriers,
    /// The last allocation that was accessed: first byte, end, and the difference to the host pointer.
    pub(crate) recent: Recent,
    /// The block has done a global atomic, so it may read the results of others intentionally.
    pub(crate) did_atomic: bool,
    pub(crate) warp_instructions: u64,
    pub(crate) thread_instructions: u64,
    steps_before: u64,
}

/// A translation kept from the last global access.
#[derive(Clone, Copy, Default)]
pub(crate) struct Recent {
    pub(crate) start: u64,
    pub(crate) bytes: u64,
    pub(crate) shift: u64,
    pub(crate) constant: bool,
}

/// One block, reused for the next.
pub(crate) struct Block<'a> {
    core: Core<'a>,
    warps: Vec<Warp>,
}

/// Whether a block has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Done,
    Running,
}

impl<'a> Block<'a> {
    pub(crate) fn new(launch: &'a Launch<'a>) -> Self {
        let place = launch.place;
        let count = place.warps();
        let shared = Shared::new(
            place.total_shared as usize,
            launch.kernel.shared_granule,
            count,
            place.block_size,
        );
        let core = Core {
            launch,
            place,
            number: 0,
            shared,
            local: vec![0xff; launch.kernel.local_bytes * place.threads()],
            barriers: Barriers::new(count),
            recent: Recent::default(),
            did_atomic: false,
            warp_instructions: 0,
            thread_instructions: 0,
            steps_before: 0,
        };
        let warps = (0..count)
            .map(|i| Warp::new(launch.kernel, i, count))
            .collect();
        Block { core, warps }
    }

    /// Thread instructions so far, over all blocks that were run here.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.core.warp_instructions, self.core.thread_instructions)
    }

    pub(crate) fn start(&mut self, number: u64) {
        let [x, y, _] = self.core.place.grid.map(u64::from);
        self.core.place.block = [
            (number % x) as u32,
            (number / x % y) as u32,
            (number / (x * y)) as u32,
        ];
        self.core.number = number;
        self.core.did_atomic = false;
        self.core.steps_before = self.core.warp_instructions;
        self.core.local.fill(0xff);
        self.core.barriers.start();
        let newest = self.core.shared.start_block();
        for warp in &mut self.warps {
            warp.start(self.core.launch.kernel, &self.core.place, newest);
        }
    }

    /// Runs the block to its end.
    pub(crate) fn finish(&mut self) -> Result<(), Fault> {
        while self.advance()? == Progress::Running {}
        Ok(())
    }

    /// Runs every warp for one turn.
    pub(crate) fn advance(&mut self) -> Result<Progress, Fault> {
        let mut moved = false;
        for i in 0..self.warps.len() {
            let warp = &mut self.warps[i];
            self.core.barriers.poll(warp);
            if warp.runnable() != 0 {
                moved = true;
                let outcome = self.core.run(warp, SLICE);
                let clock = warp.clock[i];
                if let Err((pc, trap)) = outcome {
                    return Err(self.fault(i, pc, trap));
                }
                if !self.core.shared.note_clock(clock) {
                    let trap = Trap::new(0, "more synchronisations than the race check can count");
                    return Err(self.fault(i, 0, trap));
                }
            }
        }
        if self.warps.iter().all(|w| w.alive == 0) {
            return Ok(Progress::Done);
        }
        moved |= self.core.barriers.complete_full(&self.warps);
        if !moved {
            return Err(self.deadlock());
        }
        if self.core.warp_instructions - self.core.steps_before > self.core.launch.max_steps {
            return Err(self.endless());
        }
        Ok(Progress::Running)
    }

    #[cold]
    fn endless(&self) -> Fault {
        let warp = self
            .warps
            .iter()
            .find(|w| w.runnable() != 0)
            .unwrap_or(&self.warps[0]);
        let lane = (warp.runnable() | warp.alive).trailing_zeros().min(31) as usize;
        let message = format!(
            "infinite loop? the block has run {} instructions (see NETFORM_EMULATOR_MAX_STEPS)",
            self.core.launch.max_steps
        );
        let trap = Trap {
            lane,
            message,
            kind: FaultKind::Endless,
        };
        self.fault(warp.index, warp.pcs[lane], trap)
    }

    /// The error if no lane of the block can continue: says where they wait, and names the first.
    #[cold]
    fn deadlock(&self) -> Fault {
        for warp in &self.warps {
            if let Some(lane) = lanes_of(warp.parked & warp.alive).next() {
                let trap = Trap::new(
                    lane,
                    format!(
                        "waits for threads of its warp that do not come: lanes {:#010x} are here, \
                         lanes {:#010x} are elsewhere",
                        warp.parked,
                        warp.alive & !warp.parked
                    ),
                );
                return self.fault(warp.index, warp.pcs[lane], trap);
            }
        }
        let waits = self
            .warps
            .iter()
            .flat_map(|w| w.waits.iter().map(move |wait| (w.index, wait)));
        let mut places: Vec<(usize, usize, u32)> = Vec::new();
        let mut first = None;
        for (warp, wait) in waits {
            first = first.or(Some((warp, *wait)));
            let line = self.core.launch.kernel.places[wait.pc as usize].0;
            match places
                .iter_mut()
                .find(|(id, l, _)| (*id, *l) == (wait.id, line))
            {
                Some(place) => place.2 += wait.lanes.count_ones(),
                None => places.push((wait.id, line, wait.lanes.count_ones())),
            }
        }
        let Some((warp, wait)) = first else {
            return self.fault(0, 0, Trap::new(0, "no thread can go on"));
        };
        let alive: u32 = self.warps.iter().map(|w| w.alive.count_ones()).sum();
        let list: Vec<String> = places
            .iter()
            .map(|(id, line, n)| format!("{n} threads at barrier {id} of line {line}"))
            .collect();
        let lane = wait.lanes.trailing_zeros() as usize;
        let message = format!(
            "barrier that not all threads reach: of {alive} threads, {}",
            list.join(", ")
        );
        self.fault(warp, wait.pc, Trap::new(lane, message))
    }

    #[cold]
    fn fault(&self, warp: usize, pc: u32, trap: Trap) -> Fault {
        let kernel = self.core.launch.kernel;
        let (line, span) = kernel.places.get(pc as usize).cloned().unwrap_or_default();
        let text = kernel.source.get(span).unwrap_or_default();
        Fault {
            kernel: kernel.name.clone(),
            line,
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            block: self.core.place.block,
            thread: self.core.place.thread(warp * 32 + trap.lane),
            message: trap.message,
            kind: trap.kind,
        }
    }
}

impl Core<'_> {
    /// Describes the thread of an access to shared memory.
    pub(crate) fn actor(warp: &Warp, lane: usize, synchronised: bool) -> Actor<'_> {
        Actor {
            warp: warp.index,
            lane,
            clock: &warp.clock,
            synchronised,
        }
    }
}
