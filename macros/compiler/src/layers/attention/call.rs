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
                let wanted = match (name, alone) {
                    ("query", _) => {
                        let all = self.shown("T", want);
                        format!("{all}, or [T, {want}] without a batch")
                    }
                    (_, true) => format!("[T, {want}], as `query` has no batch"),
                    (_, false) => self.shown("T", want),
                };
                let text = format!(
                    "`{name}` must have the shape {wanted}{}\n{}",
                    cx.origin_note(x),
                    call.decl
                );
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
        let both = k.len() - 1;
        if !cx.same_shape(&q[batch.clone()], &k[batch]) || !cx.same_shape(&k[..both], &v[..both]) {
            let text = format!(
                "`query`, `key` and `value`{} need the same batch size; `key` and `value` need the same length{}{}{}",
                if alone { "" } else { self.order() },
                cx.origin_note(query),
                cx.origin_note(key),
                cx.origin_note(value)
            );
            return Err(cx.error(call.span, text));
        }
        Ok(())
    }
}
