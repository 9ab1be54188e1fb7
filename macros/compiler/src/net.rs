//! The network after `check`: layers declared, parameters laid out, signatures resolved.

use crate::ast::{self, RustConst};
use crate::cx::Demand;
use crate::dim::{Atom, Dim, Shape, numel};
use crate::elem::Elem;
use crate::equal::Equalities;
use crate::layer::{Init, Layer};
use crate::unit::Unit;
use crate::value::Value;
use proc_macro2::{Ident, Span, TokenStream};
use std::collections::HashMap;
use std::rc::Rc;

/// A field.
pub struct Field {
    /// Its name.
    pub name: Ident,
    /// The name of its parameters in files, without an array's places: `features.0`.
    pub path: String,
    /// What comes before the names of its parameters in files, with `{}` for each place in an array.
    pub prefix: String,
    /// It belongs to a group, and has no name in functions.
    pub within: bool,
    /// Its declaration, for messages: `linear_1: Linear(8 -> 10)`.
    pub decl: String,
    /// Its kind.
    pub kind: FieldKind,
    /// For arrays, the number of elements in each of its dimensions.
    pub stack: Vec<Dim>,
    /// The numbers of its parameters.
    pub params: std::ops::Range<usize>,
    /// Backward computes its calls again from their arguments.
    pub recompute: bool,
}

/// The kinds of fields.
pub enum FieldKind {
    /// A layer.
    Layer(Box<dyn Layer>),
    /// A custom parameter.
    Param,
    /// A custom buffer.
    Buffer,
    /// A network.
    Block(Box<Instance>),
    /// Layers, by the numbers of their fields.
    Group {
        /// Called as one layer, one after another.
        chain: bool,
        /// Their fields.
        items: Vec<usize>,
    },
    /// A field whose condition does not hold: the condition, as written.
    Absent(String),
    /// An error that has been reported.
    ErrorReported,
}

/// A network in a field: its const parameters have values in terms of the network around it.
pub struct Instance {
    /// The network.
    pub net: Net,
    /// Its source.
    pub unit: Rc<Unit>,
}

/// A const parameter of a network.
pub struct Generic {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: ast::ConstType,
    /// Its default.
    pub default: Option<TokenStream>,
    /// Its value: itself, or the one given by a field.
    pub value: Value,
}

/// A parameter of the network.
#[derive(Clone, Debug)]
pub struct Param {
    /// PyTorch's name: `linear_1.weight`; `blocks.{}.weight` for the parameters of an array.
    pub name: String,
    /// Its shape, of literals and Rust constants; an array's dimensions come first.
    pub shape: Shape,
    /// The array's dimensions.
    pub stack: Vec<Dim>,
    /// Its initialisation.
    pub init: Init,
    /// Not trained.
    pub frozen: bool,
    /// A buffer instead of a parameter: training assigns it. It is frozen, too.
    pub buffer: bool,
    /// The type of its elements: floats, unless it is a buffer.
    pub elem: Elem,
    /// A file may lack it.
    pub optional: bool,
    /// The field's number.
    pub field: usize,
    /// The parameter that this one is tied to: it has no separate values.
    pub shared: Option<usize>,
}

/// A type in a signature.
#[derive(Clone, Debug)]
pub struct Type {
    /// The elements.
    pub elem: Elem,
    /// The shape.
    pub shape: Shape,
    /// The position of further dimensions among these, if any: `[.., D]`.
    pub rest: Option<usize>,
}

/// An argument of a function.
#[derive(Clone, Debug)]
pub struct Arg {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: Type,
    /// Its gradient is wanted.
    pub grad: bool,
    /// Kept from call to call, and changed by calls.
    pub state: bool,
}

/// The remainder of a named dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remainder {
    /// The dimension.
    pub name: String,
    /// The divisor, above 0.
    pub by: i64,
    /// The remainder, below the divisor.
    pub rest: i64,
}

/// How many common remainders are tried.
const TRIED: usize = 1 << 12;

impl Remainder {
    /// The dimension as a multiple of the divisor plus the remainder.
    pub fn size(&self) -> Dim {
        let by = Dim::from(self.by);
        match self.rest {
            0 => Dim::multiple(&self.name, self.by),
            rest => {
                let whole = Dim::named(&self.name).div_floor(&by);
                whole.mul(&by).add(&Dim::from(rest))
            }
        }
    }

    /// Adds the remainder of the same dimension by another divisor, if a remainder by a common multiple is found.
    pub fn join(&mut self, other: &Remainder) {
        let by = crate::dim::least_multiple(self.by, other.by);
        let mut all = (0..by / self.by.max(1)).map(|k| self.rest + k * self.by);
        let both = all
            .by_ref()
            .take(TRIED)
            .find(|rest| rest % other.by == other.rest);
        if let Some(rest) = both {
            (self.by, self.rest) = (by, rest);
        }
    }
}

