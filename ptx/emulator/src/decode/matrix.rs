//! `ldmatrix` and `mma.sync`.

use super::Decoder;
use super::operands::Width;
use crate::lanes::Opcode;
use crate::program::{Element, LoadMatrix, Multiply, Op};
use crate::syntax::ast::Operand;
use crate::types::Type;

impl Decoder<'_> {
    pub(super) fn load_matrix(
        &mut self,
        opcode: &Opcode,
        operands: &[Operand],
    ) -> Result<(), String> {
        if !(opcode.take("sync") && opcode.take("aligned") && opcode.take("m8n8")) {
            return Err("ldmatrix is known as .sync.aligned.m8n8 only".to_string());
        }
        let count = match opcode.take_any(&["x1", "x2", "x4"]) {
            Some("x1") => 1,
            Some("x2") => 2,
            Some(_) => 4,
            None => return Err("ldmatrix needs .x1, .x2 or .x4".to_string()),
        };
        let transposed = opcode.take("trans");
        opcode.take_any(&["shared", "shared::cta"]);
        if opcode.one_type()? != Type::B16 {
            return Err("ldmatrix loads .b16".to_string());
        }
        opcode.finish()?;
        let [Operand::Vector(results), address] = operands else {
            return Err("ldmatrix takes a vector and an address".to_string());
        };
        if results.len() != count {
            return Err(format!("ldmatrix.x{count} has {count} results"));
        }
        let mut registers = [0; 4];
        for (register, operand) in registers.iter_mut().zip(results) {
            *register = self.target(operand, Type::B32, Width::Exact)?.index;
        }
        let address = self.address(address)?.0;
        self.kernel.shared_granule = self.kernel.shared_granule.min(4);
        self.emit(Op::LoadMatrix(Box::new(LoadMatrix {
            count,
            transposed,
            registers,
            address,
        })));
        Ok(())
    }

    pub(super) fn multiply(&mut self, opcode: &Opcode, operands: &[Operand]) -> Result<(), String> {
        if !(opcode.take("sync") && opcode.take("aligned")) {
            return Err("mma needs .sync.aligned".to_string());
        }
        let shape = opcode.take_any(&["m16n8k4", "m16n8k8", "m16n8k16"]);
        if !(opcode.take("row") && opcode.take("col")) {
            return Err("mma takes A by rows and B by columns".to_string());
        }
        let (element, [_, a, b, _]) = match opcode.types()[..] {
            [Type::F32, Type::Tf32, Type::Tf32, Type::F32] => (Element::Tf32, [4, 4, 2, 4]),
            [Type::F32, Type::F16, Type::F16, Type::F32] => (Element::F16, [4, 4, 2, 4]),
            [Type::F32, Type::Bf16, Type::Bf16, Type::F32] => (Element::Bf16, [4, 4, 2, 4]),
            _ => return Err("mma of these types is not known to the emulator".to_string()),
        };
        // The smaller depth of each type uses half the registers.
        let (depth, halves) = match (shape, element) {
            (Some("m16n8k4"), Element::Tf32) => (4, 2),
            (Some("m16n8k8"), Element::Tf32) => (8, 1),
            (Some("m16n8k8"), _) => (8, 2),
            (Some("m16n8k16"), Element::F16 | Element::Bf16) => (16, 1),
            _ => return Err("mma of this shape is not known to the emulator".to_string()),
        };
        opcode.finish()?;
        let [d, a_operand, b_operand, c] = operands else {
            return Err("mma takes D, A, B and C".to_string());
        };
        let a = self.fragment(a_operand, a / halves, Type::B32)?;
        let b = self.fragment(b_operand, b / halves, Type::B32)?;
        let c = self.fragment(c, 4, Type::F32)?;
        let Operand::Vector(results) = d else {
            return Err("D is a vector".to_string());
        };
        if results.len() != 4 {
            return Err("D has 4 registers".to_string());
        }
        let mut targets = [0; 4];
        for (target, operand) in targets.iter_mut().zip(results) {
            *target = self.target(operand, Type::F32, Width::Exact)?.index;
        }
        let c = [c[0], c[1], c[2], c[3]];
        self.emit(Op::Multiply(Box::new(Multiply {
            element,
            depth,
            d: targets,
            a,
            b,
            c,
        })));
        Ok(())
    }

    fn fragment(&mut self, operand: &Operand, count: usize, ty: Type) -> Result<Vec<u16>, String> {
        // Braces around a single register are optional.
        let parts = match operand {
            Operand::Vector(parts) => parts.as_slice(),
            single => std::slice::from_ref(single),
        };
        if parts.len() != count {
            return Err(format!(
                "this fragment has {count} registers, {} are given",
                parts.len()
            ));
        }
        parts
            .iter()
            .map(|part| Ok(self.source(part, ty, Width::Exact)?.index))
            .collect()
    }
}
