//! Exchanges within a warp: `shfl`, `vote`, `match`, `redux`, `activemask`.

use super::Decoder;
use super::operands::Width;
use crate::lanes::Opcode;
use crate::program::{Exchange, ExchangeKind, Op, Reduction};
use crate::registers::Operands;
use crate::syntax::ast::Operand;
use crate::types::Type;

impl Decoder<'_> {
    pub(super) fn shuffle(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        if !opcode.take("sync") {
            return Err("shfl without .sync is gone from today's PTX".to_string());
        }
        let kind = match opcode.take_any(&["up", "down", "bfly", "idx"]) {
            Some("up") => ExchangeKind::ShuffleUp,
            Some("down") => ExchangeKind::ShuffleDown,
            Some("bfly") => ExchangeKind::ShuffleButterfly,
            Some(_) => ExchangeKind::ShuffleIndex,
            None => return Err("shfl needs .up, .down, .bfly or .idx".to_string()),
        };
        if opcode.one_type()? != Type::B32 {
            return Err("shfl moves .b32".to_string());
        }
        opcode.finish()?;
        let [result, value, lane, clamp, members] = operands else {
            return Err("shfl.sync takes a result and four sources".to_string());
        };
        let types = [Type::B32, Type::B32, Type::B32];
        let sources = [value, lane, clamp];
        self.emit_exchange(
            kind,
            Some((result, Type::B32)),
            &sources,
            &types,
            Some(members),
        )
    }

    pub(super) fn exchange(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        if opcode.name() == "activemask" {
            opcode.one_type()?;
            opcode.finish()?;
            let [result] = operands else {
                return Err("activemask takes a result".to_string());
            };
            let kind = ExchangeKind::ActiveMask;
            return self.emit_exchange(kind, Some((result, Type::B32)), &[], &[], None);
        }
        if !opcode.take("sync") {
            return Err(format!("{} needs .sync", opcode.name()));
        }
        let [result, source, members] = operands else {
            return Err("takes a result, a source and a member mask".to_string());
        };
        let (kind, result_type, source_type) = match opcode.name() {
            "vote" => self.vote(opcode)?,
            "match" => {
                let all = match opcode.take_any(&["any", "all"]) {
                    Some(mode) => mode == "all",
                    None => return Err("match needs .any or .all".to_string()),
                };
                let ty = opcode.one_type()?;
                let wide = ty.bytes() == 8;
                let kind = if all {
                    ExchangeKind::MatchAll { wide }
                } else {
                    ExchangeKind::MatchAny { wide }
                };
                (kind, Type::B32, ty)
            }
            _ => {
                let reduction = match opcode.take_any(&["add", "min", "max", "and", "or", "xor"]) {
                    Some("add") => Reduction::Add,
                    Some("min") => Reduction::Min,
                    Some("max") => Reduction::Max,
                    Some("and") => Reduction::And,
                    Some("or") => Reduction::Or,
                    Some(_) => Reduction::Xor,
                    None => return Err("redux needs an operation".to_string()),
                };
                let ty = opcode.one_type()?;
                if ty.bytes() != 4 || ty.is_float() {
                    return Err(format!("redux of type {ty} not known to the emulator"));
                }
                (ExchangeKind::Reduce(reduction, ty), ty, ty)
            }
        };
        opcode.finish()?;
        self.emit_exchange(
            kind,
            Some((result, result_type)),
            &[source],
            &[source_type],
            Some(members),
        )
    }

    fn vote(&mut self, opcode: &Opcode) -> Result<(ExchangeKind, Type, Type), String> {
        let kind = match opcode.take_any(&["all", "any", "uni", "ballot"]) {
            Some("all") => ExchangeKind::VoteAll,
            Some("any") => ExchangeKind::VoteAny,
            Some("uni") => ExchangeKind::VoteUniform,
            Some(_) => ExchangeKind::VoteBallot,
            None => return Err("vote needs .all, .any, .uni or .ballot".to_string()),
        };
        let ty = opcode.one_type()?;
        let expected = if kind == ExchangeKind::VoteBallot {
            Type::B32
        } else {
            Type::Pred
        };
        if ty != expected {
            return Err(format!("this vote's result is {expected}"));
        }
        Ok((kind, ty, Type::Pred))
    }

    fn emit_exchange(
        &mut self,
        kind: ExchangeKind,
        result: Option<(&Operand, Type)>,
        sources: &[&Operand],
        types: &[Type],
        members: Option<&Operand>,
    ) -> Result<(), String> {
        let mut operands = Operands::default();
        for (i, (operand, &ty)) in sources.iter().zip(types).enumerate() {
            let source = self.source(operand, ty, Width::Exact)?;
            operands.sources[i] = source.index;
            operands.negated |= u8::from(source.negated) << i;
        }
        let members = match members {
            Some(members) => Some(self.source(members, Type::B32, Width::Exact)?.index),
            None => None,
        };
        let mut predicate = None;
        if let Some((operand, ty)) = result {
            let first = match operand {
                Operand::Pair(value, flag) => {
                    let flag = Operand::Name(flag.clone());
                    predicate = Some(self.target(&flag, Type::Pred, Width::Exact)?.index);
                    Operand::Name(value.clone())
                }
                other => other.clone(),
            };
            operands.results[0] = self.target(&first, ty, Width::Exact)?.index;
        }
        self.emit(Op::Exchange(Box::new(Exchange {
            kind,
            operands,
            predicate,
            members,
        })));
        Ok(())
    }
}
