//! The syntax tree, made by the parser: every part has a span, no name is resolved.

use proc_macro2::{Ident, Span, TokenStream};
use std::fmt;
use syn::ext::IdentExt;

/// One `network!`.
#[derive(Clone, Debug)]
pub struct Network {
    /// Attributes of the struct (documentation among them).
    pub attrs: Vec<syn::Attribute>,
    /// `#[weights("file.safetensors")]`.
    pub weights: Option<Weights>,
    /// `pub` or not.
    pub vis: TokenStream,
    /// The struct's name.
    pub name: Ident,
    /// `<const D: usize, const HEADS: usize = 4>`.
    pub generics: Vec<ConstParam>,
    /// `where D % HEADS == 0`.
    pub conditions: Vec<Expr>,
    /// Rust constants: `use const D, RATE: f64;`.
    pub consts: Vec<RustConst>,
    /// Layers and parameters.
    pub fields: Vec<Field>,
    /// Tied parameters.
    pub shared: Vec<Shared>,
    /// Functions.
    pub functions: Vec<Function>,
    /// The names of functions that could not be read.
    pub unread: Vec<String>,
}

/// A checkpoint that is part of the program.
#[derive(Clone, Debug)]
pub struct Weights {
    /// As written.
    pub path: String,
    /// The path's token.
    pub span: Span,
}

/// A const parameter of the struct: `const HEADS: usize = 4`.
#[derive(Clone, Debug)]
pub struct ConstParam {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: ConstType,
    /// Its default value.
    pub default: Option<Expr>,
}

/// The type of a Rust constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstType {
    /// `usize`.
    Size,
    /// `f64`.
    Float,
    /// `bool`.
    Bool,
}

/// A Rust constant that the network uses: `D`, `RATE: f64` or `CAUSAL: bool`.
#[derive(Clone, Debug)]
pub struct RustConst {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: ConstType,
    /// Only bodies mention it: its uses decide whether it is a size or a number.
    pub open: bool,
    /// Only an error suggests that this name of a signature is a constant: rustc finds out.
    pub found: bool,
    /// It is an array of these.
    pub array: bool,
}

/// `head.weight = token.weight`: both names are the parameter on the right.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The name that becomes an alias.
    pub left: Vec<Ident>,
    /// The parameter that both names are.
    pub right: Vec<Ident>,
}

/// A field of the struct.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its attributes.
    pub attrs: Vec<syn::Attribute>,
    /// Its name.
    pub name: Ident,
    /// The name of its parameters in files, if it is another: `#[name = "layer1.0.conv1"]`.
    pub path: Option<syn::LitStr>,
    /// Its kind.
    pub kind: FieldKind,
    /// Marked `#[frozen]`.
    pub frozen: bool,
    /// Marked `#[recompute]`.
    pub recompute: Option<Span>,
    /// The condition of `#[when(S != 1)]`, without which the network has no such field.
    pub when: Option<Expr>,
}

/// The kinds of fields.
#[derive(Clone, Debug)]
pub enum FieldKind {
    /// `Linear(8 -> 10, bias = false)`.
    Layer {
        /// The layer's name.
        layer: Ident,
        /// Its arguments.
        args: Vec<Arg>,
    },
    /// A network: `Block<128, 4>`, `models::Block`.
    Block {
        /// Its path; the last segment is its name.
        path: Vec<Ident>,
        /// Its const arguments.
        args: Vec<Expr>,
    },
    /// `Param[D, 3] = ones`.
    Param {
        /// The shape.
        shape: Vec<Expr>,
        /// The initial value: a name, a number, or a call.
        init: Option<Expr>,
    },
    /// `Buffer[D] = zeros`: kept and saved, but not trained.
    Buffer {
        /// The type of its elements: `i64` in `Buffer<i64>[D]`; `None` for floats.
        elem: Option<Ident>,
        /// The shape.
        shape: Vec<Expr>,
        /// The initial value: a name or a number.
        init: Option<Expr>,
    },
    /// `[Linear(8 -> 8); 4]`.
    Array {
        /// The element.
        element: Box<FieldKind>,
        /// The number of elements.
        count: Expr,
    },
    /// `Sequential(Linear(8 -> 8), ReLU())`, or a list of unlike layers: `[Block<16>, Block<32>]`.
    Group {
        /// Called as one layer, one after another.
        chain: bool,
        /// Its layers.
        items: Vec<GroupItem>,
    },
    /// A field that did not parse; its error is reported.
    ErrorReported,
}

