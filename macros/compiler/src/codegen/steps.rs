//! A planned graph as runtime calls, one node a statement.

use super::dims::usize;
use super::map::{Maps, dtype, iota_strides, number, whole};
use crate::dim::{Dim, Shape, numel};
use crate::ir::{
    Attention, Custom, DType, Graph, Integers, Map, NodeId, Op, Reads, Reduce, Role, Scan, Windows,
};
use crate::passes::memory::{Memory, Place, root};
use crate::passes::strides::{self, Strided, blocks, collapse_all, row_major};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

/// Products whose known sizes are at most this are unrolled by the kernels for small ones.
const SMALL: i64 = 64;
/// And their results, where the summed size is open.
const SMALL_RESULT: i64 = 512;

/// Writes the statements of one plan.
pub struct Steps<'a> {
    /// The graph.
    pub g: &'a Graph,
    /// Its values' places.
    pub memory: &'a Memory,
    /// All maps of the network.
    pub maps: &'a mut Maps,
    /// The loops around, innermost last: their numbers and counts.
    pub loops: Vec<(usize, Dim)>,
    /// The struct, which has the user's own ops.
    pub owner: &'a TokenStream,
}

/// The variable that holds a loop's step.
fn step_of(number: usize) -> Ident {
    format_ident!("__step{number}", span = Span::mixed_site())
}

