//! A body as PTX text, for the templates: its parameters, loads, computation and stores.
//!
//! Registers: operand k of lane l is `%x{k}_{l}`, result j `%y{j}_{l}`; `%xb{k}`, `%yb{j}` their
//! addresses, `%sc{k}` the scalars. Floats are .f32, integers .b64, booleans .b32. A position is in
//! registers `%i0`, `%i1`, ..

use std::fmt::Write;
use std::sync::Arc;

use minijinja::value::{Object, from_args};
use minijinja::{Error, ErrorKind, State, Value};

use crate::call::FLOAT;
use crate::template::render_text;
use crate::{Body, DType, Scalar, Step};

/// A body for splicing.
#[derive(Debug)]
pub(crate) struct Splice {
    pub(crate) body: Body,
    /// The number of first operands that the kernel itself puts into their registers.
    pub(crate) given: usize,
    pub(crate) device_scalars: bool,
}

/// The type of a register.
fn register(ty: DType) -> &'static str {
    match ty {
        DType::Float => "f32",
        DType::Int => "b64",
        DType::Bool => "b32",
    }
}

/// The type of a load or store.
fn memory(ty: DType) -> &'static str {
    match ty {
        DType::Float => "f32",
        DType::Int => "b64",
        DType::Bool => "u8",
    }
}

/// Moves of contiguous elements between registers and memory from `address` on, at most 16 bytes at a time.
fn neighbours(ty: DType, registers: &[String], address: &str, load: bool) -> String {
    let at_a_time = 16 / ty.size(FLOAT);
    let mut s = String::new();
    for (i, some) in registers.chunks(at_a_time).enumerate() {
        let (ty, n, list) = (memory(ty), some.len(), some.join(", "));
        let place = match i {
            0 => format!("[{address}]"),
            _ => format!("[{address} + {}]", 16 * i),
        };
        let _ = match load {
            true => writeln!(s, "    ld.global.v{n}.{ty} {{{list}}}, {place};"),
            false => writeln!(s, "    st.global.v{n}.{ty} {place}, {{{list}}};"),
        };
    }
    s
}

impl Splice {
    /// Declarations of the parameters, in the order of `call::params`.
    fn params(&self, rank: usize) -> String {
        let mut s = String::new();
        for (k, operand) in self.body.inputs.iter().enumerate().skip(self.given) {
            let ty = if operand.iota { "s64" } else { "u64" };
            let _ = writeln!(s, "    .param .{ty} x{k},");
            for d in 0..rank {
                let _ = writeln!(s, "    .param .s32 x{k}_{d},");
            }
        }
        for j in 0..self.body.results.len() {
            let _ = writeln!(s, "    .param .u64 y{j},");
        }
        if self.device_scalars {
            s.push_str("    .param .u64 scalars,\n    .param .u64 guard,\n");
        } else {
            for k in 0..self.body.scalars() {
                let _ = writeln!(s, "    .param .f32 sc{k},");
            }
        }
        s
    }

    /// Declarations of the values of these lanes.
    fn registers(&self, lanes: &[String]) -> String {
        let mut s = String::new();
        for lane in lanes {
            for (k, operand) in self.body.inputs.iter().enumerate() {
                let _ = writeln!(s, "    .reg .{} %x{k}_{lane};", register(operand.ty));
            }
            for (j, ty) in self.body.outputs().enumerate() {
                let _ = writeln!(s, "    .reg .{} %y{j}_{lane};", register(ty));
            }
        }
        s
    }

    /// The addresses and scalars.
    fn bases(&self) -> String {
        let mut s = String::new();
        for (k, operand) in self.body.inputs.iter().enumerate().skip(self.given) {
            if !operand.iota {
                let _ = writeln!(s, "    .reg .b64 %xb{k};\n    ld.param.u64 %xb{k}, [x{k}];");
            }
        }
        for j in 0..self.body.results.len() {
            let _ = writeln!(s, "    .reg .b64 %yb{j};\n    ld.param.u64 %yb{j}, [y{j}];");
        }
        let count = self.body.scalars();
        if self.device_scalars && count > 0 {
            s.push_str("    .reg .b64 %scb;\n    ld.param.u64 %scb, [scalars];\n");
        }
        for k in 0..count {
            let from = if self.device_scalars {
                format!("ld.global.f32 %sc{k}, [%scb + {}]", 4 * k)
            } else {
                format!("ld.param.f32 %sc{k}, [sc{k}]")
            };
            let _ = writeln!(s, "    .reg .f32 %sc{k};\n    {from};");
        }
        s
    }

