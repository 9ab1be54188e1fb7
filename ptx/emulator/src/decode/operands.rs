//! Decodes operands to registers, with the width checks of `ptxas`.

use super::special::{Named, named};
use super::{Decoder, Place, Symbol, same_width};
use crate::lanes::moves;
use crate::program::{Address, Op, Special};
use crate::registers::Operands;
use crate::syntax::ast::{Operand, Space};
use crate::types::{Class, Type};

/// A source: its register, and `!` for a predicate.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) index: u16,
    pub(super) negated: bool,
}

/// A result register. If the instruction writes a narrower one, it is widened afterwards.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) index: u16,
    widen_to: Option<u16>,
}

/// Whether a register may be wider than the instruction: `ld`, `st` and `cvt` allow it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Exact,
    Relaxed,
}

impl Decoder<'_> {
    pub(super) fn symbol(&self, name: &str) -> Option<Symbol> {
        self.scopes
            .find(name)
            .or_else(|| self.globals.get(name).map(|&p| Symbol::Variable(p)))
    }

    pub(super) fn source(
        &mut self,
        operand: &Operand,
        ty: Type,
        width: Width,
    ) -> Result<Source, String> {
        let negated = matches!(operand, Operand::Not(_));
        if negated && ty != Type::Pred {
            return Err("only a predicate can be negated".to_string());
        }
        let index = match operand {
            Operand::Name(name) | Operand::Not(name) => self.named_source(name, ty, width)?,
            Operand::Offset(name, offset) => match self.symbol(name) {
                Some(Symbol::Variable(place)) => self.address_constant(place, *offset, ty)?,
                _ => return Err(format!("{name} is not a variable")),
            },
            Operand::Integer(_) | Operand::Float32(_) | Operand::Float64(_) => {
                self.constant(operand, ty)?
            }
            _ => return Err("operand not known to the emulator".to_string()),
        };
        Ok(Source { index, negated })
    }

    fn constant(&mut self, operand: &Operand, ty: Type) -> Result<u16, String> {
        let bits = match (operand, ty) {
            (Operand::Integer(_), Type::F32 | Type::F64) => {
                return Err("a float operand is written with a point or as 0f".to_string());
            }
            (Operand::Integer(bits), _) => *bits,
            (Operand::Float32(bits), Type::F64) => f64::from(f32::from_bits(*bits)).to_bits(),
            (Operand::Float32(bits), Type::F32 | Type::B32) => u64::from(*bits),
            (Operand::Float64(bits), Type::F64 | Type::B64) => *bits,
            (Operand::Float64(bits), Type::F32) => {
                u64::from((f64::from_bits(*bits) as f32).to_bits())
            }
            _ => return Err(format!("not a constant of type {ty}")),
        };
        match ty.class() {
            Class::Word => self.word_constant(bits as u32),
            Class::Double => self.double_constant(bits),
            Class::Predicate => {
                // Only the constant true has a register; false is its negation.
                if bits & 1 == 1 {
                    Ok(crate::registers::TRUE)
                } else {
                    Err("a constant predicate must be true".to_string())
                }
            }
        }
    }

    fn named_source(&mut self, name: &str, ty: Type, width: Width) -> Result<u16, String> {
        match self.symbol(name) {
            Some(Symbol::Register {
                index,
                ty: register,
            }) => self.fitted_source(name, index, register, ty, width),
            Some(Symbol::Variable(place)) => self.address_constant(place, 0, ty),
            Some(Symbol::Label(_)) => Err(format!("{name} is a label")),
            None if name == "WARP_SZ" => self.word_constant(32),
            None => match named(name) {
                Some(Named::Fixed(special)) => self.special(special, ty),
                Some(Named::Clock { wide }) => {
                    let class = if wide { Class::Double } else { Class::Word };
                    let result = self.register(class)?;
                    self.emit(Op::Clock { result, wide });
                    Ok(result)
                }
                None => Err(format!("{name} is not declared")),
            },
        }
    }

    fn fitted_source(
        &mut self,
        name: &str,
        index: u16,
        register: Type,
        ty: Type,
        width: Width,
    ) -> Result<u16, String> {
        if same_width(register, ty) {
            return Ok(index);
        }
        let wider = register.class() != Class::Predicate
            && ty != Type::Pred
            && register.bytes() > ty.bytes();
        if width == Width::Exact || !wider {
            return Err(format!(
                "{name} is declared {register}, which does not fit {ty}"
            ));
        }
        if register.class() == ty.class() {
            return Ok(index);
        }
        let word = self.register(Class::Word)?;
        self.lanes(moves::narrow(), word, &[index]);
        Ok(word)
    }

    fn special(&mut self, special: Special, ty: Type) -> Result<u16, String> {
        let word = match self.specials.get(&special) {
            Some(&index) => index,
            None => {
                let index = self.register(Class::Word)?;
                self.specials.insert(special, index);
                self.kernel.specials.push((index, special));
                index
            }
        };
        match ty.class() {
            Class::Word => Ok(word),
            Class::Double => {
                let double = self.register(Class::Double)?;
                self.lanes(moves::widen(false), double, &[word]);
                Ok(double)
            }
            Class::Predicate => Err("a special register is no predicate".to_string()),
        }
    }

    /// A variable's address as a constant.
    fn address_constant(&mut self, place: Place, offset: i64, ty: Type) -> Result<u16, String> {
        let value = place.address.wrapping_add(offset as u64);
        let class = ty.class();
        if class == Class::Predicate {
            return Err("an address is no predicate".to_string());
        }
        if place.dynamic {
            let index = self.register(class)?;
            self.dynamic.push((class == Class::Double, index, value));
            return Ok(index);
        }
        match class {
            Class::Double => self.double_constant(value),
            _ => match u32::try_from(value) {
                Ok(value) => self.word_constant(value),
                Err(_) => Err("this address needs 64 bits".to_string()),
            },
        }
    }

    /// A step that runs a lane function with one result.
    pub(super) fn lanes(&mut self, run: crate::lanes::LaneFn, result: u16, sources: &[u16]) {
        let mut operands = Operands {
            results: [result, 0],
            ..Operands::default()
        };
        operands.sources[..sources.len()].copy_from_slice(sources);
        self.emit(Op::Lanes { run, operands });
    }

    pub(super) fn target(
        &mut self,
        operand: &Operand,
        ty: Type,
        width: Width,
    ) -> Result<Target, String> {
        let Operand::Name(name) = operand else {
            return Err("a result is a register".to_string());
        };
        if name == "_" {
            return Ok(Target {
                index: self.register(ty.class())?,
                widen_to: None,
            });
        }
        let Some(Symbol::Register {
            index,
            ty: register,
        }) = self.scopes.find(name)
        else {
            return Err(format!("{name} is not a declared register"));
        };
        if same_width(register, ty) {
            return Ok(Target {
                index,
                widen_to: None,
            });
        }
        let wider = register.class() != Class::Predicate
            && ty != Type::Pred
            && register.bytes() > ty.bytes();
        if width == Width::Exact || !wider {
            return Err(format!(
                "{name} is declared {register}, which does not fit {ty}"
            ));
        }
        if register.class() == ty.class() {
            return Ok(Target {
                index,
                widen_to: None,
            });
        }
        Ok(Target {
            index: self.register(Class::Word)?,
            widen_to: Some(index),
        })
    }

    /// After the instruction: fills a wider register.
    pub(super) fn settle(&mut self, target: Target, ty: Type) {
        if let Some(double) = target.widen_to {
            self.lanes(moves::widen(ty.is_signed()), double, &[target.index]);
        }
    }

    /// `[base + offset]`, and the space of the variable if one is named.
    pub(super) fn address(
        &mut self,
        operand: &Operand,
    ) -> Result<(Address, Option<Space>), String> {
        let Operand::Address(base, offset) = operand else {
            return Err("expected an address in brackets".to_string());
        };
        let plain = |wide, base| Address {
            wide,
            base,
            offset: *offset,
            bounds: None,
        };
        let Some(name) = base else {
            return Ok((plain(true, self.double_constant(0)?), None));
        };
        match self.symbol(name) {
            Some(Symbol::Register { index, ty }) => match (ty.class(), ty.bytes()) {
                (Class::Double, _) => Ok((plain(true, index), None)),
                (Class::Word, 4) => Ok((plain(false, index), None)),
                _ => Err(format!("{name} is too narrow for an address")),
            },
            Some(Symbol::Variable(place)) => {
                let base = self.address_constant(place, 0, Type::U64)?;
                let mut address = plain(true, base);
                if place.space == Space::Param {
                    address.bounds = Some((place.address, place.address + place.bytes));
                }
                Ok((address, Some(place.space)))
            }
            _ => Err(format!("{name} is not declared")),
        }
    }
}
