//! A compiled function: its static plan, its layout, and the function of runtime calls.

use super::dims::{unpack, usize};
use super::listing::Listing;
use super::locals::Locals;
use super::map::Maps;
use super::outline::{Outline, Parameters};
use super::site::site;
use super::steps::{Steps, Target};
use crate::check::bare;
use crate::cx::{Demand, Require};
use crate::dim::{Dim, Shape, numel};
use crate::elem::Elem;
use crate::ir::{DType, Graph, NodeId, Op};
use crate::kinds::custom::Custom;
use crate::net::Net;
use crate::passes::memory::{Place, root};
use crate::passes::reach::Reached;
use crate::program::{Mode, Program};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

/// The names of a program's items.
pub struct Names {
    /// The plan's constant.
    pub plan: Ident,
    /// The layout function.
    pub layout: Ident,
    /// The function of runtime calls.
    pub body: Ident,
}

/// The names, from the function and the mode.
pub fn names(net: &Net, program: &Program) -> Names {
    let base = format!(
        "{}_{}",
        net.signatures[program.function].name,
        suffix(program.mode)
    );
    let site = Span::mixed_site();
    Names {
        plan: format_ident!("__PLAN_{base}", span = site),
        layout: format_ident!("layout_{base}", span = site),
        body: format_ident!("run_{base}", span = site),
    }
}

fn suffix(mode: Mode) -> &'static str {
    match mode {
        Mode::Infer => "infer",
        Mode::Backward => "backward",
        Mode::Vjp => "vjp",
        Mode::Draw => "draw",
        Mode::Train => "train",
    }
}

/// The name that messages give the program: `SimpleMlp::loss_backward`.
pub fn shown(net: &Net, program: &Program) -> String {
    let f = &net.signatures[program.function].name;
    match program.mode {
        Mode::Infer => format!("{}::{f}", net.name),
        mode => format!("{}::{f}_{}", net.name, suffix(mode)),
    }
}

