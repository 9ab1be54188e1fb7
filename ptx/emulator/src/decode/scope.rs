//! Names in nested scopes: registers, variables, labels.

use crate::syntax::ast::Space;
use crate::types::Type;
use std::collections::HashMap;

/// The meaning of a name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Symbol {
    Register { index: u16, ty: Type },
    Variable(Place),
    Label(usize),
}

/// A variable's address in its space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) space: Space,
    pub(crate) address: u64,
    pub(crate) bytes: u64,
    /// Dynamic shared memory: the address is relative to the end of the static part.
    pub(crate) dynamic: bool,
}

/// Scopes, outermost first.
#[derive(Default)]
pub(super) struct Scopes {
    stack: Vec<HashMap<String, Symbol>>,
}

impl Scopes {
    pub(super) fn push(&mut self) {
        self.stack.push(HashMap::new());
    }

    pub(super) fn pop(&mut self) {
        self.stack.pop();
    }

    /// Adds a name to the innermost scope. It must be new there.
    pub(super) fn define(&mut self, name: &str, symbol: Symbol) -> Result<(), String> {
        let Some(scope) = self.stack.last_mut() else {
            return Err("no scope is open".to_string());
        };
        match scope.insert(name.to_string(), symbol) {
            None => Ok(()),
            Some(_) => Err(format!("{name} is declared twice in one scope")),
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<Symbol> {
        self.stack
            .iter()
            .rev()
            .find_map(|scope| scope.get(name))
            .copied()
    }
}
