//! For images x (G, H, W), the flat position h * W + w of each window's largest element, the first of equals, in (G,
//! H', W'). Every window has a cell inside; NaN is larger than any number.

use super::windows::Windows;
use crate::codegen::emit::{Emit, array as sizes, call};
use crate::dim::{Dim, show_shape};
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, array};
use crate::ir::DType;
use crate::ir::kind::{Bounds, Kind, Types};
use crate::ir::operands::{Operands, ensure};
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug)]
pub struct WindowArgMax {
    /// The windows.
    pub windows: Windows,
    /// Their size.
    pub kernel: [Dim; 2],
}

impl Kind for WindowArgMax {
    fn name(&self) -> &'static str {
        "window_argmax"
    }

    fn attributes(&self) -> String {
        format!(" {} kernel={}", self.windows, show_shape(&self.kernel))
    }

    fn types(&self, of: &Operands) -> Types {
        let (x, result) = (of.shape(0)?, of.own()?);
        ensure(
            x.len() == 3 && result.len() == 3 && x[0] == result[0],
            || format!("windows of {} to {}", show_shape(x), show_shape(&result)),
        )?;
        Ok(vec![(result, DType::Int)])
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let shape = &at.node().shape;
        let (planes, x_sizes) = (at.size(&shape[0]), sizes(at.code, &at.shape(0)[1..]));
        let (y_sizes, geometry) = (sizes(at.code, &shape[1..]), self.windows.emit(at.code));
        let kernel = sizes(at.code, &self.kernel);
        let (x, y) = (at.x(0), at.y());
        let window = quote!(WindowArgMax(__nf::Window2 {
            planes: #planes, x: #x_sizes, kernel: #kernel, y: #y_sizes, #geometry
        }));
        call(&window, &[x, y])
    }

    #[cfg(feature = "eval")]
    fn eval(&self, of: &Values) -> Vec<Array> {
        let x = of.args[0];
        let cell = |d, i: usize, k| self.windows.cell(of.env, d, i, k, x.shape[1 + d]);
        let [height, width] = [0, 1].map(|d| of.env.dim(&self.kernel[d]) as i64);
        let y = array::build(&of.shape, |i| {
            let mut best: Option<(f64, usize)> = None;
            for kh in 0..height {
                for kw in 0..width {
                    let (Some(h), Some(w)) = (cell(0, i[1], kh), cell(1, i[2], kw)) else {
                        continue;
                    };
                    let v = x.at(&[i[0], h, w]);
                    // Of several NaNs the last one wins.
                    if best.is_none_or(|(b, _)| v > b || v.is_nan()) {
                        best = Some((v, h * x.shape[2] + w));
                    }
                }
            }
            best.map_or(0.0, |b| b.1 as f64)
        });
        vec![y]
    }

    fn bounds(&self, _operands: usize) -> Bounds {
        Bounds::Positions
    }
}
