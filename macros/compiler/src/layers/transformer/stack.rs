//! A stack of equal layers: one loop for any number of them.

use super::{Around, Block};
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, show_shape};
use crate::ir::NodeId;
use crate::layers::norm::Norm;
use crate::layers::{Call, Init, Layer, ParamDecl, positive};
use crate::steps::{Stepped, Steps};

/// Layers one after another, and a norm after the last.
#[derive(Clone)]
pub struct Stack {
    /// One of the layers.
    pub layer: Block,
    /// The number of layers.
    pub count: Dim,
    /// The norm.
    pub norm: Option<Norm>,
}

impl Stack {
    /// From a layer and the arguments `num_layers` and `norm`; `example` shows how a layer is written.
    pub fn declare(cx: &mut Cx, a: &Args, layer: Option<&Block>, example: &str) -> Reported<Stack> {
        let Some(layer) = layer else {
            let text = format!("`{}` needs a layer, such as `{example}`", a.callee);
            return Err(cx.error(a.span, text));
        };
        let count = a.dim(cx, "num_layers")?;
        positive(cx, a, "num_layers", &count)?;
        let model = layer.model();
        let example = format!("LayerNorm({model})");
        let norm = a.layer::<Norm>(cx, "norm", &example)?.cloned();
        let differs = |n: &&Norm| !cx.same_shape(&n.shape, std::slice::from_ref(model));
        if let Some(norm) = norm.as_ref().filter(differs) {
            let text = format!(
                "`norm` normalises over {}, but the layers have {model} features\nhelp: write `norm = {example}`",
                show_shape(&norm.shape)
            );
            return Err(cx.error(a.span_of("norm"), text));
        }
        Ok(Stack {
            layer: layer.clone(),
            count,
            norm,
        })
    }

    /// All parameters, under PyTorch's names.
    pub fn params(&self) -> Vec<ParamDecl> {
        let layers = self.layer.params().into_iter();
        let mut out: Vec<ParamDecl> = layers.map(|p| p.repeated("layers", &self.count)).collect();
        if let Some(norm) = &self.norm {
            out.extend(norm.params().into_iter().map(|p| p.within("norm")));
        }
        out
    }

    /// The same, with `Transformer`'s initialisation of all matrices (Glorot and Bengio, 2010).
    pub fn xavier(&self) -> Vec<ParamDecl> {
        let mut out = self.params();
        for p in &mut out {
            if let [rows, columns] = &p.shape[..] {
                p.init = Init::Xavier(columns.clone(), rows.clone());
            }
        }
        out
    }

    /// The nodes.
    pub fn forward(
        &self,
        cx: &mut Cx,
        call: &Call,
        params: &[NodeId],
        x: NodeId,
        around: &Around,
    ) -> Reported<NodeId> {
        let (layers, norm) = params.split_at(self.layer.params().len());
        let mut shared = around.own.tensors();
        if let Some((memory, masks)) = &around.memory {
            shared.push(*memory);
            shared.extend(masks.tensors());
        }
        let steps = Steps {
            name: call.field,
            count: self.count.clone(),
            reverse: false,
            shared: &shared,
            carried: &[x],
            slices: layers,
        };
        let done = cx.steps(&steps, |cx, step| {
            let mut shared = step.shared.into_iter();
            let own = around.own.with(&mut shared);
            let memory = around.memory.as_ref().and_then(|(_, masks)| {
                let memory = shared.next()?;
                Some((memory, masks.with(&mut shared)))
            });
            let (x, around) = (step.carried[0], Around { own, memory });
            let y = self
                .layer
                .forward(cx, call.span, &step.slices, x, &around)?;
            Ok(Stepped {
                carried: vec![y],
                stacked: Vec::new(),
            })
        })?;
        let y = done.carried[0];
        let dims = [cx.g.shape(y).len() - 1];
        Ok(match &self.norm {
            Some(last) => last.normalise(cx, y, &dims, norm),
            None => y,
        })
    }
}
