//! Branches, exits and barriers.

use super::operands::Width;
use super::{Decoder, Symbol};
use crate::lanes::Opcode;
use crate::program::{Barrier, BarrierKind, Op, Reduction};
use crate::syntax::ast::Operand;
use crate::types::Type;

impl Decoder<'_> {
    pub(super) fn branch(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        opcode.take("uni");
        opcode.finish()?;
        let [Operand::Name(name)] = operands else {
            return Err("bra takes a label".to_string());
        };
        let Some(Symbol::Label(label)) = self.scopes.find(name) else {
            return Err(format!("{name} is not a label here"));
        };
        self.jump(label);
        Ok(())
    }

    /// A branch whose target is set at the end.
    pub(super) fn jump(&mut self, label: usize) {
        self.jumps.push((self.kernel.steps.len(), label));
        self.emit(Op::Branch(0));
    }

    /// `ret` leaves the function, which for a kernel is an exit.
    pub(super) fn leave(&mut self, opcode: &Opcode) -> Result<(), String> {
        opcode.take("uni");
        opcode.finish()?;
        match (opcode.name(), self.calls.last()) {
            ("ret", Some(&(_, behind))) => self.jump(behind),
            _ => self.emit(Op::Exit),
        }
        Ok(())
    }

    pub(super) fn barrier(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        if opcode.take("warp") {
            opcode.take("sync");
            opcode.finish()?;
            let [members] = operands else {
                return Err("bar.warp.sync takes a member mask".to_string());
            };
            let members = self.source(members, Type::B32, Width::Exact)?.index;
            self.emit(Op::WarpBarrier { members });
            return Ok(());
        }
        opcode.take("cta");
        // `bar` is `barrier` with `.aligned`.
        let aligned = opcode.take("aligned") || opcode.name() == "bar";
        match opcode.take_any(&["sync", "arrive", "red"]) {
            Some("sync") => self.plain_barrier(opcode, operands, aligned, BarrierKind::Sync),
            Some("arrive") => self.plain_barrier(opcode, operands, aligned, BarrierKind::Arrive),
            Some(_) => self.reducing_barrier(opcode, operands, aligned),
            None => Err("barrier not known to the emulator".to_string()),
        }
    }

    fn plain_barrier(
        &mut self,
        opcode: &Opcode,
        operands: &[Operand],
        aligned: bool,
        kind: BarrierKind,
    ) -> Result<(), String> {
        opcode.finish()?;
        let (id, count) = match operands {
            [id] if kind == BarrierKind::Sync => (id, None),
            [id, count] => (id, Some(count)),
            _ => return Err("a barrier takes a number, and how many threads".to_string()),
        };
        let id = self.source(id, Type::U32, Width::Exact)?.index;
        let count = match count {
            Some(count) => Some(self.source(count, Type::U32, Width::Exact)?.index),
            None => None,
        };
        let barrier = Barrier {
            kind,
            id,
            count,
            aligned,
            result: 0,
            source: 0,
            source_negated: false,
        };
        self.emit(Op::Barrier(Box::new(barrier)));
        Ok(())
    }

    fn reducing_barrier(
        &mut self,
        opcode: &Opcode,
        operands: &[Operand],
        aligned: bool,
    ) -> Result<(), String> {
        let operation = match opcode.take_any(&["popc", "and", "or"]) {
            Some("popc") => Reduction::Count,
            Some("and") => Reduction::And,
            Some("or") => Reduction::Or,
            _ => return Err("bar.red needs .popc, .and or .or".to_string()),
        };
        let ty = opcode.one_type()?;
        opcode.finish()?;
        let expected = if operation == Reduction::Count {
            Type::U32
        } else {
            Type::Pred
        };
        if ty != expected {
            return Err(format!("this barrier's result is {expected}"));
        }
        let (result, id, count, source) = match operands {
            [result, id, source] => (result, id, None, source),
            [result, id, count, source] => (result, id, Some(count), source),
            _ => return Err("bar.red takes a result, a number and a predicate".to_string()),
        };
        let id = self.source(id, Type::U32, Width::Exact)?.index;
        let count = match count {
            Some(count) => Some(self.source(count, Type::U32, Width::Exact)?.index),
            None => None,
        };
        let source = self.source(source, Type::Pred, Width::Exact)?;
        let result = self.target(result, ty, Width::Exact)?.index;
        self.emit(Op::Barrier(Box::new(Barrier {
            kind: BarrierKind::Reduce(operation),
            id,
            count,
            aligned,
            result,
            source: source.index,
            source_negated: source.negated,
        })));
        Ok(())
    }
}
