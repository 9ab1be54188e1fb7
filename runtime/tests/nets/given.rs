//! A network whose gradients are given by the test, for tests of optimizers.
#![allow(dead_code)]

use netform_runtime::__private::*;

use netform_runtime::*;

/// `fn backward(g: [N]) -> []`: copies `g` to the gradients.
static BACKWARD: Plan = Plan {
    name: "Given::backward",
    dims: &["N"],
    inputs: &[ArgSpec {
        name: "g",
        ty: ArgType::Float,
        shape: &[DimSpec::Named(0)],
    }],
    kept: &[],
    outputs: &[],
    require: &[],
    sizes: &[],
    rooms: &[],
    reached: &[Reached {
        offset: 0,
        len: usize::MAX,
        stack: &[],
        ranges: &[],
    }],
    slots: 1,
    layout: |dims, float, offsets| {
        offsets[0] = 0;
        dims[0] * float
    },
    random: false,
    host: false,
};

pub struct Given<D: Device>(Core<D>);

impl<D: Device> Network for Given<D> {
    type Device = D;
    const PARAMETERS: usize = 0;
    const WEIGHT_BYTES: usize = 0;
    fn core(&self) -> &Core<D> {
        &self.0
    }
    fn core_mut(&mut self) -> &mut Core<D> {
        &mut self.0
    }
}

impl<D: Device> Given<D> {
    /// A network of parameters with these names, lengths and values; a name that ends with `!` is frozen.
    pub fn new(device: D, params: &[(&'static str, &[f64])]) -> Self {
        let mut offset = 0;
        let specs: Vec<ParamSpec> = params
            .iter()
            .map(|(name, values)| {
                let shape: &'static [usize] = Box::leak(Box::new([values.len()]));
                let init = Init::Constant(0.0);
                let spec = ParamSpec {
                    name,
                    stack: &[],
                    shape,
                    dtype: DType::Float,
                    offset: Offset::of_floats(offset),
                    init,
                    frozen: name.ends_with('!'),
                    buffer: false,
                    optional: false,
                };
                offset += values.len().next_multiple_of(16);
                spec
            })
            .collect();
        let spec = NetSpec {
            name: "Given",
            params: Box::leak(specs.into_boxed_slice()),
            shared: &[],
            flat_len: offset,
            other_bytes: 0,
            parameters: 0,
        };
        let mut net = Self(Core::new(device, 0, Box::leak(Box::new(spec))).unwrap());
        for (name, values) in params {
            net.set_parameter(name, &Tensor::from(*values)).unwrap();
        }
        net
    }

    /// Sets the gradients of all parameters, in order.
    pub fn backward(&mut self, grads: &[&[f64]]) {
        self.run(&BACKWARD, grads, false);
    }

    /// Sets some gradients, like a function that reaches only these parameters; or adds them.
    pub fn reach(&mut self, grads: &[Option<&[f64]>], accumulate: bool) {
        let params = self.0.spec().params;
        let own = params.iter().zip(grads).filter(|(_, g)| g.is_some());
        let reached = own.map(|(p, _)| Reached {
            offset: p.offset.floats,
            len: p.len(),
            stack: &[],
            ranges: &[],
        });
        let reached: Vec<Reached> = reached.collect();
        let plan = Plan {
            reached: reached.leak(),
            ..BACKWARD
        };
        let zeros: Vec<Vec<f64>> = params.iter().map(|p| vec![0.0; p.len()]).collect();
        let grads: Vec<&[f64]> = (grads.iter().zip(&zeros))
            .map(|(g, z)| g.unwrap_or(z))
            .collect();
        self.run(Box::leak(Box::new(plan)), &grads, accumulate);
    }

    fn run(&mut self, plan: &'static Plan, grads: &[&[f64]], accumulate: bool) {
        let params = self.0.spec().params;
        let mut flat = vec![0.0; self.0.spec().flat_len];
        for (param, grad) in params.iter().zip(grads) {
            flat[param.offset.floats..][..param.len()].copy_from_slice(grad);
        }
        let sources = [Source::new(SourceData::F64(&flat), &[flat.len()])];
        let body = |run: &mut Run<'_, D>, dims: &[usize]| {
            let window = |view| Window {
                view,
                start: 0,
                strides: [1],
            };
            let from = window(run.slot(0, DType::Float, dims[0]));
            run.copy(
                [dims[0]],
                from,
                window(run.grad(Offset::of_floats(0), dims[0])),
            );
        };
        self.0
            .train(plan, &sources, None, body, accumulate)
            .unwrap();
    }

    pub fn values(&self, name: &str) -> Vec<f64> {
        self.parameter(name).unwrap().to_f64_vec()
    }
}
