//! A training run in one file: parameters, optimizer, schedule, generator, position in the data.
//!
//! A resumed run continues bit for bit. The file is a safetensors file in which the parameters have their own names, so
//! it can also be loaded as a model. It ends in a checksum, and has the network's name and a hash of its parameters'
//! names, shapes and types. Damaged files and files of other networks are errors.
//!
//! ```no_run
//! # use netform_runtime::{*, files::Checkpoint, optim::{schedule::{Schedule, StepLR}, Adam}, data::Loader};
//! # fn f<N: Network>(net: &mut N, adam: &mut Adam, schedule: &mut Schedule<StepLR>,
//! #     loader: &mut Loader<[f32; 8], u32>) -> Result<()> {
//! Checkpoint::of(net).optimizer(adam)?.schedule(schedule).position(loader.position()).step(120).save("run.ckpt")?;
//! // Later, with everything made as before:
//! let saved = Checkpoint::open("run.ckpt")?;
//! saved.network(net)?;
//! saved.optimizer(adam, net)?;
//! saved.schedule(schedule)?;
//! loader.restore(saved.position()?);
//! let first_step = saved.step();
//! # Ok(()) }
//! ```

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::safetensors::{Entry, OWN, bytes_of, content, parameters, restore};
use super::{atomic, schema, seal};
use crate::data::{Position, bad, bad_in, io, shown};
use crate::optim::schedule::ScheduleState;
use crate::optim::{GroupState, Optimizer, OptimizerState, ParamState};
use crate::{Error, FileProblem, MismatchProblem, NetSpec, Network, Result, Tensor};

/// The key of the metadata, and its version. Version 1 had one count of steps for all parameters.
const KEY: &str = "netform";
const VERSION: u32 = 2;

/// Files of version 1 have no checksum and no hash of the parameters.
const UNSEALED: u32 = 1;

/// The maximum of all counts. Floats cannot count further, and a counter might overflow.
const MOST: u64 = 1 << 53;

/// Everything except the tensors. Floats are stored as their bits, because text might round them and has no infinities.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Meta {
    version: u32,
    network: String,
    #[serde(default)]
    schema: Option<String>,
    seed: u64,
    random_step: u64,
    step: u64,
    optimizer: Option<OptimizerMeta>,
    schedule: Option<Vec<u64>>,
    position: Option<(u64, usize)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct OptimizerMeta {
    name: String,
    t: u64,
    lr: u64,
    /// Momentum and carried scalar of each group, in version 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scalars: Vec<[u64; 2]>,
    /// Rate, initial rate and momentum of each group, in version 2.
    #[serde(default)]
    groups: Vec<(u64, Option<u64>, u64)>,
    /// Name, steps, carried scalar of each parameter, and whether it has begun.
    #[serde(default)]
    params: Vec<(String, u64, u64, bool)>,
}

impl OptimizerMeta {
    fn of(state: &OptimizerState) -> Self {
        let bits = |x: f64| x.to_bits();
        let group = |g: &GroupState| {
            let lr = g.lr.unwrap_or(state.lr);
            (bits(lr), g.initial_lr.map(bits), bits(g.momentum))
        };
        let param = |p: &ParamState| (p.name.clone(), p.t, bits(p.carried), p.begun);
        Self {
            name: state.name.clone(),
            t: state.t,
            lr: bits(state.lr),
            scalars: Vec::new(),
            groups: state.groups.iter().map(group).collect(),
            params: state.params.iter().map(param).collect(),
        }
    }

    fn state(&self, moments: Vec<(String, String, Tensor)>) -> OptimizerState {
        let float = f64::from_bits;
        let old = self.scalars.iter().map(|[momentum, carried]| GroupState {
            lr: None,
            initial_lr: None,
            momentum: float(*momentum),
            carried: Some(float(*carried)),
        });
        let new = self
            .groups
            .iter()
            .map(|(lr, initial, momentum)| GroupState {
                lr: Some(float(*lr)),
                initial_lr: initial.map(float),
                momentum: float(*momentum),
                carried: None,
            });
        let params = self
            .params
            .iter()
            .map(|(name, t, carried, begun)| ParamState {
                name: name.clone(),
                t: *t,
                carried: float(*carried),
                begun: *begun,
            });
        OptimizerState {
            name: self.name.clone(),
            t: self.t,
            lr: float(self.lr),
            groups: old.chain(new).collect(),
            params: params.collect(),
            moments,
        }
    }
}

