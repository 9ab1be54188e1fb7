//! A planned graph as runtime calls, one node a statement or, in a large program, a step of its listing.

use super::emit::{Emit, written};
use super::form::{Arg, Form, Kernel, Operand};
use super::listing::Listing;
use super::locals::Locals;
use super::map::{Maps, dtype, iota_strides, whole};
use super::outline::{self, Kind, Outline, Parameters, Value};
use super::site::site;
use crate::dim::{Dim, Shape, numel};
use crate::ir::emit::Code;
use crate::ir::strides::{self, Strided, blocks, collapse_all};
use crate::ir::{DType, Graph, Map, NodeId, Op, Reduce, Scan};
use crate::passes::memory::{Memory, Place, root};
use crate::real::Real;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

/// Products whose known sizes are at most this are unrolled by the kernels for small products.
const SMALL: i64 = 64;
/// The limit for their results, if the summed size is not known.
const SMALL_RESULT: i64 = 512;

/// What the steps are written as.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// Statements of one function, with variables.
    Statements(&'a Locals),
    /// Data.
    Listing(&'a Listing),
}

/// Writes the steps of one plan.
pub struct Steps<'a> {
    /// The graph.
    pub g: &'a Graph,
    /// Its values' places.
    pub memory: &'a Memory,
    /// What the steps are written as.
    pub target: Target<'a>,
    /// All maps of the network.
    pub maps: &'a mut Maps,
    /// The functions of the steps of all listings.
    pub outline: &'a mut Outline,
    /// The parameters of the functions that are being written.
    pub parameters: &'a Parameters,
    /// The enclosing loops, innermost last: their numbers and counts.
    pub loops: Vec<(usize, Dim)>,
    /// The struct, which has the custom ops.
    pub owner: &'a TokenStream,
}

/// The variable that holds a loop's step.
pub fn step_of(number: usize) -> Ident {
    format_ident!("__step{number}", span = Span::mixed_site())
}

