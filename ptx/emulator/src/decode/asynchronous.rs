//! `cp.async` and its groups.

use super::Decoder;
use super::operands::Width;
use crate::lanes::Opcode;
use crate::program::{CopyAsync, Op};
use crate::syntax::ast::Operand;
use crate::types::Type;

impl Decoder<'_> {
    pub(super) fn copy_async(
        &mut self,
        opcode: &Opcode,
        operands: &[Operand],
    ) -> Result<(), String> {
        if !opcode.take("async") || opcode.has("bulk") || opcode.has("mbarrier") {
            return Err("not known to the emulator".to_string());
        }
        match opcode.take_any(&["commit_group", "wait_group", "wait_all"]) {
            Some("commit_group") => self.plain(Op::CommitGroup, opcode),
            Some("wait_all") => self.plain(Op::WaitAll, opcode),
            Some(_) => {
                let [Operand::Integer(groups)] = operands else {
                    return Err("cp.async.wait_group takes a number".to_string());
                };
                self.plain(
                    Op::WaitGroup(u32::try_from(*groups).unwrap_or(u32::MAX)),
                    opcode,
                )
            }
            None => self.copy_bytes(opcode, operands),
        }
    }

    fn copy_bytes(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        let Some(cache) = opcode.take_any(&["ca", "cg"]) else {
            return Err("cp.async needs .ca or .cg".to_string());
        };
        if opcode.take_any(&["shared", "shared::cta"]).is_none() || !opcode.take("global") {
            return Err("cp.async copies from .global to .shared".to_string());
        }
        opcode.take_any(&["L2::64B", "L2::128B", "L2::256B"]);
        opcode.finish()?;
        let [to, from, Operand::Integer(bytes), rest @ ..] = operands else {
            return Err("cp.async takes two addresses and a size".to_string());
        };
        let sizes: &[u64] = if cache == "cg" { &[16] } else { &[4, 8, 16] };
        if !sizes.contains(bytes) {
            return Err(format!("cp.async.{cache} copies {sizes:?} bytes"));
        }
        let (mut read, mut ignore) = (None, None);
        match rest {
            [] => {}
            // The last operand is a byte count, or a predicate that says "ignore the source".
            [operand] if self.is_predicate(operand) => {
                ignore = Some(self.source(operand, Type::Pred, Width::Exact)?);
            }
            [operand] => read = Some(self.source(operand, Type::B32, Width::Exact)?.index),
            _ => return Err("cp.async cache policies are not known to the emulator".to_string()),
        }
        let to = self.address(to)?.0;
        let from = self.address(from)?.0;
        self.emit(Op::CopyAsync(Box::new(CopyAsync {
            to,
            from,
            bytes: *bytes as usize,
            read,
            ignore: ignore.map(|s| s.index),
            ignore_negated: ignore.is_some_and(|s| s.negated),
        })));
        Ok(())
    }

    fn is_predicate(&self, operand: &Operand) -> bool {
        match operand {
            Operand::Not(_) => true,
            Operand::Name(name) => matches!(
                self.symbol(name),
                Some(super::Symbol::Register { ty: Type::Pred, .. })
            ),
            _ => false,
        }
    }
}
