//! Where an element lies.

/// A resolved address: on the CPU a pointer, on a GPU a device address.
pub type Addr = *mut u8;
