//! Parameters and checkpoints in files: accepted files, refused files, and resuming bit for bit.

#[path = "nets/hand.rs"]
mod hand;

use hand::Hand;
use netform_runtime::__private::device::{Axis, by};
use netform_runtime::__private::*;
use netform_runtime::data::Loader;
use netform_runtime::files::{Checkpoint, safetensors};
use netform_runtime::optim::{schedule::*, *};
use netform_runtime::*;

fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn parameters_pass_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let net = Hand::new(Cpu::new(), 1).unwrap();
    net.save(&path).unwrap();
    let mut other = Hand::new(Cpu::new(), 2).unwrap();
    other.load(&path).unwrap();
    // To a wider type and back: also unchanged.
    let mut wide = Hand::new(Cpu::f64(), 2).unwrap();
    wide.load(&path).unwrap();
    wide.save(&path).unwrap();
    let mut back = Hand::new(Cpu::new(), 3).unwrap();
    back.load(&path).unwrap();
    for p in net.parameters() {
        let values = p.values().unwrap();
        assert_eq!(other.parameter(p.name()).unwrap(), values);
        assert_eq!(back.parameter(p.name()).unwrap(), values);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let nowhere = message(net.save(folder.path().join("no/such/folder")));
    assert!(nowhere.contains("no/such/folder: "), "{nowhere}");
    assert!(message(other.load(folder.path().join("none"))).contains("none: "));
}

/// Values and their bits, written by hand.
#[test]
fn parameters_in_half_precision() {
    use ::safetensors::{Dtype, SafeTensors};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.safetensors");
    let mut net = Hand::new(Cpu::new(), 1).unwrap();
    let table = Tensor::from(&[[1.0f32 / 3.0, -65520.0], [1e-7, 1.0 + 1.0 / 256.0]]);
    net.set_parameter("table", &table).unwrap();
    let bf16s = [0x3eabu16, 0xc780, 0x33d7, 0x3f80];
    let f16s = [0x3555u16, 0xfc00, 0x0002, 0x3c04];
    let rounded = [
        [0.333_984_375, -65536.0, 1.001_171_767_711_639_4e-7, 1.0],
        [
            0.333_251_953_125,
            f64::NEG_INFINITY,
            2f64.powi(-23),
            1.003_906_25,
        ],
    ];
    for (stored, dtype, bits, rounded) in [
        (Stored::Bf16, Dtype::BF16, bf16s, rounded[0]),
        (Stored::F16, Dtype::F16, f16s, rounded[1]),
    ] {
        net.set_parameter("table", &table).unwrap();
        net.save_as(&path, stored).unwrap();
        let file = std::fs::read(&path).unwrap();
        let file = SafeTensors::deserialize(&file).unwrap();
        assert!(file.tensors().iter().all(|(_, t)| t.dtype() == dtype));
        let written = file.tensor("table").unwrap();
        let bytes: Vec<u8> = bits.iter().flat_map(|b| b.to_le_bytes()).collect();
        assert_eq!((written.shape(), written.data()), (&[2, 2][..], &bytes[..]));
        net.load(&path).unwrap();
        assert_eq!(net.parameter("table").unwrap().to_f64_vec(), rounded);
        // Every other network reads the same values; rounded values are not rounded again.
        let mut wide = Hand::new(Cpu::f64(), 2).unwrap();
        wide.load(&path).unwrap();
        assert_eq!(wide.parameter("table").unwrap().to_f64_vec(), rounded);
        let again = folder.path().join("again.safetensors");
        wide.save_as(&again, stored).unwrap();
        assert_eq!(
            std::fs::read(&again).unwrap(),
            std::fs::read(&path).unwrap()
        );
    }
}

