//! A parsed opcode: its name, its suffixes, and which of them have been understood.

use crate::types::Type;
use std::cell::Cell;

/// `cvt.rn.satfinite.f16.f32` as its parts; a suffix that is not taken is an error.
pub(crate) struct Opcode<'t> {
    name: &'t str,
    suffixes: Vec<(&'t str, Cell<bool>)>,
}

impl<'t> Opcode<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let mut parts = text.split('.');
        let name = parts.next().unwrap_or("");
        Opcode {
            name,
            suffixes: parts.map(|s| (s, Cell::new(false))).collect(),
        }
    }

    pub(crate) fn name(&self) -> &'t str {
        self.name
    }

    /// Whether the suffix is there, without taking it.
    pub(crate) fn has(&self, suffix: &str) -> bool {
        self.suffixes.iter().any(|(s, _)| *s == suffix)
    }

    /// Whether the suffix is there. If so, it is marked as understood.
    pub(crate) fn take(&self, suffix: &str) -> bool {
        let found = self
            .suffixes
            .iter()
            .find(|(s, taken)| *s == suffix && !taken.get());
        if let Some((_, taken)) = found {
            taken.set(true);
        }
        found.is_some()
    }

    /// The first suffix of `any` that is there.
    pub(crate) fn take_any(&self, any: &[&str]) -> Option<&'t str> {
        let (suffix, taken) = self
            .suffixes
            .iter()
            .find(|(s, t)| any.contains(s) && !t.get())?;
        taken.set(true);
        Some(suffix)
    }

    /// The type suffixes, in order.
    pub(crate) fn types(&self) -> Vec<Type> {
        let mut all = Vec::new();
        for (suffix, taken) in &self.suffixes {
            if let Some(ty) = Type::named(suffix) {
                taken.set(true);
                all.push(ty);
            }
        }
        all
    }

    /// The only type suffix.
    pub(crate) fn one_type(&self) -> Result<Type, String> {
        match self.types()[..] {
            [ty] => Ok(ty),
            _ => Err(format!("{} takes one type", self.name)),
        }
    }

    /// An error if a suffix was not understood.
    pub(crate) fn finish(&self) -> Result<(), String> {
        match self.suffixes.iter().find(|(_, taken)| !taken.get()) {
            Some((suffix, _)) => Err(format!("suffix .{suffix} not known to the emulator")),
            None => Ok(()),
        }
    }
}

/// The error for an instruction of a known kind with an unsupported type.
pub(crate) fn unknown_type<T>(opcode: &Opcode, ty: Type) -> Result<T, String> {
    Err(format!(
        "{} of type {ty} not known to the emulator",
        opcode.name()
    ))
}
