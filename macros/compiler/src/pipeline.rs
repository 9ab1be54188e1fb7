//! The pipeline, from the tokens of a network and of those in its fields to programs.

use crate::ast;
use crate::budget;
use crate::call::Call;
use crate::check::check_with;
use crate::cx::Demand;
use crate::diag::{Diag, Reported};
use crate::dim::{self, Shape};
use crate::draw;
use crate::equal::Equalities;
use crate::gradient::autodiff;
use crate::ir::{DType, Graph, NodeId, Op};
use crate::lower;
use crate::net::{Field, FieldKind, Net, Signature};
use crate::passes::placement::Placement;
use crate::passes::reach;
use crate::passes::{fuse, inline, memory, schedule, separate, simplify};
use crate::program::{Mode, Program};
use crate::uncalled;
use crate::unit::Unit;
use crate::unreached;
use crate::visit;
use crate::weights;
use std::rc::Rc;

/// A network compiled with solutions for some of its constants.
pub struct Attempt {
    /// The network.
    pub net: Net,
    /// Its functions; `None` if there are errors.
    pub programs: Option<Vec<Program>>,
    /// The errors, and what may mend them.
    pub diag: Diag,
    /// The numbers of the fields that no function uses.
    pub unused: Vec<usize>,
}

impl Attempt {
    /// Compiles a network.
    pub fn new(call: &Call, unit: &Unit, equal: &Rc<Equalities>, parsed: &Diag) -> Attempt {
        let diag = parsed.clone();
        dim::assume_quotients(equal.quotients());
        let mut net = check_with(unit, equal, &diag);
        net.krate = call.krate.clone();
        weights::embed(&mut net, &unit.source, &diag);
        let unused = check_bodies(&net, unit, &diag);
        let programs = match diag.any() {
            true => None,
            false => compile(&net, &unit.source, &unused, &diag).ok(),
        };
        dim::assume_quotients(Vec::new());
        Attempt {
            programs: programs.filter(|_| !diag.any()),
            net,
            diag,
            unused,
        }
    }
}

/// Reports the errors in bodies. Returns the numbers of the fields that no function uses.
fn check_bodies(net: &Net, unit: &Unit, diag: &Diag) -> Vec<usize> {
    let source = &unit.source;
    let mut used = vec![false; net.fields.len()];
    let before = diag.messages().len();
    lower::check_recursion(source, diag);
    // Functions of any rank are lowered where they are called; with recursion that would never end.
    if diag.messages().len() > before && net.signatures.iter().any(Signature::any_rank) {
        return Vec::new();
    }
    if source.unread.is_empty() {
        uncalled::check(net, unit, diag);
    }
    for index in 0..net.signatures.len() {
        for (u, f) in used
            .iter_mut()
            .zip(lower::check_function(net, source, index, diag))
        {
            *u |= f;
        }
    }
    // A function of any rank is lowered where it is called, which may be in another network.
    let functions = source.functions.iter().zip(&net.signatures);
    for (f, _) in functions.filter(|(_, s)| s.any_rank()) {
        let Some(body) = &f.body else { continue };
        visit::block(body, &mut |e| {
            let (ast::ExprKind::Name(name) | ast::ExprKind::Call(name, _)) = &e.kind else {
                return;
            };
            for (field, used) in net.fields.iter().zip(&mut used) {
                *used |= field.name == *name;
            }
        });
    }
    // An error in a body, a signature or another field may be why a layer seems unused.
    let in_error = |f: &Field| matches!(f.kind, FieldKind::ErrorReported);
    if diag.messages().len() > before
        || net.fields.iter().any(in_error)
        || !source.unread.is_empty()
        || (source.functions.iter()).any(|f| f.body.is_none() && f.custom.is_none())
        || net.signatures.iter().any(|s| s.poisoned)
    {
        return Vec::new();
    }
    let mut unused = Vec::new();
    for (i, (field, used)) in net.fields.iter().zip(used).enumerate() {
        let again = field.within || net.fields[..i].iter().any(|f| f.name == field.name);
        let there = !matches!(field.kind, FieldKind::ErrorReported | FieldKind::Absent(_));
        if !used && !again && there {
            unused.push(i);
        }
    }
    unused
}

