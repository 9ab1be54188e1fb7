//! The value of a constant, from its expression as rustc evaluates it; `None` where more than arithmetic is needed.

use super::Known;
use super::arithmetic::{Value, binary, cast, mathematical, method, negative, typed};
use super::modules::{Module, Modules};
use super::names::{Found, Names};
use super::scope::{Constant, Scope};
use quote::ToTokens;
use std::cell::Cell;
use std::rc::Rc;
use syn::{BinOp, Expr, Lit, LitFloat, UnOp};

/// The most constants that are defined by each other.
const DEEPEST: usize = 64;

/// The most expressions inside each other.
const NESTED: usize = 256;

/// The most expressions that are evaluated, and the most elements of an array.
const MOST: usize = 4096;

/// The value of the constant that a path is at a place: in the blocks around it, innermost first, or in its module.
pub fn constant(modules: &Modules, place: (&Module, &[Rc<Scope>]), path: &[&str]) -> Option<Known> {
    let names = Names { modules };
    let (steps, nested) = (Cell::new(0), Cell::new(0));
    let (module, blocks) = place;
    let values = Values {
        names: &names,
        module,
        blocks,
        own: &[],
        depth: 0,
        literals: Literals::Double,
        steps: &steps,
        nested: &nested,
    };
    values.path(path).map(Value::known).filter(has_literals)
}

/// The type of floats without a suffix, from the type of a constant.
#[derive(Clone, Copy, PartialEq)]
enum Literals {
    /// `f64`.
    Double,
    /// `f32`.
    Single,
    /// Both are in the type: of a value that is not written as literals, the types are not known.
    Both,
}

impl Literals {
    fn of(ty: &syn::Type) -> Literals {
        let text = ty.to_token_stream().to_string();
        match (text.contains("f32"), text.contains("f64")) {
            (true, true) => Literals::Both,
            (true, false) => Literals::Single,
            (false, _) => Literals::Double,
        }
    }
}

#[derive(Clone, Copy)]
struct Values<'a> {
    names: &'a Names<'a>,
    /// The place of the expressions.
    module: &'a Module,
    blocks: &'a [Rc<Scope>],
    /// The constants of the type around this place.
    own: &'a [Constant],
    depth: usize,
    literals: Literals,
    /// The expressions evaluated so far.
    steps: &'a Cell<usize>,
    /// The expressions around this one.
    nested: &'a Cell<usize>,
}