/// A layer of a group.
#[derive(Clone, Debug)]
pub struct GroupItem {
    /// Its name, if it has one; otherwise its number.
    pub name: Option<Ident>,
    /// The token that errors underline.
    pub span: Span,
    /// The layer.
    pub kind: FieldKind,
}

impl Network {
    /// The paths of the networks that fields hold, each once, in order.
    pub fn blocks(&self) -> Vec<&[Ident]> {
        let mut out: Vec<&[Ident]> = Vec::new();
        for field in &self.fields {
            field.kind.blocks(&mut out);
        }
        out
    }
}

impl FieldKind {
    fn blocks<'a>(&'a self, out: &mut Vec<&'a [Ident]>) {
        match self {
            FieldKind::Array { element, .. } => element.blocks(out),
            FieldKind::Group { items, .. } => items.iter().for_each(|i| i.kind.blocks(out)),
            FieldKind::Block { path, .. } if !out.contains(&path.as_slice()) => out.push(path),
            _ => {}
        }
    }
}

/// A path as written.
pub fn show_path(path: &[Ident]) -> String {
    let names: Vec<String> = path.iter().map(Ident::to_string).collect();
    names.join("::")
}

/// The name of a parameter as written.
pub fn show_dotted(path: &[Ident]) -> String {
    let names: Vec<String> = path.iter().map(|n| n.unraw().to_string()).collect();
    names.join(".")
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub struct Arg {
    /// The keyword, if any.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// `where H % 4 == 0`.
    pub conditions: Vec<Expr>,
    /// Its attributes.
    pub attrs: Vec<syn::Attribute>,
    /// Marked `#[eval]`: its gradients use evaluation mode, too.
    pub eval: bool,
    /// Marked `#[train]`: it has a method that runs it in training mode without gradients.
    pub train: Option<Span>,
    /// Marked `#[draw]`.
    pub draw: Option<Span>,
    /// Its name.
    pub name: Ident,
    /// Its arguments.
    pub args: Vec<FnArg>,
    /// Its result; several where it is a tuple.
    pub ret: Vec<Type>,
    /// Whether the result is a tuple.
    pub tuple: bool,
    /// The body; `None` if it did not parse, or for a custom op.
    pub body: Option<Block>,
    /// The budget of `#[memory(..)]`.
    pub budget: Option<Budget>,
    /// The functions of `#[custom(..)]`.
    pub custom: Option<Custom>,
    /// The closing brace, where a missing result is reported.
    pub end: Span,
}

/// `#[memory(max = "64 KiB")]`.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Bytes.
    pub max: u64,
    /// As written.
    pub text: String,
    /// The text's token.
    pub span: Span,
}

/// `#[custom(forward = path, backward = path)]`: a custom op.
#[derive(Clone, Debug)]
pub struct Custom {
    /// The Rust function that computes it.
    pub forward: syn::Path,
    /// The Rust function that computes its gradients.
    pub backward: syn::Path,
    /// The constant that holds its kernels for GPUs, if any.
    pub ptx: Option<syn::Path>,
}

/// An argument of a function.
#[derive(Clone, Debug)]
pub struct FnArg {
    /// Marked `#[grad]`.
    pub grad: Option<Span>,
    /// Marked `#[state]`: kept from call to call.
    pub state: Option<Span>,
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: Type,
}

/// `u32[B, T]`.
#[derive(Clone, Debug)]
pub struct Type {
    /// The element type, if not the float.
    pub elem: Option<Ident>,
    /// The dimensions.
    pub dims: Vec<Expr>,
    /// The position of `..` among them, if any: further dimensions.
    pub rest: Option<usize>,
    /// The brackets.
    pub span: Span,
}

