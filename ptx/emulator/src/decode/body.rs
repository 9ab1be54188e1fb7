//! Entries and their statements: declarations fill the scopes, instructions become steps.

use super::{Decoder, Place, Symbol};
use crate::program::{Op, Parameter};
use crate::syntax::ast::{Function, Space, Statement, Variable};
use crate::types::Type;

/// The maximum of static shared memory; more must be dynamic.
const MOST_SHARED: usize = 48 << 10;
/// The maximum of local memory of a thread.
const MOST_LOCAL: usize = 512 << 10;
/// The maximum size of a kernel's parameters.
const MOST_PARAMETERS: usize = 32_764;

impl Decoder<'_> {
    pub(super) fn entry(&mut self, function: &Function) {
        if let Err(message) = self.try_entry(function) {
            self.report(message);
        }
    }

    fn try_entry(&mut self, function: &Function) -> Result<(), String> {
        self.limits(function);
        self.scopes.push();
        for parameter in &function.parameters {
            let variable = &parameter.variable;
            self.line = variable.line;
            let total = &mut self.kernel.parameter_bytes;
            let address = Self::allocate(total, variable, MOST_PARAMETERS)?;
            let bytes = variable.bytes.unwrap_or(0);
            self.kernel.parameters.push(Parameter {
                offset: address as usize,
                bytes,
            });
            let place = Place {
                space: Space::Param,
                address,
                bytes: bytes as u64,
                dynamic: false,
            };
            self.scopes
                .define(&variable.name, Symbol::Variable(place))?;
        }
        self.module_variables()?;
        self.block(function.body.as_deref().unwrap_or_default());
        self.scopes.pop();
        // The end of the body is an exit.
        self.guard = (crate::registers::TRUE, false);
        self.emit(Op::Exit);
        self.link()
    }

    fn limits(&mut self, function: &Function) {
        for (name, numbers) in &function.limits {
            let axis = |i: usize| numbers.get(i).copied().unwrap_or(1).min(1 << 20) as u32;
            match name.as_str() {
                ".reqntid" => self.kernel.required_block = Some([axis(0), axis(1), axis(2)]),
                ".maxntid" => {
                    let product = axis(0).saturating_mul(axis(1)).saturating_mul(axis(2));
                    self.kernel.max_threads = Some(product);
                }
                _ => {}
            }
        }
    }

    /// `.shared` variables outside functions: every kernel of the module has them.
    fn module_variables(&mut self) -> Result<(), String> {
        let module = self.module;
        for variable in module.variables.iter().filter(|v| v.space == Space::Shared) {
            self.line = variable.line;
            self.variable(variable)?;
        }
        Ok(())
    }

    pub(super) fn block(&mut self, statements: &[Statement]) {
        self.scopes.push();
        // A label may be used before its definition, but only inside its own scope.
        for statement in statements {
            if let Statement::Label(name) = statement {
                let label = self.label();
                if let Err(message) = self.scopes.define(name, Symbol::Label(label)) {
                    self.report(message);
                }
            }
        }
        for statement in statements {
            if let Err(message) = self.statement(statement) {
                self.report(message);
            }
        }
        self.scopes.pop();
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), String> {
        match statement {
            Statement::Block(inner) => self.block(inner),
            Statement::Label(name) => {
                if let Some(Symbol::Label(label)) = self.scopes.find(name) {
                    self.labels[label] = Some(self.kernel.steps.len());
                }
            }
            Statement::Registers(names, ty) => {
                for (name, count) in names {
                    match count {
                        None => self.declare(name, *ty)?,
                        Some(count) => {
                            for i in 0..*count {
                                self.declare(&format!("{name}{i}"), *ty)?;
                            }
                        }
                    }
                }
            }
            Statement::Variable(variable) => {
                self.line = variable.line;
                self.variable(variable)?;
            }
            Statement::Instruction(instruction) => self.instruction(instruction)?,
        }
        Ok(())
    }

    pub(super) fn declare(&mut self, name: &str, ty: Type) -> Result<(), String> {
        let index = self.register(ty.class())?;
        self.scopes.define(name, Symbol::Register { index, ty })
    }

    pub(super) fn variable(&mut self, variable: &Variable) -> Result<(), String> {
        let bytes = variable.bytes.unwrap_or(0) as u64;
        let dynamic = variable.space == Space::Shared && variable.bytes.is_none();
        let place = match variable.space {
            Space::Shared if dynamic => Place {
                space: Space::Shared,
                address: 0,
                bytes,
                dynamic,
            },
            Space::Shared => {
                let address = Self::allocate(&mut self.kernel.shared_bytes, variable, MOST_SHARED)?;
                Place {
                    space: Space::Shared,
                    address,
                    bytes,
                    dynamic,
                }
            }
            // Parameters of calls are in the caller's local memory.
            Space::Local | Space::Param => {
                let address = Self::allocate(&mut self.kernel.local_bytes, variable, MOST_LOCAL)?;
                Place {
                    space: Space::Local,
                    address,
                    bytes,
                    dynamic,
                }
            }
            _ => return Err("a .global or .const variable stands outside functions".to_string()),
        };
        self.scopes.define(&variable.name, Symbol::Variable(place))
    }

    /// Resolves jump targets and dynamic shared addresses, which are known only at the end.
    fn link(&mut self) -> Result<(), String> {
        for (step, label) in std::mem::take(&mut self.jumps) {
            let target = self.labels[label].ok_or("a label without a place")?;
            let target = u32::try_from(target).map_err(|_| "too many instructions".to_string())?;
            self.kernel.steps[step].op = Op::Branch(target);
        }
        let base = self.kernel.shared_bytes.next_multiple_of(16) as u64;
        for (wide, index, offset) in std::mem::take(&mut self.dynamic) {
            let address = base.wrapping_add(offset);
            if wide {
                self.kernel.double_constants.push((index, address));
            } else {
                self.kernel.word_constants.push((index, address as u32));
            }
        }
        Ok(())
    }
}
