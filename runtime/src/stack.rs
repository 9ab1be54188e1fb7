//! Arrays of layers: the macro emits a parameter of an array once, and users see one for each element.
//!
//! Takes the macro's [`NetSpec`] and gives the same network with `blocks.{}.weight` of stack \[6\] expanded to
//! `blocks.0.weight` to `blocks.5.weight`, each with its own place in the flat buffers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use netform_core::place::{self, element};

use crate::spec::{Offset, Shared};
use crate::{NetSpec, ParamSpec};

/// The expanded form of every network in use that has arrays, by the address of its spec. Specs are statics of the
/// program, so there are few and each is expanded once.
static KNOWN: Mutex<Option<HashMap<usize, &'static NetSpec>>> = Mutex::new(None);

/// The network with expanded arrays.
pub(crate) fn unstacked(spec: &'static NetSpec) -> &'static NetSpec {
    if spec.params.iter().all(|p| p.stack.is_empty()) {
        return spec;
    }
    // The table is consistent after every statement, even if another thread has panicked.
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let at = std::ptr::from_ref(spec) as usize;
    known
        .get_or_insert_default()
        .entry(at)
        .or_insert_with(|| Box::leak(Box::new(written_out(spec))))
}

fn written_out(spec: &NetSpec) -> NetSpec {
    let mut params: Vec<ParamSpec> = Vec::new();
    let all = spec.params.iter().map(|p| Part {
        param: *p,
        name: p.name.to_owned(),
        stack: p.stack,
        offset: p.offset,
    });
    one_by_one(all.collect(), &mut params);
    let mut shared = Vec::new();
    for s in spec.shared {
        names(s.name.to_owned(), s.holder.to_owned(), s.stack, &mut shared);
    }
    NetSpec {
        params: Box::leak(params.into_boxed_slice()),
        shared: Box::leak(shared.into_boxed_slice()),
        ..*spec
    }
}

/// The names of a shared parameter in each place of an array.
fn names(name: String, holder: String, stack: &[usize], out: &mut Vec<Shared>) {
    let Some((&count, rest)) = stack.split_first() else {
        let (name, holder) = (name.leak(), holder.leak());
        let stack = &[];
        out.push(Shared {
            name,
            holder,
            stack,
        });
        return;
    };
    for k in 0..count {
        let at = |name: &str| element(name, k as u64).to_string();
        names(at(&name), at(&holder), rest, out);
    }
}

/// A parameter for which some of the array's dimensions have been chosen.
#[derive(Clone)]
struct Part {
    param: ParamSpec,
    name: String,
    stack: &'static [usize],
    offset: Offset,
}

/// All elements, in PyTorch's order: every parameter of the first, then of the second.
fn one_by_one(parts: Vec<Part>, out: &mut Vec<ParamSpec>) {
    let array = |p: &Part| place::first(&p.name).map(|place| place.array().to_owned());
    for same in parts.chunk_by(|a, b| a.stack.first() == b.stack.first() && array(a) == array(b)) {
        let Some(&count) = same[0].stack.first() else {
            out.extend(same.iter().map(whole));
            continue;
        };
        for k in 0..count {
            let one = |p: &Part| Part {
                name: element(&p.name, k as u64).to_string(),
                stack: &p.stack[1..],
                offset: p.offset.after(
                    k * p.param.len() / p.param.stack.iter().product::<usize>().max(1)
                        * p.stack[1..].iter().product::<usize>(),
                    p.param.dtype,
                ),
                ..p.clone()
            };
            one_by_one(same.iter().map(one).collect(), out);
        }
    }
}

/// A parameter of a single layer. Its name lives as long as the program.
fn whole(part: &Part) -> ParamSpec {
    ParamSpec {
        name: match part.param.stack.is_empty() {
            true => part.param.name,
            false => Box::leak(part.name.clone().into_boxed_str()),
        },
        stack: &[],
        offset: part.offset,
        ..part.param
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Init};

    #[test]
    fn every_element_has_a_name_and_a_place() {
        const fn param(
            name: &'static str,
            stack: &'static [usize],
            shape: &'static [usize],
            dtype: DType,
            floats: usize,
            bytes: usize,
        ) -> ParamSpec {
            ParamSpec {
                name,
                stack,
                shape,
                dtype,
                offset: Offset { floats, bytes },
                init: Init::Constant(0.0),
                frozen: false,
                buffer: false,
                optional: false,
            }
        }
        static SPEC: NetSpec = NetSpec {
            name: "Net",
            params: &[
                param("first", &[], &[3], DType::Float, 0, 0),
                param("a.{}.b.{}.w", &[2, 3], &[5], DType::Float, 16, 0),
                param("a.{}.b.{}.n", &[2, 3], &[2], DType::Int, 48, 64),
                param("none.{}.w", &[0], &[5], DType::Float, 48, 0),
            ],
            shared: &[Shared {
                name: "a.{}.c.{}.w",
                holder: "a.{}.b.{}.w",
                stack: &[2, 3],
            }],
            flat_len: 48,
            other_bytes: 192,
            parameters: 33,
        };
        let all = unstacked(&SPEC);
        let bytes = |p: &ParamSpec| (p.name, p.offset.in_bytes(4));
        let seen: Vec<_> = all.params.iter().map(bytes).collect();
        let wanted = [
            ("first", 0),
            ("a.0.b.0.w", 64),
            ("a.0.b.0.n", 256),
            ("a.0.b.1.w", 84),
            ("a.0.b.1.n", 272),
            ("a.0.b.2.w", 104),
            ("a.0.b.2.n", 288),
            ("a.1.b.0.w", 124),
            ("a.1.b.0.n", 304),
            ("a.1.b.1.w", 144),
            ("a.1.b.1.n", 320),
            ("a.1.b.2.w", 164),
            ("a.1.b.2.n", 336),
        ];
        assert_eq!(seen, wanted);
        assert_eq!(all.find("a.1.c.2.w").map(|p| p.name), Some("a.1.b.2.w"));
        assert_eq!(all.shared.len(), 6);
        assert!(std::ptr::eq(all, unstacked(&SPEC)));
    }
}