impl Steps<'_> {
    /// All statements.
    pub fn all(&mut self) -> TokenStream {
        self.g.ids().map(|id| self.step(id)).collect()
    }

    /// The view of a value.
    pub fn view(&self, id: NodeId, k: usize) -> TokenStream {
        let node = &self.g[id];
        let (shape, t) = if k == 0 {
            (&node.shape, node.dtype)
        } else {
            (&node.also[k - 1].0, node.also[k - 1].1)
        };
        self.place(&self.memory.place[id.index()][k], t, &numel(shape))
    }

    /// `len` elements of a place.
    pub fn place(&self, place: &Place, t: DType, len: &Dim) -> TokenStream {
        let n = usize(len);
        match place {
            Place::Slot(slot) => {
                let t = dtype(t);
                quote!(run.slot(#slot, #t, #n))
            }
            Place::State(k) => {
                let t = dtype(t);
                quote!(run.state(#k, #t, #n))
            }
            Place::Param(p) => quote!(run.param(Self::__OFFSETS[#p], #n)),
            Place::Grad(p) => quote!(run.grad(Self::__OFFSETS[#p], #n)),
            Place::Part(whole, number) => {
                let count = self.loops.iter().find(|l| l.0 == *number);
                let all = count.map_or_else(|| len.clone(), |l| l.1.mul(len));
                let (whole, step) = (self.place(whole, t, &all), step_of(*number));
                quote!(run.part(#whole, #step, #n))
            }
            // Nobody reads or writes it.
            Place::Open => quote!(run.slot(usize::MAX, __nf::DType::Float, 0)),
        }
    }

    /// A copy from one place to another, or nothing where they are the same.
    fn assign(&self, from: (&Place, TokenStream), to: (&Place, TokenStream)) -> TokenStream {
        let (x, y) = (from.1, to.1);
        match from.0 == to.0 {
            true => TokenStream::new(),
            false => quote!(run.assign(#x, #y);),
        }
    }

    /// A loop: carried values begin as copies of the operands, and each step ends with theirs.
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
            maps: self.maps,
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
        let (step, count) = (step_of(body.number), usize(&body.count));
        let range = if scan.reverse {
            quote!((0..#count).rev())
        } else {
            quote!(0..#count)
        };
        quote!(#begin for #step in #range { #steps #end })
    }

    fn views(&self, id: NodeId) -> TokenStream {
        let all = (0..=self.g[id].also.len()).map(|k| self.view(id, k));
        quote!([#(#all),*])
    }

    /// Who reads at the positions, and where those lie, for messages.
    fn reads(&self, span: Span, what: &Reads) -> TokenStream {
        let (site, index) = (super::plan::site(span, &what.by), &what.index);
        let shape = what.shape.iter().map(usize);
        quote!(__nf::Reads { site: #site, index: #index, shape: &[#(#shape),*] })
    }

    /// A result of integers, for messages.
    fn result(&self, id: NodeId, text: &str) -> TokenStream {
        let (site, text) = (super::plan::site(self.g[id].span, ""), format!("`{text}`"));
        let shape = self.g.shape(id).iter().map(usize);
        quote!(__nf::Reads { site: #site, index: #text, shape: &[#(#shape),*] })
    }

    fn step(&mut self, id: NodeId) -> TokenStream {
        let node = self.g[id].clone();
        let x = |i: usize| node.args[i];
        let y = || self.view(id, 0);
        let v = |i: usize| self.view(node.args[i], 0);
        match &node.op {
            Op::Map(map) => self.map(id, map),
            Op::Reduce { kind, dims, body } => {
                let kind = reduce(*kind);
                let over = body
                    .as_ref()
                    .map_or_else(|| self.g.shape(x(0)).clone(), |b| b.1.clone());
                let axis = block(&over, dims);
                let y = y();
                let (ty, inputs, scalars) = match body {
                    None => {
                        let groups = blocks(dims, over.len());
                        let s = collapsed_whole(&over, &groups);
                        let input = self.input(x(0), &s);
                        (quote!(__nf::Identity), vec![input], quote!(&[]))
                    }
                    Some(b) => self.body(&node.args, &b.0, &over, dims),
                };
                let n = inputs.len();
                let inputs = quote!([#(#inputs),*]);
                match kind {
                    Some(kind) => {
                        quote!(run.reduce::<#ty, #n>(__nf::Reduce::#kind, #axis, #inputs, #scalars, #y);)
                    }
                    None => {
                        let rest = match node.also.is_empty() {
                            true => quote!(None),
                            false => {
                                let rest = self.view(id, 1);
                                quote!(Some(#rest))
                            }
                        };
                        quote!(run.mean::<#ty, #n>(#axis, #inputs, #scalars, #y, #rest);)
                    }
                }
            }
            // Those of floats are scalars of maps.
            Op::Size(d) if node.dtype == DType::Int => {
                let (y, value) = (y(), super::dims::number(d));
                let what = self.result(id, &d.to_string());
                quote!(run.integer(#y, #value, #what);)
            }
            Op::Integers { f, what } => {
                let of = |dim: &usize| axis(self.g.shape(x(0)), *dim);
                let len = usize(&numel(&node.shape));
                let f = match f {
                    Integers::Add => quote!(Add(#len)),
                    Integers::Sub => quote!(Sub(#len)),
                    Integers::Mul => quote!(Mul(#len)),
                    Integers::Cast => quote!(Cast(#len)),
                    Integers::Reduce { kind, dim } => {
                        let (kind, axis) = (reduce(*kind), of(dim));
                        quote!(Reduce(__nf::Reduce::#kind, #axis))
                    }
                    Integers::CumSum { dim } => {
                        let axis = of(dim);
                        quote!(CumSum(#axis))
                    }
                };
                let second = node.args.len() - 1;
                let (a, b, y) = (v(0), v(second), y());
                let what = self.result(id, what);
                quote!(run.integers(__nf::Integers::#f, [#a, #b], #y, #what);)
            }
            Op::ArgReduce { largest, dim } => {
                let (axis, x, y) = (axis(self.g.shape(x(0)), *dim), v(0), y());
                quote!(run.arg_reduce(#largest, #axis, #x, #y);)
            }
            Op::Softmax { log, dim } => {
                let kind = if *log {
                    quote!(LogSoftmax)
                } else {
                    quote!(Softmax)
                };
                let (axis, x, y) = (axis(self.g.shape(x(0)), *dim), v(0), y());
                quote!(run.softmax(__nf::Softmax::#kind, #axis, #x, #y);)
            }
            Op::LogSumExp { dim } => {
                let (axis, x, y) = (axis(self.g.shape(x(0)), *dim), v(0), self.views(id));
                quote!(run.logsumexp(#axis, #x, #y);)
            }
            Op::CumSum { dim, reverse } => {
                let (axis, x, y) = (axis(self.g.shape(x(0)), *dim), v(0), y());
                quote!(run.cumsum(#reverse, #axis, #x, #y);)
            }
            Op::MatMul { ta, tb, epilogue } => self.product(id, *ta, *tb, epilogue.as_deref()),
            Op::Flip(dims) => {
                let shape = &node.shape;
                let strides = row_major(shape);
                let start = dims.iter().fold(Dim::from(0), |s, d| {
                    s.add(&shape[*d].sub(&Dim::one()).mul(&strides[*d]))
                });
                let signed: Vec<(bool, Dim)> = strides
                    .iter()
                    .enumerate()
                    .map(|(d, s)| (dims.contains(&d), s.clone()))
                    .collect();
                self.copy(
                    shape,
                    (x(0), &start, &signed),
                    (id, &Dim::from(0), &plain(&strides)),
                )
            }
            Op::Pad { low, step, value } => {
                let (to, from) = (row_major(&node.shape), row_major(self.g.shape(x(0))));
                let start = low
                    .iter()
                    .zip(&to)
                    .fold(Dim::from(0), |s, (l, t)| s.add(&l.mul(t)));
                let spread: Vec<(bool, Dim)> = to
                    .iter()
                    .zip(step)
                    .map(|(t, s)| (false, t.mul(&Dim::from(*s))))
                    .collect();
                let (y, value) = (y(), number(*value));
                let copy = self.copy(
                    &self.g.shape(x(0)).clone(),
                    (x(0), &Dim::from(0), &plain(&from)),
                    (id, &start, &spread),
                );
                quote!(run.fill(#y, #value); #copy)
            }
            Op::Concat { dim } => {
                let to = row_major(&node.shape);
                let mut at = Dim::from(0);
                let mut out = TokenStream::new();
                for a in &node.args {
                    let shape = self.g.shape(*a).clone();
                    let start = at.mul(&to[*dim]);
                    out.extend(self.copy(
                        &shape,
                        (*a, &Dim::from(0), &plain(&row_major(&shape))),
                        (id, &start, &plain(&to)),
                    ));
                    at = at.add(&shape[*dim]);
                }
                out
            }
            Op::Take { dim, what } => {
                let count = usize(&self.g.shape(x(1))[0]);
                let (axis, x, i, y) = (axis(self.g.shape(x(0)), *dim), v(0), v(1), y());
                let what = self.reads(node.span, what);
                quote!(run.take(#axis, #count, #x, #i, #y, #what);)
            }
            Op::Put { dim, what } => {
                let count = usize(&self.g.shape(x(1))[0]);
                let (axis, x, i, source, y) = (axis(&node.shape, *dim), v(0), v(1), v(2), y());
                let what = self.reads(node.span, what);
                quote!(run.put(#axis, #count, #x, #i, #source, #y, #what);)
            }
            Op::TakeGrad { dim, what, .. } => {
                let count = usize(&self.g.shape(x(1))[0]);
                let (axis, x, i, y) = (axis(&node.shape, *dim), v(0), v(1), y());
                let what = self.reads(node.span, what);
                quote!(run.take_grad(#axis, #count, #x, #i, #y, #what);)
            }
            Op::Gather { dim, what } => {
                let count = usize(&node.shape[*dim]);
                let (axis, x, i, y) = (axis(self.g.shape(x(0)), *dim), v(0), v(1), y());
                let what = self.reads(node.span, what);
                quote!(run.gather(#axis, #count, #x, #i, #y, #what);)
            }
            Op::GatherGrad { dim, what, .. } => {
                let count = usize(&self.g.shape(x(1))[*dim]);
                let (axis, x, i, y) = (axis(&node.shape, *dim), v(0), v(1), y());
                let what = self.reads(node.span, what);
                quote!(run.gather_grad(#axis, #count, #x, #i, #y, #what);)
            }
            Op::Bernoulli { keep, stream, .. } => {
                let (keep, y) = (number(*keep), y());
                let stream = self.stream(*stream);
                quote!(run.bernoulli(#keep, #stream, #y);)
            }
            Op::Conv {
                role,
                windows,
                groups,
            } => self.convolution(id, *role, windows, groups),
            Op::WindowArgMax { windows, kernel } => {
                let (planes, x_sizes) = (usize(&node.shape[0]), pair(&self.g.shape(x(0))[1..]));
                let (sizes, geometry) = (pair(&node.shape[1..]), geometry(windows));
                let kernel = kernel.map(Dim::from);
                let (kernel, x, y) = (pair(&kernel), v(0), y());
                quote! {
                    run.window_arg_max(
                        __nf::Window2 {
                            planes: #planes, x: #x_sizes, kernel: #kernel, y: #sizes, #geometry
                        },
                        #x, #y,
                    );
                }
            }
            Op::Attention(a) => self.attention(id, a, 0, quote!(attention)),
            Op::AttentionGrad(a) => self.attention(id, a, 3, quote!(attention_grad)),
            Op::Scan(scan) => self.scan(id, scan),
            Op::Custom(op) => self.custom(id, op),
            // In place already, or gone since fusion.
            _ => TokenStream::new(),
        }
    }

    fn convolution(&self, id: NodeId, role: Role, windows: &Windows, groups: &Dim) -> TokenStream {
        let node = &self.g[id];
        let (a, b) = (node.args[0], node.args[1]);
        let (x, w, y, method) = match role {
            Role::Y => (a, b, id, quote!(convolve)),
            Role::X => (id, b, a, quote!(convolve_input)),
            Role::W => (a, id, b, quote!(convolve_weight)),
        };
        let [x, w, y] = [x, w, y].map(|v| self.g.shape(v));
        let (n, c, o) = (usize(&x[0]), usize(&w[1]), usize(&w[0].div(groups)));
        let (groups, geometry) = (usize(groups), geometry(windows));
        let (x, kernel, y) = (pair(&x[2..]), pair(&w[2..]), pair(&y[2..]));
        let views = [self.view(a, 0), self.view(b, 0), self.view(id, 0)];
        quote! {
            run.#method(
                __nf::Convolution {
                    n: #n, groups: #groups, c: #c, o: #o, x: #x, kernel: #kernel, y: #y, #geometry
                },
                #(#views),*
            );
        }
    }

    /// Attention, or its gradient, whose last operands are `saved`.
    fn attention(
        &self,
        id: NodeId,
        a: &Attention,
        saved: usize,
        method: TokenStream,
    ) -> TokenStream {
        let (g, args) = (self.g, &self.g[id].args);
        let [b, h, l, e] = a.sizes(g.shape(args[0]));
        let [_, _, s, v] = a.sizes(g.shape(args[2]));
        let (interleaved, causal) = (a.interleaved, a.causal);
        let scale = match a.scale {
            Some(scale) => number(scale),
            None => {
                let e = usize(&e);
                quote!(1.0 / ((#e) as f64).sqrt())
            }
        };
        let dropout = match a.dropout {
            Some(dropout) => {
                let (p, stream) = (number(dropout.p), self.stream(dropout.stream));
                quote!(Some(__nf::Dropout { p: #p, stream: run.stream(#stream) }))
            }
            None => quote!(None),
        };
        let [b, h, l, e, s, v] = [b, h, l, e, s, v].map(|d| usize(&d));
        let (inputs, saved) = args.split_at(args.len() - saved);
        let masks = inputs[3..].iter().map(|m| {
            let shape = g.shape(*m);
            let strides = shape
                .iter()
                .zip(row_major(shape))
                .map(|(d, stride)| match d.is_one() {
                    true => Dim::from(0),
                    false => stride,
                });
            let (start, strides) = (Dim::from(0), strides.collect());
            self.input(*m, &Strided { start, strides })
        });
        let view = |x: &NodeId| self.view(*x, 0);
        let (inputs, results) = (inputs[..3].iter().map(view), self.views(id));
        let saved = match saved {
            [] => quote!(),
            saved => {
                let saved = saved.iter().map(view);
                quote!([#(#saved),*],)
            }
        };
        quote! {
            run.#method(
                __nf::Attention {
                    batch: #b, heads: #h, queries: #l, keys: #s, width: #e, value_width: #v,
                    interleaved: #interleaved, causal: #causal, scale: #scale, dropout: #dropout,
                },
                [#(#inputs),*], [#(#masks),*], #saved #results,
            );
        }
    }

    /// A call of the user's function with arrays.
    fn custom(&self, id: NodeId, op: &Custom) -> TokenStream {
        let node = &self.g[id];
        let array = |view: TokenStream, shape: &Shape| {
            let shape = shape.iter().map(usize);
            quote!((#view, &[#(#shape),*]))
        };
        let method = |t: DType| match t {
            DType::Float => format_ident!("float"),
            DType::Int => format_ident!("int"),
            DType::Bool => format_ident!("bool"),
        };
        let results: Vec<(Shape, DType)> = std::iter::once((node.shape.clone(), node.dtype))
            .chain(node.also.iter().cloned())
            .collect();
        let read = node
            .args
            .iter()
            .map(|a| array(self.view(*a, 0), self.g.shape(*a)));
        let written = results
            .iter()
            .enumerate()
            .map(|(k, r)| array(self.view(id, k), &r.0));
        let read_as = node.args.iter().enumerate().map(|(k, a)| {
            let method = method(self.g[*a].dtype);
            quote!(x.#method(#k))
        });
        let written_as = results.iter().enumerate().map(|(k, r)| {
            let method = method(r.1);
            quote!(y.#method(#k))
        });
        let (owner, name) = (self.owner, super::custom::name(&op.name, op.backward));
        let (kernels, backward) = (super::custom::ptx_name(&op.name), op.backward);
        let kernel = quote!(__nf::custom::kernel(#owner::#kernels, #backward));
        quote! {
            run.custom([#(#read),*], [#(#written),*], #kernel, |x, y| {
                #owner::#name::<__D::Float>(#(#read_as,)* #(#written_as),*)
            });
        }
    }

    /// The number of a stream of random numbers: in a loop, one for each step.
    fn stream(&self, stream: u32) -> TokenStream {
        let mut at = quote!(0usize);
        for (number, count) in &self.loops {
            let (step, count) = (step_of(*number), usize(count));
            at = quote!(#at * #count + #step);
        }
        match self.loops.is_empty() {
            true => {
                let stream = u64::from(stream);
                quote!(#stream)
            }
            false => quote!(__nf::stream(#stream, #at)),
        }
    }

    /// An operand `In { .. }`.
    fn input(&self, id: NodeId, s: &Strided) -> TokenStream {
        let view = self.view(id, 0);
        let (start, strides) = (usize(&s.start), s.strides.iter().map(usize));
        quote!(__nf::In { view: #view, start: #start, strides: [#(#strides),*] })
    }

    fn iota(&self, strides: &[Dim]) -> TokenStream {
        let strides = strides.iter().map(usize);
        quote!(__nf::iota([#(#strides),*]))
    }

    fn map(&mut self, id: NodeId, map: &Map) -> TokenStream {
        let node = self.g[id].clone();
        let rank = node.shape.len();
        let mut operands: Vec<Strided> = node
            .args
            .iter()
            .zip(&map.access)
            .map(|(a, access)| strides::of(access, self.g.shape(*a)))
            .collect();
        let iotas = super::map::iotas(map);
        operands.extend(iotas.iter().map(|d| iota_strides(*d, rank)));
        let (sizes, strides) = collapse_all(&operands, &node.shape);
        let innermost: Vec<Option<Dim>> = strides.iter().map(|s| s.last().cloned()).collect();
        let call = self.maps.call(map, &innermost);
        let mut inputs = Vec::new();
        for (k, s) in strides.iter().enumerate() {
            inputs.push(match node.args.get(k) {
                Some(a) => self.input(
                    *a,
                    &Strided {
                        start: operands[k].start.clone(),
                        strides: s.clone(),
                    },
                ),
                None => self.iota(s),
            });
        }
        let (ty, scalars) = (call.ty, scalars(&call.scalars));
        let (r, i, o) = (sizes.len(), inputs.len(), map.results.len());
        let (sizes, views) = (sizes.iter().map(usize), self.views(id));
        quote!(run.map::<#ty, #r, #i, #o>([#(#sizes),*], [#(#inputs),*], #views, #scalars);)
    }

    /// The body of a reduction: its type, operands over (outer, n, inner), scalars.
    fn body(
        &mut self,
        args: &[NodeId],
        map: &Map,
        over: &Shape,
        dims: &[usize],
    ) -> (TokenStream, Vec<TokenStream>, TokenStream) {
        let groups = blocks(dims, over.len());
        let innermost = vec![None; args.len()];
        let call = self.maps.call(map, &innermost);
        let inputs = args
            .iter()
            .zip(&map.access)
            .map(|(a, access)| {
                let s = strides::collapsed(access, self.g.shape(*a), over, &groups)
                    .unwrap_or_else(|| whole(&over[..3.min(over.len())]));
                self.input(*a, &s)
            })
            .collect();
        (call.ty, inputs, scalars(&call.scalars))
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
                (call.ty, extra, scalars(&call.scalars), map.results.len())
            }
        };
        let i = extra.len();
        let (mt, nt, kt, bt) = (usize(m), usize(n), usize(k), usize(&batch));
        let size = quote!(__nf::Product { batch: #bt, m: #mt, n: #nt, k: #kt, ta: #ta, tb: #tb });
        let small = |d: &Dim| d.value().filter(|v| (1..=SMALL).contains(v));
        let method = match (small(m), small(n), small(k)) {
            (_, Some(n), Some(k)) => {
                let (n, k) = (n as usize, k as usize);
                quote!(product_nk::<#ty, #n, #k, #i, #o>)
            }
            (Some(m), Some(n), _) if m * n <= SMALL_RESULT => {
                let (m, n) = (m as usize, n as usize);
                quote!(product_mn::<#ty, #m, #n, #i, #o>)
            }
            _ => quote!(product::<#ty, #i, #o>),
        };
        quote!(run.#method(#size, #a, #b, [#(#extra),*], #views, #scalars);)
    }

    /// A strided copy; each side is (value, first element, strides with sign).
    fn copy(
        &self,
        shape: &Shape,
        src: (NodeId, &Dim, &[(bool, Dim)]),
        dst: (NodeId, &Dim, &[(bool, Dim)]),
    ) -> TokenStream {
        let window = |(id, start, strides): (NodeId, &Dim, &[(bool, Dim)])| {
            let (view, start) = (self.view(id, 0), usize(start));
            let strides = strides.iter().map(|(back, s)| {
                let s = usize(s);
                if *back {
                    quote!(-((#s) as isize))
                } else {
                    quote!((#s) as isize)
                }
            });
            quote!(__nf::Window { view: #view, start: #start, strides: [#(#strides),*] })
        };
        let (src, dst) = (window(src), window(dst));
        let r = shape.len();
        let shape = shape.iter().map(usize);
        quote!(run.copy::<#r>([#(#shape),*], #src, #dst);)
    }
}

fn pair(sizes: &[Dim]) -> TokenStream {
    let sizes = sizes.iter().map(usize);
    quote!([#(#sizes),*])
}

/// The fields of windows that no shape tells.
fn geometry(windows: &Windows) -> TokenStream {
    let stride = pair(&windows.stride.map(Dim::from));
    let padding = pair(&windows.padding);
    let dilation = pair(&windows.dilation.map(Dim::from));
    quote!(stride: #stride, padding: #padding, dilation: #dilation)
}

fn plain(strides: &[Dim]) -> Vec<(bool, Dim)> {
    strides.iter().map(|s| (false, s.clone())).collect()
}

fn scalars(dims: &[Dim]) -> TokenStream {
    let values = dims.iter().map(super::dims::number);
    quote!(&[#(#values),*])
}

fn axis(shape: &Shape, dim: usize) -> TokenStream {
    block(shape, &[dim])
}

fn block(shape: &Shape, dims: &[usize]) -> TokenStream {
    let [outer, n, inner] = blocks(dims, shape.len()).map(|g| usize(&numel(&shape[g])));
    quote!(__nf::Axis { outer: #outer, n: #n, inner: #inner })
}

/// A whole value seen as (outer, n, inner).
fn collapsed_whole(shape: &Shape, groups: &[std::ops::Range<usize>; 3]) -> Strided {
    let sizes: Vec<Dim> = groups.iter().map(|g| numel(&shape[g.clone()])).collect();
    whole(&sizes)
}

/// The runtime's name of a reduction; a mean, which floats alone have, is a call by itself.
fn reduce(kind: Reduce) -> Option<Ident> {
    let name = match kind {
        Reduce::Sum => "Sum",
        Reduce::Max => "Max",
        Reduce::Min => "Min",
        Reduce::Mean => return None,
    };
    Some(Ident::new(name, Span::call_site()))
}
