//! Several results, as tensors.

use netform::{Device, Output, Row, Tensor};

/// The gradients that a `_vjp` returns: one result or a tuple.
pub trait Gradients {
    /// As tensors, in order.
    fn tensors(self) -> Vec<Tensor>;
}

impl<D: Device, T: Row> Gradients for Output<D, T> {
    fn tensors(self) -> Vec<Tensor> {
        vec![self.to_tensor()]
    }
}

macro_rules! tuples {
    ($(($($t:ident),+))*) => {$(
        impl<$($t: Gradients),+> Gradients for ($($t,)+) {
            #[allow(non_snake_case)]
            fn tensors(self) -> Vec<Tensor> {
                let ($($t,)+) = self;
                let mut out = Vec::new();
                $(out.extend($t.tensors());)+
                out
            }
        }
    )*};
}
tuples! { (A, B) (A, B, C) (A, B, C, E) (A, B, C, E, F) }
