//! Custom ops: the arguments of their Rust functions.
//!
//! ```
//! use netform::custom::{Array, ArrayMut};
//! use netform::{Float, prelude::*};
//!
//! fn cube<F: Float>(x: Array<'_, F>, mut y: ArrayMut<'_, F>) {
//!     for (y, &x) in y.iter_mut().zip(&*x) {
//!         *y = x * x * x;
//!     }
//! }
//!
//! fn cube_backward<F: Float>(
//!     x: Array<'_, F>,
//!     _y: Array<'_, F>,
//!     dy: Array<'_, F>,
//!     mut dx: ArrayMut<'_, F>,
//! ) {
//!     for (k, dx) in dx.iter_mut().enumerate() {
//!         *dx = F::from_f64(3.0) * x[k] * x[k] * dy[k];
//!     }
//! }
//!
//! network! {
//!     struct Net {}
//!
//!     #[custom(forward = cube, backward = cube_backward)]
//!     fn cube(x: [N]) -> [N];
//!
//!     fn loss(#[grad] x: [N]) -> [] {
//!         cube(x).sum()
//!     }
//! }
//!
//! let mut net = Net::new(Cpu::new(), 0)?;
//! let (loss, dx) = net.loss_backward(&[1.0f32, 2.0])?;
//! assert_eq!(loss.item()?, 9.0);
//! assert_eq!(dx[..], [3.0, 12.0]);
//! # Ok::<(), netform::Error>(())
//! ```

#[doc(inline)]
pub use netform_runtime::custom::{Array, ArrayMut, Ptx};
