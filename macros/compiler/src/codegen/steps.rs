//! A planned graph as runtime calls, one node a statement.

use super::emit::{Emit, written};
use super::form::{Arg, Form, Kernel, Operand};
use super::locals::{Floats, Locals, Used};
use super::map::{Maps, dtype, iota_strides, whole};
use super::outline::{Kind, Outline, Parameters};
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

/// Writes the statements of one plan.
pub struct Steps<'a> {
    /// The graph.
    pub g: &'a Graph,
    /// Its values' places.
    pub memory: &'a Memory,
    /// The variables of the program.
    pub locals: &'a Locals,
    /// All maps of the network.
    pub maps: &'a mut Maps,
    /// The functions of all its steps; none if this plan is small.
    pub outline: Option<&'a mut Outline>,
    /// The parameters of the step that is being written.
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
    /// All statements.
    fn all(&mut self) -> TokenStream {
        self.g.ids().map(|id| self.outlined(id)).collect()
    }

    /// The statements of each node, in order, with the variables that they use; none for a node that needs none.
    pub fn each(&mut self) -> Vec<(TokenStream, Used)> {
        let all = (self.g.ids()).map(|id| (self.outlined(id), self.locals.take()));
        all.filter(|(step, _)| !step.is_empty()).collect()
    }

    /// The statements of a node, or a call of the function that holds them.
    fn outlined(&mut self, id: NodeId) -> TokenStream {
        let g = self.g;
        self.parameters.begin();
        let form = match &g[id].op {
            Op::Map(map) => Some(self.map(id, map)),
            Op::Reduce { kind, dims, body } => Some(self.reduce(id, *kind, dims, body.as_deref())),
            _ => None,
        };
        let parameters = self.parameters.take();
        match (form, self.outline.as_deref_mut()) {
            (Some(form), Some(outline)) => outline.form(form, &parameters),
            (Some(form), None) => {
                let values: Vec<TokenStream> = parameters.into_iter().map(|p| p.1).collect();
                form.statement(&values)
            }
            (None, _) => self.outlined_step(id),
        }
    }

    /// The same for a node that is no map or reduction.
    fn outlined_step(&mut self, id: NodeId) -> TokenStream {
        // The body of a loop has its own steps.
        if self.outline.is_none() || matches!(self.g[id].op, Op::Scan(_)) {
            return self.step(id);
        }
        self.parameters.begin();
        let step = self.step(id);
        let parameters = self.parameters.take();
        match self.outline.as_deref_mut() {
            Some(outline) => outline.statements(&step, &parameters),
            None => step,
        }
    }

    /// A size as an argument.
    fn arg(&self, d: &Dim) -> Arg {
        match d.value() {
            Some(0) => Arg::Bit(false),
            Some(1) => Arg::Bit(true),
            _ => {
                let (size, local) = self.locals.size_and_number(d);
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
            let value = super::dims::number(d);
            Arg::Parameter(self.parameters.number(Kind::Number, value, None))
        };
        dims.iter().map(value).collect()
    }

    fn usize(&self, d: &Dim) -> TokenStream {
        let (size, local) = self.locals.size_and_number(d);
        match d.value() {
            Some(0 | 1) => size,
            _ => self.parameters.name(Kind::Size, size, local),
        }
    }

    /// The view of a value.
    pub fn view(&self, id: NodeId, k: usize) -> TokenStream {
        let (view, local) = self.view_of(id, k);
        self.parameters.name(Kind::View, view, local)
    }

    fn view_of(&self, id: NodeId, k: usize) -> (TokenStream, Option<usize>) {
        let node = &self.g[id];
        let (shape, t) = if k == 0 {
            (&node.shape, node.dtype)
        } else {
            (&node.more_results[k - 1].0, node.more_results[k - 1].1)
        };
        self.place_and_number(&self.memory.place[id.index()][k], t, &numel(shape))
    }

    /// `len` elements of a place.
    pub fn place(&self, place: &Place, dt: DType, len: &Dim) -> TokenStream {
        self.place_and_number(place, dt, len).0
    }

    /// The same, and the number of its variable.
    fn place_and_number(
        &self,
        place: &Place,
        dt: DType,
        len: &Dim,
    ) -> (TokenStream, Option<usize>) {
        let (float, t) = (dt == DType::Float, dtype(dt));
        let n = || self.locals.size(len);
        let view = |write: &dyn Fn() -> TokenStream| self.locals.view((place, dt, len), write);
        let floats = |of: (Floats, usize)| self.locals.floats((place, dt, len), of, n);
        match place {
            Place::Slot(slot) if float => floats((Floats::Slot, *slot)),
            Place::Param(p) if float => floats((Floats::Param, *p)),
            Place::Grad(p) => floats((Floats::Grad, *p)),
            Place::Slot(slot) => view(&|| {
                let n = n();
                quote!(run.slot(#slot, #t, #n))
            }),
            Place::State(k) => view(&|| {
                let n = n();
                quote!(run.state(#k, #t, #n))
            }),
            Place::Param(p) => view(&|| {
                let n = n();
                quote!(run.buffer_of(Self::__OFFSETS, #p, #t, #n))
            }),
            Place::Part(whole, number) => {
                let count = self.loops.iter().find(|l| l.0 == *number);
                let all = count.map_or_else(|| len.clone(), |l| l.1.mul(len));
                let (whole, step, n) = (self.place(whole, dt, &all), step_of(*number), n());
                (quote!(run.part(#whole, #step, #n)), None)
            }
            // No step reads or writes it.
            Place::Open => (quote!(run.floats(usize::MAX, 0)), None),
        }
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
            locals: self.locals,
            maps: self.maps,
            outline: self.outline.as_deref_mut(),
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

    fn step(&mut self, id: NodeId) -> TokenStream {
        let node = self.g[id].clone();
        let y = || self.view(id, 0);
        match &node.op {
            // Sizes as floats are scalars of maps.
            Op::Size(d) if node.dtype == DType::Int => {
                let value = self
                    .parameters
                    .name(Kind::Integer, super::dims::integer(d), None);
                let y = y();
                let what = written(self, &node, &d.to_string());
                quote!(run.integer(#y, #value, #what);)
            }
            Op::MatMul { ta, tb, epilogue } => self.product(id, *ta, *tb, epilogue.as_deref()),
            Op::Scan(scan) => self.scan(id, scan),
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
            self.parameters
                .name(Kind::Number, super::dims::number(d), None)
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
        let mut at = quote!(0usize);
        for (number, count) in &self.loops {
            let (step, count) = (step_of(*number), self.locals.size(count));
            at = quote!(#at * #count + #step);
        }
        let stream = match self.loops.is_empty() {
            true => {
                let stream = u64::from(stream);
                quote!(#stream)
            }
            false => quote!(__nf::stream(#stream, #at)),
        };
        self.parameters.name(Kind::Stream, stream, None)
    }
    fn site(&self, span: Span, by: &str) -> TokenStream {
        self.parameters.name(Kind::Site, site(span, by), None)
    }
    fn real(&self, value: &Real) -> TokenStream {
        self.parameters
            .name(Kind::Number, super::dims::real(value), None)
    }
}