impl Steps<'_> {
    /// All steps: statements, if any are left beside those in the listing.
    pub fn all(&mut self) -> TokenStream {
        self.g.ids().map(|id| self.node(id)).collect()
    }

    /// The statements of a node, or nothing if it is in the listing.
    fn node(&mut self, id: NodeId) -> TokenStream {
        let g = self.g;
        let form = match &g[id].op {
            Op::Map(map) => {
                self.parameters.begin(false);
                self.map(id, map)
            }
            Op::Reduce { kind, dims, body } => {
                self.parameters.begin(false);
                self.reduce(id, *kind, dims, body.as_deref())
            }
            Op::Scan(scan) => return self.step(true, |steps| steps.scan(id, scan)),
            _ => return self.step(false, |steps| steps.statements(id)),
        };
        let all = self.parameters.take();
        match self.target {
            Target::Listing(listing) => {
                let function = self.outline.form(form, &all);
                self.listed(listing, &function, &all)
            }
            Target::Statements(_) => {
                let values = all.into_iter().filter_map(|(_, value)| match value {
                    Value::Written(value) => Some(value),
                    Value::Entry(_) => None,
                });
                form.statement(&values.collect::<Vec<_>>())
            }
        }
    }

    /// The statements that `write` writes, or nothing if they are in the listing. Those of a loop hold other steps.
    pub fn step(
        &mut self,
        is_loop: bool,
        write: impl FnOnce(&mut Self) -> TokenStream,
    ) -> TokenStream {
        let listing = match self.target {
            // A loop in a loop is part of its function.
            Target::Listing(listing) if !is_loop || self.loops.is_empty() => listing,
            _ => return write(self),
        };
        self.parameters.begin(is_loop);
        let statements = write(self);
        let all = self.parameters.take();
        if statements.is_empty() {
            return statements;
        }
        let function = self.outline.statements(&statements, &all);
        self.listed(listing, &function, &all)
    }

    /// A step of the listing, or a call in the function of a loop.
    fn listed(
        &self,
        listing: &Listing,
        function: &Ident,
        all: &[outline::Parameter],
    ) -> TokenStream {
        if self.loops.is_empty() {
            listing.step(function, all);
            return TokenStream::new();
        }
        outline::call(function, all)
    }

    /// A size, and the number of its variable.
    fn size_value(&self, d: &Dim) -> (Value, Option<usize>) {
        match self.target {
            Target::Statements(locals) => {
                let (size, local) = locals.size_and_number(d);
                (Value::Written(size), local)
            }
            Target::Listing(listing) => (Value::Entry(listing.size(d)), None),
        }
    }

    /// A number.
    fn number_value(&self, d: &Dim) -> Value {
        match self.target {
            Target::Statements(_) => Value::Written(super::dims::number(d)),
            Target::Listing(listing) => Value::Entry(listing.number(d)),
        }
    }

    /// A value that does not depend on the step of a loop.
    fn fixed(&self, kind: Kind, value: TokenStream) -> TokenStream {
        let value = match self.target {
            Target::Statements(_) => Value::Written(value),
            Target::Listing(listing) => Value::Entry(listing.value(kind, value)),
        };
        self.parameters.name(kind, value, None)
    }

    /// A size as an argument.
    fn arg(&self, d: &Dim) -> Arg {
        match d.value() {
            Some(0) => Arg::Bit(false),
            Some(1) => Arg::Bit(true),
            _ => {
                let (size, local) = self.size_value(d);
                Arg::Parameter(self.parameters.number(Kind::Size, size, local))
            }
        }
    }

    fn args(&self, sizes: &[Dim]) -> Vec<Arg> {
        sizes.iter().map(|d| self.arg(d)).collect()
    }

    /// A view as an argument.
    fn view_arg(&self, id: NodeId, k: usize) -> Arg {
        let (view, local) = self.view_of(id, k);
        Arg::Parameter(self.parameters.number(Kind::View, view, local))
    }

    fn results(&self, id: NodeId) -> Vec<Arg> {
        let all = 0..=self.g[id].more_results.len();
        all.map(|k| self.view_arg(id, k)).collect()
    }

    fn operand(&self, id: NodeId, s: &Strided) -> Operand {
        Operand {
            from: Some((self.view_arg(id, 0), self.arg(&s.start))),
            strides: self.args(&s.strides),
        }
    }

    fn scalar_args(&self, dims: &[Dim]) -> Vec<Arg> {
        let value = |d: &Dim| {
            let value = self.number_value(d);
            Arg::Parameter(self.parameters.number(Kind::Number, value, None))
        };
        dims.iter().map(value).collect()
    }

    fn usize(&self, d: &Dim) -> TokenStream {
        if let Some(0 | 1) = d.value() {
            return super::dims::usize(d);
        }
        let (size, local) = self.size_value(d);
        self.parameters.name(Kind::Size, size, local)
    }

    /// The same in the code of the loop around a step.
    fn usize_around(&self, d: &Dim) -> TokenStream {
        let (size, local) = self.size_value(d);
        self.parameters.around(Kind::Size, size, local)
    }

    /// The view of a value.
    pub fn view(&self, id: NodeId, k: usize) -> TokenStream {
        let (view, local) = self.view_of(id, k);
        self.parameters.name(Kind::View, view, local)
    }

    fn view_of(&self, id: NodeId, k: usize) -> (Value, Option<usize>) {
        let node = &self.g[id];
        let (shape, t) = if k == 0 {
            (&node.shape, node.dtype)
        } else {
            (&node.more_results[k - 1].0, node.more_results[k - 1].1)
        };
        self.view_value(&self.memory.place[id.index()][k], t, &numel(shape))
    }

    /// `len` elements of a place.
    pub fn place(&self, place: &Place, dt: DType, len: &Dim) -> TokenStream {
        let (view, local) = self.view_value(place, dt, len);
        self.parameters.name(Kind::View, view, local)
    }

    /// `len` elements of a place, and the number of their variable.
    fn view_value(&self, place: &Place, dt: DType, len: &Dim) -> (Value, Option<usize>) {
        if let Place::Part(whole, number) = place {
            let count = self.loops.iter().find(|l| l.0 == *number);
            let all = count.map_or_else(|| len.clone(), |l| l.1.mul(len));
            let (whole, local) = self.view_value(whole, dt, &all);
            let whole = self.parameters.around(Kind::View, whole, local);
            let (step, n) = (step_of(*number), self.usize_around(len));
            return (Value::Written(quote!(run.part(#whole, #step, #n))), None);
        }
        let locals = match self.target {
            Target::Statements(locals) => locals,
            Target::Listing(listing) => return (Value::Entry(listing.view(place, dt, len)), None),
        };
        let (view, local) = locals.view((place, dt, len), || {
            let (float, t) = (dt == DType::Float, dtype(dt));
            let n = locals.size(len);
            match place {
                Place::Slot(slot) if float => quote!(run.floats(#slot, #n)),
                Place::Slot(slot) => quote!(run.slot(#slot, #t, #n)),
                Place::Param(p) if float => quote!(run.param_of(Self::__OFFSETS, #p, #n)),
                Place::Param(p) => quote!(run.buffer_of(Self::__OFFSETS, #p, #t, #n)),
                Place::Grad(p) => quote!(run.grad_of(Self::__OFFSETS, #p, #n)),
                Place::State(k) => quote!(run.state(#k, #t, #n)),
                // No step reads or writes it.
                Place::Part(..) | Place::Open => quote!(run.floats(usize::MAX, 0)),
            }
        });
        (Value::Written(view), local)
    }

    /// A copy from one place to another, or nothing if they are the same.
    fn assign(&self, from: (&Place, TokenStream), to: (&Place, TokenStream)) -> TokenStream {
        let (x, y) = (from.1, to.1);
        match from.0 == to.0 {
            true => TokenStream::new(),
            false => quote!(run.assign(#x, #y);),
        }
    }

    /// A loop: carried values start as copies of the operands, and each step ends by copying their successors.
    fn scan(&mut self, id: NodeId, scan: &Scan) -> TokenStream {
        let Some(body) = self.memory.bodies.get(&id.index()) else {
            return TokenStream::new();
        };
        let (g, results) = (self.g, &self.memory.place[id.index()]);
        let mut begin = TokenStream::new();
        for (k, result) in results.iter().enumerate().take(scan.carried) {
            let arg = g[id].args[scan.shared + k];
            let from = &self.memory.place[arg.index()][0];
            begin.extend(self.assign((from, self.view(arg, 0)), (result, self.view(id, k))));
        }
        let mut loops = self.loops.clone();
        loops.push((body.number, body.count.clone()));
        let mut inner = Steps {
            g: &scan.body,
            memory: &body.memory,
            target: self.target,
            maps: self.maps,
            outline: self.outline,
            parameters: self.parameters,
            loops,
            owner: self.owner,
        };
        let steps = inner.all();
        let mut end = TokenStream::new();
        let inputs = scan.body.inputs();
        for (k, o) in scan.body.outputs.iter().enumerate().take(scan.carried) {
            let (n, r) = root(&scan.body, *o);
            let input = inputs[scan.shared + k];
            let from = (&inner.memory.place[n.index()][r], inner.view(*o, 0));
            let to = (&inner.memory.place[input.index()][0], inner.view(input, 0));
            end.extend(inner.assign(from, to));
        }
        let (step, count) = (step_of(body.number), self.usize(&body.count));
        let range = if scan.reverse {
            quote!((0..#count).rev())
        } else {
            quote!(0..#count)
        };
        quote!(#begin for #step in #range { #steps #end })
    }

    /// The views of all results.
    pub fn views(&self, id: NodeId) -> TokenStream {
        let all = (0..=self.g[id].more_results.len()).map(|k| self.view(id, k));
        quote!([#(#all),*])
    }

    fn statements(&mut self, id: NodeId) -> TokenStream {
        let node = self.g[id].clone();
        let y = || self.view(id, 0);
        match &node.op {
            // Sizes as floats are scalars of maps.
            Op::Size(d) if node.dtype == DType::Int => {
                let value = self.fixed(Kind::Integer, super::dims::integer(d));
                let y = y();
                let what = written(self, &node, &d.to_string());
                quote!(run.integer(#y, #value, #what);)
            }
            Op::MatMul { ta, tb, epilogue } => self.product(id, *ta, *tb, epilogue.as_deref()),
            Op::Kernel(kind) => kind.emit(&Emit { code: self, id }),
            // Already in place, or removed by fusion.
            _ => TokenStream::new(),
        }
    }

    /// An operand `In { .. }`.
    pub fn input(&self, id: NodeId, s: &Strided) -> TokenStream {
        let view = self.view(id, 0);
        let (start, strides) = (
            self.usize(&s.start),
            s.strides.iter().map(|s| self.usize(s)),
        );
        quote!(__nf::In { view: #view, start: #start, strides: [#(#strides),*] })
    }

    fn iota(&self, strides: &[Dim]) -> TokenStream {
        let strides = strides.iter().map(|s| self.usize(s));
        quote!(__nf::iota([#(#strides),*]))
    }

    fn map(&mut self, id: NodeId, map: &Map) -> Form {
        let (g, node) = (self.g, &self.g[id]);
        let rank = node.shape.len();
        let mut operands: Vec<Strided> = node
            .args
            .iter()
            .zip(&map.access)
            .map(|(a, access)| strides::of(access, g.shape(*a)))
            .collect();
        let iotas = super::map::iotas(map);
        operands.extend(iotas.iter().map(|d| iota_strides(*d, rank)));
        let (sizes, strides) = collapse_all(&operands, &node.shape);
        let innermost: Vec<Option<Dim>> = strides.iter().map(|s| s.last().cloned()).collect();
        let call = self.maps.call(map, &innermost);
        let inputs = strides.iter().zip(&operands).enumerate();
        let inputs = inputs.map(|(k, (strides, operand))| Operand {
            from: (node.args.get(k)).map(|a| (self.view_arg(*a, 0), self.arg(&operand.start))),
            strides: self.args(strides),
        });
        Form {
            kernel: Kernel::Map,
            map: Some(call.map),
            operands: inputs.collect(),
            sizes: self.args(&sizes),
            results: self.results(id),
            scalars: self.scalar_args(&call.scalars),
        }
    }

    /// A reduction over `dims`, of an operand or of a map over another shape.
    fn reduce(
        &mut self,
        id: NodeId,
        kind: Reduce,
        dims: &[usize],
        body: Option<&(Map, Shape)>,
    ) -> Form {
        let (g, node) = (self.g, &self.g[id]);
        let over = body.map_or_else(|| g.shape(node.args[0]), |b| &b.1);
        let groups = blocks(dims, over.len());
        let (map, scalars, operands) = match body {
            None => {
                let whole = collapsed_whole(over, &groups);
                (None, Vec::new(), vec![self.operand(node.args[0], &whole)])
            }
            Some((map, _)) => {
                let call = self.maps.call(map, &vec![None; node.args.len()]);
                let operands = node.args.iter().zip(&map.access).map(|(a, access)| {
                    let s = strides::collapsed(access, g.shape(*a), over, &groups)
                        .unwrap_or_else(|| whole(&over[..3.min(over.len())]));
                    self.operand(*a, &s)
                });
                let operands = operands.collect();
                (Some(call.map), call.scalars, operands)
            }
        };
        let sizes = groups.map(|group| self.arg(&numel(&over[group])));
        Form {
            kernel: Kernel::Reduce(kind, sizes),
            map,
            operands,
            sizes: Vec::new(),
            results: self.results(id),
            scalars: self.scalar_args(&scalars),
        }
    }

    fn scalars(&self, dims: &[Dim]) -> TokenStream {
        let value = |d: &Dim| {
            let value = self.number_value(d);
            self.parameters.name(Kind::Number, value, None)
        };
        let values = dims.iter().map(value);
        quote!(&[#(#values),*])
    }

    fn product(&mut self, id: NodeId, ta: bool, tb: bool, epilogue: Option<&Map>) -> TokenStream {
        let node = self.g[id].clone();
        let rank = node.shape.len();
        let a_shape = self.g.shape(node.args[0]);
        let k = if ta {
            &a_shape[rank - 2]
        } else {
            &a_shape[rank - 1]
        };
        let (m, n) = (&node.shape[rank - 2], &node.shape[rank - 1]);
        let batch = if rank == 3 {
            node.shape[0].clone()
        } else {
            Dim::one()
        };
        let (a, b, views) = (
            self.view(node.args[0], 0),
            self.view(node.args[1], 0),
            self.views(id),
        );
        let (ty, extra, scalars, o) = match epilogue {
            None => (quote!(__nf::Identity), Vec::new(), quote!(&[]), 1),
            Some(map) => {
                let grid = |mut s: Strided| {
                    if rank == 2 {
                        s.strides.insert(0, Dim::from(0));
                    }
                    s
                };
                let mut operands = vec![grid(whole(&node.shape))];
                for (arg, access) in node.args[2..].iter().zip(&map.access[1..]) {
                    operands.push(grid(strides::of(access, self.g.shape(*arg))));
                }
                let loads = operands.len();
                operands.extend(
                    super::map::iotas(map)
                        .iter()
                        .map(|d| grid(iota_strides(*d, rank))),
                );
                let mut innermost: Vec<Option<Dim>> =
                    operands.iter().map(|s| s.strides.last().cloned()).collect();
                innermost[0] = Some(Dim::one());
                let call = self.maps.call(map, &innermost);
                let mut extra = Vec::new();
                for (i, s) in operands.iter().enumerate().skip(1) {
                    extra.push(if i < loads {
                        self.input(node.args[i + 1], s)
                    } else {
                        self.iota(&s.strides)
                    });
                }
                let ty = super::map::name(call.map);
                (
                    quote!(#ty),
                    extra,
                    self.scalars(&call.scalars),
                    map.results.len(),
                )
            }
        };
        let i = extra.len();
        let [mt, nt, kt, bt] = [m, n, k, &batch].map(|d| self.usize(d));
        let size = quote!(__nf::Product { batch: #bt, m: #mt, n: #nt, k: #kt, ta: #ta, tb: #tb });
        let small = |d: &Dim| d.value().filter(|v| (1..=SMALL).contains(v));
        let sizes = match (small(m), small(n), small(k)) {
            (_, Some(n), Some(k)) => {
                let (n, k) = (n as usize, k as usize);
                quote!(Nk<#n, #k>)
            }
            (Some(m), Some(n), _) if m * n <= SMALL_RESULT => {
                let (m, n) = (m as usize, n as usize);
                quote!(Mn<#m, #n>)
            }
            _ => quote!(Any),
        };
        quote! {
            run.product::<#ty, __nf::size::#sizes, #i, #o>(
                #size, #a, #b, [#(#extra),*], #views, #scalars,
            );
        }
    }
}

/// A whole value seen as (outer, n, inner).
fn collapsed_whole(shape: &Shape, groups: &[std::ops::Range<usize>; 3]) -> Strided {
    let sizes: Vec<Dim> = groups.iter().map(|g| numel(&shape[g.clone()])).collect();
    whole(&sizes)
}

impl Code for Steps<'_> {
    fn graph(&self) -> &Graph {
        self.g
    }
    fn view(&self, id: NodeId, k: usize) -> TokenStream {
        self.view(id, k)
    }
    fn views(&self, id: NodeId) -> TokenStream {
        self.views(id)
    }
    fn input(&self, id: NodeId, s: &Strided) -> TokenStream {
        self.input(id, s)
    }
    fn owner(&self) -> &TokenStream {
        self.owner
    }
    fn size(&self, d: &Dim) -> TokenStream {
        self.usize(d)
    }
    fn stream(&self, stream: u32) -> TokenStream {
        if self.loops.is_empty() {
            let stream = u64::from(stream);
            return self.fixed(Kind::Stream, quote!(#stream));
        }
        let mut at = quote!(0usize);
        for (number, count) in &self.loops {
            let (step, count) = (step_of(*number), self.usize_around(count));
            at = quote!(#at * #count + #step);
        }
        let stream = Value::Written(quote!(__nf::stream(#stream, #at)));
        self.parameters.name(Kind::Stream, stream, None)
    }
    fn site(&self, span: Span, by: &str) -> TokenStream {
        self.fixed(Kind::Site, site(span, by))
    }
    fn real(&self, value: &Real) -> TokenStream {
        self.fixed(Kind::Number, super::dims::real(value))
    }
}