/// Statements and a result.
#[derive(Clone, Debug)]
pub struct Block {
    /// In order.
    pub stmts: Vec<Stmt>,
    /// The last expression, without semicolon.
    pub tail: Option<Expr>,
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Stmt {
    /// `let pat: ty = value;`
    Let {
        /// The bound names.
        pat: Pat,
        /// The checked shape.
        ty: Option<Type>,
        /// The value.
        value: Expr,
    },
    /// `name = value;`, `(h, c) = value;`
    Assign {
        /// Earlier variables.
        target: Pat,
        /// The new value.
        value: Expr,
    },
    /// `for layer in layers { .. }`, `for (layer, x) in zip(layers, xs) { .. }`
    For {
        /// The variables.
        names: Vec<Ident>,
        /// The values that they iterate over.
        overs: Vec<Expr>,
        /// The statements of one iteration.
        body: Block,
    },
    /// `if training { .. } else { .. }` without a value.
    If(Box<If>),
    /// `value;`
    Expr(Expr),
}

/// A choice that is made when the function is compiled.
#[derive(Clone, Debug)]
pub struct If {
    /// `training`, or a condition on constants.
    pub condition: Expr,
    /// The block for training, or if the condition holds.
    pub then: Block,
    /// The other block.
    pub otherwise: Option<Block>,
}

/// The pattern of a `let`, or the left side of an assignment.
#[derive(Clone, Debug)]
pub enum Pat {
    /// One name; declared `mut` or not.
    Name(Ident, bool),
    /// Several.
    Tuple(Vec<Pat>, Span),
    /// `_`.
    Wild,
}

impl Pat {
    /// Calls `f` with each name.
    pub fn names(&self, f: &mut impl FnMut(&Ident)) {
        match self {
            Pat::Name(name, _) => f(name),
            Pat::Tuple(items, _) => items.iter().for_each(|p| p.names(f)),
            Pat::Wild => {}
        }
    }
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Its kind.
    pub kind: ExprKind,
    /// The token that an error about it underlines.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A number that was written as an integer.
    Whole(i128),
    /// Any other number.
    Number(f64),
    /// A string.
    Str(String),
    /// `true` or `false`.
    Bool(bool),
    /// A variable, named dimension, Rust constant or `None`.
    Name(Ident),
    /// `in -> out`.
    Arrow(Box<Expr>, Box<Expr>),
    /// `f(..)`.
    Call(Ident, Vec<Arg>),
    /// `layers[0](..)`.
    Apply(Box<Expr>, Vec<Arg>),
    /// `x.f(..)`.
    Method(Box<Expr>, Ident, Vec<Arg>),
    /// `layer.weight`.
    Field(Box<Expr>, Ident),
    /// `a + b`.
    Binary(Op, Box<Expr>, Box<Expr>),
    /// `-a`.
    Neg(Box<Expr>),
    /// `!a`.
    Not(Box<Expr>),
    /// `(a, b)`.
    Tuple(Vec<Expr>),
    /// `[2, -1]`.
    List(Vec<Expr>),
    /// `x[.., 1.., -1]`.
    Index(Box<Expr>, Vec<Item>),
    /// The new value of `x` after `x[0] = y`.
    Put(Box<Expr>, Vec<Item>, Box<Expr>),
    /// `|h, x_t| { .. }`: a step of `scan`.
    Closure(Box<Closure>),
    /// `&mut h`: a variable that a call changes.
    Mut(Ident),
    /// `if training { .. } else { .. }`.
    If(Box<If>),
}

/// A closure.
#[derive(Clone, Debug)]
pub struct Closure {
    /// Its arguments.
    pub args: Vec<Pat>,
    /// Its body.
    pub body: Block,
    /// Its end, where a missing result is reported.
    pub end: Span,
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
}

impl Op {
    /// Its precedence: 0 is the lowest level.
    pub const fn level(self) -> usize {
        match self {
            Op::Or => 0,
            Op::And => 1,
            Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => 2,
            Op::Add | Op::Sub => 3,
            Op::Mul | Op::Div | Op::Rem => 4,
        }
    }
    /// As written.
    pub fn symbol(self) -> &'static str {
        match self {
            Op::Add => "+",
            Op::Sub => "-",
            Op::Mul => "*",
            Op::Div => "/",
            Op::Rem => "%",
            Op::Eq => "==",
            Op::Ne => "!=",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
            Op::And => "&",
            Op::Or => "|",
        }
    }
}

/// A part of a dimension: `a..b`, or `a:b:step` as Python writes it. Each number may be left out.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The first position.
    pub from: Option<Expr>,
    /// The position after the last.
    pub to: Option<Expr>,
    /// The distance between positions.
    pub step: Option<Expr>,
    /// Written with colons: it ends where the dimension ends, as in Python.
    pub colon: bool,
    /// Written with `..=`: `to` is the last position.
    pub closed: bool,
    /// Its token.
    pub span: Span,
}

/// One item of an index.
#[derive(Clone, Debug)]
pub enum Item {
    /// One position; the dimension vanishes.
    At(Expr),
    /// A part of a dimension.
    Range(Slice),
    /// `...`: as many whole dimensions as fit.
    Rest(Span),
}

