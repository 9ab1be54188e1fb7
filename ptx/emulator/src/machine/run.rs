//! The instruction loop of a warp.
//!
//! Lanes that are at the lowest step run first, together. So lanes that diverged at a branch converge again where their
//! paths join. Lanes at a warp-wide instruction wait there for its members.

use super::block::Core;
use super::warp::{Trap, Warp};
use crate::program::{BarrierKind, Op};
use crate::registers::{LANES, Mask, lanes_of};

/// The effect of a step on the control flow of its group.
enum Flow {
    Next,
    /// The group stays at this step until its members arrive.
    Park,
}

impl Core<'_> {
    /// Runs a warp until none of its lanes can continue, or its turn is over.
    pub(crate) fn run(&mut self, warp: &mut Warp, slice: u64) -> Result<(), (u32, Trap)> {
        let end = self.warp_instructions + slice;
        while warp.runnable() != 0 && self.warp_instructions < end {
            self.run_group(warp, end)?;
        }
        Ok(())
    }

    /// Selects the lanes that run first, and runs them until the group changes.
    fn run_group(&mut self, warp: &mut Warp, end: u64) -> Result<(), (u32, Trap)> {
        let runnable = warp.runnable();
        let mut pc = u32::MAX;
        for lane in lanes_of(runnable) {
            pc = pc.min(warp.pcs[lane]);
        }
        let (mut group, mut next) = (0, u32::MAX);
        for lane in lanes_of(warp.alive & !warp.waiting) {
            if warp.pcs[lane] == pc {
                group |= 1 << lane;
            } else if warp.pcs[lane] > pc {
                next = next.min(warp.pcs[lane]);
            }
        }
        warp.parked &= !group;
        let alone = group == warp.alive & !warp.waiting;
        let outcome = self.run_together(warp, &mut pc, &mut group, next, alone, end);
        for lane in lanes_of(group) {
            warp.pcs[lane] = pc;
        }
        outcome.map_err(|trap| (pc, trap))
    }

    /// Runs a group from `pc` on. At the end `group` has the lanes that are at `pc`. Lanes that have left the group
    /// already have their own `pc`.
    fn run_together(
        &mut self,
        warp: &mut Warp,
        pc: &mut u32,
        group: &mut Mask,
        next: u32,
        alone: bool,
        end: u64,
    ) -> Result<(), Trap> {
        let kernel = self.launch.kernel;
        // Lanes that pass a barrier at which others of the warp wait: their actions are recorded.
        let mut watched = warp.waits.iter().any(|w| w.aligned);
        while *group != 0 {
            let step = &kernel.steps[*pc as usize];
            let mask = *group & (warp.registers.predicates[usize::from(step.guard)] ^ step.flip);
            self.warp_instructions += 1;
            self.thread_instructions += u64::from(mask.count_ones());
            match &step.op {
                Op::Lanes { run, operands } => {
                    if mask != 0 {
                        run(&mut warp.registers, operands, mask);
                    }
                }
                Op::Branch(target) => {
                    if mask == *group {
                        *pc = *target;
                        // If there are other lanes, the order must be determined again.
                        if alone && self.warp_instructions < end {
                            continue;
                        }
                        return Ok(());
                    }
                    if mask != 0 {
                        for lane in lanes_of(mask) {
                            warp.pcs[lane] = *target;
                        }
                        *group &= !mask;
                        *pc += 1;
                        return Ok(());
                    }
                }
                Op::Exit => {
                    self.check_exit(warp, mask)?;
                    warp.alive &= !mask;
                    *group &= !mask;
                    if mask != 0 {
                        // Lanes that wait for the exited lanes may be able to continue.
                        warp.parked = 0;
                        if *group != 0 {
                            *pc += 1;
                        }
                        return Ok(());
                    }
                }
                Op::Barrier(barrier) => {
                    if mask != 0 {
                        self.barriers.arrive(warp, barrier, mask, *pc)?;
                        if barrier.kind != BarrierKind::Arrive {
                            for lane in lanes_of(mask) {
                                warp.pcs[lane] = *pc + 1;
                            }
                            *group &= !mask;
                            *pc += 1;
                            return Ok(());
                        }
                        watched |= barrier.aligned;
                    }
                }
                Op::Nothing => {}
                _ if mask == 0 => {}
                op => match self.step(warp, op, mask)? {
                    Flow::Next => {}
                    Flow::Park => {
                        warp.parked |= mask;
                        for lane in lanes_of(*group & !mask) {
                            warp.pcs[lane] = *pc + 1;
                        }
                        *group = mask;
                        return Ok(());
                    }
                },
            }
            if watched && !matches!(step.op, Op::Branch(_) | Op::Exit | Op::Nothing) {
                warp.worked |= mask;
            }
            *pc += 1;
            if *pc >= next {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A lane may exit while others of its warp wait at a barrier, if it does nothing in between: an early exit. If it
    /// works past the barrier, the barrier is in divergent code.
    fn check_exit(&self, warp: &Warp, mask: Mask) -> Result<(), Trap> {
        let Some(lane) = lanes_of(mask & warp.worked).next() else {
            return Ok(());
        };
        let Some(wait) = warp.waits.iter().find(|w| w.aligned) else {
            return Ok(());
        };
        let line = self.launch.kernel.places[wait.pc as usize].0;
        Err(Trap::new(
            lane,
            format!(
                "divergent barrier that not all threads reach: lanes {:#010x} of this warp wait at \
                 the barrier of line {line}, lanes {mask:#010x} pass it by",
                wait.lanes
            ),
        ))
    }

    fn step(&mut self, warp: &mut Warp, op: &Op, mask: Mask) -> Result<Flow, Trap> {
        match op {
            Op::Load(access) => self.load(warp, access, mask)?,
            Op::Store(access) => self.store(warp, access, mask)?,
            Op::Atomic(atomic) => self.atomic(warp, atomic, mask)?,
            Op::Exchange(exchange) => {
                if let Some(members) = exchange.members
                    && !Self::members_are_here(warp, members, mask)?
                {
                    return Ok(Flow::Park);
                }
                super::exchange::run(warp, exchange, mask)?;
            }
            Op::WarpBarrier { members } => {
                if !Self::members_are_here(warp, *members, mask)? {
                    return Ok(Flow::Park);
                }
                warp.synchronise();
            }
            Op::CopyAsync(copy) => self.copy_async(warp, copy, mask)?,
            Op::CommitGroup => {
                for lane in lanes_of(mask) {
                    warp.committed[lane] += 1;
                }
            }
            Op::WaitGroup(groups) => self.wait_group(warp, *groups, mask)?,
            Op::WaitAll => self.wait_all(warp, mask)?,
            Op::LoadMatrix(load) => self.load_matrix(warp, load, mask)?,
            Op::Multiply(multiply) => super::matrix::multiply(warp, multiply, mask)?,
            Op::Clock { result, wide } => {
                let now = self.warp_instructions;
                if *wide {
                    warp.registers.set_doubles(*result, &[now; LANES], mask);
                } else {
                    warp.registers
                        .set_words(*result, &[now as u32; LANES], mask);
                }
            }
            Op::Trap => {
                return Err(Trap::new(
                    mask.trailing_zeros() as usize,
                    "the kernel traps",
                ));
            }
            // Already handled by the loop.
            Op::Lanes { .. } | Op::Branch(_) | Op::Exit | Op::Nothing | Op::Barrier(_) => {}
        }
        Ok(Flow::Next)
    }

    /// Whether all living lanes of the member masks are in `mask`.
    fn members_are_here(warp: &Warp, register: u16, mask: Mask) -> Result<bool, Trap> {
        let members = warp.registers.words[usize::from(register)];
        let mut needed = 0;
        for lane in lanes_of(mask) {
            if members[lane] >> lane & 1 == 0 {
                let message = format!("not a member of its own mask {:#010x}", members[lane]);
                return Err(Trap::new(lane, message));
            }
            needed |= members[lane];
        }
        Ok(needed & warp.alive & !mask == 0)
    }
}
