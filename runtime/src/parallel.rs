//! `parallel_for`: takes parts numbered 0..n; all of them are done when it returns.
//!
//! Each free thread claims the next part, the caller too, so a worker that the system delays does not delay the others.
//! Nothing is allocated per call. Workers are started by the first call that needs them, wait for work by spinning
//! briefly and then park. If the pool is busy, a caller runs its parts alone, so calls from many threads and calls from
//! inside a part both work. If the division into parts could change a result, it depends on the problem alone. So
//! results do not depend on the number of threads, nor on the thread that computes a part.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{JoinHandle, Thread};

/// Iterations of a waiting loop before a worker parks: some tens of microseconds.
const SPINS: u32 = 1_000;
/// Bits of a claim that hold the next part; the others hold the region's number.
const PART_BITS: u32 = 24;
const PART_MASK: u64 = (1 << PART_BITS) - 1;

/// Calls part `part` of the closure at `data`.
type Call = unsafe fn(data: *const (), part: usize);

#[repr(align(128))]
struct Aligned<T>(T);

/// The state that caller and workers share. A region is a number, a closure and its parts.
struct Shared {
    /// The region's number and the next unclaimed part.
    claim: Aligned<AtomicU64>,
    /// Parts that are done.
    done: Aligned<AtomicUsize>,
    /// The closure (type-erased), the function that calls it, and the number of its parts. They are written before the
    /// region's number is published, and after the claim of the region before was closed: it is then at a part that no
    /// region has. So a claim that succeeds proves that the region was still running, and that the values read before
    /// belonged to it.
    data: AtomicPtr<()>,
    call: AtomicPtr<()>,
    parts: AtomicUsize,
    /// Workers that are parked, or about to park.
    parked: Box<[AtomicBool]>,
    stop: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    panicked: AtomicBool,
}

struct Workers {
    shared: Arc<Shared>,
    threads: Vec<Thread>,
    handles: Vec<JoinHandle<()>>,
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for thread in &self.threads {
            thread.unpark();
        }
        for handle in self.handles.drain(..) {
            // A worker's panics were caught, so the result is not needed.
            let _ = handle.join();
        }
    }
}

/// A fixed number of threads, including the caller's.
pub(crate) struct Pool {
    size: usize,
    busy: AtomicBool,
    workers: OnceLock<Workers>,
}

impl Pool {
    /// A pool of `size` threads (at least 1); none is started yet.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size: size.max(1),
            busy: AtomicBool::new(false),
            workers: OnceLock::new(),
        }
    }

    /// Number of threads, including the caller's.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Calls `f(0), .., f(parts - 1)`, each once, on up to `size` threads.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn run(&self, parts: usize, f: impl Fn(usize) + Sync) {
        self.run_each(parts, &f);
    }

    /// The same, compiled once: closures contain whole kernels, and each caller might have a copy.
    fn run_each(&self, parts: usize, f: &(dyn Fn(usize) + Sync)) {
        let alone = parts < 2 || self.size < 2 || parts as u64 >= PART_MASK;
        if alone || self.busy.swap(true, Ordering::Acquire) {
            for part in 0..parts {
                f(part);
            }
            return;
        }
        unsafe fn call(data: *const (), part: usize) {
            // SAFETY: `data` is the reference to the closure of the region, which has not returned yet.
            unsafe { (*data.cast::<&(dyn Fn(usize) + Sync)>())(part) }
        }
        let busy = Busy(&self.busy);
        self.region((&raw const f).cast(), call, parts);
        drop(busy);
    }

    /// Runs a region whose closure is `Sync` and outlives this call.
    fn region(&self, data: *const (), call: Call, parts: usize) {
        let workers = self.workers.get_or_init(|| spawn(self.size - 1));
        let shared = &*workers.shared;
        // A worker that is late from the region before may have read its claim already. If that claim were still valid,
        // the worker could read the number of parts below, find its part among them, and run it before the region has
        // begun.
        let before = shared.claim.0.load(Ordering::Relaxed) >> PART_BITS;
        let closed = before << PART_BITS | PART_MASK;
        shared.claim.0.store(closed, Ordering::Relaxed);
        // Released: a thread that reads one of these finds the claim closed.
        shared.data.store(data.cast_mut(), Ordering::Release);
        shared.call.store(call as *mut (), Ordering::Release);
        shared.parts.store(parts, Ordering::Release);
        shared.done.0.store(0, Ordering::Relaxed);
        shared.panicked.store(false, Ordering::Relaxed);
        let region = before.wrapping_add(1);
        // Publishes the stores above; the order with `parked` is explained in `work`.
        shared.claim.0.store(region << PART_BITS, Ordering::SeqCst);
        let wanted = (parts - 1).min(workers.threads.len());
        for (parked, thread) in shared.parked.iter().zip(&workers.threads).take(wanted) {
            if parked.load(Ordering::SeqCst) {
                thread.unpark();
            }
        }
        shared.help(region);
        // Workers that have claimed parts still use the closure.
        let mut turns = 0u32;
        while shared.done.0.load(Ordering::Acquire) != parts {
            turns = turns.saturating_add(1);
            if turns < SPINS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
        if shared.panicked.load(Ordering::Relaxed) {
            let panic = shared
                .panic
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            resume_unwind(panic.unwrap_or_else(|| Box::new("a part panicked")));
        }
    }
}

