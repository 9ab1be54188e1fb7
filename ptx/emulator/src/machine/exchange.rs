//! Exchanges between the lanes of a warp: shuffles, votes, matches, reductions.

use super::warp::{Trap, Warp};
use crate::program::{Exchange, ExchangeKind, Reduction};
use crate::registers::{LANES, Mask, Words, lanes_of};
use crate::types::Type;

/// The value that a shuffle reads from an inactive lane: undefined, so an unusual value.
const UNDEFINED: u32 = 0xffff_ffff;

pub(super) fn run(warp: &mut Warp, exchange: &Exchange, mask: Mask) -> Result<(), Trap> {
    let registers = &warp.registers;
    let operands = &exchange.operands;
    let result = operands.results[0];
    if exchange.kind == ExchangeKind::ActiveMask {
        warp.registers.set_words(result, &[mask; LANES], mask);
        return Ok(());
    }
    let members = match exchange.members {
        Some(register) => registers.words[usize::from(register)],
        None => [mask; LANES],
    };
    let alive = warp.alive;
    match exchange.kind {
        ExchangeKind::ShuffleUp
        | ExchangeKind::ShuffleDown
        | ExchangeKind::ShuffleButterfly
        | ExchangeKind::ShuffleIndex => {
            let [value, lane, clamp, _] = operands.sources.map(|s| registers.words[usize::from(s)]);
            let (out, valid) = shuffle(exchange.kind, &value, &lane, &clamp, |reader, source| {
                (members[reader] & alive & mask) >> source & 1 == 1
            });
            warp.registers.set_words(result, &out, mask);
            if let Some(predicate) = exchange.predicate {
                warp.registers.set_predicate(predicate, valid, mask);
            }
        }
        ExchangeKind::VoteAll
        | ExchangeKind::VoteAny
        | ExchangeKind::VoteUniform
        | ExchangeKind::VoteBallot => {
            let bits = registers.predicate(operands, 0);
            let (mut words, mut flags) = ([0; LANES], 0);
            for lane in lanes_of(mask) {
                let group = members[lane] & mask;
                let yes = bits & group;
                words[lane] = yes;
                let holds = match exchange.kind {
                    ExchangeKind::VoteAll => yes == group,
                    ExchangeKind::VoteAny => yes != 0,
                    _ => yes == group || yes == 0,
                };
                flags |= u32::from(holds) << lane;
            }
            if exchange.kind == ExchangeKind::VoteBallot {
                warp.registers.set_words(result, &words, mask);
            } else {
                warp.registers.set_predicate(result, flags, mask);
            }
        }
        ExchangeKind::MatchAny { wide } | ExchangeKind::MatchAll { wide } => {
            let source = usize::from(operands.sources[0]);
            let values = if wide {
                registers.doubles[source]
            } else {
                registers.words[source].map(u64::from)
            };
            let (mut out, mut flags) = ([0; LANES], 0);
            for lane in lanes_of(mask) {
                let group = members[lane] & mask;
                let equal = lanes_of(group)
                    .filter(|&l| values[l] == values[lane])
                    .fold(0, |m, l| m | 1 << l);
                out[lane] = equal;
                if matches!(exchange.kind, ExchangeKind::MatchAll { .. }) {
                    out[lane] = if equal == group { group } else { 0 };
                    flags |= u32::from(equal == group) << lane;
                }
            }
            warp.registers.set_words(result, &out, mask);
            if let Some(predicate) = exchange.predicate {
                warp.registers.set_predicate(predicate, flags, mask);
            }
        }
        ExchangeKind::Reduce(operation, ty) => {
            let values = registers.words[usize::from(operands.sources[0])];
            let mut out = [0; LANES];
            for lane in lanes_of(mask) {
                out[lane] = reduce(operation, ty, &values, members[lane] & mask);
            }
            warp.registers.set_words(result, &out, mask);
        }
        ExchangeKind::ActiveMask => {}
    }
    warp.synchronise();
    Ok(())
}

/// Each lane's value, and whether its source lane was in range; as in the ISA's pseudo-code.
fn shuffle(
    kind: ExchangeKind,
    value: &Words,
    lane: &Words,
    clamp: &Words,
    takes_part: impl Fn(usize, usize) -> bool,
) -> (Words, Mask) {
    let (mut out, mut valid) = ([0; LANES], 0);
    for own in 0..LANES {
        let b = lane[own] & 31;
        let (bound, segment) = (clamp[own] & 31, clamp[own] >> 8 & 31);
        let id = own as u32;
        let last = (id & segment) | (bound & !segment);
        let first = id & segment;
        let (source, in_range) = match kind {
            ExchangeKind::ShuffleUp => {
                (id.wrapping_sub(b), id as i64 - i64::from(b) >= last.into())
            }
            ExchangeKind::ShuffleDown => (id + b, id + b <= last),
            ExchangeKind::ShuffleButterfly => (id ^ b, id ^ b <= last),
            _ => (first | (b & !segment), first | (b & !segment) <= last),
        };
        let source = if in_range { source as usize & 31 } else { own };
        out[own] = if takes_part(own, source) {
            value[source]
        } else {
            UNDEFINED
        };
        valid |= u32::from(in_range) << own;
    }
    (out, valid)
}

fn reduce(operation: Reduction, ty: Type, values: &Words, members: Mask) -> u32 {
    let signed = ty == Type::S32;
    let step = |a: u32, b: u32| match operation {
        Reduction::Add => a.wrapping_add(b),
        Reduction::Min if signed => (a as i32).min(b as i32) as u32,
        Reduction::Max if signed => (a as i32).max(b as i32) as u32,
        Reduction::Min => a.min(b),
        Reduction::Max => a.max(b),
        Reduction::And => a & b,
        Reduction::Or => a | b,
        _ => a ^ b,
    };
    lanes_of(members)
        .map(|lane| values[lane])
        .reduce(step)
        .unwrap_or(0)
}