/// Compiles every function in each mode that it has.
pub fn programs(net: &Net, source: &ast::Network, diag: &Diag) -> Reported<Vec<Program>> {
    compile(net, source, &[], diag)
}

/// The same, if no function of this variant uses some fields.
fn compile(
    net: &Net,
    source: &ast::Network,
    unused: &[usize],
    diag: &Diag,
) -> Reported<Vec<Program>> {
    let mut out = Vec::new();
    // Parameters with a gradient; those whose gradient is not 0 because of a `detach` in a loop.
    let mut reached = vec![false; net.params.len()];
    for field in unused {
        reached[net.fields[*field].params.clone()].fill(true);
    }
    let mut trained = reached.clone();
    let mut reported = None;
    for index in 0..net.signatures.len() {
        // A function of any rank is compiled where it is called.
        if net.signatures[index].any_rank() {
            continue;
        }
        match program(net, source, index, Mode::Infer, diag) {
            Ok(program) => out.push(program),
            // The errors of the others are reported, too.
            Err(p) => {
                reported = Some(p);
                continue;
            }
        }
        let signature = &net.signatures[index];
        if signature.is_loss() {
            let backward = program(net, source, index, Mode::Backward, diag)?;
            for (_, p) in &backward.placement.grads {
                reached[*p] = true;
                let trains = |(q, _): &reach::Reached| net.holder(*q) == net.holder(*p);
                trained[*p] |= backward.reached.iter().any(trains);
            }
            out.push(backward);
        }
        if !signature.is_scalar() {
            out.push(program(net, source, index, Mode::Vjp, diag)?);
        }
        if signature.draw {
            out.push(program(net, source, index, Mode::Draw, diag)?);
        }
        if signature.train {
            out.push(program(net, source, index, Mode::Train, diag)?);
        }
    }
    if let Some(p) = reported {
        return Err(p);
    }
    out.iter().for_each(|p| budget::check(net, p, diag));
    if net.signatures.iter().any(Signature::is_scalar) {
        unreached::report(net, source, (&reached, &trained), diag);
    }
    Ok(out)
}

fn program(
    net: &Net,
    source: &ast::Network,
    function: usize,
    mode: Mode,
    diag: &Diag,
) -> Reported<Program> {
    let backward = mode.has_gradients();
    let train = (backward && !net.signatures[function].eval) || mode == Mode::Train;
    let lowered = lower::lower(net, source, function, (train, backward), diag)?;
    let mut graph = lowered.graph;
    let mut require = net.signatures[function].require.clone();
    require.extend(lowered.require);
    // Conditions of declarations are checked when the network is compiled.
    require.retain(|r| !net.require.contains(r));
    let (constant, require): (Vec<Demand>, Vec<Demand>) =
        require.into_iter().partition(Demand::is_constant);
    let mut grads = Vec::new();
    let mut seeds = Vec::new();
    let mut drawn = None;
    let mut reached = Vec::new();
    if mode == Mode::Draw {
        drawn = Some(draw::draw(&mut graph));
    } else if backward {
        reached = reach::reach(&graph);
        reached.retain(|(p, _)| !net.params[*p].frozen);
        let flows = differentiate(
            net,
            function,
            mode,
            &mut graph,
            &lowered.params,
            &lowered.args,
        );
        (grads, seeds) = flows;
    }
    let mut placement = Placement::of_gradients(&grads);
    for i in net.signatures[function].states() {
        if let Some(entry) = net.kept(&net.signatures[function].args[i].name) {
            placement.states.push((i, entry));
            let next = lowered.kept.iter().find(|(arg, _)| *arg == i);
            if let (Some((_, value)), true) = (next, mode != Mode::Draw) {
                placement.kept.push((graph.outputs.len(), entry));
                graph.outputs.push(*value);
            }
        }
    }
    for (param, value) in &lowered.buffers {
        placement.buffers.push((graph.outputs.len(), *param));
        graph.outputs.push(*value);
    }
    let (fused, unfused) = optimise(&graph, &placement);
    let memory = memory::memory(&fused, &placement);
    Ok(Program {
        function,
        mode,
        graph: fused,
        unfused,
        memory,
        placement,
        seeds,
        reached,
        require,
        constant,
        calls: lowered.calls,
        drawn,
    })
}

