//! Sizes as a program writes them: numbers, names, sums and products.

use std::fmt;

/// One size.
#[derive(Clone, Debug, PartialEq)]
pub enum Size {
    /// A number.
    Lit(usize),
    /// A dimension or a const parameter.
    Name(String),
    /// A sum.
    Add(Box<Size>, Box<Size>),
    /// A product.
    Mul(Box<Size>, Box<Size>),
}

/// The sizes of a value.
pub type Shape = Vec<Size>;

impl Size {
    /// A name.
    pub fn name(name: &str) -> Size {
        Size::Name(name.to_owned())
    }

    /// The sum.
    pub fn plus(&self, other: &Size) -> Size {
        match (self, other) {
            (Size::Lit(a), Size::Lit(b)) => Size::Lit(a + b),
            (a, b) => Size::Add(Box::new(a.clone()), Box::new(b.clone())),
        }
    }

    /// The product.
    pub fn times(&self, other: &Size) -> Size {
        match (self, other) {
            (Size::Lit(a), Size::Lit(b)) => Size::Lit(a * b),
            (a, b) => Size::Mul(Box::new(a.clone()), Box::new(b.clone())),
        }
    }

    /// Its value.
    pub fn eval(&self, names: &dyn Fn(&str) -> usize) -> usize {
        match self {
            Size::Lit(n) => *n,
            Size::Name(n) => names(n),
            Size::Add(a, b) => a.eval(names) + b.eval(names),
            Size::Mul(a, b) => a.eval(names) * b.eval(names),
        }
    }

    /// The size with other sizes for its names.
    pub fn with(&self, names: &dyn Fn(&str) -> Option<Size>) -> Size {
        match self {
            Size::Lit(_) => self.clone(),
            Size::Name(n) => names(n).unwrap_or_else(|| self.clone()),
            Size::Add(a, b) => a.with(names).plus(&b.with(names)),
            Size::Mul(a, b) => a.with(names).times(&b.with(names)),
        }
    }

    /// Calls `f` for its names.
    pub fn names(&self, f: &mut dyn FnMut(&str)) {
        match self {
            Size::Lit(_) => {}
            Size::Name(n) => f(n),
            Size::Add(a, b) | Size::Mul(a, b) => {
                a.names(f);
                b.names(f);
            }
        }
    }

    /// Whether it is a number or a single name.
    pub fn is_bare(&self) -> bool {
        matches!(self, Size::Lit(_) | Size::Name(_))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |s: &Size| match s {
            Size::Add(..) => format!("({s})"),
            _ => s.to_string(),
        };
        match self {
            Size::Lit(n) => write!(f, "{n}"),
            Size::Name(n) => write!(f, "{n}"),
            Size::Add(a, b) => write!(f, "{a} + {b}"),
            Size::Mul(a, b) => write!(f, "{} * {}", part(a), part(b)),
        }
    }
}

/// `B, T, 3`.
pub fn list(shape: &[Size]) -> String {
    let items: Vec<String> = shape.iter().map(Size::to_string).collect();
    items.join(", ")
}