impl Shared {
    /// Claims and runs parts of a region until there are none left or the region is over.
    fn help(&self, region: u64) {
        loop {
            let claim = self.claim.0.load(Ordering::Acquire);
            let (data, call) = (
                self.data.load(Ordering::Acquire),
                self.call.load(Ordering::Acquire),
            );
            let part = claim & PART_MASK;
            if claim >> PART_BITS != region || part as usize >= self.parts.load(Ordering::Acquire) {
                return;
            }
            let claimed = self.claim.0.compare_exchange_weak(
                claim,
                claim + 1,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            if claimed.is_err() {
                continue;
            }
            // A part that panics is done, too: the caller must not wait for it.
            let result = catch_unwind(AssertUnwindSafe(|| {
                // SAFETY: the claim proves that `data` and `call` are this region's: they change
                // only when all of its parts are done. `call` was stored from a `Call`. The region
                // waits for this part, so the closure lives.
                unsafe {
                    let call: Call = std::mem::transmute::<*mut (), Call>(call);
                    call(data, part as usize);
                }
            }));
            if let Err(panic) = result {
                *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.done.0.fetch_add(1, Ordering::Release);
        }
    }
}

struct Busy<'a>(&'a AtomicBool);
impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Starts up to `count` workers; fewer when the system refuses.
#[cold]
fn spawn(count: usize) -> Workers {
    let shared = Arc::new(Shared {
        claim: Aligned(AtomicU64::new(0)),
        done: Aligned(AtomicUsize::new(0)),
        data: AtomicPtr::new(std::ptr::null_mut()),
        call: AtomicPtr::new(std::ptr::null_mut()),
        parts: AtomicUsize::new(0),
        parked: (0..count).map(|_| AtomicBool::new(false)).collect(),
        stop: AtomicBool::new(false),
        panic: Mutex::new(None),
        panicked: AtomicBool::new(false),
    });
    let mut handles = Vec::new();
    for worker in 0..count {
        let shared = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name(format!("netform-{}", worker + 1));
        match thread.spawn(move || work(&shared, worker)) {
            Ok(handle) => handles.push(handle),
            Err(_) => break,
        }
    }
    Workers {
        shared,
        threads: handles.iter().map(|h| h.thread().clone()).collect(),
        handles,
    }
}

/// The main loop of a worker.
fn work(shared: &Shared, worker: usize) {
    let parked = &shared.parked[worker];
    let mut seen = 0;
    loop {
        let mut turns = 0;
        let region = loop {
            let region = shared.claim.0.load(Ordering::Acquire) >> PART_BITS;
            if region != seen {
                break region;
            }
            if shared.stop.load(Ordering::Relaxed) {
                return;
            }
            turns += 1;
            if turns < SPINS {
                std::hint::spin_loop();
                continue;
            }
            // The caller publishes a region and then reads `parked`; this thread does both in the opposite order. One
            // of them sees the other, so no region is missed.
            parked.store(true, Ordering::SeqCst);
            while shared.claim.0.load(Ordering::SeqCst) >> PART_BITS == seen
                && !shared.stop.load(Ordering::SeqCst)
            {
                std::thread::park();
            }
            parked.store(false, Ordering::SeqCst);
            turns = 0;
        };
        seen = region;
        shared.help(region);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pool: &Pool, parts: usize) -> Vec<usize> {
        let counts: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
        pool.run(parts, |part| {
            counts[part].fetch_add(1, Ordering::Relaxed);
        });
        counts.iter().map(|c| c.load(Ordering::Relaxed)).collect()
    }

    #[test]
    fn every_part_once() {
        for size in 1..5 {
            let pool = Pool::new(size);
            for parts in [0, 1, 2, 3, 7, 100] {
                assert_eq!(counts(&pool, parts), vec![1; parts]);
            }
        }
    }

    /// A worker that is late from a small region must not take a part of a larger one that the caller is about to
    /// publish.
    #[test]
    fn late_workers_of_a_small_region_take_nothing_of_the_next() {
        for size in [2, 8] {
            let pool = Pool::new(size);
            let counts: Vec<AtomicUsize> = (0..40).map(|_| AtomicUsize::new(0)).collect();
            for round in 1..=100_000 {
                pool.run(2, |_| (0..20).for_each(|_| std::hint::spin_loop()));
                pool.run(counts.len(), |part| {
                    counts[part].fetch_add(1, Ordering::Relaxed);
                });
                let mut all = counts.iter().map(|c| c.load(Ordering::Relaxed));
                assert!(all.all(|n| n == round), "{size} threads, round {round}");
            }
        }
    }

    #[test]
    fn concurrent_and_nested_callers() {
        let pool = Pool::new(3);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        assert_eq!(counts(&pool, 5), vec![1; 5]);
                    }
                });
            }
        });
        let total = AtomicUsize::new(0);
        pool.run(4, |_| {
            pool.run(4, |_| {
                total.fetch_add(1, Ordering::Relaxed);
            });
        });
        assert_eq!(total.into_inner(), 16);
    }

    #[test]
    fn wakes_parked_workers() {
        let pool = Pool::new(2);
        for _ in 0..20 {
            assert_eq!(counts(&pool, 2), [1, 1]);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_leaves_the_pool_usable() {
        let pool = Pool::new(2);
        for bad in 0..4 {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                pool.run(4, |part| {
                    if part == bad {
                        resume_unwind(Box::new("part"));
                    }
                });
            }));
            assert!(caught.is_err());
            assert_eq!(counts(&pool, 4), [1; 4]);
        }
    }
}