/// A checkpoint that is being put together.
pub struct CheckpointWriter<'a, N> {
    net: &'a N,
    optimizer: Option<OptimizerState>,
    schedule: Option<Vec<u64>>,
    position: Option<Position>,
    step: u64,
}

impl<N: Network> CheckpointWriter<'_, N> {
    /// Adds this optimizer's state.
    pub fn optimizer(mut self, optimizer: &impl Optimizer) -> Result<Self> {
        self.optimizer = Some(optimizer.state(self.net.core())?);
        Ok(self)
    }
    /// Adds this schedule's state.
    #[must_use]
    pub fn schedule(mut self, schedule: &impl ScheduleState) -> Self {
        self.schedule = Some(schedule.state().into_iter().map(f64::to_bits).collect());
        self
    }
    /// Adds a loader's position.
    #[must_use]
    pub fn position(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }
    /// Adds the number of the next step, as the program counts steps.
    #[must_use]
    pub fn step(mut self, step: u64) -> Self {
        self.step = step;
        self
    }

    /// Writes the file, replacing an older one in one step.
    pub fn save(self, path: impl AsRef<Path>) -> Result<()> {
        let (path, core) = (path.as_ref(), self.net.core());
        let meta = Meta {
            version: VERSION,
            network: core.spec().name.into(),
            schema: Some(schema::hash(core.spec())),
            seed: core.seed(),
            random_step: core.random_step(),
            step: self.step,
            optimizer: self.optimizer.as_ref().map(OptimizerMeta::of),
            schedule: self.schedule,
            position: self.position.map(|p| (p.epoch, p.batch)),
        };
        let meta = serde_json::to_string(&meta).map_err(|e| bad(path, e.to_string()))?;
        let parameters = parameters(core)?;
        let moments = self.optimizer.iter().flat_map(|o| &o.moments);
        let moments: Vec<_> = moments
            .map(|(moment, param, t)| (format!("{OWN}{moment}/{param}"), t))
            .collect();
        let parameters = parameters.iter().map(|(name, t)| (*name, t));
        let tensors = parameters.chain(moments.iter().map(|(name, t)| (name.as_str(), *t)));
        atomic::write(path, &bytes_of(path, tensors, (KEY, &meta), true)?)
    }
}

/// A checkpoint that was read.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
    tensors: Vec<(String, Tensor)>,
    meta: Meta,
}