/// All passes between differentiation and memory.
pub fn optimise(graph: &Graph, placement: &Placement) -> (Graph, Graph) {
    let flat = inline::inline(graph);
    let unfused = simplify::simplify(&flat);
    let fused = fuse::fuse(&unfused);
    let fused = separate::bodies(fused);
    let owned = separate::gradients(separate::outputs(fused, placement), placement);
    (schedule::schedule(owned, placement), unfused)
}

/// Adds backward. The new outputs are the loss and the metrics (backward only), the gradients of `#[grad]` arguments,
/// and the gradients of parameters.
#[allow(clippy::type_complexity)]
fn differentiate(
    net: &Net,
    function: usize,
    mode: Mode,
    g: &mut Graph,
    params: &[Option<NodeId>],
    args: &[NodeId],
) -> (Vec<(usize, usize)>, Vec<(Shape, DType)>) {
    let signature = &net.signatures[function];
    let outputs = std::mem::take(&mut g.outputs);
    let mut seeds = Vec::new();
    let mut types = Vec::new();
    let floats = outputs.iter().filter(|o| g[**o].dtype == DType::Float);
    // Training follows the loss, which is the first; metrics have no gradient.
    let count = match mode {
        Mode::Backward => 1,
        _ => outputs.len(),
    };
    for o in floats.take(count).copied().collect::<Vec<_>>() {
        let dy = match mode {
            Mode::Vjp => {
                let shape = g.shape(o).clone();
                types.push((shape.clone(), DType::Float));
                let index = args.len() + seeds.len();
                let here = std::mem::replace(&mut g.here.name, "dy".to_owned());
                let dy = g.add_typed(Op::Input { index }, &[], shape, DType::Float);
                g.here.name = here;
                dy
            }
            _ => g.constant(1.0),
        };
        seeds.push((o, dy));
    }
    let wanted: Vec<usize> = (0..params.len())
        .filter(|p| params[*p].is_some() && !net.params[*p].frozen)
        .collect();
    let mut wrt: Vec<NodeId> = signature
        .args
        .iter()
        .zip(args)
        .filter(|(a, _)| a.grad)
        .map(|(_, id)| *id)
        .collect();
    let inputs = wrt.len();
    wrt.extend(wanted.iter().filter_map(|p| params[*p]));
    let flows = autodiff::gradients(g, &seeds, &wrt);
    if mode == Mode::Backward {
        g.outputs.extend(&outputs);
    }
    for (w, flow) in wrt[..inputs].iter().zip(&flows) {
        let shape = g.shape(*w).clone();
        let grad = flow.unwrap_or_else(|| g.full(0.0, DType::Float, &shape));
        g.outputs.push(grad);
    }
    let mut grads = Vec::new();
    for (p, flow) in wanted.iter().zip(&flows[inputs..]) {
        if let Some(grad) = flow {
            grads.push((g.outputs.len(), *p));
            g.outputs.push(*grad);
        }
    }
    // The results, too, although they are not read: positions held as data are checked where they are first used, which
    // may be in forward only.
    if mode == Mode::Vjp {
        g.outputs.extend(outputs);
    }
    (grads, types)
}
