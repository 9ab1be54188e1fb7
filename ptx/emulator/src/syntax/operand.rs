//! Operands of instructions, and the integer expressions in them.

use super::ast::Operand;
use super::lexer::Token;
use super::parser::{Parsed, Parser};

impl Parser<'_> {
    /// All operands up to the semicolon.
    pub(super) fn operands(&mut self) -> Parsed<Vec<Operand>> {
        let mut all = Vec::new();
        while !self.is(';') {
            all.push(self.operand()?);
            if !self.eat(',') {
                break;
            }
        }
        Ok(all)
    }

    pub(super) fn operand(&mut self) -> Parsed<Operand> {
        if self.eat('{') {
            return Ok(Operand::Vector(self.nested(|p| p.until('}'))?));
        }
        if self.is('(') {
            let start = self.at;
            self.at += 1;
            // A list of names is part of a call; anything else is an expression in parentheses.
            if self.is(')') || matches!(self.peek(), Some(Token::Name(_))) {
                return Ok(Operand::List(self.nested(|p| p.until(')'))?));
            }
            self.at = start;
            return Ok(Operand::Integer(self.integer()?));
        }
        if self.eat('[') {
            return self.address();
        }
        if self.eat('!') {
            return Ok(Operand::Not(self.name()?));
        }
        match self.peek() {
            Some(Token::Name(_)) => self.named_operand(),
            Some(&Token::Float32(bits)) => {
                self.at += 1;
                Ok(Operand::Float32(bits))
            }
            Some(&Token::Float64(bits)) => {
                self.at += 1;
                Ok(Operand::Float64(bits))
            }
            Some(Token::Symbol('-'))
                if matches!(
                    self.tokens.get(self.at + 1).map(|t| &t.token),
                    Some(Token::Float64(_) | Token::Float32(_))
                ) =>
            {
                self.at += 1;
                Ok(match self.operand()? {
                    Operand::Float32(bits) => Operand::Float32(bits ^ 1 << 31),
                    Operand::Float64(bits) => Operand::Float64(bits ^ 1 << 63),
                    other => other,
                })
            }
            _ => Ok(Operand::Integer(self.integer()?)),
        }
    }

    fn until(&mut self, close: char) -> Parsed<Vec<Operand>> {
        let mut all = Vec::new();
        while !self.eat(close) {
            all.push(self.operand()?);
            if !self.eat(',') && !self.is(close) {
                return self.error(format!("expected `,` or `{close}` here"));
            }
        }
        Ok(all)
    }

    fn named_operand(&mut self) -> Parsed<Operand> {
        let name = self.name()?;
        if self.eat('|') {
            return Ok(Operand::Pair(name, self.name()?));
        }
        if self.is('+') || self.is('-') {
            return Ok(Operand::Offset(name, self.signed_offset()?));
        }
        Ok(Operand::Name(name))
    }

    /// After `[`.
    fn address(&mut self) -> Parsed<Operand> {
        let base = match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Some(name)
            }
            _ => None,
        };
        let offset = match base {
            None => self.integer()? as i64,
            Some(_) if self.is('+') || self.is('-') => self.signed_offset()?,
            Some(_) => 0,
        };
        if self.is(',') {
            // A tensor map with coordinates: the decoder reports the instruction.
            while self.peek().is_some() && !self.eat(']') {
                self.at += 1;
            }
            return Ok(Operand::Foreign);
        }
        self.expect(']')?;
        Ok(Operand::Address(base, offset))
    }

    /// `+4`, `-4`, `+-4`.
    fn signed_offset(&mut self) -> Parsed<i64> {
        let negative = self.eat('-');
        if !negative {
            self.expect('+')?;
        }
        let value = self.integer()? as i64;
        Ok(if negative {
            value.wrapping_neg()
        } else {
            value
        })
    }

    /// A constant integer expression: `+ -` over `* /` over unary minus, `~` and parentheses.
    pub(super) fn integer(&mut self) -> Parsed<u64> {
        let mut value = self.term()?;
        loop {
            if self.eat('+') {
                value = value.wrapping_add(self.term()?);
            } else if self.eat('-') {
                value = value.wrapping_sub(self.term()?);
            } else {
                return Ok(value);
            }
        }
    }

    fn term(&mut self) -> Parsed<u64> {
        let mut value = self.factor()?;
        loop {
            if self.eat('*') {
                value = value.wrapping_mul(self.factor()?);
            } else if self.eat('/') {
                let divisor = self.factor()?;
                let Some(quotient) = value.checked_div(divisor) else {
                    return self.error("division by zero");
                };
                value = quotient;
            } else {
                return Ok(value);
            }
        }
    }

    fn factor(&mut self) -> Parsed<u64> {
        if self.eat('-') {
            return Ok(self.nested(Self::factor)?.wrapping_neg());
        }
        if self.eat('~') {
            return Ok(!self.nested(Self::factor)?);
        }
        if self.eat('(') {
            let value = self.nested(Self::integer)?;
            self.expect(')')?;
            return Ok(value);
        }
        match self.peek() {
            Some(&Token::Integer(value)) => {
                self.at += 1;
                Ok(value)
            }
            _ => self.error("expected an operand here"),
        }
    }
}
