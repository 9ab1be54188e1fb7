//! The graphs of small networks after the passes, as text.

use netform_compiler::diag::Diag;
use netform_compiler::dim::{Dim, Shape};
use netform_compiler::ir::{DType, Graph, NodeId, Op};
use netform_compiler::passes::simplify::simplify;
use netform_compiler::pipeline::programs;
use netform_compiler::program::{Mode, Program};
use netform_compiler::scalar::Scalar as S;
use netform_compiler::unit::Unit;
use netform_compiler::{check, parse};

fn compile(source: &str, function: &str, mode: Mode) -> Program {
    let diag = Diag::default();
    let ast = parse::parse(source.parse().unwrap(), &diag).unwrap();
    let unit = Unit::alone(ast);
    let net = check::check(&unit, &diag);
    let all = programs(&net, &unit.source, &diag).unwrap_or_default();
    assert!(!diag.any(), "{:?}", diag.messages());
    all.into_iter()
        .find(|p| net.signatures[p.function].name == function && p.mode == mode)
        .unwrap()
}

fn assert_text(graph: &Graph, want: &str) {
    let (got, want) = (graph.to_string(), want.trim_start());
    assert!(
        got.lines().map(str::trim).eq(want.lines().map(str::trim)),
        "got\n{got}\nwant\n{want}"
    );
}

const MLP: &str = "
    struct Mlp { linear_1: Linear(784 -> 512), linear_2: Linear(512 -> 10) }
    fn loss(x: [B, 784], y: u32[B]) -> [] { cross_entropy(linear_2(relu(linear_1(x))), y) }";

#[test]
fn bias_and_activation_join_their_product() {
    let p = compile(MLP, "loss", Mode::Infer);
    assert_text(
        &p.graph,
        "%0 = input 0 : float[B, 784]
         %1 = input 1 : int[B]
         %2 = param 0 : float[512, 784]
         %3 = param 1 : float[512]
         %4 = matmul(%0, %2, %3) tb then { v0 = load 0; v1 = load 1 [_, d0]; v2 = add(v0, v1); v3 = relu(v2); -> v3 } : float[B, 512]
         %5 = param 2 : float[10, 512]
         %6 = param 3 : float[10]
         %7 = matmul(%4, %5, %6) tb then { v0 = load 0; v1 = load 1 [_, d0]; v2 = add(v0, v1); -> v2 } : float[B, 10]
         %8 = reshape(%1) : int[B, 1]
         %9 = gather(%7, %8) dim=1 : float[B, 1]
         %10 = logsumexp(%7) dim=1 : float[B]
         %11 = get 1(%10) : float[B]
         %12 = mean(%9, %11, %10) [0] over [B] { v0 = load 0 [d0]; v1 = load 1; v2 = sub(v0, v1); v3 = load 2; v4 = sub(v3, v3); v5 = add(v3, v4); v6 = sub(v2, v5); v7 = neg(v6); -> v7 } : float[]
         return %12",
    );
}

/// Forward keeps `relu(..)` instead of its mask; softmax, cross entropy and the mean are one map in backward; each
/// gradient is one product, with the map after it as its epilogue.
#[test]
fn backward_saves_little_and_fuses() {
    let p = compile(MLP, "loss", Mode::Backward);
    let text = p.graph.to_string();
    let backward: Vec<&str> = text.lines().skip_while(|l| !l.starts_with("%14")).collect();
    assert_eq!(
        backward,
        [
            "%14 = mean(%13) [0] : float[]",
            "%15 = map(%1) { v0 = load 0; v1 = int 0; v2 = ge(v0, v1); v3 = int 10; v4 = lt(v0, v3); v5 = and(v2, v4); v6 = 1; v7 = size B; v8 = div(v6, v7); v9 = neg(v8); v10 = 0; v11 = where(v5, v9, v10); -> v11 } : float[B]",
            "%16 = map(%1, %7, %11, %12, %15) { v0 = iota 1; v1 = load 0 [d0, _]; v2 = eq(v0, v1); v3 = 1; v4 = size B; v5 = div(v3, v4); v6 = neg(v5); v7 = 0; v8 = where(v2, v6, v7); v9 = load 1; v10 = load 2 [d0, _]; v11 = sub(v9, v10); v12 = load 3 [d0, _]; v13 = sub(v11, v12); v14 = exp(v13); v15 = load 4 [d0, _]; v16 = mul(v14, v15); v17 = sub(v8, v16); -> v17 } : float[B, 10]",
            "%17 = sum(%16) [0] : float[10]",
            "%18 = matmul(%16, %4) ta : float[10, 512]",
            "%19 = matmul(%16, %5, %4) then { v0 = load 0; v1 = load 1; v2 = 0; v3 = le(v1, v2); v4 = where(v3, v2, v0); -> v4 } : float[B, 512]",
            "%20 = sum(%19) [0] : float[512]",
            "%21 = matmul(%19, %0) ta : float[512, 784]",
            "return %14, %21, %20, %18, %17",
        ]
    );
}

