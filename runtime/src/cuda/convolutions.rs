//! Convolutions and windows: resolved to launches as the other families are.

use netform_ptx::Side;

use super::Cuda;
use crate::device::{Addr, Convolution, ConvolutionKernels, Window2};

impl Cuda {
    /// One side of a convolution of the two others; `[x, w, y]`.
    fn convolution(&self, g: Convolution, side: Side, arrays: [Addr; 3]) {
        let g = netform_ptx::Convolution {
            n: g.n,
            groups: g.groups,
            c: g.c,
            o: g.o,
            x: g.x,
            kernel: g.kernel,
            y: g.y,
            stride: g.stride,
            padding: g.padding,
            dilation: g.dilation,
        };
        self.gpu.put(|state| {
            let work = netform_ptx::convolution_work(g, side);
            let work = self.gpu.scratch(state, work)?;
            let arrays = arrays.map(|a| a as netform_ptx::Addr);
            let plan = netform_ptx::convolution(g, side, arrays, work);
            self.gpu.launch(state, plan)
        });
    }
}

impl ConvolutionKernels for Cuda {
    unsafe fn convolve(&self, g: Convolution, x: Addr, w: Addr, y: Addr) {
        self.convolution(g, Side::Y, [x, w, y]);
    }
    unsafe fn convolve_input(&self, g: Convolution, y: Addr, w: Addr, x: Addr) {
        self.convolution(g, Side::X, [x, w, y]);
    }
    unsafe fn convolve_weight(&self, g: Convolution, x: Addr, y: Addr, w: Addr) {
        self.convolution(g, Side::W, [x, w, y]);
    }
    unsafe fn window_arg_max(&self, w: Window2, x: Addr, index: Addr) {
        let w = netform_ptx::Window2 {
            planes: w.planes,
            x: w.x,
            kernel: w.kernel,
            y: w.y,
            stride: w.stride,
            padding: w.padding,
            dilation: w.dilation,
        };
        let plan =
            netform_ptx::window_arg_max(w, x as netform_ptx::Addr, index as netform_ptx::Addr);
        self.gpu.put(|state| self.gpu.launch(state, plan));
    }
}
