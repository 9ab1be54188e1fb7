//! The methods of every generated network, whatever its functions: the trait [`Network`].

use std::path::Path;

use crate::files::{Unmatched, safetensors};
use crate::nearest::nearest;
use crate::optim::{Norm, clip};
use crate::{Core, Device, Error, ParamSpec, Result, Stored, Tensor, values};

/// A network. `network!` implements the required items; the rest is the same for all.
pub trait Network {
    /// The device it runs on.
    type Device: Device;
    /// Number of parameters, with frozen ones.
    const PARAMETERS: usize;
    /// Their size in bytes in `f32`.
    const WEIGHT_BYTES: usize;

    /// The network's state.
    fn core(&self) -> &Core<Self::Device>;
    /// The network's state.
    #[doc(hidden)]
    fn core_mut(&mut self) -> &mut Core<Self::Device>;

    /// The device it runs on.
    fn device(&self) -> &Self::Device {
        self.core().device()
    }

    /// All parameters in declaration order, under PyTorch's names.
    fn parameters(&self) -> impl Iterator<Item = Parameter<'_, Self::Device>> {
        let core = self.core();
        let params = core.spec().params.iter().filter(|p| !p.buffer);
        params.map(move |spec| Parameter { core, spec })
    }

    /// All buffers in declaration order, under PyTorch's names: training runs assign them and files have them, but
    /// optimizers do not change them.
    fn buffers(&self) -> impl Iterator<Item = Parameter<'_, Self::Device>> {
        let core = self.core();
        let buffers = core.spec().params.iter().filter(|p| p.buffer);
        buffers.map(move |spec| Parameter { core, spec })
    }

    /// The values of one parameter or buffer.
    fn parameter(&self, name: &str) -> Result<Tensor> {
        let core = self.core();
        core.value(find(core, name)?)
    }

    /// Overwrites one parameter or buffer. The shape must match. Floats are converted to the device's float type. A
    /// buffer of integers takes integers of any width, a buffer of booleans takes booleans.
    fn set_parameter(&mut self, name: &str, values: &Tensor) -> Result<()> {
        let core = self.core_mut();
        let param = find(core, name)?;
        let network = core.spec().name;
        if values.shape() != param.shape {
            let found = values.shape().to_vec();
            return Err(Error::ParameterShape {
                network,
                name: param.name,
                wanted: param.shape,
                found,
            });
        }
        let (first, len) = core.place_of(param);
        let mut bytes = vec![0; len];
        let data = values.data();
        if !values::write::<<Self::Device as Device>::Float>(param.dtype, data, &mut bytes) {
            return Err(Error::ParameterType {
                network,
                name: param.name,
                wanted: values::type_name(param),
                found: data.type_name(),
            });
        }
        core.write_params(first, &bytes)
    }

    /// The gradient of one parameter, after the last `_backward` and later accumulating functions. It is zero if they
    /// do not reach the parameter; its `.grad` is `None` in PyTorch.
    fn gradient(&self, name: &str) -> Result<Tensor> {
        let core = self.core();
        let param = find(core, name)?;
        let grads = core.grads().ok_or(Error::NoGradients {
            network: core.spec().name,
        })?;
        core.gradient(grads, param)
    }

    /// Scales the gradients of the trained parameters that have one, so that their norm is at most `max_norm`. Returns
    /// the norm before scaling: `torch.nn.utils.clip_grad_norm_`. A norm that is infinite or NaN scales them, too, to
    /// zeros or NaN.
    ///
    /// # Errors
    /// Before the first `_backward`; a `max_norm` that is NaN or below 0; a norm of order NaN.
    fn clip_grad_norm(&mut self, max_norm: f64, norm: Norm) -> Result<f64> {
        clip::clip_norm(with_gradients(self)?, max_norm, norm, false)
    }

    /// The same, but a norm that is infinite or NaN is an error, and the gradients are unchanged: `clip_grad_norm_(..,
    /// error_if_nonfinite=True)`.
    ///
    /// # Errors
    /// Those of [`clip_grad_norm`](Self::clip_grad_norm), and an infinite or NaN norm.
    fn clip_grad_norm_if_finite(&mut self, max_norm: f64, norm: Norm) -> Result<f64> {
        clip::clip_norm(with_gradients(self)?, max_norm, norm, true)
    }

    /// Clamps the gradients to -value..value: `torch.nn.utils.clip_grad_value_`.
    ///
    /// # Errors
    /// Before the first `_backward`; a `value` that is NaN or below 0.
    fn clip_grad_value(&mut self, value: f64) -> Result<()> {
        clip::clip_value(with_gradients(self)?, value)
    }

    /// Writes all parameters to a safetensors file, under PyTorch's names. An older file is replaced in one step.
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        safetensors::save(self.core(), path)
    }

    /// As [`save`](Self::save), with each float rounded to another type, ties to even: a file in bf16 or f16 has half
    /// the size. [`load`](Self::load) reads the rounded values exactly. Integers and booleans keep their type.
    ///
    /// In bf16 a number keeps 8 binary digits, in f16 11, but numbers from 65520 on become infinite in f16. A
    /// [`Checkpoint`](crate::files::Checkpoint) has no such option: a run continues with all digits.
    ///
    /// ```
    /// # use netform_runtime::{Network, Result, Stored};
    /// # fn half_the_size<N: Network>(net: &mut N) -> Result<()> {
    /// net.save_as("model.safetensors", Stored::Bf16)?;
    /// net.load("model.safetensors")
    /// # }
    /// ```
    ///
    /// # Errors
    /// The type is not a float: [`Error::StoredType`].
    fn save_as(&self, path: impl AsRef<Path>, stored: Stored) -> Result<()> {
        safetensors::save_as(self.core(), path, stored)
    }

    /// Reads all parameters from a safetensors file. If it does not fit, the error lists every
    /// difference and nothing is changed.
    fn load(&mut self, path: impl AsRef<Path>) -> Result<()> {
        safetensors::load(self.core_mut(), path)
    }

    /// The same from the bytes of such a file, as `include_bytes!` gives them.
    fn load_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        safetensors::load_bytes(self.core_mut(), "bytes", bytes)
    }

    /// Reads the entries that a safetensors file and the network both have, by name, and returns the names that only
    /// one of them has: PyTorch's `load_state_dict(strict=False)`, for a new head on an old body.
    ///
    /// Parameters that the file lacks are unchanged. Of a shared parameter, one of its names is enough. Entries that
    /// the network lacks are not read, whatever their type.
    ///
    /// ```
    /// # use netform_runtime::{Cpu, Network, Result};
    /// # fn new_head<N: Network>(net: &mut N) -> Result<()> {
    /// let unmatched = net.load_matching("body.safetensors")?;
    /// assert_eq!(unmatched.missing, ["head.weight", "head.bias"]);
    /// println!("{unmatched}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The file cannot be read, or [`Error::Mismatch`] if an entry of both differs in shape or type. It lists every
    /// difference, and nothing is changed.
    fn load_matching(&mut self, path: impl AsRef<Path>) -> Result<Unmatched> {
        safetensors::load_matching(self.core_mut(), path)
    }

    /// The same from the bytes of such a file.
    fn load_matching_bytes(&mut self, bytes: &[u8]) -> Result<Unmatched> {
        safetensors::load_matching_bytes(self.core_mut(), "bytes", bytes)
    }

    /// Sets all gradients to zero. This is only needed before accumulating functions; the others overwrite them. No
    /// parameter has a gradient afterwards, and an optimizer's step does not change a parameter until a function
    /// reaches it again.
    fn zero_grad(&mut self) {
        self.core_mut().zero_grad();
    }
}

