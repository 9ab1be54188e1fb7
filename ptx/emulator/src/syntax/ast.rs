//! The syntax tree of a PTX module, with unresolved names.

use crate::types::Type;
use std::ops::Range;

/// A whole text.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// `.version`, as (major, minor).
    pub(crate) version: (u32, u32),
    /// `.target`, such as `sm_90a`.
    pub(crate) target: String,
    pub(crate) variables: Vec<Variable>,
    pub(crate) functions: Vec<Function>,
}

/// An `.entry` or a `.func`.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) is_entry: bool,
    pub(crate) returns: Vec<Parameter>,
    pub(crate) parameters: Vec<Parameter>,
    /// None for a declaration without a body.
    pub(crate) body: Option<Vec<Statement>>,
    /// `.maxntid` and `.reqntid`: the name, and the product of its numbers.
    pub(crate) limits: Vec<(String, Vec<u64>)>,
}

/// One parameter; `.func` also takes registers.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) in_register: bool,
    pub(crate) variable: Variable,
}

/// A variable in any state space but registers.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) space: Space,
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) align: usize,
    /// None for `name[]`, whose size is set by the launch.
    pub(crate) bytes: Option<usize>,
    /// Contents, shorter than `bytes` if zeros follow.
    pub(crate) initial: Vec<u8>,
    pub(crate) line: usize,
}

/// The space of a variable, or of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Space {
    Global,
    Const,
    Shared,
    Local,
    Param,
    Generic,
}

#[derive(Debug)]
pub(crate) enum Statement {
    Block(Vec<Statement>),
    Label(String),
    /// Name, number (`%r<4>` declares `%r0` to `%r3`), type.
    Registers(Vec<(String, Option<usize>)>, Type),
    Variable(Variable),
    Instruction(Instruction),
}

#[derive(Debug)]
pub(crate) struct Instruction {
    pub(crate) line: usize,
    /// The range in the text.
    pub(crate) span: Range<usize>,
    /// Predicate and whether it is negated.
    pub(crate) guard: Option<(String, bool)>,
    /// The name with its dotted suffixes.
    pub(crate) opcode: String,
    pub(crate) operands: Vec<Operand>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Name(String),
    /// `!p`
    Not(String),
    /// `p|q`
    Pair(String, String),
    /// `name+4`: the address of a variable with an offset.
    Offset(String, i64),
    Integer(u64),
    Float32(u32),
    Float64(u64),
    Vector(Vec<Operand>),
    /// `[name+4]` or `[16]`
    Address(Option<String>, i64),
    /// `(a, b)` of a call.
    List(Vec<Operand>),
    /// An operand of instructions that are not supported.
    Foreign,
}
