//! The address of an element.

/// A resolved address: on the CPU a pointer, on a GPU a device address.
pub type Addr = *mut u8;