/// A function's signature.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Its name.
    pub name: Ident,
    /// Its documentation.
    pub attrs: Vec<syn::Attribute>,
    /// Named dimensions, in the order of first use.
    pub dims: Vec<String>,
    /// Dimensions that introduce a name without being just that name, `4 * H`: the numbers of the argument and of the
    /// dimension, and the name.
    pub solved: Vec<(usize, usize, String)>,
    /// The known remainders of named dimensions.
    pub divided: Vec<Remainder>,
    /// Its arguments.
    pub args: Vec<Arg>,
    /// Its results.
    pub ret: Vec<Type>,
    /// Whether the results are a tuple.
    pub tuple: bool,
    /// Pictures with values are requested.
    pub draw: bool,
    /// Its gradients are those of evaluation: dropout stays off.
    pub eval: bool,
    /// It has a method that runs it in training mode without gradients.
    pub train: bool,
    /// The budget of its workspace.
    pub budget: Option<crate::ast::Budget>,
    /// Conditions on the dimensions of its types.
    pub require: Vec<Demand>,
    /// The signature itself has errors.
    pub poisoned: bool,
}

impl Signature {
    /// Whether it takes values of any rank: then it is lowered again at each call, and is not a method.
    pub fn any_rank(&self) -> bool {
        let args = self.args.iter().map(|a| &a.ty);
        args.chain(&self.ret).any(|ty| ty.rest.is_some())
    }

    /// The named dimensions whose remainders are known, as multiples of the divisors plus these.
    pub fn multiples(&self) -> HashMap<String, Dim> {
        let all = self.divided.iter();
        all.map(|known| (known.name.clone(), known.size()))
            .collect()
    }

    /// The numbers of the arguments that are kept from call to call.
    pub fn states(&self) -> impl Iterator<Item = usize> {
        (0..self.args.len()).filter(|i| self.args[*i].state)
    }

    /// Whether it returns one float of rank 0.
    pub fn is_scalar(&self) -> bool {
        !self.tuple && self.ret.len() == 1 && self.is_loss()
    }

    /// Whether it returns a float of rank 0 first, which training makes smaller. Further results are metrics.
    pub fn is_loss(&self) -> bool {
        let first = self.ret.first();
        first.is_some_and(|t| t.elem == Elem::Float && t.shape.is_empty() && t.rest.is_none())
    }
}

/// A network.
pub struct Net {
    /// The path of the crate `netform`.
    pub krate: TokenStream,
    /// The name of the type parameter that is the device.
    pub device: Ident,
    /// The prefix of Rust constants in messages: `Block::` in a field.
    pub prefix: String,
    /// The number of networks of the same name whose fields hold it.
    pub depth: usize,
    /// Solutions for some constants.
    pub equal: Rc<Equalities>,
    /// Const parameters.
    pub generics: Vec<Generic>,
    /// The networks in its fields, with the names of the Rust constants that they use.
    pub held: Vec<Held>,
    /// The values that functions keep from call to call: each name once, with its type.
    pub states: Vec<Kept>,
    /// The custom ops that it declares.
    pub customs: Vec<Custom>,
    /// The struct's name.
    pub name: Ident,
    /// Its attributes.
    pub attrs: Vec<syn::Attribute>,
    /// `pub` or not.
    pub vis: TokenStream,
    /// Fields.
    pub fields: Vec<Field>,
    /// Parameters of all fields, in order.
    pub params: Vec<Param>,
    /// The Rust constants that its declarations use or list.
    pub consts: Vec<RustConst>,
    /// The named dimensions of all functions, each once.
    pub names: Vec<Ident>,
    /// The file of weights that is part of the program.
    pub weights: Option<Weights>,
    /// Conditions of declarations on the Rust constants.
    pub require: Vec<Demand>,
    /// Signatures, in the order of the functions.
    pub signatures: Vec<Signature>,
    /// The number of this variant, if the network has several.
    pub variant: Option<usize>,
}

/// A network in a field, for the code that uses its constants.
#[derive(Clone)]
pub struct Held {
    /// Its path.
    pub path: Vec<Ident>,
    /// The types of its const parameters.
    pub generics: Vec<ast::ConstType>,
    /// The Rust constants that it uses.
    pub consts: Vec<(String, ConstType)>,
    /// Its custom ops, including those of its fields.
    pub customs: Vec<Custom>,
}

/// The type of a Rust constant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ConstType {
    /// `usize`.
    Size,
    /// `f64`.
    Float,
    /// `bool`.
    Bool,
    /// Any type of numbers: only bodies use it.
    Any,
    /// An array of any type of numbers.
    Array,
}

/// A value that functions keep from call to call.
pub struct Kept {
    /// The argument's name.
    pub name: Ident,
    /// Its type, the same in every function that has it.
    pub ty: Type,
}