impl Checkpoint {
    /// A checkpoint of this network: its parameters and its generator.
    pub fn of<N: Network>(net: &N) -> CheckpointWriter<'_, N> {
        CheckpointWriter {
            net,
            optimizer: None,
            schedule: None,
            position: None,
            step: 0,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, is not a checkpoint, is damaged, or was written by a newer netform.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| io(path, source))?;
        let (tensors, meta) = content(path, &bytes, KEY).map_err(damaged)?;
        let meta = meta.ok_or_else(|| {
            let what = "a safetensors file, but not a checkpoint of netform";
            bad_in(path, FileProblem::WrongKind, what)
        })?;
        let damage = |what: String| bad_in(path, FileProblem::Damaged, what);
        let meta: Meta =
            serde_json::from_str(&meta).map_err(|e| damage(format!("damaged metadata: {e}")))?;
        if !(UNSEALED..=VERSION).contains(&meta.version) {
            let what = format!(
                "version {} of the format; this netform reads {UNSEALED} to {VERSION}",
                meta.version
            );
            return Err(bad_in(path, FileProblem::Version, what));
        }
        if meta.version > UNSEALED && !seal::is_on(&bytes) {
            return Err(damage(seal::MISSING.into()));
        }
        let steps = |o: &OptimizerMeta| o.params.iter().map(|p| p.1).fold(o.t, u64::max);
        let counts = [
            ("the optimizer's `t`", meta.optimizer.as_ref().map(steps)),
            ("`random_step`", Some(meta.random_step)),
            ("the epoch", meta.position.map(|p| p.0)),
        ];
        for (name, count) in counts {
            if let Some(count) = count.filter(|&count| count > MOST) {
                let what =
                    format!("damaged metadata: {name} is {count}, but at most 2^53 steps count");
                return Err(damage(what));
            }
        }
        Ok(Self {
            path: path.to_path_buf(),
            tensors,
            meta,
        })
    }

    /// Restores parameters and generator. After an error the network is unchanged; or it is
    /// [poisoned](crate::Error::Poisoned), if its device failed while the parameters were written.
    ///
    /// # Errors
    /// [`Error::Mismatch`] with every difference: another network's name, other parameters.
    pub fn network(&self, net: &mut impl Network) -> Result<()> {
        let core = net.core_mut();
        let problems = self.differences(core.spec());
        let entries = self.tensors.iter();
        let entries: Vec<_> = entries
            .map(|(name, t)| (name.clone(), Entry::Tensor(Cow::Borrowed(t))))
            .collect();
        restore(core, &self.path, &entries, problems, None)?;
        core.set_random(self.meta.seed, self.meta.random_step);
        Ok(())
    }

    /// The differences between the saved network and this one as a whole.
    fn differences(&self, spec: &NetSpec) -> Vec<MismatchProblem> {
        let (saved, name) = (&self.meta.network, spec.name);
        if saved != name {
            let found = shown(saved);
            return vec![MismatchProblem::OtherNetwork { found }];
        }
        match &self.meta.schema {
            Some(saved) if *saved != schema::hash(spec) => {
                vec![MismatchProblem::OtherDeclaration { network: name }]
            }
            _ => Vec::new(),
        }
    }

    /// Restores the optimizer, which then belongs to `net`. After an error it is unchanged.
    pub fn optimizer(&self, optimizer: &mut impl Optimizer, net: &impl Network) -> Result<()> {
        let meta = self
            .meta
            .optimizer
            .as_ref()
            .ok_or_else(|| bad(&self.path, "holds no optimizer"))?;
        let problems = self.differences(net.core().spec());
        if !problems.is_empty() {
            return Err(Error::Mismatch {
                path: self.path.clone(),
                network: net.core().spec().name,
                problems,
            });
        }
        let moments = self.tensors.iter().filter_map(|(name, t)| {
            let (moment, param) = name.strip_prefix(OWN)?.split_once('/')?;
            Some((moment.to_owned(), param.to_owned(), t.clone()))
        });
        let state = meta.state(moments.collect());
        optimizer.set_state(net.core(), &state)
    }

    /// Restores the schedule. The optimizer's rate is restored with the optimizer.
    pub fn schedule(&self, schedule: &mut impl ScheduleState) -> Result<()> {
        let state = self
            .meta
            .schedule
            .as_ref()
            .ok_or_else(|| bad(&self.path, "holds no schedule"))?;
        let state: Vec<f64> = state.iter().map(|&bits| f64::from_bits(bits)).collect();
        if schedule.set_state(&state) {
            Ok(())
        } else {
            let what = "holds another kind of schedule, or a count that is negative or not whole";
            Err(bad(&self.path, what))
        }
    }

    /// The loader's position.
    pub fn position(&self) -> Result<Position> {
        let (epoch, batch) = self
            .meta
            .position
            .ok_or_else(|| bad(&self.path, "holds no position in the data"))?;
        Ok(Position { epoch, batch })
    }

    /// The number of the next step, as the program counts steps.
    pub fn step(&self) -> u64 {
        self.meta.step
    }

    /// The network's name.
    pub fn network_name(&self) -> &str {
        &self.meta.network
    }
}

/// The error for a file with a wrong structure, as an error of a checkpoint.
fn damaged(error: Error) -> Error {
    match error {
        Error::File {
            path,
            problem: FileProblem::Damaged,
            what,
        } if !what.starts_with("damaged") => {
            bad_in(&path, FileProblem::Damaged, format!("damaged: {what}"))
        }
        other => other,
    }
}