impl Values<'_> {
    fn path(&self, path: &[&str]) -> Option<Value> {
        let place = (self.module, self.blocks);
        match self.names.path(place, self.own, path) {
            Some(found) => self.of(&found),
            None => (self.names.elsewhere(place, path).iter()).find_map(|path| mathematical(path)),
        }
    }

    fn of(&self, found: &Found<'_>) -> Option<Value> {
        let item = &found.item;
        let inner = Values {
            module: &found.module,
            blocks: found.blocks,
            own: &found.own,
            depth: self.depth + 1,
            literals: Literals::of(&item.ty),
            ..*self
        };
        if inner.depth > DEEPEST || inner.literals == Literals::Both && !literal(&item.expr) {
            return None;
        }
        typed(inner.value(&item.expr)?, &item.ty)
    }

    fn value(&self, e: &Expr) -> Option<Value> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MOST || self.nested.get() > NESTED {
            return None;
        }
        self.nested.set(self.nested.get() + 1);
        let value = self.inner(e);
        self.nested.set(self.nested.get() - 1);
        value
    }

    fn inner(&self, e: &Expr) -> Option<Value> {
        match e {
            Expr::Lit(lit) => match &lit.lit {
                Lit::Int(i) if i.suffix().starts_with('f') => {
                    self.float(i.base10_digits(), i.suffix())
                }
                Lit::Int(i) => i.base10_parse().ok().map(Value::Whole),
                Lit::Float(f) => self.float(f.base10_digits(), f.suffix()),
                Lit::Bool(b) => Some(Value::Bool(b.value)),
                _ => None,
            },
            Expr::Path(path) => {
                let names = path.path.segments.iter().map(|s| s.ident.to_string());
                let names: Vec<String> = names.collect();
                self.path(&names.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Expr::Paren(e) => self.value(&e.expr),
            Expr::Group(e) => self.value(&e.expr),
            // The value behind a reference to a number cannot be compared with a number.
            Expr::Reference(e) => self
                .value(&e.expr)
                .filter(|v| matches!(v, Value::List(_) | Value::Tuple(_))),
            Expr::Block(e) => match e.block.stmts.as_slice() {
                [syn::Stmt::Expr(e, None)] => self.value(e),
                _ => None,
            },
            Expr::If(e) => {
                // The numbers of the condition may be of other types.
                let condition = Values {
                    literals: Literals::Double,
                    ..*self
                };
                let Value::Bool(holds) = condition.value(&e.cond)? else {
                    return None;
                };
                match (holds, e.then_branch.stmts.as_slice()) {
                    (true, [syn::Stmt::Expr(e, None)]) => self.value(e),
                    (false, _) => self.value(&e.else_branch.as_ref()?.1),
                    _ => None,
                }
            }
            Expr::Array(e) => self.all(&e.elems).map(Value::List),
            Expr::Tuple(e) => self.all(&e.elems).map(Value::Tuple),
            Expr::Repeat(e) => {
                let (value, count) = (self.value(&e.expr)?, self.index(&e.len)?);
                let elements = elements(&value).max(1).saturating_mul(count);
                (elements <= MOST).then(|| Value::List(vec![value; count]))
            }
            Expr::Index(e) => {
                let (Value::List(all), k) = (self.value(&e.expr)?, self.index(&e.index)?) else {
                    return None;
                };
                all.get(k).cloned()
            }
            Expr::Field(e) => match (self.value(&e.base)?, &e.member) {
                (Value::Tuple(all), syn::Member::Unnamed(k)) => all.get(k.index as usize).cloned(),
                _ => None,
            },
            Expr::Unary(e) => match &e.op {
                UnOp::Neg(_) => negative(self.value(&e.expr)?),
                UnOp::Not(_) => match self.value(&e.expr)? {
                    Value::Bool(v) => Some(Value::Bool(!v)),
                    _ => None,
                },
                _ => self.value(&e.expr),
            },
            Expr::Cast(e) => {
                let operand = Values {
                    literals: Literals::Double,
                    ..*self
                };
                cast(operand.shifted_little(&e.expr)?, &e.ty)
            }
            Expr::Binary(e) => {
                let (x, y) = (self.value(&e.left)?, self.value(&e.right)?);
                let single = |v: &Value| matches!(v, Value::Single(_));
                // Both operands have the type of the one that has a type.
                let y = if single(&x) {
                    self.as_single(y, &e.right)?
                } else {
                    y
                };
                let x = if single(&y) {
                    self.as_single(x, &e.left)?
                } else {
                    x
                };
                binary(&e.op, x, y)
            }
            Expr::MethodCall(e) => {
                let args = self.all(&e.args)?;
                method(&e.method.to_string(), self.value(&e.receiver)?, &args)
            }
            _ => None,
        }
    }

    fn all<'e>(&self, items: impl IntoIterator<Item = &'e Expr>) -> Option<Vec<Value>> {
        items.into_iter().map(|e| self.value(e)).collect()
    }

    fn index(&self, e: &Expr) -> Option<usize> {
        match self.value(e)? {
            Value::Whole(v) => usize::try_from(v).ok(),
            _ => None,
        }
    }

    /// A float as it is written.
    fn float(&self, digits: &str, suffix: &str) -> Option<Value> {
        match (suffix, self.literals) {
            ("f32", _) | ("", Literals::Single) => digits.parse().ok().map(Value::Single),
            _ => digits.parse().ok().map(Value::Number),
        }
    }

    /// An operand beside an `f32`: a float without a suffix has this type.
    fn as_single(&self, value: Value, e: &Expr) -> Option<Value> {
        match (value, e) {
            (value @ Value::Single(_), _) => Some(value),
            (Value::Number(_), Expr::Lit(lit)) => match &lit.lit {
                Lit::Float(f) => single(f),
                _ => None,
            },
            _ => None,
        }
    }

    /// A value, unless a shift may have dropped bits of it: the type of the operand is not known.
    fn shifted_little(&self, e: &Expr) -> Option<Value> {
        let shifts = |e: &Expr| match e {
            Expr::Binary(e) => matches!(e.op, BinOp::Shl(_)),
            _ => false,
        };
        let inner = match e {
            Expr::Paren(inner) => &inner.expr,
            other => other,
        };
        let value = self.value(e)?;
        match value {
            Value::Whole(v) if shifts(inner) => (0..128).contains(&v).then_some(value),
            value => Some(value),
        }
    }
}

