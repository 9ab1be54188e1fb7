//! A loaded module: its variables in device memory, its kernels decoded.

use crate::decode::{self, Globals, Place};
use crate::error::LoadError;
use crate::machine::memory::DeviceMemory;
use crate::program::Kernel;
use crate::syntax::{ast, parse};
use std::collections::HashMap;
use std::sync::Arc;

/// A module that can run.
pub(crate) struct Module {
    pub(crate) kernels: HashMap<String, Arc<Kernel>>,
    /// Addresses and sizes of `.global` and `.const` variables.
    pub(crate) globals: Globals,
    pub(crate) version: (u32, u32),
    pub(crate) target: String,
}

impl Module {
    /// Parses a text, puts its variables in `memory` and decodes its kernels.
    pub(crate) fn load(text: &str, memory: &mut DeviceMemory) -> Result<Self, Vec<LoadError>> {
        let source: Arc<str> = text.into();
        let tree = parse(text).map_err(|error| vec![error])?;
        let mut globals = Globals::new();
        let outcome = place_variables(&tree, memory, &mut globals)
            .map_err(|error| vec![error])
            .and_then(|()| decode::kernels(&tree, &source, &globals));
        match outcome {
            Ok(kernels) => Ok(Module {
                kernels: kernels
                    .into_iter()
                    .map(|k| (k.name.clone(), Arc::new(k)))
                    .collect(),
                globals,
                version: tree.version,
                target: tree.target,
            }),
            Err(errors) => {
                free(&globals, memory);
                Err(errors)
            }
        }
    }

    /// Frees the variables' memory.
    pub(crate) fn unload(&self, memory: &mut DeviceMemory) {
        free(&self.globals, memory);
    }
}

fn free(globals: &Globals, memory: &mut DeviceMemory) {
    for place in globals.values() {
        memory.free(place.address, true);
    }
}

fn place_variables(
    tree: &ast::Module,
    memory: &mut DeviceMemory,
    globals: &mut Globals,
) -> Result<(), LoadError> {
    let spaces = [ast::Space::Global, ast::Space::Const];
    for variable in tree.variables.iter().filter(|v| spaces.contains(&v.space)) {
        let error = |message: &str| LoadError {
            kernel: None,
            line: variable.line,
            text: variable.name.clone(),
            message: message.to_string(),
        };
        let bytes = variable
            .bytes
            .ok_or_else(|| error("this variable needs a size"))? as u64;
        let constant = variable.space == ast::Space::Const;
        if constant && bytes > 64 << 10 {
            return Err(error("more than 64 KiB of .const memory"));
        }
        let address = memory
            .allocate(bytes, constant)
            .ok_or_else(|| error("out of memory"))?;
        let place = Place {
            space: variable.space,
            address,
            bytes,
            dynamic: false,
        };
        if globals.insert(variable.name.clone(), place).is_some() {
            memory.free(address, true);
            return Err(error("declared twice"));
        }
        if let Some(data) = memory.pointer(address, bytes) {
            // SAFETY: `pointer` has found `bytes` live bytes, and the initial value is no longer.
            unsafe {
                data.write_bytes(0, bytes as usize);
                let initial = variable.initial.as_ptr();
                std::ptr::copy_nonoverlapping(initial, data, variable.initial.len());
            }
        }
    }
    Ok(())
}