/// The core of a network that has gradients.
fn with_gradients<N: Network + ?Sized>(net: &mut N) -> Result<&mut Core<N::Device>> {
    let core = net.core_mut();
    match core.grads() {
        Some(_) => Ok(core),
        None => Err(Error::NoGradients {
            network: core.spec().name,
        }),
    }
}

/// One parameter or buffer of a network.
pub struct Parameter<'a, D: Device> {
    core: &'a Core<D>,
    spec: &'static ParamSpec,
}

impl<D: Device> Parameter<'_, D> {
    /// PyTorch's name: `linear_1.weight`.
    pub fn name(&self) -> &'static str {
        self.spec.name
    }
    /// The size of each dimension.
    pub fn shape(&self) -> &'static [usize] {
        self.spec.shape
    }
    /// Whether optimizers skip it.
    pub fn frozen(&self) -> bool {
        self.spec.frozen
    }
    /// A copy of the values.
    pub fn values(&self) -> Result<Tensor> {
        self.core.value(self.spec)
    }
}

/// The parameter with this name.
pub(crate) fn find<D: Device>(core: &Core<D>, name: &str) -> Result<&'static ParamSpec> {
    let spec = core.spec();
    spec.find(name).ok_or_else(|| Error::UnknownParameter {
        network: spec.name,
        name: name.into(),
        near: nearest(name, spec.names()),
    })
}
