//! Variable declarations: `.align 16 .b8 name[2][4] = {..}` after the state space.

use super::ast::{Operand, Space, Variable};
use super::parser::{Parsed, Parser};
use crate::types::Type;

/// The largest size of an array that kernels declare; a larger size is a mistake.
const LARGEST: usize = 1 << 31;

impl Parser<'_> {
    /// One or more declarators and the semicolon.
    pub(super) fn variables(&mut self, space: Space, out: &mut Vec<Variable>) -> Parsed<()> {
        let first = self.declarator(space)?;
        let (element, align) = (first.ty, first.align);
        out.push(first);
        while self.eat(',') {
            let line = self.line();
            let name = self.name()?;
            let variable = self.named(space, name, element, align, element.bytes(), line)?;
            out.push(variable);
        }
        self.expect(';')
    }

    /// A single variable: attributes, type, name, sizes, initial value.
    pub(super) fn declarator(&mut self, space: Space) -> Parsed<Variable> {
        let line = self.line();
        let (mut align, mut ty, mut lanes, mut pointer) = (0, None, 1, false);
        loop {
            let start = self.at;
            let word = self.name()?;
            let Some(attribute) = word.strip_prefix('.') else {
                let Some(ty) = ty else {
                    self.at = start;
                    return self.error("a variable needs a type");
                };
                let element = Type::bytes(ty) * lanes;
                return self.named(space, word, ty, align.max(element), element, line);
            };
            match attribute {
                "align" => {
                    let given = usize::try_from(self.integer()?).unwrap_or(0);
                    if !given.is_power_of_two() || given > 1 << 16 {
                        return self.error("an alignment is a power of two");
                    }
                    // After `.ptr` it is the alignment of the memory that the parameter points to.
                    align = if pointer { align } else { given };
                }
                "v2" => lanes = 2,
                "v4" => lanes = 4,
                "ptr" => pointer = true,
                "global" | "shared" | "const" | "local" if pointer => {}
                _ => match Type::named(attribute) {
                    Some(named) => ty = Some(named),
                    None => {
                        self.at = start;
                        return self.error("type not known to the emulator");
                    }
                },
            }
        }
    }

    fn named(
        &mut self,
        space: Space,
        name: String,
        ty: Type,
        align: usize,
        element: usize,
        line: usize,
    ) -> Parsed<Variable> {
        let mut bytes = Some(element);
        while self.eat('[') {
            if self.eat(']') {
                bytes = None;
                continue;
            }
            let count = usize::try_from(self.integer()?).unwrap_or(usize::MAX);
            let total = bytes
                .unwrap_or(0)
                .checked_mul(count)
                .filter(|&n| n <= LARGEST);
            if total.is_none() {
                return self.error("the array is too large");
            }
            bytes = total;
            self.expect(']')?;
        }
        let mut initial = Vec::new();
        if self.eat('=') {
            self.initial(ty, &mut initial)?;
            if bytes.is_none() {
                bytes = Some(initial.len());
            }
            if bytes.is_some_and(|n| initial.len() > n) {
                return self.error("more initial values than the variable holds");
            }
        }
        Ok(Variable {
            space,
            name,
            ty,
            align,
            bytes,
            initial,
            line,
        })
    }

    /// Nested braces are flattened: rows of a matrix are consecutive.
    fn initial(&mut self, ty: Type, out: &mut Vec<u8>) -> Parsed<()> {
        if self.eat('{') {
            while !self.eat('}') {
                self.nested(|p| p.initial(ty, out))?;
                if !self.eat(',') && !self.is('}') {
                    return self.error("expected `,` or `}` here");
                }
            }
            return Ok(());
        }
        let bits = match (self.operand()?, ty) {
            (Operand::Integer(n), _) => n,
            (Operand::Float32(b), Type::F64) => f64::from(f32::from_bits(b)).to_bits(),
            (Operand::Float32(b), _) => u64::from(b),
            (Operand::Float64(b), Type::F64) => b,
            (Operand::Float64(b), Type::F32) => u64::from((f64::from_bits(b) as f32).to_bits()),
            _ => {
                self.at -= 1;
                return self.error("initial value not known to the emulator");
            }
        };
        out.extend_from_slice(&bits.to_le_bytes()[..ty.bytes()]);
        Ok(())
    }
}