/// Inputs are in the slots of their numbers; a deep network needs two slots besides its input.
#[test]
fn slots_are_used_again() {
    let layers: String = (0..20)
        .map(|i| format!("l{i}: Linear(64 -> 64),"))
        .collect();
    let calls: String = (0..20).map(|i| format!("let x = tanh(l{i}(x));")).collect();
    let source =
        format!("struct Deep {{ {layers} }} fn forward(x: [B, 64]) -> [B, 64] {{ {calls} x }}");
    let p = compile(&source, "forward", Mode::Infer);
    assert_eq!(p.memory.slots.len(), 2);
    let training = compile(&source, "forward", Mode::Vjp);
    assert!(
        training.memory.slots.len() <= 24,
        "{}",
        training.memory.slots.len()
    );
}

fn input(g: &mut Graph, shape: &[i64]) -> NodeId {
    let shape: Shape = shape.iter().map(|d| Dim::from(*d)).collect();
    let index = g.nodes.len();
    g.add_typed(Op::Input { index }, &[], shape, DType::Float)
}

#[test]
fn simplify_folds_and_merges() {
    let mut g = Graph::default();
    let x = input(&mut g, &[2, 3]);
    let one = g.constant(1.0);
    let y = g.mul2(x, one);
    let t = g.permute(y, &[1, 0]);
    let t = g.permute(t, &[1, 0]);
    let n = g.neg(t);
    let n = g.neg(n);
    let a = g.unary(S::Tanh, n);
    let b = g.unary(S::Tanh, x);
    let sum = g.add2(a, b);
    g.outputs = vec![sum];
    assert_text(
        &simplify(&g),
        "%0 = input 0 : float[2, 3]
         %1 = tanh(%0) : float[2, 3]
         %2 = add(%1, %1) : float[2, 3]
         return %2",
    );
}

#[test]
fn simplify_turns_transposes_into_flags() {
    let mut g = Graph::default();
    let (x, w) = (input(&mut g, &[4, 2]), input(&mut g, &[3, 4]));
    let (x, w) = (g.permute(x, &[1, 0]), g.permute(w, &[1, 0]));
    let y = g.matmul(x, w, false, false);
    g.outputs = vec![y];
    assert_text(
        &simplify(&g),
        "%0 = input 0 : float[4, 2]
         %1 = input 1 : float[3, 4]
         %2 = matmul(%0, %1) ta tb : float[2, 3]
         return %2",
    );
}

#[test]
fn functions_run_on_the_smaller_shape() {
    let mut g = Graph::default();
    let x = input(&mut g, &[1, 3]);
    let whole: Shape = vec![Dim::from(5), Dim::from(3)];
    let e = g.expand(x, &whole);
    let y = g.unary(S::Exp, e);
    g.outputs = vec![y];
    assert_text(
        &simplify(&g),
        "%0 = input 0 : float[1, 3]
         %1 = exp(%0) : float[1, 3]
         %2 = expand(%1) : float[5, 3]
         return %2",
    );
}

