//! `call`: the function's body is expanded in place, with its own registers.

use super::operands::Width;
use super::{Decoder, Symbol};
use crate::lanes::{Opcode, moves};
use crate::program::{Access, Address, Op};
use crate::registers::TRUE;
use crate::syntax::ast::{Operand, Parameter, Space};
use crate::types::Type;

/// The maximum depth of nested calls; a call at this depth is assumed to be a recursion.
const DEEPEST: usize = 16;

/// A register and its type, outside and inside of the function.
type Copy = ((u16, Type), (u16, Type));

impl Decoder<'_> {
    pub(super) fn call(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        opcode.take("uni");
        opcode.finish()?;
        let (results, name, arguments): (&[Operand], &str, &[Operand]) = match operands {
            [Operand::Name(name)] => (&[], name, &[]),
            [Operand::Name(name), Operand::List(arguments)] => (&[], name, arguments),
            [Operand::List(results), Operand::Name(name)] => (results, name, &[]),
            [
                Operand::List(results),
                Operand::Name(name),
                Operand::List(arguments),
            ] => (results, name, arguments),
            _ => return Err("this form of call is not known to the emulator".to_string()),
        };
        let module = self.module;
        let function = module
            .functions
            .iter()
            .find(|f| !f.is_entry && f.name == name && f.body.is_some())
            .ok_or_else(|| format!("no function {name} with a body in this module"))?;
        if results.len() != function.returns.len() || arguments.len() != function.parameters.len() {
            return Err(format!("{name} takes other numbers of arguments"));
        }
        if self.calls.len() >= DEEPEST || self.calls.iter().any(|(caller, _)| caller == name) {
            return Err(format!(
                "{name} calls itself, which the emulator does not know"
            ));
        }
        let (line, span, guard) = (self.line, self.span.clone(), self.guard);
        let behind = self.label();
        if guard.0 != TRUE || guard.1 {
            // Lanes without the guard jump over the whole expansion.
            self.guard = (guard.0, !guard.1);
            self.jump(behind);
            self.guard = (TRUE, false);
        }
        let mut passed = Vec::new();
        for (parameter, argument) in function.parameters.iter().zip(arguments) {
            passed.push(self.argument(parameter, argument)?);
        }
        let mut returned = Vec::new();
        for (parameter, result) in function.returns.iter().zip(results) {
            returned.push(self.argument(parameter, result)?);
        }
        // The body sees its own parameters and the module's variables, not the caller's names.
        let outer = std::mem::take(&mut self.scopes);
        self.scopes.push();
        let inside = self.label();
        let mut outcome = Ok(());
        let mut copies = Vec::new();
        for (parameter, symbol) in function.parameters.iter().zip(&passed) {
            outcome = outcome.and(self.bind(parameter, *symbol, &mut copies));
        }
        for (register, own) in copies.drain(..) {
            self.copy(own, register);
        }
        for (parameter, symbol) in function.returns.iter().zip(&returned) {
            outcome = outcome.and(self.bind(parameter, *symbol, &mut copies));
        }
        self.calls.push((name.to_string(), inside));
        if outcome.is_ok() {
            self.block(function.body.as_deref().unwrap_or_default());
        }
        self.calls.pop();
        self.labels[inside] = Some(self.kernel.steps.len());
        (self.line, self.span, self.guard) = (line, span, (TRUE, false));
        for (register, own) in copies {
            self.copy(register, own);
        }
        self.scopes = outer;
        self.labels[behind] = Some(self.kernel.steps.len());
        outcome
    }

    /// An argument of the caller: a register, a constant in a register, or a variable.
    fn argument(&mut self, parameter: &Parameter, operand: &Operand) -> Result<Symbol, String> {
        let ty = parameter.variable.ty;
        if let Operand::Name(name) = operand
            && let Some(symbol @ (Symbol::Variable(_) | Symbol::Register { .. })) =
                self.scopes.find(name)
        {
            return Ok(symbol);
        }
        Ok(Symbol::Register {
            index: self.source(operand, ty, Width::Exact)?.index,
            ty,
        })
    }

    /// Declares a parameter inside. A register parameter is the function's own copy, recorded in `copies` as (outside,
    /// inside).
    fn bind(
        &mut self,
        parameter: &Parameter,
        symbol: Symbol,
        copies: &mut Vec<Copy>,
    ) -> Result<(), String> {
        let (name, ty) = (&parameter.variable.name, parameter.variable.ty);
        if !parameter.in_register {
            return match symbol {
                // The function uses the caller's own memory.
                Symbol::Variable(place) => self.scopes.define(name, Symbol::Variable(place)),
                // A register passed for a `.param` variable is copied through separate memory.
                Symbol::Register { index, .. } => {
                    self.variable(&parameter.variable)?;
                    let Some(Symbol::Variable(place)) = self.scopes.find(name) else {
                        return Err(format!("{name} is not declared"));
                    };
                    let base = self.double_constant(place.address)?;
                    let address = Address {
                        wide: true,
                        base,
                        offset: 0,
                        bounds: None,
                    };
                    self.emit(Op::Store(Box::new(Access {
                        space: Space::Local,
                        ty,
                        count: 1,
                        registers: [index, 0, 0, 0],
                        address,
                        synchronised: false,
                    })));
                    Ok(())
                }
                Symbol::Label(_) => Err(format!("{name} takes no label")),
            };
        }
        let Symbol::Register { index, ty: given } = symbol else {
            return Err(format!("{name} takes a register"));
        };
        if given.class() != ty.class() || given.bytes() != ty.bytes() {
            return Err(format!("{name} is {ty}, {given} is given"));
        }
        self.declare(name, ty)?;
        if let Some(Symbol::Register { index: own, .. }) = self.scopes.find(name) {
            copies.push(((index, ty), (own, ty)));
        }
        Ok(())
    }

    fn copy(&mut self, to: (u16, Type), from: (u16, Type)) {
        self.lanes(moves::copy(to.1.class()), to.0, &[from.0]);
    }
}