/// A checkpoint that is part of the program.
pub struct Weights {
    /// The file's path: absolute, or relative to the folder of the package.
    pub path: String,
    /// Sizes that only rustc knows, with the file's value and the error if they differ.
    pub fits: Vec<(Dim, u64, String)>,
    /// The error if rustc chooses this variant.
    pub misfit: Option<String>,
    /// The path's token.
    pub span: Span,
}

/// A custom op.
#[derive(Clone)]
pub struct Custom {
    /// Its name, after the names of the networks that hold it: `Block::cube`.
    pub name: String,
    /// The types of its arguments.
    pub args: Vec<Elem>,
    /// The types of its results.
    pub ret: Vec<Elem>,
    /// Its Rust functions, where they are known.
    pub functions: Option<crate::ast::Custom>,
}

impl Net {
    /// The value of a capital name in a declaration or signature, unless it is a named dimension. That of a `bool` is 1 for
    /// `true` and 0 for `false`.
    pub fn constant(&self, name: &str) -> Option<Value> {
        if let Some(g) = self.generics.iter().find(|g| g.name == name) {
            return Some(g.value.clone());
        }
        let known = self.consts.iter().find(|c| c.name == name && !c.array)?;
        let full = format!("{}{name}", self.prefix);
        Some(Value::of_dim(match known.ty {
            ast::ConstType::Float => Dim::atom(Atom::Float(full)),
            ast::ConstType::Size | ast::ConstType::Bool => self.equal.value(full),
        }))
    }

    /// Whether a size has a constant that only bodies mention: it may be any type of numbers.
    pub fn is_open(&self, d: &Dim) -> bool {
        let mut found = false;
        d.visit(&mut |atom| {
            let Atom::Const(full) = atom else { return };
            let name = full.strip_prefix(self.prefix.as_str());
            let name = name.map(|n| n.split('[').next().unwrap_or(n));
            let own = |c: &RustConst| (c.open || c.array) && name.is_some_and(|n| c.name == n);
            found |= self.consts.iter().any(own);
        });
        found
    }

    /// Whether a constant is a `bool`.
    pub fn is_boolean(&self, name: &str) -> bool {
        match self.generics.iter().find(|g| g.name == name) {
            Some(g) => g.ty == ast::ConstType::Bool,
            None => (self.consts.iter())
                .any(|c| c.name == name && !c.array && c.ty == ast::ConstType::Bool),
        }
    }

    /// Whether a name is that of a Rust constant that is an array.
    pub fn is_array(&self, name: &str) -> bool {
        self.consts.iter().any(|c| c.name == name && c.array)
    }

    /// Element `k` of such an array.
    pub fn element(&self, name: &str, k: &str) -> Dim {
        self.equal.value(format!("{}{name}[{k}]", self.prefix))
    }

    /// All Rust constants in use, those of networks in fields under their names.
    pub fn all_consts(&self) -> Vec<(String, ConstType)> {
        let own = self.consts.iter().map(|c| {
            let ty = match c {
                c if c.array => ConstType::Array,
                c if c.ty == ast::ConstType::Bool => ConstType::Bool,
                c if c.open => ConstType::Any,
                c if c.ty == ast::ConstType::Float => ConstType::Float,
                _ => ConstType::Size,
            };
            (c.name.to_string(), ty)
        });
        let held = self.held.iter().flat_map(|h| {
            let name = crate::ast::show_path(&h.path);
            (h.consts.iter()).map(move |(c, ty)| (format!("{name}::{c}"), *ty))
        });
        own.chain(held).collect()
    }

    /// All custom ops, those of networks in fields under their names.
    pub fn all_customs(&self) -> Vec<Custom> {
        let held = self.held.iter().flat_map(|h| {
            let name = crate::ast::show_path(&h.path);
            h.customs.iter().map(move |c| Custom {
                name: format!("{name}::{}", c.name),
                functions: None,
                ..c.clone()
            })
        });
        self.customs.iter().cloned().chain(held).collect()
    }

    /// The number of elements that a parameter stores itself.
    pub fn param_len(&self, index: usize) -> Dim {
        match self.params[index].shared {
            Some(_) => Dim::from(0),
            None => numel(&self.params[index].shape),
        }
    }

    /// The number of the kept value of this name.
    pub fn kept(&self, name: &Ident) -> Option<usize> {
        self.states.iter().position(|s| s.name == *name)
    }

    /// The named dimensions of the kept values, in the order of first use.
    pub fn kept_dims(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for name in (self.states.iter()).flat_map(|s| s.ty.shape.iter().flat_map(Dim::names)) {
            if !out.contains(&name) {
                out.push(name);
            }
        }
        out
    }

    /// The parameter that stores the values of this one.
    pub fn holder(&self, index: usize) -> usize {
        match self.params[index].shared {
            Some(other) => self.holder(other),
            None => index,
        }
    }
}
