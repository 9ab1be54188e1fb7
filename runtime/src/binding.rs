//! The binding of inputs: the only place where the inputs of an entry function are checked at run time.
//!
//! [`bind`] compares every input with the plan and finds the named dimensions. [`write`] copies the inputs into their
//! slots, converted to the device's types. Neither allocates unless it fails. After that, a run depends only on the
//! values that the user passed.

use std::any::TypeId;

use bytemuck::{NoUninit, Pod};

use crate::device::Addr;
use crate::dims::{Dims, MAX_DIMS};
use crate::shape::MAX_RANK;
use crate::{ArgSpec, ArgType, Device, DimSpec, Error, Float, Plan, Result, Source, SourceData};

/// Checks the inputs against the plan and finds the named dimensions.
///
/// The order decides which of several mistakes is reported: ranks and element types first, then
/// named dimensions, fixed sizes, conditions, derived sizes.
pub fn bind(plan: &Plan, sources: &[Source<'_>]) -> Result<Dims> {
    let internal = |what: &str| Error::Internal {
        function: plan.name,
        what: what.into(),
    };
    if sources.len() != plan.inputs.len() {
        return Err(internal("another number of inputs than planned"));
    }
    if plan.dims.len() > MAX_DIMS || plan.inputs.iter().any(|i| i.shape.len() > MAX_RANK) {
        return Err(internal(
            "more than 8 named dimensions, or an input of rank over 6",
        ));
    }
    for (k, (arg, source)) in plan.inputs.iter().zip(sources).enumerate() {
        if plan.kept.contains(&k) != matches!(source.data, SourceData::Kept(..)) {
            return Err(internal("an input does not lie where it is planned"));
        }
        check_form(plan, arg, source)?;
    }
    let dims = bind_named(plan, sources)?;
    // Few networks have such names, so the loop is not part of a usual call.
    if !plan.sizes.is_empty() {
        check_constants(plan, &dims)?;
    }
    check_sizes(plan, sources, |dim| {
        if let DimSpec::Fixed(n) = dim {
            Some(*n)
        } else {
            None
        }
    })?;
    for require in plan.require {
        if !(require.holds)(&dims) {
            return Err(Error::Requirement {
                function: plan.name,
                site: &require.site,
                what: require.what,
                value: (require.value)(&dims),
                why: require.why,
                dims: named(plan, &dims),
            });
        }
    }
    if let Some(room) = plan.rooms.iter().find(|room| !(room.fits)(&dims)) {
        return Err(no_room(plan, &dims, room.value));
    }
    // Checked last: a derived size may be meaningless if a condition does not hold.
    check_sizes(plan, sources, |dim| {
        if let DimSpec::Derived(f, _) | DimSpec::Solved { value: f, .. } = dim {
            Some(f(&dims))
        } else {
            None
        }
    })?;
    Ok(dims)
}

/// Checks the dimensions that have names of Rust constants.
#[cold]
fn check_constants(plan: &Plan, dims: &Dims) -> Result<()> {
    for ((name, size), may_be) in plan.dims.iter().zip(dims.iter()).zip(plan.sizes) {
        if !may_be(*size) {
            return Err(Error::Constant {
                function: plan.name,
                name,
                size: *size,
            });
        }
    }
    Ok(())
}

/// The error for a value that is too large for any memory.
pub(crate) fn no_room(plan: &Plan, dims: &[usize], value: &str) -> Error {
    let at = match dims {
        [] => String::new(),
        dims => format!(", where {}", named(plan, dims)),
    };
    Error::OutOfMemory {
        device: plan.name.into(),
        what: format!("no room for {value}{at}"),
        bytes: 0,
    }
}

/// Checks that the rank, the element class and the layout are as declared.
fn check_form(plan: &Plan, arg: &ArgSpec, source: &Source<'_>) -> Result<()> {
    if source.rank != arg.shape.len() {
        return Err(Error::Rank {
            function: plan.name,
            argument: arg.name,
            found: source.rank,
            declared: declared(plan, arg),
            wanted: arg.shape.len(),
        });
    }
    let fits = match source.data {
        SourceData::Strided => {
            return Err(Error::NotContiguous {
                function: plan.name,
                argument: arg.name,
            });
        }
        SourceData::F32(_) | SourceData::F64(_) => arg.ty == ArgType::Float,
        SourceData::Bool(_) => arg.ty == ArgType::Bool,
        SourceData::Kept(ty, _) => arg.ty == ty,
        SourceData::Resident(part) => match part.ty {
            ArgType::Float | ArgType::Bool => arg.ty == part.ty,
            _ => !matches!(arg.ty, ArgType::Float | ArgType::Bool),
        },
        _ => matches!(arg.ty, ArgType::U32 | ArgType::I32 | ArgType::I64),
    };
    if !fits {
        let wanted = match arg.ty {
            ArgType::Float => "floats (f32 or f64)",
            ArgType::U32 => "u32",
            ArgType::I32 => "i32",
            ArgType::I64 => "i64",
            ArgType::Bool => "bool",
        };
        let found = source.data.type_name();
        return Err(Error::ElementType {
            function: plan.name,
            argument: arg.name,
            found,
            wanted,
        });
    }
    if crate::shape::elements(source.shape()) != Some(source.data.len()) {
        // A `Source` can be made by hand, because its fields are public.
        return Err(Error::ShapeLen {
            shape: source.shape().to_vec(),
            len: source.data.len(),
        });
    }
    Ok(())
}

/// Takes the size of every named dimension from its first argument, and checks that it is the same everywhere. It may
/// be 0.
fn bind_named(plan: &Plan, sources: &[Source<'_>]) -> Result<Dims> {
    let internal = |what: String| Error::Internal {
        function: plan.name,
        what,
    };
    let mut sizes = [0; MAX_DIMS];
    // The argument that gave a dimension its size.
    let mut from = [None; MAX_DIMS];
    for (arg, source) in plan.inputs.iter().zip(sources) {
        for (dim, &size) in arg.shape.iter().zip(source.shape()) {
            let DimSpec::Named(k) = *dim else { continue };
            let Some(dimension) = plan.dims.get(k) else {
                return Err(internal(format!("no named dimension {k}")));
            };
            match from[k] {
                None => (sizes[k], from[k]) = (size, Some(arg.name)),
                Some(first_argument) if sizes[k] != size => {
                    return Err(Error::Disagree {
                        function: plan.name,
                        dimension,
                        first: sizes[k],
                        first_argument,
                        second: size,
                        second_argument: arg.name,
                    });
                }
                Some(_) => {}
            }
        }
    }
    let len = plan.dims.len();
    // In the order of the plan, since one may need another.
    for k in 0..len {
        if from[k].is_some() {
            continue;
        }
        for (arg, source) in plan.inputs.iter().zip(sources) {
            for (dim, &size) in arg.shape.iter().zip(source.shape()) {
                if let DimSpec::Solved { dim, solve, .. } = *dim
                    && dim == k
                    && from[k].is_none()
                {
                    (sizes[k], from[k]) = (solve(&sizes[..len], size), Some(arg.name));
                }
            }
        }
    }
    if from[..len].contains(&None) {
        return Err(internal("a named dimension is in no input".into()));
    }
    Ok(Dims::new(sizes, len))
}

/// Checks the sizes of the dimensions for which `wanted` returns a size.
fn check_sizes(
    plan: &Plan,
    sources: &[Source<'_>],
    wanted: impl Fn(&DimSpec) -> Option<usize>,
) -> Result<()> {
    for (arg, source) in plan.inputs.iter().zip(sources) {
        for (dimension, (dim, &size)) in arg.shape.iter().zip(source.shape()).enumerate() {
            if let Some(wanted) = wanted(dim)
                && wanted != size
            {
                return Err(Error::Size {
                    function: plan.name,
                    argument: arg.name,
                    found: source.shape().to_vec(),
                    declared: declared(plan, arg),
                    wanted,
                    dimension,
                });
            }
        }
    }
    Ok(())
}

/// A declared shape, as in the source: `x: [B, 8]`.
pub(crate) fn declared(plan: &Plan, arg: &ArgSpec) -> String {
    let dims: Vec<String> = arg
        .shape
        .iter()
        .map(|dim| match *dim {
            DimSpec::Fixed(n) => n.to_string(),
            DimSpec::Named(k) => plan.dims.get(k).copied().unwrap_or("?").into(),
            DimSpec::Derived(_, text) | DimSpec::Solved { text, .. } => text.into(),
        })
        .collect();
    let ty = match arg.ty {
        ArgType::Float => "",
        ArgType::U32 => "u32",
        ArgType::I32 => "i32",
        ArgType::I64 => "i64",
        ArgType::Bool => "bool",
    };
    format!("`{}: {ty}[{}]`", arg.name, dims.join(", "))
}

/// `B is 10, T is 3`.
fn named(plan: &Plan, dims: &[usize]) -> String {
    let text: Vec<String> = plan
        .dims
        .iter()
        .zip(dims)
        .map(|(name, size)| format!("{name} is {size}"))
        .collect();
    text.join(", ")
}

/// The bytes of one element of an argument on the device.
pub(crate) fn element_size<F>(ty: ArgType) -> usize {
    match ty {
        ArgType::Float => size_of::<F>(),
        ArgType::U32 | ArgType::I32 | ArgType::I64 => size_of::<i64>(),
        ArgType::Bool => 1,
    }
}

/// Copies input `arg` to `dst`, converted to the device's float, to `i64` or to bytes.
///
/// # Safety
/// `bind` accepted the source for this argument, and `dst` starts a range of a buffer that holds all its elements and
/// that nothing else uses now.
pub(crate) unsafe fn write<D: Device>(
    device: &D,
    function: &'static str,
    arg: &ArgSpec,
    source: &Source<'_>,
    dst: Addr,
) -> Result<()> {
    // SAFETY: `to` passes the caller's promise on: every call writes the elements of the source once.
    unsafe {
        let to = Target {
            device,
            function,
            arg,
            dst,
        };
        match source.data {
            SourceData::F32(v) => to.floats(v, f64::from),
            SourceData::F64(v) => to.floats(v, |x| x),
            SourceData::I32(v) => to.ints(v, i128::from),
            SourceData::I64(v) if arg.ty == ArgType::I64 => to.bytes(v),
            SourceData::I64(v) => to.ints(v, i128::from),
            SourceData::U32(v) => to.ints(v, i128::from),
            SourceData::U8(v) => to.ints(v, i128::from),
            SourceData::Usize(v) => to.ints(v, |x| x as i128),
            SourceData::Bool(v) => to.bytes(v),
            // The value already lies where it is read.
            SourceData::Kept(..) => Ok(()),
            SourceData::Resident(part) => {
                if !part.is_on(device) {
                    let argument = arg.name;
                    return Err(Error::OtherDevice { function, argument });
                }
                if let Some((least, most)) = part.range {
                    fitting(function, arg, least)?;
                    fitting(function, arg, most)?;
                }
                part.copy(device, dst);
                Ok(())
            }
            SourceData::Strided => Err(Error::NotContiguous {
                function,
                argument: arg.name,
            }),
        }
    }
}

/// The integers that an argument of this type takes, as a range and in words.
pub(crate) fn limits(ty: ArgType) -> (i64, i64, &'static str) {
    match ty {
        ArgType::U32 => (0, u32::MAX.into(), "0..=4294967295"),
        ArgType::I32 => (i32::MIN.into(), i32::MAX.into(), "-2147483648..=2147483647"),
        _ => (
            i64::MIN,
            i64::MAX,
            "-9223372036854775808..=9223372036854775807",
        ),
    }
}

/// The integer, if the argument's range includes it.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn fitting(
    function: &'static str,
    arg: &ArgSpec,
    value: impl Into<i128>,
) -> Result<i64> {
    let value = value.into();
    let (least, most, limits) = limits(arg.ty);
    match i64::try_from(value) {
        Ok(x) if (least..=most).contains(&x) => Ok(x),
        _ => Err(Error::IntegerRange {
            function,
            argument: arg.name,
            value,
            limits,
        }),
    }
}

/// The destination of one input.
struct Target<'a, D> {
    device: &'a D,
    function: &'static str,
    arg: &'a ArgSpec,
    dst: Addr,
}

impl<D: Device> Target<'_, D> {
    /// Copies elements without conversion.
    ///
    /// # Safety
    /// See [`write`].
    unsafe fn bytes<T: NoUninit>(&self, values: &[T]) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.device.write(self.dst, bytemuck::cast_slice(values)) }
    }

    /// # Safety
    /// See [`write`].
    unsafe fn floats<T: Pod>(&self, values: &[T], wide: impl Fn(T) -> f64) -> Result<()> {
        if TypeId::of::<T>() == TypeId::of::<D::Float>() {
            // SAFETY: the caller's promise.
            return unsafe { self.bytes(values) };
        }
        // SAFETY: the caller's promise.
        unsafe {
            let convert = |x| Ok(D::Float::from_f64(wide(x)));
            self.device.write_each(self.dst, values, convert)
        }
    }

    /// # Safety
    /// See [`write`].
    unsafe fn ints<T: Copy>(&self, values: &[T], wide: impl Fn(T) -> i128) -> Result<()> {
        let convert = |x: T| fitting(self.function, self.arg, wide(x));
        // SAFETY: the caller's promise.
        unsafe { self.device.write_each(self.dst, values, convert) }
    }
}
