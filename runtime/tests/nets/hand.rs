//! A network written by hand, as `network!` would emit it: three functions over inputs of every kind.
#![allow(dead_code)]

use netform_runtime::__private::*;

use netform_runtime::*;

/// Two parameters and a frozen one.
pub static SPEC: NetSpec = NetSpec {
    name: "Hand",
    params: &[
        ParamSpec {
            name: "head.weight",
            stack: &[],
            shape: &[3, 4],
            dtype: DType::Float,
            offset: Offset::of_floats(0),
            init: Init::FanIn { fan_in: 4 },
            frozen: false,
            buffer: false,
            optional: false,
        },
        ParamSpec {
            name: "head.bias",
            stack: &[],
            shape: &[3],
            dtype: DType::Float,
            offset: Offset::of_floats(16),
            init: Init::Constant(0.5),
            frozen: false,
            buffer: false,
            optional: false,
        },
        ParamSpec {
            name: "table",
            stack: &[],
            shape: &[2, 2],
            dtype: DType::Float,
            offset: Offset::of_floats(32),
            init: Init::Normal { std: 1.0 },
            frozen: true,
            buffer: false,
            optional: false,
        },
    ],
    shared: &[],
    flat_len: 48,
    other_bytes: 0,
    parameters: 19,
};

/// Every parameter.
pub const ALL: &[Reached] = &[Reached {
    offset: 0,
    len: 48,
    stack: &[],
    ranges: &[],
}];

const B: DimSpec = DimSpec::Named(0);

/// `fn copy(x: [B, 4]) -> [B, 4]`: the result is the input's slot.
pub static COPY: Plan = Plan {
    name: "Hand::copy",
    dims: &["B"],
    inputs: &[ArgSpec {
        name: "x",
        ty: ArgType::Float,
        shape: &[B, DimSpec::Fixed(4)],
    }],
    kept: &[],
    outputs: &[(
        ArgSpec {
            name: "output",
            ty: ArgType::Float,
            shape: &[B, DimSpec::Fixed(4)],
        },
        0,
    )],
    require: &[],
    sizes: &[],
    rooms: &[],
    reached: ALL,
    slots: 1,
    layout: |dims, float, offsets| {
        offsets[0] = 0;
        dims[0] * 4 * float
    },
    random: true,
    host: false,
};

/// `fn mixed(ids: u32[B, T], flags: bool[B], wide: i64[2 * B]) -> (u32[B, T], bool[B])`.
pub static MIXED: Plan = Plan {
    name: "Hand::mixed",
    dims: &["B", "T"],
    inputs: &[
        ArgSpec {
            name: "ids",
            ty: ArgType::U32,
            shape: &[B, DimSpec::Named(1)],
        },
        ArgSpec {
            name: "flags",
            ty: ArgType::Bool,
            shape: &[B],
        },
        ArgSpec {
            name: "wide",
            ty: ArgType::I64,
            shape: &[DimSpec::Derived(|d| 2 * d[0], "2 * B")],
        },
    ],
    kept: &[],
    outputs: &[
        (
            ArgSpec {
                name: "output",
                ty: ArgType::U32,
                shape: &[B, DimSpec::Named(1)],
            },
            0,
        ),
        (
            ArgSpec {
                name: "flags",
                ty: ArgType::Bool,
                shape: &[B],
            },
            1,
        ),
        (
            ArgSpec {
                name: "wide",
                ty: ArgType::I64,
                shape: &[DimSpec::Derived(|d| 2 * d[0], "2 * B")],
            },
            2,
        ),
    ],
    require: &[Require {
        holds: |d| d[1] >= 2,
        value: |d| d[1],
        what: "T must be at least 2",
        why: "ids are pairs",
        site: Site {
            by: "`Pairs` `pairs`",
            file: "src/net.rs",
            line: 7,
        },
    }],
    sizes: &[],
    rooms: &[],
    reached: ALL,
    slots: 3,
    layout: |dims, _, offsets| {
        offsets[0] = 0;
        offsets[1] = (dims[0] * dims[1] * 8).next_multiple_of(64);
        offsets[2] = offsets[1] + dims[0].next_multiple_of(64);
        offsets[2] + dims[0] * 16
    },
    random: false,
    host: false,
};

/// `fn loss(x: [B, 4], target: [B, 3]) -> []`: the loss is 7, the gradients of `head.weight` are 1.5.
pub static LOSS: Plan = Plan {
    name: "Hand::loss_backward",
    dims: &["B"],
    inputs: &[
        ArgSpec {
            name: "x",
            ty: ArgType::Float,
            shape: &[B, DimSpec::Fixed(4)],
        },
        ArgSpec {
            name: "target",
            ty: ArgType::Float,
            shape: &[B, DimSpec::Fixed(3)],
        },
    ],
    kept: &[],
    outputs: &[(
        ArgSpec {
            name: "output",
            ty: ArgType::Float,
            shape: &[],
        },
        2,
    )],
    require: &[],
    sizes: &[],
    rooms: &[],
    reached: ALL,
    slots: 3,
    layout: |dims, float, offsets| {
        offsets[0] = 0;
        offsets[1] = (dims[0] * 4 * float).next_multiple_of(64);
        offsets[2] = offsets[1] + (dims[0] * 3 * float).next_multiple_of(64);
        offsets[2] + 64
    },
    random: false,
    host: false,
};

pub struct Hand<D: Device = Cpu>(pub Core<D>);

impl<D: Device> Network for Hand<D> {
    type Device = D;
    const PARAMETERS: usize = 19;
    const WEIGHT_BYTES: usize = 19 * 4;
    fn core(&self) -> &Core<D> {
        &self.0
    }
    fn core_mut(&mut self) -> &mut Core<D> {
        &mut self.0
    }
}

impl<D: Device> Hand<D> {
    pub fn new(device: D, seed: u64) -> Result<Self> {
        Core::new(device, seed, &SPEC).map(Self)
    }
    pub fn copy(&self, x: impl Input<FloatArg, (Dyn, Len<4>)>) -> Result<Output<D, [D::Float; 4]>> {
        self.0
            .infer(&COPY, &[x.source()], None, |_, _| ())?
            .output(0)
    }
    #[allow(clippy::type_complexity)]
    pub fn mixed(
        &self,
        ids: impl Input<IntArg, (Dyn, Dyn)>,
        flags: impl Input<BoolArg, (Dyn,)>,
        wide: impl Input<IntArg, (Dyn,)>,
    ) -> Result<(Output<D, u32>, Output<D, bool>, Output<D, i64>)> {
        let results = self.0.infer(
            &MIXED,
            &[ids.source(), flags.source(), wide.source()],
            None,
            |_, _| (),
        )?;
        Ok((results.output(0)?, results.output(1)?, results.output(2)?))
    }
    pub fn loss_backward(
        &mut self,
        x: impl Input<FloatArg, (Dyn, Len<4>)>,
        target: impl Input<FloatArg, (Dyn, Len<3>)>,
        accumulate: bool,
    ) -> Result<Loss<D>> {
        let body = |run: &mut Run<'_, D>, _: &[usize]| {
            run.fill(run.slot(2, DType::Float, 1), Number::Float(7.0));
            run.fill(run.grad(Offset::of_floats(0), 12), Number::Float(1.5));
        };
        self.0
            .train(
                &LOSS,
                &[x.source(), target.source()],
                None,
                body,
                accumulate,
            )?
            .loss(0)
    }
}
