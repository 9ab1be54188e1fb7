//! `mov`, whole registers and vectors, and `cvta`.

use super::Decoder;
use super::operands::Width;
use crate::lanes::{Opcode, moves};
use crate::machine::SHARED_WINDOW;
use crate::program::Op;
use crate::registers::Operands;
use crate::syntax::ast::Operand;
use crate::types::{Class, Type};

impl Decoder<'_> {
    pub(super) fn mov(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        let ty = opcode.one_type()?;
        opcode.finish()?;
        match operands {
            [Operand::Vector(parts), whole] => self.unpack(ty, parts, whole),
            [whole, Operand::Vector(parts)] => self.pack(ty, whole, parts),
            [result, source] => {
                let source = self.source(source, ty, Width::Exact)?;
                let target = self.target(result, ty, Width::Exact)?;
                let mut indices = Operands {
                    results: [target.index, 0],
                    negated: u8::from(source.negated),
                    ..Operands::default()
                };
                indices.sources[0] = source.index;
                self.emit(Op::Lanes {
                    run: moves::copy(ty.class()),
                    operands: indices,
                });
                Ok(())
            }
            _ => Err("mov takes a result and a source".to_string()),
        }
    }

    /// The type of each part when `ty` is split in `count`.
    fn part_type(ty: Type, count: usize) -> Result<Type, String> {
        Ok(match (8 * ty.bytes(), count) {
            (64, 2) => Type::B32,
            (64, 4) => Type::B16,
            (32, 2) => Type::B16,
            (32, 4) => Type::B8,
            (16, 2) => Type::B8,
            _ => return Err(format!("{ty} does not come in {count} parts")),
        })
    }

    fn unpack(&mut self, ty: Type, parts: &[Operand], whole: &Operand) -> Result<(), String> {
        let part = Self::part_type(ty, parts.len())?;
        let source = self.source(whole, ty, Width::Exact)?;
        let bits = 8 * part.bytes() as u32;
        for (i, operand) in parts.iter().enumerate() {
            if *operand == Operand::Name("_".to_string()) {
                continue;
            }
            let target = self.target(operand, part, Width::Relaxed)?;
            self.lanes(
                moves::part(ty.class(), i as u32 * bits, bits),
                target.index,
                &[source.index],
            );
        }
        Ok(())
    }

    fn pack(&mut self, ty: Type, whole: &Operand, parts: &[Operand]) -> Result<(), String> {
        let part = Self::part_type(ty, parts.len())?;
        let mut sources = Vec::new();
        for operand in parts {
            sources.push(self.source(operand, part, Width::Relaxed)?.index);
        }
        let target = self.target(whole, ty, Width::Exact)?;
        let bits = 8 * part.bytes() as u32;
        self.lanes(
            moves::join(ty.class(), parts.len(), bits),
            target.index,
            &sources,
        );
        Ok(())
    }

    /// Shared addresses have a window in the generic address space; global and constant addresses are generic already.
    pub(super) fn cvta(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        let to = opcode.take("to");
        let spaces = [
            "global",
            "const",
            "shared",
            "shared::cta",
            "local",
            "param",
            "param::entry",
        ];
        let Some(space) = opcode.take_any(&spaces) else {
            return Err("cvta needs a state space".to_string());
        };
        let ty = opcode.one_type()?;
        opcode.finish()?;
        if ty.class() != Class::Double {
            return Err("only 64-bit addresses are known to the emulator".to_string());
        }
        if space.starts_with("param") || space == "local" {
            return Err(format!(
                "cvta of {space} addresses is not known to the emulator"
            ));
        }
        let [result, source] = operands else {
            return Err("cvta takes a result and a source".to_string());
        };
        let source = self.source(source, ty, Width::Exact)?;
        let target = self.target(result, ty, Width::Exact)?;
        let run = match (space.starts_with("shared"), to) {
            (false, _) => moves::copy(Class::Double),
            (true, false) => moves::add(SHARED_WINDOW),
            (true, true) => moves::add(SHARED_WINDOW.wrapping_neg()),
        };
        self.lanes(run, target.index, &[source.index]);
        Ok(())
    }
}
