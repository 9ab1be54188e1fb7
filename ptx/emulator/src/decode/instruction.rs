//! Decodes one instruction to its steps: dispatches by name to its group.

use super::operands::Width;
use super::{Decoder, Symbol};
use crate::lanes::{self, LaneInstruction, Opcode};
use crate::program::Op;
use crate::registers::{Operands, TRUE};
use crate::syntax::ast::{Instruction, Operand};
use crate::types::Type;

/// The message for unknown instructions.
const UNKNOWN: &str = "not known to the emulator";

impl Decoder<'_> {
    pub(super) fn instruction(&mut self, instruction: &Instruction) -> Result<(), String> {
        // Inside an expanded call, the caller's guard, if any, is already a branch around it.
        (self.line, self.span) = (instruction.line, instruction.span.clone());
        self.guard = (TRUE, false);
        if let Some((name, negated)) = &instruction.guard {
            let name = Operand::Name(name.clone());
            let source = self.source(&name, Type::Pred, Width::Exact)?;
            self.guard = (source.index, *negated);
        }
        let opcode = Opcode::new(&instruction.opcode);
        let operands = &instruction.operands;
        match opcode.name() {
            "mov" => self.mov(&opcode, operands),
            "cvta" => self.cvta(&opcode, operands),
            "ld" | "ldu" => self.load(&opcode, operands),
            "st" => self.store(&opcode, operands),
            "atom" | "red" => self.atomic(&opcode, operands),
            "bra" => self.branch(&opcode, operands),
            "call" => self.call(&opcode, operands),
            "ret" | "exit" => self.leave(&opcode),
            "trap" => self.plain(Op::Trap, &opcode),
            "bar" | "barrier" => self.barrier(&opcode, operands),
            "shfl" => self.shuffle(&opcode, operands),
            "vote" | "match" | "redux" | "activemask" => self.exchange(&opcode, operands),
            "cp" => self.copy_async(&opcode, operands),
            "ldmatrix" => self.load_matrix(&opcode, operands),
            "mma" => self.multiply(&opcode, operands),
            // Hints and fences: the emulator's memory is always in order.
            "membar" | "fence" | "prefetch" | "prefetchu" | "nanosleep" | "brkpt"
            | "applypriority" | "discard" | "griddepcontrol" => {
                if opcode.has("proxy") || opcode.has("mbarrier_init") {
                    return Err(UNKNOWN.to_string());
                }
                self.emit(Op::Nothing);
                Ok(())
            }
            _ => self.lane_instruction(&opcode, operands),
        }
    }

    pub(super) fn plain(&mut self, op: Op, opcode: &Opcode) -> Result<(), String> {
        opcode.finish()?;
        self.emit(op);
        Ok(())
    }

    fn lane_instruction(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        let Some(found) = lanes::find(opcode)? else {
            return Err(format!("{} {UNKNOWN}", opcode.name()));
        };
        opcode.finish()?;
        let LaneInstruction {
            run,
            results,
            sources,
        } = found;
        let width = if opcode.name() == "cvt" {
            Width::Relaxed
        } else {
            Width::Exact
        };
        let Some((first, rest)) = operands.split_first() else {
            return Err("operands are missing".to_string());
        };
        if rest.len() != sources.len() {
            return Err(format!(
                "takes {} sources, {} are given",
                sources.len(),
                rest.len()
            ));
        }
        let mut indices = Operands::default();
        for (i, (operand, &ty)) in rest.iter().zip(&sources).enumerate() {
            if let Operand::Name(name) | Operand::Offset(name, _) = operand
                && let Some(Symbol::Variable(_)) = self.symbol(name)
            {
                return Err(format!("the address of {name} goes through mov"));
            }
            let source = self.source(operand, ty, width)?;
            indices.sources[i] = source.index;
            indices.negated |= u8::from(source.negated) << i;
        }
        // `p|q` are two results. If there is only one, the other is discarded.
        let named: Vec<Operand> = match first {
            Operand::Pair(p, q) => vec![Operand::Name(p.clone()), Operand::Name(q.clone())],
            other => vec![other.clone()],
        };
        if named.len() > results.len() {
            return Err("has one result".to_string());
        }
        let mut targets = Vec::new();
        for (i, &ty) in results.iter().enumerate() {
            let target = match named.get(i) {
                Some(operand) => self.target(operand, ty, width)?,
                None => self.target(&Operand::Name("_".to_string()), ty, width)?,
            };
            indices.results[i] = target.index;
            targets.push((target, ty));
        }
        self.emit(Op::Lanes {
            run,
            operands: indices,
        });
        for (target, ty) in targets {
            self.settle(target, ty);
        }
        Ok(())
    }
}