    /// Ends the kernel if the guard is not 0.
    fn guard(&self) -> String {
        if !self.device_scalars {
            return String::new();
        }
        [
            "    .reg .b64 %guard;",
            "    .reg .b32 %fault;",
            "    .reg .pred %stop;",
            "    ld.param.u64 %guard, [guard];",
            "    ld.global.u32 %fault, [%guard];",
            "    setp.ne.u32 %stop, %fault, 0;",
            "    @%stop ret;",
        ]
        .join("\n")
    }

    /// The address of operand k at position `%i0`.., in `%of`, in bytes.
    fn address(&self, k: usize, rank: usize) -> String {
        let mut s = String::from("    {\n    .reg .b64 %of;\n    .reg .b32 %st;\n");
        s.push_str("    mov.b64 %of, 0;\n");
        for d in 0..rank {
            let _ = writeln!(s, "    ld.param.s32 %st, [x{k}_{d}];");
            let _ = writeln!(s, "    mad.wide.s32 %of, %i{d}, %st, %of;");
        }
        let shift = self.body.inputs[k].ty.size(FLOAT).trailing_zeros();
        if shift > 0 {
            let _ = writeln!(s, "    shl.b64 %of, %of, {shift};");
        }
        let _ = writeln!(s, "    add.s64 %of, %of, %xb{k};");
        s
    }

    /// An iota's value.
    fn position(&self, k: usize, lane: &str, rank: usize, ahead: usize) -> String {
        let mut s = String::from("    {\n    .reg .b32 %st;\n");
        let _ = writeln!(s, "    ld.param.s64 %x{k}_{lane}, [x{k}];");
        for d in 0..rank {
            let _ = writeln!(s, "    ld.param.s32 %st, [x{k}_{d}];");
            let _ = writeln!(
                s,
                "    mad.wide.s32 %x{k}_{lane}, %i{d}, %st, %x{k}_{lane};"
            );
        }
        if ahead > 0 {
            let _ = writeln!(
                s,
                "    mad.wide.s32 %x{k}_{lane}, %st, {ahead}, %x{k}_{lane};"
            );
        }
        s + "    }\n"
    }

    /// Loads one element of each operand.
    fn load(&self, lane: &str, rank: usize) -> String {
        let mut s = String::new();
        for (k, operand) in self.body.inputs.iter().enumerate().skip(self.given) {
            if operand.iota {
                s += &self.position(k, lane, rank, 0);
            } else {
                s += &self.address(k, rank);
                let ty = memory(operand.ty);
                let _ = writeln!(s, "    ld.global.{ty} %x{k}_{lane}, [%of];\n    }}");
            }
        }
        s
    }

    /// Loads four elements along the last dimension: with vector loads if bit k of `ones` is set; otherwise operand k
    /// is the same for all four.
    fn load4(&self, lanes: &[String], rank: usize, ones: u64) -> String {
        let mut s = String::new();
        for (k, operand) in self.body.inputs.iter().enumerate().skip(self.given) {
            if operand.iota {
                for (ahead, lane) in lanes.iter().take(4).enumerate() {
                    s += &self.position(k, lane, rank, ahead);
                }
                continue;
            }
            s += &self.address(k, rank);
            let x: Vec<String> = lanes.iter().take(4).map(|l| format!("%x{k}_{l}")).collect();
            if ones >> k & 1 == 0 {
                let (ty, first) = (memory(operand.ty), &x[0]);
                let _ = writeln!(s, "    ld.global.{ty} {first}, [%of];");
                for other in &x[1..] {
                    let _ = writeln!(s, "    mov.{} {other}, {first};", register(operand.ty));
                }
            } else if operand.ty == DType::Bool {
                s += "    .reg .b32 %four;\n    ld.global.b32 %four, [%of];\n";
                for (i, x) in x.iter().enumerate() {
                    let _ = writeln!(s, "    shr.u32 {x}, %four, {};", 8 * i);
                    let _ = writeln!(s, "    and.b32 {x}, {x}, 255;");
                }
            } else {
                s += &neighbours(operand.ty, &x, "%of", true);
            }
            s += "    }\n";
        }
        s
    }