/// The parameters that a function's gradient reaches, with the layers of arrays: `pair.{}.weight[0+1]`.
fn reached(source: &str) -> String {
    let diag = Diag::default();
    let ast = parse::parse(source.parse().unwrap(), &diag).unwrap();
    let unit = Unit::alone(ast);
    let net = check::check(&unit, &diag);
    let all = programs(&net, &unit.source, &diag).unwrap_or_default();
    assert!(!diag.any(), "{:?}", diag.messages());
    let f = |p: &&Program| net.signatures[p.function].name == "f" && p.mode != Mode::Infer;
    let program = all.iter().find(f).unwrap();
    let show = |(p, ranges): &(usize, Vec<Vec<(Dim, Dim)>>)| {
        let depth = net.params[*p].stack.len();
        let mut out = net.params[*p].name.clone();
        for r in ranges.iter().filter(|_| depth > 0) {
            let dims = r
                .iter()
                .take(depth)
                .map(|(first, n)| format!("{first}+{n}"));
            out += &format!("[{}]", dims.collect::<Vec<_>>().join(", "));
        }
        out
    };
    let mut names: Vec<String> = program.reached.iter().map(show).collect();
    names.sort();
    names.join(" ")
}

#[test]
fn gradients_reach() {
    const HEAD: &str = "struct Net {
        a: Param[4] = zeros, b: Param[4] = zeros, table: Embedding(5 -> 4),
        pair: [Linear(4 -> 4, bias = false); 3], still: Param[4] = zeros, lin: Linear(4 -> 4, bias = false),
        tie: Linear(4 -> 4, bias = false), tie.weight = lin.weight,
        #[recompute] again: [Linear(4 -> 4, bias = false); 2],
        drop: Dropout(p = 0.5), gru: GRU(4 -> 4, num_layers = 2, bias = false) }";
    // The other loss reaches all parameters, so that each can be trained.
    const ALL: &str = "fn all(x: [B, 4], i: u32[B]) -> [] {
        let mut h = x * a + b * still + table(i);
        for p in pair { h = p(h); }
        for p in again { h = p(h); }
        let (y, _) = gru(tie(lin(drop(h))).unsqueeze(1));
        y.sum() }";
    let table = [
        ("(x * a).sum()", "a"),
        ("(x * a + detach(b)).sum()", "a"),
        ("(x * a + detach(lin(x * b))).sum()", "a"),
        ("(x * a * sign(b) + floor(still)).sum()", "a b still"),
        ("where(b > 0.0, a, x.sum(0)).sum()", "a"),
        ("(x * a + relu(b) * 0.0).sum()", "a b"),
        (
            "gather(x * a, 1, argmax(x * b, 1, keepdim = true)).sum()",
            "a",
        ),
        ("table(argmax(x * a, 1)).sum()", "table.weight"),
        ("tie(x).sum()", "lin.weight"),
        ("pair[1](x).sum()", "pair.{}.weight[1+1]"),
        ("again[1](x * a).sum()", "a again.{}.weight[1+1]"),
        (
            "(pair[0](x) + pair[-1](x)).sum()",
            "pair.{}.weight[2+1][0+1]",
        ),
        (
            "let mut h = x; for p in pair { h = tanh(p(h)); } h.sum()",
            "pair.{}.weight[0+3]",
        ),
        (
            "let mut h = x; for p in pair { h = tanh(detach(p(h)) + pair[2](h)); } h.sum()",
            "pair.{}.weight[2+1]",
        ),
        (
            "let (h, _) = scan(x.unsqueeze(1), zeros([B, 4]), |h, x_t| { let h = tanh(x_t * a + lin(h)); (h, ()) }); h.sum()",
            "a lin.weight",
        ),
        (
            "let (h, _) = scan(x.unsqueeze(1), zeros([B, 4]) + b, |h, x_t| { let h = tanh(x_t * a + detach(h)); (h, ()) }); h.sum()",
            "a",
        ),
        (
            "let (_, y) = scan(x.unsqueeze(1), zeros([B, 4]) + a, |h, x_t| { let n = h + x_t; (n, sign(h) + b * 0.0) }); y.sum()",
            "a b",
        ),
        (
            "gru(x.unsqueeze(1))[0].sum()",
            "gru.weight_hh_l0 gru.weight_hh_l1 gru.weight_ih_l0 gru.weight_ih_l1",
        ),
        (
            "(drop(x * a) + clamp(b, 0.0, 1.0) + maximum(still, a)).sum()",
            "a b still",
        ),
    ];
    let mut wrong = String::new();
    for (body, wanted) in table {
        let f = format!("{HEAD} {ALL} fn f(x: [B, 4]) -> [] {{ {body} }}");
        let found = std::panic::catch_unwind(|| reached(&f)).unwrap_or_default();
        if found != wanted {
            wrong += &format!("{body}\n    reaches {found}, not {wanted}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
