//! The calls of the tests, as methods.

use netform_runtime::__private::device::{
    Attention, Axis, Call, Combiner, Convolution, Integers, Role, ScoreMask, Softmax, Window2,
};
use netform_runtime::__private::{In, Reads, Run, View};
use netform_runtime::Device;

/// Calls with their operands as arguments.
pub trait Calls {
    fn made(&self, call: Call<'_>, operands: &[View], what: Reads<'_>);

    fn arg_reduce(&self, largest: bool, axis: Axis, x: View, y: View) {
        self.made(Call::ArgReduce { largest, axis }, &[x, y], Reads::default());
    }
    fn softmax(&self, kind: Softmax, axis: Axis, x: View, y: View) {
        self.made(Call::Softmax { kind, axis }, &[x, y], Reads::default());
    }
    fn logsumexp(&self, axis: Axis, x: View, [log, max]: [View; 2]) {
        self.made(Call::LogSumExp { axis }, &[x, log, max], Reads::default());
    }
    fn cumsum(&self, reverse: bool, axis: Axis, x: View, y: View) {
        let how = Combiner::Sum;
        let call = Call::Running { how, reverse, axis };
        self.made(call, &[x, y], Reads::default());
    }
    fn integers(&self, f: Integers, [a, b]: [View; 2], y: View, what: Reads<'_>) {
        self.made(Call::Integers(f), &[a, b, y], what);
    }
    fn convolve(&self, size: Convolution, x: View, w: View, y: View) {
        let role = Role::Y;
        self.made(Call::Convolve { role, size }, &[x, w, y], Reads::default());
    }
    fn convolve_input(&self, size: Convolution, y: View, w: View, x: View) {
        let role = Role::X;
        self.made(Call::Convolve { role, size }, &[w, y, x], Reads::default());
    }
    fn convolve_weight(&self, size: Convolution, x: View, y: View, w: View) {
        let role = Role::W;
        self.made(Call::Convolve { role, size }, &[x, y, w], Reads::default());
    }
    fn window_arg_max(&self, w: Window2, x: View, index: View) {
        self.made(Call::WindowArgMax(w), &[x, index], Reads::default());
    }
    fn attention<const M: usize>(
        &self,
        size: Attention,
        inputs: [View; 3],
        masks: [In<4>; M],
        outputs: [View; 2],
    ) {
        let (masks, added) = added(&masks);
        let operands = [&inputs[..], &added, &outputs].concat();
        let masks = &masks;
        self.made(Call::Attention { size, masks }, &operands, Reads::default());
    }
    fn attention_grad<const M: usize>(
        &self,
        size: Attention,
        inputs: [View; 3],
        masks: [In<4>; M],
        saved: [View; 3],
        outputs: [View; 3],
    ) {
        let (masks, added) = added(&masks);
        let operands = [&inputs[..], &added, &saved, &outputs].concat();
        let masks = &masks;
        self.made(
            Call::AttentionGrad { size, masks },
            &operands,
            Reads::default(),
        );
    }
    fn take(&self, axis: Axis, count: usize, x: View, index: View, y: View, what: Reads<'_>) {
        let dtype = x.dtype;
        self.made(Call::Take { dtype, axis, count }, &[x, index, y], what);
    }
    fn take_grad(&self, axis: Axis, count: usize, dy: View, index: View, dx: View, what: Reads) {
        self.made(Call::TakeGrad { axis, count }, &[dy, index, dx], what);
    }
    fn gather(&self, axis: Axis, count: usize, x: View, index: View, y: View, what: Reads<'_>) {
        let dtype = x.dtype;
        self.made(Call::Gather { dtype, axis, count }, &[x, index, y], what);
    }
    fn gather_grad(&self, axis: Axis, count: usize, dy: View, index: View, dx: View, what: Reads) {
        self.made(Call::GatherGrad { axis, count }, &[dy, index, dx], what);
    }
}

fn added(masks: &[In<4>]) -> (Vec<ScoreMask>, Vec<View>) {
    let mask = |m: &In<4>| ScoreMask {
        start: m.start,
        strides: m.strides,
    };
    (
        masks.iter().map(mask).collect(),
        masks.iter().map(|m| m.view).collect(),
    )
}

impl<D: Device> Calls for Run<'_, D> {
    fn made(&self, call: Call<'_>, operands: &[View], what: Reads<'_>) {
        self.call_at(&call, operands, what);
    }
}
