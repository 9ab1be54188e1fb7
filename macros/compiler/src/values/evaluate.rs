//! The value of a constant, from its expression as rustc evaluates it; `None` where more than arithmetic is needed.

use super::Known;
use super::modules::{Module, Modules};
use super::names::{Found, Names};
use super::scope::Scope;
use quote::ToTokens;
use std::cell::Cell;
use std::rc::Rc;
use syn::{BinOp, Expr, Lit, UnOp};

/// The most constants that are defined by each other.
const DEEPEST: usize = 64;

/// The most expressions that are evaluated, and the most elements of an array.
const MOST: usize = 4096;

/// The value of the constant that a path is at a place: in the blocks around it, innermost first, or in its module.
pub fn constant(modules: &Modules, place: (&Module, &[Rc<Scope>]), path: &[&str]) -> Option<Known> {
    let names = Names { modules };
    let steps = Cell::new(0);
    let (module, blocks) = place;
    let values = Values {
        names: &names,
        module,
        blocks,
        own: &[],
        depth: 0,
        steps: &steps,
    };
    values.path(path)
}

struct Values<'a> {
    names: &'a Names<'a>,
    /// The place of the expressions.
    module: &'a Module,
    blocks: &'a [Rc<Scope>],
    /// The constants of the type around this place.
    own: &'a [syn::ItemConst],
    depth: usize,
    /// The expressions evaluated so far.
    steps: &'a Cell<usize>,
}

impl Values<'_> {
    fn path(&self, path: &[&str]) -> Option<Known> {
        let place = (self.module, self.blocks);
        match self.names.path(place, self.own, path) {
            Some(found) => self.of(&found),
            None => (self.names.elsewhere(place, path).iter()).find_map(|path| mathematical(path)),
        }
    }

    fn of(&self, found: &Found<'_>) -> Option<Known> {
        let item = &found.item;
        let inner = Values {
            module: &found.module,
            blocks: found.blocks,
            own: &found.own,
            depth: self.depth + 1,
            ..*self
        };
        if inner.depth > DEEPEST {
            return None;
        }
        // What is calculated in `f32` is rounded at each step.
        let ty = item.ty.to_token_stream().to_string();
        if ty.contains("f32") && !literal(&item.expr) {
            return None;
        }
        let value = inner.value(&item.expr)?;
        let value = match ty.contains("f32") {
            true => rounded(value),
            false => value,
        };
        Some(value).filter(has_literals)
    }

    fn value(&self, e: &Expr) -> Option<Known> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MOST {
            return None;
        }
        match e {
            Expr::Lit(lit) => match &lit.lit {
                Lit::Int(i) if i.suffix().starts_with('f') => number(i.base10_digits()),
                Lit::Int(i) => i.base10_parse().ok().map(Known::Whole),
                Lit::Float(f) if f.suffix() == "f32" => number(f.base10_digits()).map(rounded),
                Lit::Float(f) => number(f.base10_digits()),
                Lit::Bool(b) => Some(Known::Bool(b.value)),
                _ => None,
            },
            Expr::Path(path) => {
                let names = path.path.segments.iter().map(|s| s.ident.to_string());
                let names: Vec<String> = names.collect();
                self.path(&names.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Expr::Paren(e) => self.value(&e.expr),
            Expr::Group(e) => self.value(&e.expr),
            Expr::Reference(e) => self.value(&e.expr),
            Expr::Block(e) => match e.block.stmts.as_slice() {
                [syn::Stmt::Expr(e, None)] => self.value(e),
                _ => None,
            },
            Expr::If(e) => {
                let Known::Bool(holds) = self.value(&e.cond)? else {
                    return None;
                };
                match (holds, e.then_branch.stmts.as_slice()) {
                    (true, [syn::Stmt::Expr(e, None)]) => self.value(e),
                    (false, _) => self.value(&e.else_branch.as_ref()?.1),
                    _ => None,
                }
            }
            Expr::Array(e) => self.all(&e.elems).map(Known::List),
            Expr::Tuple(e) => self.all(&e.elems).map(Known::Tuple),
            Expr::Repeat(e) => {
                let (value, count) = (self.value(&e.expr)?, self.index(&e.len)?);
                let elements = elements(&value).max(1).saturating_mul(count);
                (elements <= MOST).then(|| Known::List(vec![value; count]))
            }
            Expr::Index(e) => {
                let (Known::List(all), k) = (self.value(&e.expr)?, self.index(&e.index)?) else {
                    return None;
                };
                all.get(k).cloned()
            }
            Expr::Field(e) => match (self.value(&e.base)?, &e.member) {
                (Known::Tuple(all), syn::Member::Unnamed(k)) => all.get(k.index as usize).cloned(),
                _ => None,
            },
            Expr::Unary(e) => match (&e.op, self.value(&e.expr)?) {
                (UnOp::Neg(_), Known::Whole(v)) => v.checked_neg().map(Known::Whole),
                (UnOp::Neg(_), Known::Number(v)) => Some(Known::Number(-v)),
                (UnOp::Not(_), Known::Bool(v)) => Some(Known::Bool(!v)),
                (UnOp::Deref(_), v) => Some(v),
                _ => None,
            },
            Expr::Cast(e) => cast(self.value(&e.expr)?, &e.ty.to_token_stream().to_string()),
            Expr::Binary(e) => binary(&e.op, self.value(&e.left)?, self.value(&e.right)?),
            Expr::MethodCall(e) => {
                let args = self.all(&e.args)?;
                method(&e.method.to_string(), self.value(&e.receiver)?, &args)
            }
            _ => None,
        }
    }

    fn all<'e>(&self, items: impl IntoIterator<Item = &'e Expr>) -> Option<Vec<Known>> {
        items.into_iter().map(|e| self.value(e)).collect()
    }

    fn index(&self, e: &Expr) -> Option<usize> {
        match self.value(e)? {
            Known::Whole(v) => usize::try_from(v).ok(),
            _ => None,
        }
    }
}