/// The types that networks compute with: as `save` writes them, or wider, or narrower.
#[test]
fn parameters_in_single_and_double_precision() {
    let folder = tempfile::tempdir().unwrap();
    let [plain, other] = ["plain", "other"].map(|name| folder.path().join(name));
    let bytes = |path| std::fs::read(path).unwrap();
    let net = Hand::new(Cpu::new(), 1).unwrap();
    net.save(&plain).unwrap();
    net.save_as(&other, Stored::F32).unwrap();
    assert_eq!(bytes(&plain), bytes(&other));
    net.save_as(&other, Stored::F64).unwrap();
    let mut wide = Hand::new(Cpu::f64(), 2).unwrap();
    wide.load(&other).unwrap();
    wide.save_as(&other, Stored::F32).unwrap();
    assert_eq!(bytes(&plain), bytes(&other));
    for stored in [Stored::I64, Stored::I32, Stored::U32, Stored::Bool] {
        let error = net.save_as(&other, stored).unwrap_err();
        assert!(matches!(
            error,
            Error::StoredType {
                network: "Hand",
                ..
            }
        ));
        let wanted =
            format!("Hand: parameters are saved as f32, f64, bf16 or f16, not as {stored}");
        assert_eq!(error.to_string(), wanted);
    }
    // Nothing was written.
    assert_eq!(bytes(&plain), bytes(&other));
}

#[test]
fn a_load_that_does_not_fit_lists_everything_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.safetensors");
    let (a, b, c) = (
        Tensor::zeros::<f32>([4, 3]).unwrap(),
        Tensor::zeros::<i64>([2, 2]).unwrap(),
        Tensor::zeros::<f32>([7]).unwrap(),
    );
    let steps = Tensor::scalar(3i64);
    let entries = [
        ("head.weight", &a),
        ("table", &b),
        ("tail", &c),
        ("norm.num_batches_tracked", &steps),
    ];
    safetensors::write(&path, entries).unwrap();
    let mut net = Hand::new(Cpu::new(), 1).unwrap();
    let before: Vec<_> = net.parameters().map(|p| p.values().unwrap()).collect();
    let error = message(net.load(&path));
    let wanted = "other.safetensors: does not fit Hand:
  wrong shape: `head.weight` is [4, 3], the network wants [3, 4]
  missing: `head.bias` of shape [3]
  wrong type: `table` holds i64, the network wants floats
  unexpected: `tail` of shape [7]";
    assert!(error.ends_with(wanted), "{error}");
    assert!(net.parameters().map(|p| p.values().unwrap()).eq(before));
    std::fs::write(&path, b"hello, this is no tensor").unwrap();
    assert!(message(net.load(&path)).contains("not a whole safetensors file"));
}

/// An old body and a new head: entries of both are read, and the rest is reported.
#[test]
fn a_file_that_matches_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body.safetensors");
    let values = |net: &Hand<Cpu>, name| net.parameter(name).unwrap();
    let table = Tensor::from(&[[1.5f32, -2.0], [3.0, 0.25]]);
    let ids = Tensor::from(vec![0i64, 1, 2]);
    let steps = Tensor::scalar(3i64);
    let entries = [
        ("table", &table),
        ("position_ids", &ids),
        ("body.bias", &table),
        ("norm.num_batches_tracked", &steps),
        ("netform/m/table", &table),
    ];
    safetensors::write(&path, entries).unwrap();
    let mut net = Hand::new(Cpu::new(), 1).unwrap();
    let head = values(&net, "head.weight");
    assert!(matches!(net.load(&path), Err(Error::Mismatch { .. })));
    let unmatched = net.load_matching(&path).unwrap();
    assert_eq!(unmatched.missing, ["head.weight", "head.bias"]);
    assert_eq!(unmatched.unexpected, ["body.bias", "position_ids"]);
    assert_eq!(values(&net, "table"), table);
    assert_eq!(values(&net, "head.weight"), head);
    assert_eq!(values(&net, "head.bias"), Tensor::from(vec![0.5f32; 3]));
    // The same from bytes, in f64.
    let mut wide = Hand::new(Cpu::f64(), 1).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(wide.load_matching_bytes(&bytes).unwrap(), unmatched);
    let same = wide.parameter("table").unwrap().to_f64_vec();
    assert_eq!(same, table.to_f64_vec());
    // A complete file has nothing to report.
    net.save(&path).unwrap();
    assert!(net.load_matching(&path).unwrap().is_empty());
    // A file without any name in common changes nothing.
    safetensors::write(&path, [("other", &ids)]).unwrap();
    let unmatched = net.load_matching(&path).unwrap();
    assert_eq!(unmatched.missing, ["head.weight", "head.bias", "table"]);
    assert_eq!(values(&net, "table"), table);
}