    /// Computes the results of a lane.
    fn apply(&self, lane: &str) -> String {
        let types: Vec<DType> = (0..self.body.steps.len())
            .map(|i| self.body.dtype(i))
            .collect();
        let mut names: Vec<String> = Vec::new();
        let mut s = String::new();
        let mut files: Vec<&str> = Scalar::ALL.iter().map(|f| f.file()).collect();
        files.sort_unstable();
        files.dedup();
        for file in files {
            let _ = writeln!(s, "# import \"scalar/{file}.ptx\" as {file}");
        }
        s += "    {\n";
        for (i, step) in self.body.steps.iter().enumerate() {
            let (ty, name) = (register(types[i]), format!("%t{i}_{lane}"));
            let declare = format!("    .reg .{ty} {name};\n");
            names.push(match step {
                Step::Load(k) => format!("%x{k}_{lane}"),
                Step::Scalar(k) => format!("%sc{k}"),
                Step::Const(ty, bits) => {
                    s += &declare;
                    let value = match ty {
                        DType::Float => format!("0f{bits:08X}"),
                        DType::Int => format!("0x{bits:016X}"),
                        DType::Bool => format!("0x{bits:08X}"),
                    };
                    let _ = writeln!(s, "    mov.{} {name}, {value};", register(*ty));
                    name
                }
                Step::Apply(f, args) => {
                    s += &declare;
                    let of = match f {
                        Scalar::Where => types[args[1]],
                        _ => types[args[0]],
                    };
                    let of = match of {
                        DType::Float => "f32",
                        DType::Int => "s64",
                        DType::Bool => "s32",
                    };
                    let _ = write!(s, "${{ {}.f_{}(\"{name}\"", f.file(), f.name());
                    for a in *args {
                        let _ = write!(s, ", \"{}\"", names[*a]);
                    }
                    let _ = writeln!(s, ", \"{of}\") }}");
                    name
                }
            });
        }
        for (j, r) in self.body.results.iter().enumerate() {
            let _ = writeln!(
                s,
                "    mov.{} %y{j}_{lane}, {};",
                register(types[*r]),
                names[*r]
            );
        }
        render_text(&(s + "    }\n"))
    }

    /// Stores the results of a lane at element `at` of the outputs.
    fn store(&self, lane: &str, at: &str) -> String {
        let mut s = String::from("    {\n    .reg .b64 %to;\n");
        for (j, ty) in self.body.outputs().enumerate() {
            let _ = writeln!(s, "    mul.wide.u32 %to, {at}, {};", ty.size(FLOAT));
            let _ = writeln!(s, "    add.s64 %to, %to, %yb{j};");
            let _ = writeln!(s, "    st.global.{} [%to], %y{j}_{lane};", memory(ty));
        }
        s + "    }\n"
    }

    /// Stores the results of four (or two) lanes at element `at`, a multiple of their number, and the next elements.
    fn store4(&self, lanes: &[String], at: &str) -> String {
        let mut s = String::from("    {\n    .reg .b64 %to;\n    .reg .b32 %four, %one;\n");
        for (j, ty) in self.body.outputs().enumerate() {
            let y: Vec<String> = lanes.iter().take(4).map(|l| format!("%y{j}_{l}")).collect();
            let _ = writeln!(s, "    mul.wide.u32 %to, {at}, {};", ty.size(FLOAT));
            let _ = writeln!(s, "    add.s64 %to, %to, %yb{j};");
            if ty == DType::Bool {
                let _ = writeln!(s, "    mov.b32 %four, {};", y[0]);
                for (i, y) in y.iter().enumerate().skip(1) {
                    let _ = writeln!(s, "    shl.b32 %one, {y}, {};", 8 * i);
                    s += "    or.b32 %four, %four, %one;\n";
                }
                let bits = 8 * y.len();
                let narrow = if bits == 16 { "u16" } else { "b32" };
                let _ = writeln!(s, "    st.global.{narrow} [%to], %four;");
            } else {
                s += &neighbours(ty, &y, "%to", false);
            }
        }
        s + "    }\n"
    }
}

impl Object for Splice {
    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let text = match method {
            "params" => self.params(from_args::<(usize,)>(args)?.0),
            "registers" => self.registers(&from_args::<(Vec<String>,)>(args)?.0),
            "bases" => self.bases(),
            "guard" => self.guard(),
            "load" => {
                let (lane, rank): (String, usize) = from_args(args)?;
                self.load(&lane, rank)
            }
            "load4" => {
                let (lanes, rank, ones): (Vec<String>, usize, u64) = from_args(args)?;
                self.load4(&lanes, rank, ones)
            }
            "apply" => self.apply(&from_args::<(String,)>(args)?.0),
            "store" => {
                let (lane, at): (String, String) = from_args(args)?;
                self.store(&lane, &at)
            }
            "store4" => {
                let (lanes, at): (Vec<String>, String) = from_args(args)?;
                self.store4(&lanes, &at)
            }
            _ => return Err(Error::new(ErrorKind::UnknownMethod, method.to_string())),
        };
        Ok(text.into())
    }
}
