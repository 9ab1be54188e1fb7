//! `ld`, `st`, `atom` and `red`.

use super::Decoder;
use super::operands::Width;
use crate::lanes::Opcode;
use crate::program::{Access, Address, Atomic, Op, Reduction};
use crate::syntax::ast::{Operand, Space};
use crate::types::Type;

/// Cache hints, which affect only speed.
const HINTS: [&str; 17] = [
    "ca",
    "cg",
    "cs",
    "lu",
    "cv",
    "wb",
    "wt",
    "nc",
    "weak",
    "L1::evict_normal",
    "L1::evict_last",
    "L1::evict_first",
    "L1::evict_unchanged",
    "L1::no_allocate",
    "L2::64B",
    "L2::128B",
    "L2::256B",
];

/// Orderings and scopes, for accesses that may race with others of their kind.
const ORDERS: [&str; 10] = [
    "volatile", "relaxed", "acquire", "release", "acq_rel", "mmio", "cta", "cluster", "gpu", "sys",
];

impl Decoder<'_> {
    /// The space of an access, by suffix and by the named variable.
    fn space(&mut self, opcode: &Opcode, variable: Option<Space>) -> Result<Space, String> {
        let spaces = [
            "global",
            "const",
            "shared",
            "shared::cta",
            "local",
            "param",
            "param::entry",
            "param::func",
        ];
        let written = match opcode.take_any(&spaces) {
            None => Space::Generic,
            Some("global") => Space::Global,
            Some("const") => Space::Const,
            Some("local") => Space::Local,
            Some(name) if name.starts_with("param") => Space::Param,
            Some(_) => Space::Shared,
        };
        match (written, variable) {
            (written, None) => Ok(written),
            (Space::Generic, Some(Space::Global | Space::Const)) => Ok(Space::Global),
            (Space::Generic, Some(space)) => Ok(space),
            // A call's parameters are in local memory.
            (Space::Param, Some(Space::Local)) => Ok(Space::Local),
            (written, Some(space)) if written == space => Ok(written),
            (_, Some(space)) => Err(format!("the variable is in {space:?} memory").to_lowercase()),
        }
    }

    fn note_shared(&mut self, space: Space, bytes: usize) {
        if matches!(space, Space::Shared | Space::Generic) {
            let granule = &mut self.kernel.shared_granule;
            *granule = (*granule).min(bytes);
        }
    }

    /// The common parts of loads and stores: all except the registers.
    fn access(&mut self, opcode: &Opcode, address: &Operand) -> Result<Access, String> {
        while opcode.take_any(&HINTS).is_some() {}
        let mut synchronised = false;
        while let Some(order) = opcode.take_any(&ORDERS) {
            synchronised |= !["cta", "cluster", "gpu", "sys"].contains(&order);
        }
        let count = match opcode.take_any(&["v2", "v4"]) {
            None => 1,
            Some("v2") => 2,
            Some(_) => 4,
        };
        let ty = opcode.one_type()?;
        if ty == Type::Pred || ty.bytes() * count > 16 {
            return Err("no access of this type".to_string());
        }
        let (address, variable) = self.address(address)?;
        let space = self.space(opcode, variable)?;
        opcode.finish()?;
        self.note_shared(space, ty.bytes());
        Ok(Access {
            space,
            ty,
            count,
            registers: [0; 4],
            address,
            synchronised,
        })
    }

    fn elements(operand: &Operand, count: usize) -> Result<Vec<&Operand>, String> {
        let all: Vec<&Operand> = match operand {
            Operand::Vector(parts) => parts.iter().collect(),
            single => vec![single],
        };
        if all.len() == count {
            Ok(all)
        } else {
            Err(format!(
                "{count} elements are moved, {} are given",
                all.len()
            ))
        }
    }

    pub(super) fn load(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        let [result, address] = operands else {
            return Err("a load takes a result and an address".to_string());
        };
        let mut access = self.access(opcode, address)?;
        let mut targets = Vec::new();
        for (i, operand) in Self::elements(result, access.count)?
            .into_iter()
            .enumerate()
        {
            let target = self.target(operand, access.ty, Width::Relaxed)?;
            access.registers[i] = target.index;
            targets.push(target);
        }
        let ty = access.ty;
        self.emit(Op::Load(Box::new(access)));
        for target in targets {
            self.settle(target, ty);
        }
        Ok(())
    }

    pub(super) fn store(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        let [address, value] = operands else {
            return Err("a store takes an address and a value".to_string());
        };
        let mut access = self.access(opcode, address)?;
        if access.space == Space::Const || access.space == Space::Param {
            return Err("this memory is read-only".to_string());
        }
        for (i, operand) in Self::elements(value, access.count)?.into_iter().enumerate() {
            access.registers[i] = self.source(operand, access.ty, Width::Relaxed)?.index;
        }
        self.emit(Op::Store(Box::new(access)));
        Ok(())
    }

    pub(super) fn atomic(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        while opcode.take_any(&ORDERS).is_some() {}
        opcode.take("noftz");
        let names = [
            "add", "min", "max", "and", "or", "xor", "inc", "dec", "exch", "cas",
        ];
        let operation = match opcode.take_any(&names) {
            Some("add") => Reduction::Add,
            Some("min") => Reduction::Min,
            Some("max") => Reduction::Max,
            Some("and") => Reduction::And,
            Some("or") => Reduction::Or,
            Some("xor") => Reduction::Xor,
            Some("inc") => Reduction::Increment,
            Some("dec") => Reduction::Decrement,
            Some("exch") => Reduction::Exchange,
            Some("cas") => Reduction::CompareAndSwap,
            _ => return Err("atomic operation not known to the emulator".to_string()),
        };
        let ty = opcode.one_type()?;
        if !crate::machine::atomic_is_known(operation, ty) {
            return Err(format!(
                "this atomic of type {ty} is not known to the emulator"
            ));
        }
        let (result, rest) = match (opcode.name(), operands) {
            ("atom", [result, rest @ ..]) => (Some(result), rest),
            (_, rest) => (None, rest),
        };
        let sources = if operation == Reduction::CompareAndSwap {
            2
        } else {
            1
        };
        let [address, values @ ..] = rest else {
            return Err("an atomic takes an address".to_string());
        };
        if values.len() != sources {
            return Err(format!(
                "takes {sources} values, {} are given",
                values.len()
            ));
        }
        let (address, variable): (Address, _) = self.address(address)?;
        let space = self.space(opcode, variable)?;
        opcode.finish()?;
        if !matches!(space, Space::Global | Space::Shared | Space::Generic) {
            return Err("an atomic works on global or shared memory".to_string());
        }
        let mut atomic = Atomic {
            operation,
            space,
            ty,
            result: None,
            address,
            sources: [0; 2],
        };
        for (i, value) in values.iter().enumerate() {
            atomic.sources[i] = self.source(value, ty, Width::Exact)?.index;
        }
        if let Some(result) = result {
            atomic.result = Some(self.target(result, ty, Width::Exact)?.index);
        }
        self.note_shared(space, ty.bytes());
        self.kernel.has_global_atomics |= space != Space::Shared;
        self.emit(Op::Atomic(Box::new(atomic)));
        Ok(())
    }
}
