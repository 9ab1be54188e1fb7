//! The distribution of work along one dimension over threads.

use crate::Axis;
use crate::launch::{Error, Params, total};

/// The sizes that the kernels need for work along a dimension.
pub(crate) trait Along {
    /// The number of lines, after checking that the number of elements does not overflow.
    fn columns(self) -> Result<u32, Error>;
    /// The parameters of `lines` in `common.ptx`.
    fn params(self, p: &mut Params) -> Result<(), Error>;
}

impl Along for Axis {
    fn columns(self) -> Result<u32, Error> {
        total(&[self.outer, self.n, self.inner])?;
        total(&[self.outer, self.inner])
    }

    fn params(self, p: &mut Params) -> Result<(), Error> {
        let columns = self.columns()?;
        p.divisor(self.inner as u32);
        p.u32(columns);
        p.u32(self.n as u32);
        Ok(())
    }
}

/// A block's threads: `lanes` for each of `cols` columns; powers of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lines {
    /// Threads that share a column.
    pub lanes: u16,
    /// Columns of a block.
    pub cols: u16,
    /// Neighbouring threads are along n, not across columns: for `inner == 1`.
    pub along: bool,
}

/// Lanes for this number of columns with n elements each; neighbouring threads are across columns.
pub(crate) fn across(n: usize, columns: usize) -> Lines {
    let most = 256 / columns.clamp(1, 32).next_power_of_two();
    let lanes = n.div_ceil(4).next_power_of_two().clamp(1, most);
    Lines {
        lanes: lanes as u16,
        cols: (256 / lanes) as u16,
        along: false,
    }
}

/// Lanes for reductions: a block or a warp for each row, or columns side by side.
pub(crate) fn lines(axis: Axis) -> Lines {
    let columns = axis.outer * axis.inner;
    if axis.inner > 1 || axis.n <= 16 {
        return across(axis.n, columns);
    }
    let lanes: u16 = if axis.n > 1024 || columns < 256 && axis.n > 64 {
        256
    } else {
        32
    };
    Lines {
        lanes,
        cols: 256 / lanes,
        along: true,
    }
}

impl Lines {
    pub(crate) fn threads(self) -> u32 {
        u32::from(self.lanes) * u32::from(self.cols)
    }

    pub(crate) fn blocks(self, columns: u32) -> u32 {
        columns.div_ceil(u32::from(self.cols))
    }
}
