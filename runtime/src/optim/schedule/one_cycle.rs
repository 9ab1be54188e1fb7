//! The one-cycle schedule, of the rate and of the momentum.

use std::f64::consts::PI;

use super::Curve;

/// One cycle (Smith and Topin): up to `max_lr`, then down to almost nothing, the momentum the other way.
#[derive(Clone, Copy, Debug)]
pub struct OneCycleLR {
    max_lr: f64,
    total_steps: u64,
    pct_start: f64,
    linear: bool,
    momentum: Option<(f64, f64)>,
    div_factor: f64,
    final_div_factor: f64,
    three_phase: bool,
}

impl OneCycleLR {
    /// With PyTorch's defaults. The optimizer's own rate does not matter.
    pub fn new(max_lr: f64, total_steps: u64) -> Self {
        Self {
            max_lr,
            total_steps,
            pct_start: 0.3,
            linear: false,
            momentum: Some((0.85, 0.95)),
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }
    /// The part of the cycle in which the rate rises.
    #[must_use]
    pub fn pct_start(mut self, pct_start: f64) -> Self {
        self.pct_start = pct_start;
        self
    }
    /// Straight lines instead of cosines.
    #[must_use]
    pub fn linear(mut self) -> Self {
        self.linear = true;
        self
    }
    /// The lowest and highest momentum.
    #[must_use]
    pub fn momentum_range(mut self, base: f64, max: f64) -> Self {
        self.momentum = Some((base, max));
        self
    }
    /// Leaves the momentum alone.
    #[must_use]
    pub fn fixed_momentum(mut self) -> Self {
        self.momentum = None;
        self
    }
    /// The first rate is `max_lr` divided by this.
    #[must_use]
    pub fn div_factor(mut self, div_factor: f64) -> Self {
        self.div_factor = div_factor;
        self
    }
    /// The last rate is the first divided by this.
    #[must_use]
    pub fn final_div_factor(mut self, final_div_factor: f64) -> Self {
        self.final_div_factor = final_div_factor;
        self
    }
    /// Down to the first rate as slowly as up, and only then to the last.
    #[must_use]
    pub fn three_phase(mut self) -> Self {
        self.three_phase = true;
        self
    }

    /// The value at `t` of a curve through the corners of the phases; `t` beyond the end stays there.
    fn curve(&self, t: u64, corners: [f64; 4]) -> f64 {
        let total = self.total_steps as f64;
        let peak = self.pct_start * total - 1.0;
        let ends = if self.three_phase {
            [peak, 2.0 * peak, total - 1.0]
        } else {
            [peak, total - 1.0, total - 1.0]
        };
        let t = (t as f64).min(total - 1.0);
        let (mut start, last) = (0.0, if self.three_phase { 2 } else { 1 });
        for (i, end) in ends.into_iter().enumerate().take(last + 1) {
            if t <= end || i == last {
                let pct = if end > start {
                    (t - start) / (end - start)
                } else {
                    1.0
                };
                let (from, to) = (corners[i], corners[i + 1]);
                return match self.linear {
                    true => (to - from) * pct + from,
                    false => to + (from - to) / 2.0 * (1.0 + (PI * pct).cos()),
                };
            }
            start = end;
        }
        corners[last + 1]
    }
}

impl Curve for OneCycleLR {
    fn lr(&self, _: f64, t: u64) -> f64 {
        let first = self.max_lr / self.div_factor;
        let last = first / self.final_div_factor;
        self.curve(
            t,
            [
                first,
                self.max_lr,
                if self.three_phase { first } else { last },
                last,
            ],
        )
    }
    fn momentum(&self, t: u64) -> Option<f64> {
        let (low, high) = self.momentum?;
        Some(self.curve(t, [high, low, high, high]))
    }
}