/// A shape as `DimSpec`s.
pub fn spec(shape: &Shape, dims: &[String], solved: &[(usize, String)]) -> TokenStream {
    let items = shape.iter().enumerate().map(|(i, d)| {
        if d.names().is_empty() {
            let v = usize(d);
            return quote!(__nf::DimSpec::Fixed(#v));
        }
        if let Some(k) = bare(d).and_then(|name| dims.iter().position(|n| *n == name)) {
            return quote!(__nf::DimSpec::Named(#k));
        }
        let (value, text) = (usize(d), d.to_string());
        let unpack = unpack(dims, &quote!(return 0));
        let introduced = solved.iter().find(|(at, _)| *at == i).and_then(|(_, name)| {
            let k = dims.iter().position(|n| n == name)?;
            let (factor, rest) = d.linear(name)?;
            let (more, less) = rest.sides();
            let [factor, more, less] = [factor, more, less].map(|d| usize(&d));
            Some(quote!(__nf::DimSpec::Solved {
                dim: #k,
                solve: |dims, size| { #unpack __nf::div(size.saturating_add(#less).saturating_sub(#more), #factor) },
                value: |dims| { #unpack #value },
                text: #text,
            }))
        });
        introduced.unwrap_or_else(|| quote!(__nf::DimSpec::Derived(|dims| { #unpack #value }, #text)))
    });
    quote!(&[#(#items),*])
}

/// An argument or result; `solved` are the dimensions of an argument that introduce names.
pub fn arg(
    (name, elem): (&str, Elem),
    shape: &Shape,
    dims: &[String],
    solved: &[(usize, String)],
) -> TokenStream {
    let ty = match elem {
        Elem::Float => quote!(Float),
        Elem::U32 => quote!(U32),
        Elem::I32 => quote!(I32),
        Elem::I64 => quote!(I64),
        Elem::Bool => quote!(Bool),
    };
    let shape = spec(shape, dims, solved);
    quote!(__nf::ArgSpec { name: #name, ty: __nf::ArgType::#ty, shape: #shape })
}

fn elem(t: DType) -> Elem {
    match t {
        DType::Float => Elem::Float,
        DType::Int => Elem::I64,
        DType::Bool => Elem::Bool,
    }
}

/// The items of one program.
pub fn items(net: &Net, program: &Program, maps: &mut Maps, outline: &mut Outline) -> TokenStream {
    let signature = &net.signatures[program.function];
    let dims = &signature.dims;
    let Names { plan, layout, body } = names(net, program);
    let shown = shown(net, program);
    let mut inputs: Vec<TokenStream> = Vec::new();
    for (i, a) in signature.args.iter().enumerate() {
        let solved = signature.solved.iter().filter(|s| s.0 == i);
        let solved: Vec<(usize, String)> = solved.map(|s| (s.1, s.2.clone())).collect();
        let name = a.name.to_string();
        inputs.push(arg((&name, a.ty.elem), &a.ty.shape, dims, &solved));
    }
    for (i, (shape, _)) in program.seeds.iter().enumerate() {
        let name = if program.seeds.len() == 1 {
            "dy".to_owned()
        } else {
            format!("dy_{i}")
        };
        inputs.push(arg((&name, Elem::Float), shape, dims, &[]));
    }
    let outputs = outputs(net, program);
    let kept = program.placement.states.iter().map(|(input, _)| input);
    let rooms = rooms(program);
    let sizes = super::constants::sizes_of(dims);
    let require = program.require.iter().map(|r| require(r, dims));
    let rooms = rooms.iter().map(|r| room(r, dims));
    let reached = all_reached(net, &program.reached);
    let slots = program.memory.slots.len();
    let random = any(&program.graph, &Op::draws);

    let layout_body = layout_body(program, dims);
    let owner = super::custom::owner(net);
    let (locals, listing) = (Locals::default(), Listing::default());
    let large = calls(&program.graph) > STEPS;
    let mut steps = Steps {
        g: &program.graph,
        memory: &program.memory,
        target: match large {
            true => Target::Listing(&listing),
            false => Target::Statements(&locals),
        },
        maps,
        outline,
        parameters: &Parameters::default(),
        loops: Vec::new(),
        owner: &owner,
    };
    let mut customs = Vec::new();
    customs_of(&program.graph, &mut customs);
    let host = customs.iter().map(|op| {
        let kernels = super::names::custom_ptx(op);
        quote!(#owner::#kernels.is_none() ||)
    });
    let host = quote!(#(#host)* false);
    let mut body_steps = steps.all();
    body_steps.extend(written(program, &mut steps));
    let body_steps = match large {
        true => listing.perform(),
        false => {
            let lets = locals.define();
            quote!(#lets #body_steps)
        }
    };
    let zeros = unreached(net, program);
    let unpack = unpack(dims, &quote!(return));
    quote! {
        const #plan: &'static __nf::Plan = &__nf::Plan {
            name: #shown,
            dims: &[#(#dims),*],
            inputs: &[#(#inputs),*],
            kept: &[#(#kept),*],
            outputs: &[#(#outputs),*],
            require: &[#(#require),*],
            sizes: #sizes,
            rooms: &[#(#rooms),*],
            reached: #reached,
            slots: #slots,
            layout: Self::#layout,
            random: #random,
            host: #host,
        };
        const fn #layout(dims: &[usize], float: usize, at: &mut [usize]) -> usize { #layout_body }
        fn #body<__D: __nf::Device>(run: &mut __nf::Run<'_, __D>, dims: &[usize]) {
            #unpack
            #body_steps
            #zeros
        }
    }
}

/// The number of nodes that are calls at run time.
fn calls(g: &Graph) -> usize {
    let each = g.nodes.iter().map(|node| match &node.op {
        Op::Scan(scan) => calls(&scan.body),
        Op::Map(_) | Op::Reduce { .. } | Op::MatMul { .. } | Op::Kernel(_) => 1,
        _ => 0,
    });
    each.sum()
}

/// The most calls of a program whose steps are statements. One function of hundreds of steps would take megabytes of stack
/// without optimisation, and rustc's time for a function grows faster than its length.
const STEPS: usize = 64;

/// The reached parameters. If none has ranges, only their numbers are emitted: they may be hundreds.
fn all_reached(net: &Net, all: &[Reached]) -> TokenStream {
    let is_whole = |(param, ranges): &Reached| {
        net.params[*param].stack.is_empty() || ranges.iter().any(Vec::is_empty)
    };
    if all.iter().all(is_whole) {
        let params = all.iter().map(|r| r.0);
        return quote!(&__nf::reached(Self::__OFFSETS, &Self::__LENS, [#(#params),*]));
    }
    let each = all.iter().map(|r| reached(net, r));
    quote!(&[#(#each),*])
}

/// A reached parameter: its place, and for an array its elements, by ranges of its dimensions.
fn reached(net: &Net, (param, ranges): &Reached) -> TokenStream {
    let stack = &net.params[*param].stack;
    let sizes = stack.iter().map(usize);
    // All elements, if one range covers them.
    let whole = ranges.iter().any(|r| r.is_empty() || stack.is_empty());
    let ranges = ranges.iter().filter(|_| !whole).map(|range| {
        let dims = range.iter().take(stack.len()).map(|(first, count)| {
            let (first, count) = (usize(first), usize(count));
            quote!([#first, #count])
        });
        quote!(&[#(#dims),*])
    });
    quote! {
        __nf::Reached {
            offset: Self::__OFFSETS[#param].floats,
            len: Self::__LENS[#param],
            stack: &[#(#sizes),*],
            ranges: &[#(#ranges),*],
        }
    }
}

/// The writes after all other steps: kept values that could not be written in place, and buffers.
fn written(program: &Program, steps: &mut Steps) -> TokenStream {
    let g = &program.graph;
    let mut out = TokenStream::new();
    for (i, entry) in &program.placement.kept {
        let o = g.outputs[*i];
        let (n, k) = root(g, o);
        let place = Place::State(*entry);
        if program.memory.place[n.index()][k] != place {
            out.extend(steps.step(false, |steps| {
                let (from, to) = (
                    steps.view(o, 0),
                    steps.place(&place, g[o].dtype, &numel(g.shape(o))),
                );
                quote!(run.assign(#from, #to);)
            }));
        }
    }
    for (i, param) in &program.placement.buffers {
        let o = g.outputs[*i];
        out.extend(steps.step(false, |steps| {
            let place = Place::Param(*param);
            let (from, to) = (
                steps.view(o, 0),
                steps.place(&place, g[o].dtype, &numel(g.shape(o))),
            );
            quote!(run.update(#from, #to);)
        }));
    }
    out
}

/// The names of the custom ops, each once.
fn customs_of(g: &Graph, out: &mut Vec<String>) {
    for node in &g.nodes {
        if let Op::Scan(scan) = &node.op {
            customs_of(&scan.body, out);
        }
        if let Some(Custom { function, .. }) = node.op.kernel()
            && !out.contains(function)
        {
            out.push(function.clone());
        }
    }
}

/// Whether `is` holds for any op of the graph or its bodies.
fn any(g: &Graph, is: &dyn Fn(&Op) -> bool) -> bool {
    g.nodes.iter().any(|n| match &n.op {
        Op::Scan(scan) => any(&scan.body, is),
        op => is(op),
    })
}

/// The results that stay in the workspace, with their slots.
fn outputs(net: &Net, program: &Program) -> Vec<TokenStream> {
    let signature = &net.signatures[program.function];
    let g: &Graph = &program.graph;
    let mut out = Vec::new();
    for (i, o) in g.outputs.iter().enumerate() {
        if program.placement.has(i) {
            continue;
        }
        let (n, k) = root(g, *o);
        let Place::Slot(slot) = &program.memory.place[n.index()][k] else {
            continue;
        };
        let e = match (program.mode, signature.ret.get(i)) {
            (Mode::Infer | Mode::Train | Mode::Backward, Some(ty)) => ty.elem,
            _ => elem(g[*o].dtype),
        };
        let a = arg(("output", e), g.shape(*o), &signature.dims, &[]);
        out.push(quote!((#a, #slot)));
    }
    out
}

fn require(d: &Demand, dims: &[String]) -> TokenStream {
    let (by, why) = (&d.by, &d.why);
    let (left, right) = d.what.sides();
    let (text, shown) = match d.what {
        Require::Divides(..) => (format!("{left} must be a multiple of {right}"), left),
        Require::AtLeast(..) if left.value().is_some() => {
            (format!("{right} must be at most {left}"), right)
        }
        Require::AtLeast(..) => (format!("{left} must be at least {right}"), left),
        Require::Probability(..) => (d.what.to_string(), right),
    };
    let unpack = unpack(dims, &quote!(return Default::default()));
    let (holds, value) = (holds(&d.what), usize(&shown));
    let site = site(d.span, by);
    quote! {
        __nf::Require {
            holds: |dims| { #unpack #holds },
            value: |dims| { #unpack #value },
            what: #text,
            why: #why,
            site: #site,
        }
    }
}

/// The values that may be larger than any memory: their sizes are products of named dimensions. Each size comes with a
/// name for messages; a size that divides another is left out.
fn rooms(program: &Program) -> Vec<(Dim, String)> {
    let mut all: Vec<(Dim, String)> = Vec::new();
    rooms_of(&program.graph, &mut all);
    let covered = |k: usize| {
        let other = |(j, (q, _)): (usize, &(Dim, String))| {
            j != k && q.div_exact(&all[k].0).is_some_and(|r| j < k || !r.is_one())
        };
        all.iter().enumerate().any(other)
    };
    let kept = (0..all.len()).filter(|k| !covered(*k));
    kept.map(|k| all[k].clone()).take(ROOMS).collect()
}

/// How many such values are checked.
const ROOMS: usize = 8;

fn rooms_of(g: &Graph, out: &mut Vec<(Dim, String)>) {
    let results: Vec<NodeId> = g.outputs.iter().map(|o| root(g, *o).0).collect();
    for (id, node) in g.ids().zip(&g.nodes) {
        let over = match &node.op {
            Op::Input { .. } | Op::Param { .. } => continue,
            Op::Scan(scan) => {
                rooms_of(&scan.body, out);
                continue;
            }
            // A reduction's map runs over a shape that is not stored.
            Op::Reduce { body: Some(b), .. } => &b.1,
            _ => &node.shape,
        };
        let size = numel(over);
        // A coefficient alone does not make a value too large, only a product of dimensions.
        let power = |(_, m): (i64, &[(crate::dim::Atom, u32)])| m.iter().map(|f| f.1).sum::<u32>();
        if size.terms().map(power).max().unwrap_or(0) < 2 {
            continue;
        }
        let name = match &node.op {
            _ if !node.name.is_empty() => format!("`{}`", node.name),
            _ if results.contains(&id) => "the result".to_owned(),
            Op::Map(_) => "a value".to_owned(),
            op => format!("a value of `{}`", crate::display::op_name(op)),
        };
        if out.iter().all(|(known, _)| *known != size) {
            out.push((size, format!("{name}: {}", crate::dim::show_shape(over))));
        }
    }
}

fn room((size, text): &(Dim, String), dims: &[String]) -> TokenStream {
    let unpack = unpack(dims, &quote!(return false));
    let size = super::dims::number(size);
    quote!(__nf::Room { fits: |dims| { #unpack __nf::has_room(#size) }, value: #text })
}

/// A condition as a Rust expression of type `bool`.
pub fn holds(r: &Require) -> TokenStream {
    match r {
        Require::Divides(p, q) => {
            let (p, q) = (usize(p), usize(q));
            quote!(__nf::divides(#p, #q))
        }
        // A difference below 0 would saturate, so subtracted terms move to the other side.
        Require::AtLeast(p, q) => {
            let (left, right) = p.sub(q).sides();
            let (left, right) = (usize(&left), usize(&right));
            quote!(#left >= #right)
        }
        Require::Probability(p) => {
            let p = super::dims::number(p);
            quote!(#p >= 0f64 && #p <= 1f64)
        }
    }
}

/// The places of all slots.
fn layout_body(program: &Program, dims: &[String]) -> TokenStream {
    let unpack = unpack(dims, &quote!(return 0));
    let values = program.memory.slots.iter().enumerate();
    let lay_out = lay_out(values.flat_map(|(slot, values)| {
        let mut values = values.clone();
        values.sort();
        values.into_iter().map(move |(n, t)| (slot, n, t))
    }));
    quote!(#unpack #lay_out)
}

/// Writes the places of slots to `at`, and returns the bytes of all. `values` are the slot, the number of elements and the
/// type of each value, in the order of the slots.
pub fn lay_out(values: impl Iterator<Item = (usize, Dim, DType)>) -> TokenStream {
    let locals = Locals::default();
    let values: Vec<TokenStream> = values
        .map(|(slot, n, t)| {
            let n = locals.size(&n);
            let width = match t {
                DType::Float => quote!(float),
                DType::Int => quote!(8),
                DType::Bool => quote!(1),
            };
            quote!((#slot, #n, #width))
        })
        .collect();
    let lets = locals.define();
    quote!(#lets __nf::lay_out(at, &[#(#values),*]))
}

/// Gradients of parameters that this function does not reach are zero.
fn unreached(net: &Net, program: &Program) -> TokenStream {
    if !program.mode.has_gradients() {
        return TokenStream::new();
    }
    let missing = (0..net.params.len()).filter(|p| {
        let param = &net.params[*p];
        let has = param.shared.is_none() && param.elem == Elem::Float;
        has && !program.placement.grads.iter().any(|(_, g)| g == p)
    });
    let missing: Vec<usize> = missing.collect();
    match missing.is_empty() {
        true => TokenStream::new(),
        false => quote!(run.no_gradients(Self::__OFFSETS, &Self::__LENS, &[#(#missing),*]);),
    }
}