/// The entries of both must fit, or nothing is read; entries that the network lacks may have any type.
#[test]
fn a_matching_load_that_does_not_fit_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.safetensors");
    let (a, b, c) = (
        Tensor::zeros::<f32>([2, 2]).unwrap(),
        Tensor::zeros::<f32>([4, 3]).unwrap(),
        Tensor::zeros::<i64>([3]).unwrap(),
    );
    let entries = [("table", &a), ("head.weight", &b), ("head.bias", &c)];
    safetensors::write(&path, entries).unwrap();
    let mut net = Hand::new(Cpu::new(), 1).unwrap();
    let before: Vec<_> = net.parameters().map(|p| p.values().unwrap()).collect();
    let error = message(net.load_matching(&path));
    let wanted = "other.safetensors: does not fit Hand:
  wrong shape: `head.weight` is [4, 3], the network wants [3, 4]
  wrong type: `head.bias` holds i64, the network wants floats";
    assert!(error.ends_with(wanted), "{error}");
    assert!(net.parameters().map(|p| p.values().unwrap()).eq(before));
    assert!(message(net.load_matching(folder.path().join("none"))).contains("none: "));
    assert!(message(net.load_matching_bytes(b"no tensor")).starts_with("bytes: not a whole"));

    // A mask of bytes, as in old files: an unsupported type.
    use ::safetensors::tensor::{Dtype, TensorView};
    let one = 1f32.to_le_bytes().repeat(4);
    let of = |name, dtype, bytes: &[u8]| {
        let view = TensorView::new(dtype, vec![2, 2], bytes).unwrap();
        ::safetensors::serialize([(name, view)], None).unwrap()
    };
    let mask = of("attn.mask", Dtype::U8, &[1; 4]);
    assert!(message(net.load_bytes(&mask)).contains("which is not read"));
    let unmatched = net.load_matching_bytes(&mask).unwrap();
    assert_eq!(unmatched.unexpected, ["attn.mask"]);
    let table = of("table", Dtype::U8, &[1; 4]);
    assert!(message(net.load_matching_bytes(&table)).contains("which is not read"));
    let table = of("table", Dtype::F32, &one);
    assert!(
        net.load_matching_bytes(&table)
            .unwrap()
            .unexpected
            .is_empty()
    );
    assert_eq!(net.parameter("table").unwrap().to_f64_vec(), [1.0; 4]);
}

/// `fn loss(x: [B, 3]) -> []`: the mean over a batch of (keep * (w - x))^2, with dropout. Its parameters are the first
/// of `Hand`.
struct Noisy(Core<Cpu>);

static NET: NetSpec = NetSpec {
    name: "Noisy",
    params: &[ParamSpec {
        name: "w",
        stack: &[],
        shape: &[3],
        dtype: DType::Float,
        offset: Offset::of_floats(0),
        init: Init::Normal { std: 1.0 },
        frozen: false,
        buffer: false,
        optional: false,
    }],
    shared: &[],
    flat_len: 16,
    other_bytes: 0,
    parameters: 3,
};

static LOSS: Plan = Plan {
    name: "Noisy::loss_backward",
    dims: &["B"],
    inputs: &[ArgSpec {
        name: "x",
        ty: ArgType::Float,
        shape: &[DimSpec::Named(0), DimSpec::Fixed(3)],
    }],
    kept: &[],
    outputs: &[(
        ArgSpec {
            name: "output",
            ty: ArgType::Float,
            shape: &[],
        },
        3,
    )],
    require: &[],
    sizes: &[],
    rooms: &[],
    reached: hand::ALL,
    slots: 5,
    layout: |dims, _, offsets| {
        let block = (dims[0] * 12).next_multiple_of(64);
        for (k, offset) in offsets.iter_mut().enumerate() {
            *offset = k * block;
        }
        5 * block
    },
    random: true,
    host: false,
};

/// d = keep * (w - x); results 2 d / B and d^2 / B.
struct Squares;

