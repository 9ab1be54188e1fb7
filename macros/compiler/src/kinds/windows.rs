//! The placement of windows on images, for convolutions and pools.

use crate::codegen::emit::{Code, array};
use crate::dim::{Dim, show_shape};
#[cfg(feature = "eval")]
use crate::eval::Env;
use proc_macro2::TokenStream;
use quote::quote;
use std::fmt;

/// The windows; arrays are (height, width). Sizes are those of the operands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Windows {
    /// Distance between neighbouring windows.
    pub stride: [Dim; 2],
    /// Cells outside the image before its first; the number after its last follows from the sizes.
    pub padding: [Dim; 2],
    /// Distance between neighbouring cells of a window.
    pub dilation: [Dim; 2],
}

impl fmt::Display for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [stride, padding, dilation] =
            [&self.stride, &self.padding, &self.dilation].map(|d| show_shape(d));
        write!(f, "stride={stride} padding={padding} dilation={dilation}")
    }
}

impl Windows {
    /// The fields that do not follow from shapes.
    pub fn emit(&self, code: &dyn Code) -> TokenStream {
        let stride = array(code, &self.stride);
        let padding = array(code, &self.padding);
        let dilation = array(code, &self.dilation);
        quote!(stride: #stride, padding: #padding, dilation: #dilation)
    }

    /// The image's index along dimension `d` (of the image) under cell k of window i.
    #[cfg(feature = "eval")]
    pub fn cell(&self, env: &Env, d: usize, i: usize, k: i64, size: usize) -> Option<usize> {
        let [stride, dilation, padding] =
            [&self.stride, &self.dilation, &self.padding].map(|of| env.dim(&of[d]) as i64);
        let at = i as i64 * stride + k * dilation - padding;
        usize::try_from(at).ok().filter(|at| *at < size)
    }
}
