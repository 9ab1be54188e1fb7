//! Decodes a syntax tree to kernels: names become register indices, opcodes become functions.
//!
//! Every operand of a decoded step is a register: constants and special registers have their own registers, filled
//! before the kernel starts. Calls are expanded in place, so a kernel is one flat list of steps. All errors of a module
//! are collected.

mod asynchronous;
mod body;
mod call;
mod control;
mod instruction;
mod matrix;
mod memory;
mod moves;
mod operands;
mod scope;
mod special;
mod warp;

use crate::error::LoadError;
use crate::program::{Kernel, Op, Step};
use crate::registers::{CARRY, TRUE};
use crate::syntax::ast;
use crate::types::{Class, Type};
use scope::Scopes;
pub(crate) use scope::{Place, Symbol};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Addresses of the module's `.global` and `.const` variables.
pub(crate) type Globals = HashMap<String, Place>;

/// Decodes all entries of a module.
pub(crate) fn kernels(
    module: &ast::Module,
    source: &Arc<str>,
    globals: &Globals,
) -> Result<Vec<Kernel>, Vec<LoadError>> {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for function in module.functions.iter().filter(|f| f.is_entry) {
        let mut decoder = Decoder::new(module, source, globals, &function.name);
        decoder.entry(function);
        errors.append(&mut decoder.errors);
        all.push(decoder.kernel);
    }
    if errors.is_empty() {
        Ok(all)
    } else {
        Err(errors)
    }
}

/// One kernel under construction.
struct Decoder<'m> {
    module: &'m ast::Module,
    globals: &'m Globals,
    kernel: Kernel,
    scopes: Scopes,
    errors: Vec<LoadError>,
    /// Labels, by number: the step after each, once known.
    labels: Vec<Option<usize>>,
    /// Steps whose branch target is a label number.
    jumps: Vec<(usize, usize)>,
    word_constants: HashMap<u32, u16>,
    double_constants: HashMap<u64, u16>,
    specials: HashMap<crate::program::Special, u16>,
    /// Constants (in the double file or the word file) that depend on the static shared size, which is not yet known.
    dynamic: Vec<(bool, u16, u64)>,
    /// Functions being expanded, innermost last, with the label after each.
    calls: Vec<(String, usize)>,
    /// The instruction that is being decoded: line, place, guard, negation of the guard.
    line: usize,
    span: Range<usize>,
    guard: (u16, bool),
}

impl<'m> Decoder<'m> {
    fn new(module: &'m ast::Module, source: &Arc<str>, globals: &'m Globals, name: &str) -> Self {
        let kernel = Kernel {
            name: name.to_string(),
            source: source.clone(),
            steps: Vec::new(),
            places: Vec::new(),
            words: 0,
            doubles: 0,
            // Registers with a special meaning come first.
            predicates: usize::from(CARRY) + 1,
            word_constants: Vec::new(),
            double_constants: Vec::new(),
            specials: Vec::new(),
            parameters: Vec::new(),
            parameter_bytes: 0,
            shared_bytes: 0,
            local_bytes: 0,
            required_block: None,
            max_threads: None,
            has_global_atomics: false,
            shared_granule: 4,
        };
        Decoder {
            module,
            globals,
            kernel,
            scopes: Scopes::default(),
            errors: Vec::new(),
            labels: Vec::new(),
            jumps: Vec::new(),
            word_constants: HashMap::new(),
            double_constants: HashMap::new(),
            specials: HashMap::new(),
            dynamic: Vec::new(),
            calls: Vec::new(),
            line: 0,
            span: 0..0,
            guard: (TRUE, false),
        }
    }

    fn report(&mut self, message: String) {
        let text = self
            .kernel
            .source
            .get(self.span.clone())
            .unwrap_or_default();
        self.errors.push(LoadError {
            kernel: Some(self.kernel.name.clone()),
            line: self.line,
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            message,
        });
    }

    /// Adds a step with the guard of the current instruction.
    fn emit(&mut self, op: Op) {
        let (guard, negated) = self.guard;
        self.kernel.steps.push(Step {
            guard,
            flip: if negated { u32::MAX } else { 0 },
            op,
        });
        self.kernel.places.push((self.line, self.span.clone()));
    }

    /// A new register.
    fn register(&mut self, class: Class) -> Result<u16, String> {
        let count = match class {
            Class::Word => &mut self.kernel.words,
            Class::Double => &mut self.kernel.doubles,
            Class::Predicate => &mut self.kernel.predicates,
        };
        let index = u16::try_from(*count).map_err(|_| "more registers than fit".to_string())?;
        *count += 1;
        Ok(index)
    }

    fn word_constant(&mut self, value: u32) -> Result<u16, String> {
        if let Some(&index) = self.word_constants.get(&value) {
            return Ok(index);
        }
        let index = self.register(Class::Word)?;
        self.word_constants.insert(value, index);
        self.kernel.word_constants.push((index, value));
        Ok(index)
    }

    fn double_constant(&mut self, value: u64) -> Result<u16, String> {
        if let Some(&index) = self.double_constants.get(&value) {
            return Ok(index);
        }
        let index = self.register(Class::Double)?;
        self.double_constants.insert(value, index);
        self.kernel.double_constants.push((index, value));
        Ok(index)
    }

    fn label(&mut self) -> usize {
        self.labels.push(None);
        self.labels.len() - 1
    }

    /// Allocates space in shared, local or parameter memory, which has `most` bytes.
    fn allocate(total: &mut usize, variable: &ast::Variable, most: usize) -> Result<u64, String> {
        let bytes = variable.bytes.ok_or("this variable needs a size")?;
        let at = total.next_multiple_of(variable.align.max(1));
        *total = at.saturating_add(bytes);
        if *total > most {
            return Err(format!("{total} bytes of this memory, {most} are there"));
        }
        Ok(at as u64)
    }
}

/// Whether a register of one type may hold the other type.
fn same_width(register: Type, ty: Type) -> bool {
    register.class() == ty.class() && register.bytes() == ty.bytes()
}
