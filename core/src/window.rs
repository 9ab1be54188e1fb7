//! Windows over images: convolutions and pooling.

/// A convolution's geometry; sizes are (height, width). x: (n, groups * c, x), w: (groups * o, c, kernel), y: (n,
/// groups * o, y). Cell k of window i is at `i * stride + k * dilation - padding` of x. Cells outside of x are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Samples.
    pub n: usize,
    /// Groups of channels, which are independent of each other.
    pub groups: usize,
    /// Input channels of a group.
    pub c: usize,
    /// Output channels of a group.
    pub o: usize,
    /// Size of an input image.
    pub x: [usize; 2],
    /// Size of a window.
    pub kernel: [usize; 2],
    /// Size of an output image.
    pub y: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Cells before the image's first cell.
    pub padding: [usize; 2],
    /// Distance between a window's cells.
    pub dilation: [usize; 2],
}

/// An argument of the form `sum(y * conv(x, w))`. Its derivatives in each argument are convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The input images.
    X,
    /// The kernels.
    W,
    /// The output images.
    Y,
}

impl Convolution {
    /// The dimensions of an argument's array.
    pub const fn shape(&self, role: Role) -> [usize; 5] {
        match role {
            Role::X => [self.n, self.groups, self.c, self.x[0], self.x[1]],
            Role::W => [self.groups, self.o, self.c, self.kernel[0], self.kernel[1]],
            Role::Y => [self.n, self.groups, self.o, self.y[0], self.y[1]],
        }
    }

    /// Cells of a window in all channels of a group.
    pub const fn cells(&self) -> usize {
        self.c * self.kernel[0] * self.kernel[1]
    }

    /// Elements of an input image.
    pub const fn x_plane(&self) -> usize {
        self.x[0] * self.x[1]
    }

    /// Elements of an output image.
    pub const fn y_plane(&self) -> usize {
        self.y[0] * self.y[1]
    }

    /// The start of sample s's group in x, with all of its channels.
    pub const fn x_at(&self, s: usize, group: usize) -> usize {
        (s * self.groups + group) * self.c * self.x_plane()
    }

    /// The start of sample s's group in y.
    pub const fn y_at(&self, s: usize, group: usize) -> usize {
        (s * self.groups + group) * self.o * self.y_plane()
    }

    /// The start of the group in w.
    pub const fn w_at(&self, group: usize) -> usize {
        group * self.o * self.cells()
    }

    /// Whether a patch is a single cell, so that the convolution is a product of the channels without copies.
    pub fn is_product(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.padding == [0, 0] && self.x == self.y
    }

    /// Multiplications.
    pub const fn work(&self) -> usize {
        let windows = self.n * self.groups * self.o * self.y[0] * self.y[1];
        windows.saturating_mul(self.cells())
    }
}

/// Windows over images x: (planes, x), y: (planes, y); the fields are those of [`Convolution`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window2 {
    /// Images.
    pub planes: usize,
    /// Size of an image.
    pub x: [usize; 2],
    /// Size of a window.
    pub kernel: [usize; 2],
    /// Number of windows.
    pub y: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Cells before the image's first cell.
    pub padding: [usize; 2],
    /// Distance between a window's cells.
    pub dilation: [usize; 2],
}
