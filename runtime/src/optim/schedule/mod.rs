//! Learning rates over time: PyTorch's schedules, under its names.
//!
//! A curve such as [`StepLR`] is put `.on(&mut optimizer)`: this takes the optimizer's rates as base rates and sets the
//! first rates. Call [`step`](Schedule::step) after each optimizer step (or epoch) to set the next rates. As in
//! PyTorch, a step changes the current rate of each group. So several schedules on one optimizer multiply;
//! [`ChainedScheduler`] steps several at once, [`SequentialLR`] one after the other.
//!
//! If a schedule does not fit (its settings, the number of groups, a momentum that the optimizer does not have), or is
//! stepped after its end, the optimizer's next step is an error that names the setting. The next schedule on the
//! optimizer clears the error.
//!
//! ```
//! use netform_runtime::optim::{Optimizer, Sgd, schedule::{Curve, StepLR}};
//! let mut sgd = Sgd::new(0.1);
//! let mut schedule = StepLR::new(10).gamma(0.5).on(&mut sgd);
//! assert_eq!((schedule.lr_at(9), schedule.lr_at(10)), (0.1, 0.05));
//! schedule.step(&mut sgd);
//! assert_eq!(sgd.lr(), 0.1);
//! ```

mod compose;
mod curve;
mod curves;
mod cyclic;
mod factors;
mod groups;
mod one_cycle;
mod plateau;
mod scheduler;
mod step;
mod swa;
mod warm_restarts;

pub use compose::{ChainedScheduler, SequentialLR};
pub use curve::{Curve, Schedule};
pub use curves::{
    ConstantLR, CosineAnnealingLR, ExponentialLR, LinearLR, MultiStepLR, PolynomialLR, StepLR,
};
pub use cyclic::{CyclicLR, CyclicMode, ScaleMode};
pub use factors::{LambdaLR, MultiplicativeLR, inverse_sqrt, warmup_cosine};
pub use groups::PerGroup;
pub use one_cycle::OneCycleLR;
pub use plateau::ReduceLROnPlateau;
pub use scheduler::{IntoScheduler, Scheduler};
pub use step::{At, ScheduleState};
pub use swa::SWALR;
pub use warm_restarts::CosineAnnealingWarmRestarts;
