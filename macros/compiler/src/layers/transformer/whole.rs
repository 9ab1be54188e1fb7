//! `Transformer(d_model, nhead, num_encoder_layers, num_decoder_layers)`: an encoder whose result is the memory of a
//! decoder. As in PyTorch both end in a LayerNorm, and all matrices start with Glorot's uniform distribution.

use super::{Around, Stack, decoded, left};
use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::layers::attention::Masks;
use crate::layers::{Call, Layer, LayerDef, ParamDecl, positive};
use crate::value::Value;

use super::block::{Block, sequence};

/// The table's row.
pub const TRANSFORMER: LayerDef = LayerDef {
    name: "Transformer",
    signature: "d_model = 512, nhead = 8, num_encoder_layers = 6, num_decoder_layers = 6, dim_feedforward = 2048, dropout = 0.1, activation = \"relu\", layer_norm_eps = 1e-5, batch_first = true, norm_first = false, bias = true",
    declare: |cx, a| {
        let layer = Block::declare(cx, a, false)?;
        let stack = |name: &str, decodes: bool| -> Reported<Stack> {
            let count = a.dim(cx, name)?;
            positive(cx, a, name, &count)?;
            Ok(Stack {
                norm: Some(layer.norm()),
                count,
                layer: layer.clone().decoding(decodes),
            })
        };
        Ok(Box::new(Whole {
            encoder: stack("num_encoder_layers", false)?,
            decoder: stack("num_decoder_layers", true)?,
        }))
    },
};

struct Whole {
    encoder: Stack,
    decoder: Stack,
}

const CALL: &str = "src, tgt, src_mask = None, tgt_mask = None, memory_mask = None, src_key_padding_mask = None, tgt_key_padding_mask = None, memory_key_padding_mask = None, src_is_causal = false, tgt_is_causal = false, memory_is_causal = false";

impl Layer for Whole {
    fn params(&self) -> Vec<ParamDecl> {
        let within = |stack: &Stack, name: &str| -> Vec<ParamDecl> {
            stack.xavier().into_iter().map(|p| p.within(name)).collect()
        };
        [
            within(&self.encoder, "encoder"),
            within(&self.decoder, "decoder"),
        ]
        .concat()
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let a = Args::bind(cx, call.field, call.span, CALL, given)?;
        let (src, alone) = sequence(cx, call, &a, "src", &self.encoder.layer)?;
        let sizes = self.encoder.layer.own.sizes(cx, src, src);
        let names = ["src_mask", "src_key_padding_mask", "src_is_causal"];
        let own = Masks::of(cx, &a, names, &sizes, alone)?;
        // The memory has the shape of `src`, so its errors are reported before it is built.
        let (tgt, _, mut around) = decoded(cx, call, &a, &self.decoder.layer, (src, alone))?;
        let (first, second) = call.params.split_at(self.encoder.params().len());
        let memory = None;
        let own = Around { own, memory };
        let memory = self.encoder.forward(cx, call, first, src, &own)?;
        if let Some((seen, _)) = &mut around.memory {
            *seen = memory;
        }
        let y = self.decoder.forward(cx, call, second, tgt, &around)?;
        Ok(left(cx, &self.decoder.layer, y, alone))
    }
}
