//! The one function behind which large matrix products go: `C = A B`, or `C += A B`, on one thread.

/// The general product with strides (row, column); `C` is row-major with row stride `c.1`. With `add`
/// it is added to what `C` holds.
///
/// # Safety
/// All elements lie inside their buffers; `C` overlaps neither `A` nor `B`.
pub(crate) unsafe fn library<T: bytemuck::Pod + num::One>(
    m: usize,
    n: usize,
    k: usize,
    a: (*const T, isize, isize),
    b: (*const T, isize, isize),
    c: (*mut T, isize),
    add: bool,
) {
    // SAFETY: the caller's.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.0,
            1,
            c.1,
            add,
            a.0,
            a.2,
            a.1,
            b.0,
            b.2,
            b.1,
            if add { T::ONE } else { T::zeroed() },
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// The number 1, for the types that the library takes.
mod num {
    pub(crate) trait One {
        const ONE: Self;
    }
    impl One for f32 {
        const ONE: Self = 1.0;
    }
    impl One for f64 {
        const ONE: Self = 1.0;
    }
}