/// The number of numbers in a value.
fn elements(value: &Known) -> usize {
    match value {
        Known::List(all) | Known::Tuple(all) => all.iter().map(elements).sum(),
        Known::Whole(_) | Known::Number(_) | Known::Bool(_) => 1,
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

/// Whether an expression is a number as it is written, or an array of these.
fn literal(e: &Expr) -> bool {
    match e {
        Expr::Lit(_) => true,
        Expr::Unary(e) => literal(&e.expr),
        Expr::Reference(e) => literal(&e.expr),
        Expr::Array(e) => e.elems.iter().all(literal),
        _ => false,
    }
}

/// A number of `std::f64::consts` or `std::f32::consts`.
fn mathematical(path: &[String]) -> Option<Known> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let ["std" | "core", ty @ ("f64" | "f32"), "consts", name] = path[..] else {
        return None;
    };
    macro_rules! of {
        ($($name:ident)*) => {
            match name {
                $(stringify!($name) => std::f64::consts::$name,)*
                _ => return None,
            }
        };
    }
    let value = Known::Number(of! {
        E FRAC_1_PI FRAC_1_SQRT_2 FRAC_2_PI FRAC_2_SQRT_PI FRAC_PI_2 FRAC_PI_3 FRAC_PI_4 FRAC_PI_6 FRAC_PI_8
        LN_10 LN_2 LOG10_2 LOG10_E LOG2_10 LOG2_E PI SQRT_2 TAU
    });
    Some(if ty == "f32" { rounded(value) } else { value })
}

fn number(text: &str) -> Option<Known> {
    text.parse().ok().map(Known::Number)
}

/// The nearest value in `f32`.
#[allow(clippy::cast_possible_truncation)]
fn rounded(value: Known) -> Known {
    match value {
        Known::Number(v) => Known::Number(f64::from(v as f32)),
        Known::List(all) => Known::List(all.into_iter().map(rounded).collect()),
        other => other,
    }
}

#[allow(clippy::cast_possible_truncation)]
fn cast(value: Known, ty: &str) -> Option<Known> {
    Some(match (value, ty) {
        (v @ (Known::Whole(_) | Known::Number(_)), "f64") => Known::Number(v.number()?),
        (v @ (Known::Whole(_) | Known::Number(_)), "f32") => rounded(Known::Number(v.number()?)),
        (Known::Number(v), _) => fitting(v as i128, ty)?,
        (Known::Whole(v), _) => fitting(v, ty)?,
        (Known::Bool(v), _) => fitting(i128::from(v), ty)?,
        _ => return None,
    })
}

/// An integer, if a type has it: a cast of another wraps or saturates.
fn fitting(v: i128, ty: &str) -> Option<Known> {
    let bits = match ty {
        "usize" | "u64" => u64::try_from(v).is_ok(),
        "isize" | "i64" => i64::try_from(v).is_ok(),
        "u32" => u32::try_from(v).is_ok(),
        "i32" => i32::try_from(v).is_ok(),
        "u16" => u16::try_from(v).is_ok(),
        "i16" => i16::try_from(v).is_ok(),
        "u8" => u8::try_from(v).is_ok(),
        "i8" => i8::try_from(v).is_ok(),
        _ => false,
    };
    bits.then_some(Known::Whole(v))
}

#[allow(clippy::float_cmp)]
fn binary(op: &BinOp, x: Known, y: Known) -> Option<Known> {
    Some(match (x, y) {
        (Known::Whole(x), Known::Whole(y)) => match op {
            BinOp::Add(_) => Known::Whole(x.checked_add(y)?),
            BinOp::Sub(_) => Known::Whole(x.checked_sub(y)?),
            BinOp::Mul(_) => Known::Whole(x.checked_mul(y)?),
            BinOp::Div(_) => Known::Whole(x.checked_div(y)?),
            BinOp::Rem(_) => Known::Whole(x.checked_rem(y)?),
            BinOp::Shl(_) => {
                Known::Whole(x.checked_mul(1 << u32::try_from(y).ok().filter(|y| *y < 64)?)?)
            }
            BinOp::Shr(_) => Known::Whole(x >> u32::try_from(y).ok().filter(|y| *y < 64)?),
            _ => Known::Bool(compared(op, &x, &y)?),
        },
        (Known::Number(x), Known::Number(y)) => match op {
            BinOp::Add(_) => Known::Number(x + y),
            BinOp::Sub(_) => Known::Number(x - y),
            BinOp::Mul(_) => Known::Number(x * y),
            BinOp::Div(_) => Known::Number(x / y),
            BinOp::Rem(_) => Known::Number(x % y),
            _ => Known::Bool(compared(op, &x, &y)?),
        },
        (Known::Bool(x), Known::Bool(y)) => Known::Bool(match op {
            BinOp::And(_) | BinOp::BitAnd(_) => x && y,
            BinOp::Or(_) | BinOp::BitOr(_) => x || y,
            _ => compared(op, &x, &y)?,
        }),
        _ => return None,
    })
}

fn compared<T: PartialOrd>(op: &BinOp, x: &T, y: &T) -> Option<bool> {
    Some(match op {
        BinOp::Eq(_) => x == y,
        BinOp::Ne(_) => x != y,
        BinOp::Lt(_) => x < y,
        BinOp::Le(_) => x <= y,
        BinOp::Gt(_) => x > y,
        BinOp::Ge(_) => x >= y,
        _ => return None,
    })
}

fn method(name: &str, x: Known, args: &[Known]) -> Option<Known> {
    Some(match (name, x, args) {
        ("len", Known::List(all), []) => Known::Whole(i128::try_from(all.len()).ok()?),
        ("pow", Known::Whole(x), [Known::Whole(n)]) => {
            Known::Whole(x.checked_pow(u32::try_from(*n).ok()?)?)
        }
        ("div_ceil", Known::Whole(x), [Known::Whole(y @ 1..)]) if x >= 0 => {
            Known::Whole(x / y + i128::from(x % y != 0))
        }
        ("next_power_of_two", Known::Whole(x), []) => {
            Known::Whole(u64::try_from(x).ok()?.checked_next_power_of_two()?.into())
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Known::{self, Bool, List, Number, Whole};
    use super::super::file::around;
    use super::{Modules, constant};

    fn value(file: &str, name: &str) -> Option<Known> {
        let levels = around(&format!("N {file}"), (1, 0), "N").expect("the place");
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
            const LARGE: f32 = 1e39; const WRAPS: u8 = 300 as u8; const SUM: f32 = 0.1 + 0.2;";
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
        is("SHORT", Some(Number(f64::from(std::f32::consts::PI))));
        for name in [
            "LOOP", "CALL", "BELOW", "WRAPS", "SUM", "MISSING", "HUGE", "TWICE", "LEAST",
            "NOTHING", "LOWEST", "WAY", "ROUND", "UNKNOWN", "LARGE",
        ] {
            is(name, None);
        }
    }
}
