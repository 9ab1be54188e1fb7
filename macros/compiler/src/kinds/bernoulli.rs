//! True with a probability.

use crate::codegen::emit::Emit;
#[cfg(feature = "eval")]
use crate::eval::{Array, Values};
use crate::ir::DType;
use crate::ir::kind::{Kind, Types};
use crate::ir::operands::Operands;
use crate::real::Real;
use proc_macro2::TokenStream;
use quote::quote;
use std::rc::Rc;

/// The kind.
#[derive(Clone, Debug)]
pub struct Bernoulli {
    /// Probability.
    pub keep: Real,
    /// The node's own stream, which distinguishes drawing nodes.
    pub stream: u32,
    /// How many times it is drawn again: the same bits, but a separate value that is not kept.
    pub again: u32,
}

impl Kind for Bernoulli {
    fn name(&self) -> &'static str {
        "bernoulli"
    }

    fn attributes(&self) -> String {
        let again = match self.again {
            0 => String::new(),
            n => format!(" again={n}"),
        };
        format!(" keep={} stream={}{again}", self.keep, self.stream)
    }

    fn types(&self, x: &Operands) -> Types {
        Ok(vec![(x.own()?, DType::Bool)])
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let (keep, stream, y) = (at.real(&self.keep), at.stream(self.stream), at.y());
        quote!(run.bernoulli(#keep, #stream, #y);)
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let one = |at| f64::from(u8::from(drawn(x.env.real(&self.keep), self.stream, at)));
        vec![Array::new(&x.shape, one)]
    }

    fn draws(&self) -> bool {
        true
    }

    fn again(&self) -> Option<Rc<dyn Kind>> {
        let again = self.again + 1;
        Some(Rc::new(Bernoulli {
            again,
            ..self.clone()
        }))
    }
}

/// An element of a draw. Any fixed sequence works here: the runtime's tests cover the distribution.
#[cfg(feature = "eval")]
pub fn drawn(keep: f64, stream: u32, at: usize) -> bool {
    let mix = (at as u64 + 1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(17 + stream % 31);
    let u = (mix.wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1u64 << 53) as f64;
    u < keep
}
