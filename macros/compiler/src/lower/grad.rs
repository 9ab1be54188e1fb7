//! `grad(y, x)`: the gradient of a scalar as a value, which can be differentiated again, as
//! `torch.autograd.grad(y, x, create_graph=True)`.

use super::Lower;
use crate::ast;
use crate::diag::{ErrorReported, Reported};
use crate::gradient::autodiff;
use crate::gradient::stops::{self, Dependence};
use crate::ir::{DType, NodeId, Op};
use crate::kinds::custom::Custom;
use crate::takes::enclosed;
use crate::value::{Tensor, Value};
use proc_macro2::Span;

impl Lower<'_> {
    /// The gradient of the first argument with respect to the second, or to each of a tuple.
    pub fn grad(&mut self, span: Span, args: &[ast::Arg]) -> Reported<Value> {
        let [of, by] = args else {
            let text = format!(
                "`grad` takes 2 arguments, but {}\nhelp: `grad(y, x)` is the gradient of the scalar `y` with respect to `x`",
                crate::args::are_given(args.len())
            );
            return Err(self.cx.error(span, text));
        };
        if let Some(name) = args.iter().find_map(|a| a.name.as_ref()) {
            let text = "`grad` takes its arguments by position: `grad(y, x)`";
            return Err(self.cx.error(name.span(), text));
        }
        let variables = match &by.value.kind {
            ast::ExprKind::Tuple(parts) | ast::ExprKind::List(parts) => parts.as_slice(),
            _ => std::slice::from_ref(&by.value),
        };
        for part in variables {
            if let Some(field) = self.lone_layer(part) {
                let help = match self.net.params[field.params.clone()].first() {
                    Some(p) => format!("\nhelp: name a parameter: `{}`", p.name),
                    None => String::new(),
                };
                let text = format!(
                    "`grad` takes tensors as its second argument, but `{part}` is a layer\n{}{help}",
                    field.decl
                );
                return Err(self.cx.error(part.span, text));
            }
        }
        let (y, x) = (self.expr(&of.value), self.expr(&by.value));
        let (y, x) = (y?, x?);
        let y = self.scalar_to_differentiate(&y, &of.value)?;
        match x {
            Value::Tuple(items) | Value::List(items) => {
                let parts = match &by.value.kind {
                    ast::ExprKind::Tuple(parts) | ast::ExprKind::List(parts) => parts.as_slice(),
                    _ => &[],
                };
                let at = |k: usize| parts.get(k).unwrap_or(&by.value);
                let xs: Vec<Reported<Tensor>> = (items.iter().enumerate())
                    .map(|(k, v)| self.variable(v, at(k)))
                    .collect();
                let xs: Vec<Tensor> = xs.into_iter().collect::<Reported<_>>()?;
                let spans: Vec<Span> = (0..xs.len()).map(|k| at(k).span).collect();
                let grads = self.gradients(&y, &xs, &spans, span)?;
                let values = grads.into_iter().map(|id| self.cx.tensor(id));
                Ok(Value::Tuple(values.collect()))
            }
            one => {
                let x = self.variable(&one, &by.value)?;
                let grads = self.gradients(&y, &[x], &[by.value.span], span)?;
                Ok(self.cx.tensor(grads[0]))
            }
        }
    }

    fn scalar_to_differentiate(&mut self, y: &Value, source: &ast::Expr) -> Reported<Tensor> {
        let Value::Tensor(y) = y else {
            let text = format!(
                "the first argument of `grad` must be a tensor, not {}",
                y.kind()
            );
            return Err(self.cx.error(source.span, text));
        };
        let float = self.cx.g[y.id].dtype == DType::Float;
        if !self.cx.g.shape(y.id).is_empty() || !float {
            let help = match float {
                true => format!(
                    "\nhelp: reduce it first: `grad({}.sum(), ..)`",
                    enclosed(&source.to_string())
                ),
                false => String::new(),
            };
            let text = format!(
                "the first argument of `grad` must be one float, but `{}` is {}{}{help}",
                y.text,
                self.cx.typed(y.id),
                self.cx.origin_line(y)
            );
            return Err(self.cx.error(source.span, text));
        }
        Ok(y.clone())
    }

    /// The value with respect to which a gradient is taken.
    fn variable(&mut self, x: &Value, source: &ast::Expr) -> Reported<Tensor> {
        let Value::Tensor(x) = x else {
            let text = format!(
                "the second argument of `grad` must be a tensor or a tuple of tensors, not {}",
                x.kind()
            );
            return Err(self.cx.error(source.span, text));
        };
        if self.cx.g[x.id].dtype != DType::Float {
            let text = format!(
                "`{}` is {}: only floats have a gradient",
                x.text,
                self.cx.typed(x.id)
            );
            return Err(self.cx.error(source.span, text));
        }
        // From within a step, other values that depend on it are not visible.
        if self.is_from_outside(x.id) {
            let (place, step, all) = match self.rounds.last() == Some(&self.depth()) {
                true => ("`for` loop", "loop", "the loop"),
                false => ("`scan` step", "step", "`scan`"),
            };
            let text = format!(
                "`grad` in a {place} cannot differentiate with respect to `{}`, which comes from outside the {step}\nhelp: call `grad` after {all}, or differentiate with respect to a value computed in the {step}",
                x.text
            );
            return Err(self.cx.error(source.span, text));
        }
        Ok(x.clone())
    }

    fn gradients(
        &mut self,
        y: &Tensor,
        xs: &[Tensor],
        spans: &[Span],
        span: Span,
    ) -> Reported<Vec<NodeId>> {
        // Calls are opaque here: dependencies are visible when the calls are inlined.
        if self.opaque {
            let value = |x: &Tensor| {
                let shape = self.cx.g.shape(x.id).clone();
                let op = Op::Input { index: usize::MAX };
                let id = self.cx.g.add_typed(op, &[], shape, DType::Float);
                self.cx.origin.insert(id, format!("grad({}, ..)", y.text));
                id
            };
            return Ok(xs.iter().map(value).collect());
        }
        let before = self.cx.g.nodes.len();
        let one = self.cx.g.constant(1.0);
        let ids: Vec<NodeId> = xs.iter().map(|x| x.id).collect();
        let flows = autodiff::gradients(&mut self.cx.g, &[(y.id, one)], &ids);
        let again = self.cx.g.nodes[before..].iter().find_map(|n| {
            let op = n.op.kernel::<Custom>().filter(|op| op.backward);
            op.map(|op| op.function.clone())
        });
        if let Some(name) = again {
            let text = format!(
                "`grad` cannot differentiate the custom op `{name}`\nnote: the result of `grad` must itself be differentiable, but the gradient of `{name}` is computed by a Rust function\nhelp: write `{name}` with built-in ops"
            );
            return Err(self.cx.error(span, text));
        }
        let mut out = Vec::new();
        let mut reported = None;
        for ((x, at), flow) in xs.iter().zip(spans).zip(flows) {
            match flow {
                Some(id) => {
                    let origin = format!("grad({}, {})", y.text, x.text);
                    self.cx.origin.entry(id).or_insert(origin);
                    out.push(id);
                }
                None => {
                    let text = match stops::between(&self.cx.g, x.id, y.id) {
                        Dependence::Through((op, _)) => format!(
                            "`{op}` stops the gradient of `{}` with respect to `{}`{}",
                            y.text,
                            x.text,
                            self.cx.origin_line(y)
                        ),
                        Dependence::None => format!(
                            "`{}` does not depend on `{}`, so there is no gradient{}",
                            y.text,
                            x.text,
                            self.cx.origin_line(y)
                        ),
                        Dependence::Hidden => format!(
                            "no gradient flows from `{}` to `{}`{}",
                            y.text,
                            x.text,
                            self.cx.origin_line(y)
                        ),
                    };
                    reported = Some(self.cx.error(*at, text));
                }
            }
        }
        reported.map_or(Ok(out), |_: ErrorReported| Err(ErrorReported))
    }
}