fn single(literal: &LitFloat) -> Option<Value> {
    literal.base10_digits().parse().ok().map(Value::Single)
}

/// The number of numbers in a value.
fn elements(value: &Value) -> usize {
    match value {
        Value::List(all) | Value::Tuple(all) => all.iter().map(elements).sum(),
        _ => 1,
    }
}

/// Whether all numbers have literals: infinite ones and the least integer have none.
fn has_literals(value: &Known) -> bool {
    match value {
        Known::Number(v) => v.is_finite(),
        Known::List(all) | Known::Tuple(all) => all.iter().all(has_literals),
        Known::Whole(v) => *v != i128::MIN,
        Known::Bool(_) => true,
    }
}

/// Whether an expression consists of literals.
fn literal(e: &Expr) -> bool {
    match e {
        Expr::Lit(_) => true,
        Expr::Unary(e) => literal(&e.expr),
        Expr::Reference(e) => literal(&e.expr),
        Expr::Array(e) => e.elems.iter().all(literal),
        Expr::Tuple(e) => e.elems.iter().all(literal),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Known::{self, Bool, List, Number, Tuple, Whole};
    use super::super::file::around;
    use super::{Modules, constant};

    fn value(file: &str, name: &str) -> Option<Known> {
        let levels = around(&format!("N; {file}"), (1, 0), "N").expect("the place");
        let modules = Modules::default();
        let (module, blocks) = modules.around("no file".into(), levels);
        constant(&modules, (&module, &blocks), &[name])
    }

    #[test]
    fn evaluates_as_rustc_does() {
        let file = "
            const D: usize = 1 << 5; const H: usize = D / 3; const CEIL: usize = D.div_ceil(3);
            const DEPTHS: [usize; 3] = [1, 2 * 3, D - 1]; const LAST: usize = DEPTHS[DEPTHS.len() - 1];
            const RATE: f64 = 0.1 + 0.2; const SINGLE: f32 = 0.1; const SCALE: f64 = -(D as f64) / 8.0;
            const ON: bool = D >= 32 && !(H == 3); const SIZES: &[(usize, f64)] = &[(3, 0.5); 2];
            const SECOND: f64 = SIZES[1].1; const CHOICE: i64 = if ON { -7 % 4 } else { 0 };
            const LOOP: usize = LOOP + 1; const CALL: usize = call(3); const BELOW: usize = DEPTHS[3];
            const HUGE: [[f32; 4096]; 4096] = [[0.0; 4096]; 4096];
            const TWICE: usize = 1; const TWICE: usize = 2; const LEAST: i128 = -(-170141183460469231731687303715884105727 - 1);
            const NOTHING: [[usize; 0]; 1 << 60] = [[0; 0]; 1 << 60]; const LOWEST: i128 = -170141183460469231731687303715884105727 - 1;
            use std::f64::{self, consts, consts::*}; const TURN: f64 = 2.0 * consts::PI; const ROOT: f64 = SQRT_2 + f64::consts::E;
            const SHORT: f64 = core::f32::consts::PI as f64; const UNKNOWN: f64 = other::consts::PI; const AGAIN: usize = m::n::INNER + LEFT;
            mod m { pub mod n { use super::super::D; pub const INNER: usize = super::OWN * D; } const OWN: usize = 2; pub use super::*; }
            mod cycle { pub use super::m::*; } mod a { pub use super::b::ROUND; } mod b { pub use super::a::ROUND; } use a::ROUND; const WAY: usize = ROUND; use {cycle::*, m::{n::INNER as LEFT, self as other}}; const THERE: usize = other::OWN;
            struct Config; impl Config { const WIDTH: usize = D / 2; const D: usize = D + self::H; const E: usize = Self::D; } impl Config { const DOUBLE: usize = Self::WIDTH * 2; } const OF: usize = Config::DOUBLE; const OWN: usize = Config::E;
            const LARGE: f32 = 1e39; const WRAPS: u8 = 300 as u8; const SUM: f32 = 0.1 + 0.2;
            const DROPS: u8 = 255 << 1; const SIGN: i64 = (1i32 << 31) as i64; const BIG: usize = 1 << 40; const EIGHT: f64 = (2 << 2) as f64;
            const R: f32 = 0.7; const SEVEN: usize = (R * 10.0) as usize; const LONG: f64 = (0.1f32 + 0.2f32) as f64; const ODD: f64 = 16777217f32 as f64;
            const THIRD: f32 = 1.0 / 3.0; const CAST: f32 = (1.0 / 3.0) as f32; const EXACT: f32 = 1.000000059604644775390626; const PAIRS: &[(usize, f32)] = &[(3, 0.1)];
            const SAME: [f32; 2] = [0.5f32 * 0.1; 2]; const MIXED: f64 = (R * (1.0 / 3.0)) as f64; type F = f32; const NAMED: F = 0.1; type S = usize; const SIZE: S = 3;
            const ONE: &usize = &3; const EACH: [&usize; 2] = [&1, &2]; const MANY: &[[usize; 2]; 1] = &[[1, 2]];
            #[cfg(any())] const CFG: usize = 1; #[cfg(all())] mod q { pub const Q: usize = 1; } use q::Q;
            #[cfg(any())] use x::BOTH; #[cfg(all())] use y::BOTH; mod x { pub const BOTH: usize = 1; } mod y { pub const BOTH: usize = 2; }
            struct Par<const PAR: usize = 3>([u8; 4]); const PAR: usize = 7; trait T { const FROM: usize = 8; } const FROM: usize = 9;
            mod hides { const HIDDEN: usize = 1; } mod shows { pub const HIDDEN: usize = 2; const INSIDE: usize = 3; pub mod inner { use super::*; pub const TAKEN: usize = INSIDE; } }
            use hides::*; use shows::*; const VISIBLE: usize = HIDDEN; const TAKEN: usize = shows::inner::TAKEN;";
        let deep = "1 + ".repeat(2000);
        assert_eq!(
            value(&format!("const DEEP: usize = {deep} 1;"), "DEEP"),
            None
        );
        let is =
            |name: &str, wanted: Option<Known>| assert_eq!(value(file, name), wanted, "{name}");
        is("D", Some(Whole(32)));
        is("H", Some(Whole(10)));
        is("CEIL", Some(Whole(11)));
        is("DEPTHS", Some(List(vec![Whole(1), Whole(6), Whole(31)])));
        is("LAST", Some(Whole(31)));
        is("RATE", Some(Number(0.1 + 0.2)));
        is("SINGLE", Some(Number(f64::from(0.1_f32))));
        is("SCALE", Some(Number(-4.0)));
        is("ON", Some(Bool(true)));
        is("SECOND", Some(Number(0.5)));
        is("CHOICE", Some(Whole(-3)));
        is("TURN", Some(Number(std::f64::consts::TAU)));
        is("AGAIN", Some(Whole(128)));
        is("THERE", Some(Whole(2)));
        is("OF", Some(Whole(32)));
        is("OWN", Some(Whole(42)));
        is(
            "ROOT",
            Some(Number(std::f64::consts::SQRT_2 + std::f64::consts::E)),
        );
        let single = |v: f32| Some(Number(v.into()));
        is("SUM", single(0.1 + 0.2));
        is("BIG", Some(Whole(1 << 40)));
        is("EIGHT", Some(Number(8.0)));
        is("SEVEN", Some(Whole(7)));
        is("LONG", single(0.1 + 0.2));
        is("ODD", single(16_777_216.0));
        is("THIRD", single(1.0 / 3.0));
        #[allow(clippy::cast_possible_truncation)]
        is("CAST", single((1.0_f64 / 3.0) as f32));
        is("EXACT", single(1.000_000_1));
        let tenth = Number(0.1_f32.into());
        is("PAIRS", Some(List(vec![Tuple(vec![Whole(3), tenth])])));
        is("SAME", Some(List(vec![Number((0.5_f32 * 0.1).into()); 2])));
        is("SIZE", Some(Whole(3)));
        is("MANY", Some(List(vec![List(vec![Whole(1), Whole(2)])])));
        is("PAR", Some(Whole(7)));
        is("FROM", Some(Whole(9)));
        is("VISIBLE", Some(Whole(2)));
        is("TAKEN", Some(Whole(3)));
        is("SHORT", Some(Number(f64::from(std::f32::consts::PI))));
        for name in [
            "LOOP", "CALL", "BELOW", "WRAPS", "MISSING", "DROPS", "SIGN", "MIXED", "NAMED", "ONE",
            "EACH", "CFG", "Q", "BOTH", "HUGE", "TWICE", "LEAST", "NOTHING", "LOWEST", "WAY",
            "ROUND", "UNKNOWN", "LARGE",
        ] {
            is(name, None);
        }
    }
}
