//! A call of attention: checks its arguments, in the user's terms.

use super::{Attention, Inputs, Masks};
use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::layers::{Call, Layer, ParamDecl, wrong_features};
use crate::value::{Tensor, Value};

const CALL: &str = "query, key = None, value = None, key_padding_mask = None, need_weights = false, attn_mask = None, average_attn_weights = true, is_causal = false";

impl Layer for Attention {
    fn params(&self) -> Vec<ParamDecl> {
        self.declared()
    }

    fn pair(&self) -> Option<&'static str> {
        Some("need_weights")
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let a = Args::bind(cx, call.field, call.span, CALL, given)?;
        let query = a.float(cx, "query")?;
        let key = match a.given("key") {
            Some(_) => a.float(cx, "key")?,
            None => query.clone(),
        };
        let value = match a.given("value") {
            Some(_) => a.float(cx, "value")?,
            None => key.clone(),
        };
        let alone = cx.shape(&query).len() == 2;
        self.check(cx, call, &a, [&query, &key, &value], alone)?;
        let [q, k, v] = [&query, &key, &value].map(|x| match alone {
            true => cx.g.unsqueeze(x.id, 0),
            false => self.turned(cx, x.id),
        });
        // The same value becomes the same node, also with a batch of 1 added.
        let k = if key.id == query.id { q } else { k };
        let v = if value.id == key.id { k } else { v };
        let sizes = self.sizes(cx, q, k);
        let names = ["attn_mask", "key_padding_mask", "is_causal"];
        let masks = Masks::of(cx, &a, names, &sizes, alone)?;
        let inputs = Inputs {
            query: q,
            key: k,
            value: v,
            masks,
        };
        let average = a.flag(cx, "average_attn_weights")?;
        let mut results = match a.flag(cx, "need_weights")? {
            true => {
                let (y, weights) = self.attend_weighing(cx, call.span, call.params, &inputs)?;
                vec![y, weights]
            }
            false => vec![self.attend(cx, call.span, call.params, &inputs)?],
        };
        if let (true, Some(weights)) = (average, results.get_mut(1)) {
            *weights = crate::ops::mean(cx, *weights, &[1]);
        }
        if !alone {
            results[0] = self.turned(cx, results[0]);
        }
        for x in results.iter_mut().filter(|_| alone) {
            let shape = cx.g.shape(*x)[1..].to_vec();
            *x = cx.g.reshape(*x, &shape);
        }
        Ok(match results[..] {
            [y, weights] => Value::Tuple(vec![cx.tensor(y), cx.tensor(weights)]),
            _ => cx.tensor(results[0]),
        })
    }
}

impl Attention {
    fn check(
        &self,
        cx: &Cx,
        call: &Call,
        a: &Args,
        inputs: [&Tensor; 3],
        alone: bool,
    ) -> Reported<()> {
        let wants = [&self.embed, &self.key, &self.value];
        for ((x, want), name) in inputs.into_iter().zip(wants).zip(["query", "key", "value"]) {
            let shape = cx.shape(x);
            if !shape.last().is_some_and(|have| cx.same(have, want)) {
                let have = shape.last().map_or_else(String::new, Dim::to_string);
                let mended = match name {
                    "query" => format!("MultiheadAttention({have}, {})", self.heads),
                    _ => format!(
                        "MultiheadAttention({}, {}, {}dim = {have})",
                        self.embed,
                        self.heads,
                        &name[..1]
                    ),
                };
                return Err(wrong_features(cx, call, x, want, &mended));
            }
            if shape.len() != if alone { 2 } else { 3 } {
                let shown = self.shown("T", want);
                let mistake = match (name, alone, shape.len()) {
                    (_, true, 3) => {
                        format!(
                            "`{name}` of `{}` must have no batch dimension, because `query` has none",
                            call.field
                        )
                    }
                    ("key" | "value", false, 2) => format!(
                        "`{name}` of `{}` must be {shown}, because `query` has a batch dimension",
                        call.field
                    ),
                    _ => format!(
                        "`{name}` of `{}` must be {shown} or [T, {want}], but has {}",
                        call.field,
                        crate::args::count(shape.len(), "dimension")
                    ),
                };
                let query = match name {
                    "query" => String::new(),
                    _ => cx.origin_note(inputs[0]),
                };
                let text = format!("{mistake}{}{query}\n{}", cx.origin_note(x), call.decl);
                return Err(cx.error(a.span_of(name), text));
            }
        }
        let [query, key, value] = inputs;
        let (q, k, v) = (cx.shape(query), cx.shape(key), cx.shape(value));
        let batch = match (alone, self.batch_first) {
            (true, _) => 0..0,
            (false, true) => 0..1,
            (false, false) => 1..2,
        };
        let length = match (alone, self.batch_first) {
            (true, _) | (false, false) => 0..1,
            (false, true) => 1..2,
        };
        for (name, what, dim, have, want) in [
            ("key", "batch size", &batch, &k, ("query", &q)),
            ("value", "batch size", &batch, &v, ("key", &k)),
            ("value", "length", &length, &v, ("key", &k)),
        ] {
            if cx.same_shape(&have[dim.clone()], &want.1[dim.clone()]) {
                continue;
            }
            let text = format!(
                "`{name}` of `{}` has {what} {}, but `{}` has {what} {}{}{}{}{}\n{}",
                call.field,
                have[dim.start],
                want.0,
                want.1[dim.start],
                cx.origin_note(query),
                cx.origin_note(key),
                cx.origin_note(value),
                if alone { "" } else { self.order() },
                call.decl
            );
            return Err(cx.error(a.span_of(name), text));
        }
        Ok(())
    }
}