impl MapBody for Squares {
    const INPUTS: &'static [Operand] = &[
        Operand::new(DType::Float, Inner::One),
        Operand::new(DType::Float, Inner::One),
        Operand::new(DType::Bool, Inner::One),
    ];
    const OUTPUTS: &'static [DType] = &[DType::Float; 2];
    // Not used by the CPU.
    fn body() -> Body {
        Body::IDENTITY
    }
    fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
        let d = l.mask(2).select(l.float(0) - l.float(1), Pack::splat(0.0));
        let (g, sq) = ((d + d) * l.scalar(0), d * d * l.scalar(0));
        l.put_float(0, g);
        l.put_float(1, sq);
    }
}

impl Network for Noisy {
    type Device = Cpu;
    const PARAMETERS: usize = 3;
    const WEIGHT_BYTES: usize = 12;
    fn core(&self) -> &Core<Cpu> {
        &self.0
    }
    fn core_mut(&mut self) -> &mut Core<Cpu> {
        &mut self.0
    }
}

impl Noisy {
    fn loss_backward(&mut self, x: impl Input<FloatArg, (Dyn, Len<3>)>) -> Result<Loss<Cpu>> {
        let body = |run: &mut Run<'_, Cpu>, dims: &[usize]| {
            let b = dims[0];
            let (w, x, keep) = (
                run.param(Offset::of_floats(0), 3),
                run.slot(0, DType::Float, 3 * b),
                run.slot(1, DType::Bool, 3 * b),
            );
            let (g, sq, loss) = (
                run.slot(2, DType::Float, 3 * b),
                run.slot(4, DType::Float, 3 * b),
                run.slot(3, DType::Float, 1),
            );
            run.bernoulli(0.7, 1, keep);
            let input = |view, strides| In {
                view,
                start: 0,
                strides,
            };
            let inputs = [input(w, [0, 1]), input(x, [3, 1]), input(keep, [3, 1])];
            run.map::<Squares, 2, 3, 2>([b, 3], inputs, [g, sq], &[1.0 / b as f64]);
            let input = |view, strides| {
                [In {
                    view,
                    start: 0,
                    strides,
                }]
            };
            let rows = Axis {
                outer: 1,
                n: b,
                inner: 3,
            };
            run.reduce::<Identity, by::Sum, 1>(
                rows,
                input(g, [3 * b, 3, 1]),
                &[],
                run.grad(Offset::of_floats(0), 3),
            );
            let all = Axis {
                outer: 1,
                n: 3 * b,
                inner: 1,
            };
            run.reduce::<Identity, by::Sum, 1>(all, input(sq, [3 * b, 1, 1]), &[], loss);
        };
        self.0
            .train(&LOSS, &[x.source()], None, body, false)?
            .loss(0)
    }
}

/// The state of a training run.
struct Training<'a> {
    net: Noisy,
    adam: NAdam,
    schedule: Schedule<OneCycleLR>,
    loader: Loader<'a, [f32; 3], ()>,
    step: u64,
}

const UNITS: [(); 50] = [(); 50];

impl<'a> Training<'a> {
    fn new(x: &'a [[f32; 3]], seed: u64) -> Self {
        let net = Noisy(Core::new(Cpu::new(), seed, &NET).unwrap());
        let mut adam = NAdam::new(0.1).clip_norm(0.5);
        let schedule = OneCycleLR::new(0.2, 40).on(&mut adam);
        let loader = Loader::new(x, &UNITS, 8).unwrap().shuffle(3);
        Self {
            net,
            adam,
            schedule,
            loader,
            step: 0,
        }
    }
    /// Takes steps up to number `until`; returns the losses.
    fn train(&mut self, until: u64) -> Vec<f32> {
        let mut losses = Vec::new();
        while self.step < until {
            let mut batches = self.loader.epoch();
            while self.step < until
                && let Some((x, _)) = batches.next()
            {
                losses.push(self.net.loss_backward(x).unwrap().item().unwrap());
                self.adam.step(&mut self.net).unwrap();
                self.schedule.step(&mut self.adam);
                self.step += 1;
            }
        }
        losses
    }
    fn save(&self, path: &std::path::Path) {
        let writer = Checkpoint::of(&self.net)
            .optimizer(&self.adam)
            .unwrap()
            .schedule(&self.schedule);
        writer
            .position(self.loader.position())
            .step(self.step)
            .save(path)
            .unwrap();
    }
    fn resume(&mut self, path: &std::path::Path) -> Result<()> {
        let saved = Checkpoint::open(path)?;
        saved.network(&mut self.net)?;
        saved.optimizer(&mut self.adam, &self.net)?;
        saved.schedule(&mut self.schedule)?;
        self.loader.restore(saved.position()?);
        self.step = saved.step();
        Ok(())
    }
}

