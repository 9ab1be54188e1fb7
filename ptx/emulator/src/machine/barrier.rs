//! The 16 barriers of a block.
//!
//! A barrier completes when the given number of threads has arrived or, if there is none, when every thread that has
//! not exited waits at it. Whole warps arrive at aligned barriers, counted as 32 threads. Waiting lanes detect the
//! completion by the barrier's generation.

use super::warp::{Trap, Waiting, Warp};
use crate::program::{Barrier, BarrierKind, Reduction};
use crate::registers::{LANES, Lane, Mask, lanes_of};

const BARRIERS: usize = 16;

#[derive(Clone, Default)]
struct State {
    generation: u64,
    arrived: u32,
    expected: Option<u32>,
    /// Joined clocks of the threads that have arrived, and of those that arrived the last time.
    joining: Vec<u32>,
    joined: Vec<u32>,
    /// The number of threads whose predicate is true, of threads with a predicate, and the operation's result.
    holding: u32,
    asked: u32,
    reduction: Option<Reduction>,
    /// Operation and result of the last completion; the next one may begin while some threads still read it.
    finished: Option<Reduction>,
    result: u32,
}

pub(crate) struct Barriers {
    states: Vec<State>,
}

impl Barriers {
    pub(crate) fn new(warps: usize) -> Self {
        let state = State {
            joining: vec![0; warps],
            joined: vec![0; warps],
            ..State::default()
        };
        Barriers {
            states: vec![state; BARRIERS],
        }
    }

    pub(crate) fn start(&mut self) {
        for state in &mut self.states {
            (state.arrived, state.expected, state.holding, state.asked) = (0, None, 0, 0);
            state.reduction = None;
            state.joining.fill(0);
        }
    }

    /// Lanes `mask` of a warp arrive at a barrier; lanes that must wait are recorded in the warp.
    pub(crate) fn arrive(
        &mut self,
        warp: &mut Warp,
        barrier: &Barrier,
        mask: Mask,
        pc: u32,
    ) -> Result<(), Trap> {
        let lane = mask.trailing_zeros() as usize;
        let ids = *u32::file(&warp.registers, barrier.id);
        let id = ids[lane] as usize;
        if id >= BARRIERS || lanes_of(mask).any(|l| ids[l] != ids[lane]) {
            return Err(Trap::new(
                lane,
                format!("barrier {id}: one number from 0 to 15 is needed"),
            ));
        }
        let count = match barrier.count {
            None => None,
            Some(register) => {
                let count = u32::file(&warp.registers, register)[lane];
                if count == 0 || count % LANES as u32 != 0 {
                    let message = format!("barrier for {count} threads: not a multiple of 32");
                    return Err(Trap::new(lane, message));
                }
                Some(count)
            }
        };
        if barrier.aligned
            && let Some(other) = warp.waits.iter().find(|w| w.aligned && w.pc != pc)
        {
            let message = format!(
                "divergent barrier: lanes {:#010x} of this warp wait at another barrier",
                other.lanes
            );
            return Err(Trap::new(lane, message));
        }
        let state = &mut self.states[id];
        if state.arrived > 0 && state.expected != count {
            let message = format!("barrier {id}: others came to it with another count of threads");
            return Err(Trap::new(lane, message));
        }
        state.expected = count;
        let already = warp.waits.iter().any(|w| w.id == id);
        state.arrived += match (barrier.aligned, already) {
            (true, false) => LANES as u32,
            (true, true) => 0,
            (false, _) => mask.count_ones(),
        };
        for (joining, clock) in state.joining.iter_mut().zip(&warp.clock) {
            *joining = (*joining).max(*clock);
        }
        let mut result = None;
        if let BarrierKind::Reduce(operation) = barrier.kind {
            let mut bits = warp.registers.predicates[usize::from(barrier.source)];
            if barrier.source_negated {
                bits = !bits;
            }
            state.holding += (bits & mask).count_ones();
            state.asked += mask.count_ones();
            state.reduction = Some(operation);
            result = Some(barrier.result);
        }
        let generation = state.generation;
        if barrier.kind == BarrierKind::Arrive {
            warp.synchronise();
        } else {
            warp.waiting |= mask;
            warp.waits.push(Waiting {
                id,
                generation,
                lanes: mask,
                pc,
                aligned: barrier.aligned,
                result,
            });
        }
        if let Some(expected) = state.expected {
            if state.arrived > expected {
                let message = format!(
                    "barrier {id}: {} threads came, {expected} were announced",
                    state.arrived
                );
                return Err(Trap::new(lane, message));
            }
            if state.arrived == expected {
                state.complete();
            }
        }
        Ok(())
    }

    /// Releases lanes whose barrier has completed.
    pub(crate) fn poll(&self, warp: &mut Warp) {
        let mut i = 0;
        while i < warp.waits.len() {
            let wait = warp.waits[i];
            let state = &self.states[wait.id];
            if state.generation == wait.generation {
                i += 1;
                continue;
            }
            warp.waits.swap_remove(i);
            warp.waiting &= !wait.lanes;
            warp.worked = 0;
            for (own, joined) in warp.clock.iter_mut().zip(&state.joined) {
                *own = (*own).max(*joined);
            }
            warp.synchronise();
            if let Some(register) = wait.result {
                if state.finished == Some(Reduction::Count) {
                    warp.registers
                        .set_words(register, &[state.result; LANES], wait.lanes);
                } else {
                    let all = if state.result != 0 { Mask::MAX } else { 0 };
                    warp.registers.set_predicate(register, all, wait.lanes);
                }
            }
        }
    }

    /// Completes barriers without a count at which all living threads wait.
    pub(crate) fn complete_full(&mut self, warps: &[Warp]) -> bool {
        let mut any = false;
        for (id, state) in self.states.iter_mut().enumerate() {
            if state.arrived == 0 || state.expected.is_some() {
                continue;
            }
            let full = warps.iter().all(|warp| {
                let here = warp
                    .waits
                    .iter()
                    .filter(|w| w.id == id && w.generation == state.generation)
                    .fold(0, |mask, w| mask | w.lanes);
                warp.alive & !here == 0
            });
            if full {
                state.complete();
                any = true;
            }
        }
        any
    }
}

impl State {
    fn complete(&mut self) {
        self.generation += 1;
        self.joined.copy_from_slice(&self.joining);
        self.joining.fill(0);
        self.finished = self.reduction.take();
        self.result = match self.finished {
            Some(Reduction::And) => u32::from(self.holding == self.asked),
            Some(Reduction::Or) => u32::from(self.holding > 0),
            _ => self.holding,
        };
        (self.arrived, self.expected, self.holding, self.asked) = (0, None, 0, 0);
    }
}