impl fmt::Display for Expr {
    /// As the user wrote it, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: &[Expr]| {
            items
                .iter()
                .map(Expr::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        match &self.kind {
            ExprKind::Whole(v) => match self.digits() {
                Some(text) => write!(f, "{}{text}", if *v < 0 { "-" } else { "" }),
                None => write!(f, "{v}"),
            },
            ExprKind::Number(v) => match self.digits() {
                Some(text) => write!(f, "{}{text}", if *v < 0.0 { "-" } else { "" }),
                None => write!(f, "{v:?}"),
            },
            ExprKind::Str(s) => write!(f, "{s:?}"),
            ExprKind::Bool(b) => write!(f, "{b}"),
            ExprKind::Name(n) => write!(f, "{n}"),
            ExprKind::Arrow(a, b) => write!(f, "{a} -> {b}"),
            ExprKind::Call(name, args) => match args.as_slice() {
                [from, to] if name == "range" => write!(f, "{}..{}", from.value, to.value),
                _ => write!(f, "{name}({})", show_args(args)),
            },
            ExprKind::Apply(x, args) => write!(f, "{}({})", x.above(POSTFIX), show_args(args)),
            ExprKind::Method(x, name, args) => {
                write!(f, "{}.{name}({})", x.above(POSTFIX), show_args(args))
            }
            ExprKind::Field(x, name) => write!(f, "{}.{name}", x.above(POSTFIX)),
            ExprKind::Binary(op, a, b) => {
                let level = op.level();
                write!(
                    f,
                    "{} {} {}",
                    a.above(level),
                    op.symbol(),
                    b.above(level + 1)
                )
            }
            ExprKind::Neg(x) => write!(f, "-{}", x.above(PREFIX)),
            ExprKind::Not(x) => write!(f, "!{}", x.above(PREFIX)),
            ExprKind::Tuple(items) => write!(f, "({})", list(items)),
            ExprKind::List(items) => write!(f, "[{}]", list(items)),
            ExprKind::Index(x, items) => {
                let items: Vec<String> = items.iter().map(Item::to_string).collect();
                write!(f, "{}[{}]", x.above(POSTFIX), items.join(", "))
            }
            ExprKind::Put(x, items, value) => {
                let items: Vec<String> = items.iter().map(Item::to_string).collect();
                write!(f, "{}[{}] = {value}", x.above(POSTFIX), items.join(", "))
            }
            ExprKind::Closure(_) => write!(f, "|..| .."),
            ExprKind::Mut(name) => write!(f, "&mut {name}"),
            ExprKind::If(c) => write!(f, "if {} {{ .. }}", c.condition),
        }
    }
}

/// The levels of prefix and postfix operators.
const PREFIX: usize = 5;
const POSTFIX: usize = 6;

impl Expr {
    /// The next integer: the end of a range whose last integer this is.
    pub fn plus_one(self, span: Span) -> Expr {
        let kind = match self.kind {
            ExprKind::Whole(n) => ExprKind::Whole(n.saturating_add(1)),
            _ => {
                let one = Expr {
                    kind: ExprKind::Whole(1),
                    span,
                };
                ExprKind::Binary(Op::Add, Box::new(self), Box::new(one))
            }
        };
        Expr { kind, span }
    }

    /// The literal of a number as it was written: `1e-5`, `1_000`.
    fn digits(&self) -> Option<String> {
        let text = self.span.source_text()?;
        text.starts_with(|c: char| c.is_ascii_digit())
            .then_some(text)
    }

    /// Its precedence, for parentheses.
    fn level(&self) -> usize {
        match &self.kind {
            ExprKind::Binary(op, ..) => op.level(),
            ExprKind::Whole(..0) => PREFIX,
            ExprKind::Number(v) if *v < 0.0 => PREFIX,
            ExprKind::Neg(_) | ExprKind::Not(_) => PREFIX,
            ExprKind::Closure(_) | ExprKind::If(_) | ExprKind::Arrow(..) => 0,
            _ => POSTFIX,
        }
    }

    /// As an operand of an operator of this level.
    pub fn above(&self, level: usize) -> String {
        match self.level() >= level {
            true => self.to_string(),
            false => format!("({self})"),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |e: &Option<Expr>| e.as_ref().map_or_else(String::new, Expr::to_string);
        match self {
            Item::At(e) => write!(f, "{e}"),
            Item::Range(s) => {
                let between = match (s.colon, s.closed) {
                    (true, _) => ":",
                    (_, true) => "..=",
                    _ => "..",
                };
                write!(f, "{}{between}{}", end(&s.from), end(&s.to))?;
                match &s.step {
                    Some(step) => write!(f, ":{step}"),
                    None => Ok(()),
                }
            }
            Item::Rest(_) => f.write_str("..."),
        }
    }
}

/// Arguments as written.
pub fn show_args(args: &[Arg]) -> String {
    let one = |a: &Arg| match &a.name {
        Some(name) => format!("{name} = {}", a.value),
        None => a.value.to_string(),
    };
    args.iter().map(one).collect::<Vec<_>>().join(", ")
}