#[test]
fn a_resumed_run_continues_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ckpt");
    let x: Vec<[f32; 3]> = (0..50)
        .map(|i| [i as f32 * 0.1, 1.0, -(i as f32)])
        .collect();
    let mut whole = Training::new(&x, 11);
    let losses = whole.train(30);
    // Steps 10 and 17 lie inside an epoch of 7 batches.
    let mut first = Training::new(&x, 11);
    assert_eq!(first.train(10), losses[..10]);
    first.save(&path);
    let mut second = Training::new(&x, 99);
    second.resume(&path).unwrap();
    assert_eq!(second.train(17), losses[10..17]);
    second.save(&path);
    let mut third = Training::new(&x, 99);
    third.resume(&path).unwrap();
    assert_eq!(third.train(30), losses[17..]);
    assert_eq!(
        third.net.parameter("w").unwrap(),
        whole.net.parameter("w").unwrap()
    );
    assert_eq!(
        third.adam.state(third.net.core()).unwrap(),
        whole.adam.state(whole.net.core()).unwrap()
    );
    // A checkpoint is a model, too, and saves the same bytes again.
    let mut net = Noisy(Core::new(Cpu::new(), 5, &NET).unwrap());
    net.load(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut again = Training::new(&x, 1);
    again.resume(&path).unwrap();
    again.save(&path);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_checkpoint_that_does_not_fit_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ckpt");
    let x = [[1.0; 3]; 50];
    let mut run = Training::new(&x, 1);
    run.train(3);
    run.save(&path);
    let saved = Checkpoint::open(&path).unwrap();
    assert_eq!((saved.network_name(), saved.step()), ("Noisy", 3));
    let mut sgd = Sgd::new(0.1);
    assert_eq!(
        message(saved.optimizer(&mut sgd, &run.net)),
        "SGD: the saved state does not fit:\n  it is NAdam's"
    );
    let mut hand = Hand::new(Cpu::new(), 1).unwrap();
    let before = hand.parameter("table").unwrap();
    let error = message(saved.network(&mut hand));
    assert!(
        error.contains("missing: `table`") && error.contains("unexpected: `w`"),
        "{error}"
    );
    assert_eq!(hand.parameter("table").unwrap(), before);
    let error = message(saved.optimizer(&mut NAdam::new(0.1), &hand));
    assert!(
        error.contains("does not fit Hand:\n  another network: it is a checkpoint of `Noisy`"),
        "{error}"
    );
    // The same for a state from another source.
    let state = run.adam.state(run.net.core()).unwrap();
    let error = message(NAdam::new(0.1).set_state(hand.core(), &state));
    assert!(
        error.contains("`exp_avg` of `w`: no such trained parameter"),
        "{error}"
    );
    assert!(
        error.contains("`exp_avg_sq` of `head.bias` is missing"),
        "{error}"
    );
    let mut grouped = NAdam::new(0.1).group("w", |g| g);
    assert!(
        message(saved.optimizer(&mut grouped, &run.net))
            .contains("it has no parameter groups, but the optimizer has 1")
    );
    assert!(
        message(saved.schedule(&mut ReduceLROnPlateau::new())).contains("another kind of schedule")
    );
    let plain = folder.path().join("plain.safetensors");
    run.net.save(&plain).unwrap();
    assert!(
        message(Checkpoint::open(&plain))
            .ends_with("a safetensors file, but not a checkpoint of netform")
    );
    Checkpoint::of(&run.net).save(&path).unwrap();
    let bare = Checkpoint::open(&path).unwrap();
    assert!(
        message(bare.optimizer(&mut NAdam::new(0.1), &run.net)).ends_with("holds no optimizer")
    );
    assert!(message(bare.position()).ends_with("holds no position in the data"));
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert!(message(Checkpoint::open(&path)).contains("not a whole safetensors file"));
}
