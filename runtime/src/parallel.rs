//! `parallel_for`: parts numbered 0..n in, all of them done when it returns.
//!
//! Parts go to threads in a fixed round (part p to thread p mod threads); nothing is allocated per
//! call. Workers are started by the first call that needs them, wait for work by spinning briefly
//! and then park. Whoever finds the pool busy runs its parts alone, so calls from many threads and
//! calls from inside a part are both in order. A kernel's parts depend on the problem alone
//! wherever the split could change a result, so results do not depend on the number of threads.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{JoinHandle, Thread};

/// Turns of a waiting loop before a worker parks: some tens of microseconds.
const SPINS: u32 = 1_000;

/// Where one worker looks for work; alone on its cache lines.
#[derive(Default)]
#[repr(align(128))]
struct Door {
    /// Raised by one for every region that this worker takes part in.
    calls: AtomicU32,
    /// The worker sleeps, or is about to.
    parked: AtomicBool,
}

/// One region's work: a borrowed closure with its type forgotten.
#[derive(Clone, Copy)]
struct Job {
    data: *const (),
    call: unsafe fn(*const (), usize),
    parts: usize,
    step: usize,
}

struct Shared {
    doors: Box<[Door]>,
    /// Written by the owner of `busy` while no worker reads.
    job: UnsafeCell<Job>,
    /// Workers that have not finished the present region.
    left: AtomicUsize,
    stop: AtomicBool,
    panicked: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `job` is written only by the owner of `Pool::busy`, while `left` is 0; workers read it
// between the release of their door's call and their release of `left`. Its pointer is to a
// closure that is `Sync` and outlives the region.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

struct Crew {
    shared: Arc<Shared>,
    threads: Vec<Thread>,
    handles: Vec<JoinHandle<()>>,
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for thread in &self.threads {
            thread.unpark();
        }
        for handle in self.handles.drain(..) {
            // A worker's panics were caught; there is nothing to learn from the result.
            let _ = handle.join();
        }
    }
}

/// A fixed number of threads, the caller's among them.
pub(crate) struct Pool {
    size: usize,
    busy: AtomicBool,
    crew: OnceLock<Crew>,
}

impl Pool {
    /// A pool of `size` threads (at least 1); none is started yet.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size: size.max(1),
            busy: AtomicBool::new(false),
            crew: OnceLock::new(),
        }
    }

    /// Number of threads, the caller's among them.
    #[inline(always)]
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Calls `f(0), .., f(parts - 1)`, each once, on up to `size` threads.
    #[inline]
    pub(crate) fn run<T: Fn(usize) + Sync>(&self, parts: usize, f: T) {
        if parts < 2 || self.size < 2 || self.busy.swap(true, Ordering::Acquire) {
            for part in 0..parts {
                f(part);
            }
            return;
        }
        unsafe fn call<T: Fn(usize)>(data: *const (), part: usize) {
            // SAFETY: `data` is the closure of the region, which has not returned yet.
            unsafe { (*data.cast::<T>())(part) }
        }
        let job = Job {
            data: (&raw const f).cast(),
            call: call::<T>,
            parts,
            step: self.size.min(parts),
        };
        let busy = Busy(&self.busy);
        self.region(job, &|part| f(part));
        drop(busy);
    }

    fn region(&self, mut job: Job, f: &dyn Fn(usize)) {
        let crew = self.crew.get_or_init(|| hire(self.size - 1));
        // The system may have refused some threads.
        job.step = job.step.min(crew.threads.len() + 1);
        let shared = &*crew.shared;
        // SAFETY: this thread owns `busy` and no region is under way.
        unsafe { *shared.job.get() = job };
        shared.left.store(job.step - 1, Ordering::Relaxed);
        shared.panicked.store(false, Ordering::Relaxed);
        for (door, thread) in shared.doors.iter().zip(&crew.threads).take(job.step - 1) {
            door.calls.fetch_add(1, Ordering::SeqCst);
            if door.parked.load(Ordering::SeqCst) {
                thread.unpark();
            }
        }
        // Waits even when a part of this thread panics: the workers hold references to `f`.
        let wait = Wait(shared);
        for part in (0..job.parts).step_by(job.step) {
            f(part);
        }
        drop(wait);
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

struct Busy<'a>(&'a AtomicBool);
impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

struct Wait<'a>(&'a Shared);
impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let mut turns = 0u32;
        while self.0.left.load(Ordering::Acquire) != 0 {
            turns = turns.saturating_add(1);
            if turns < SPINS {
                std::hint::spin_loop()
            } else {
                std::thread::yield_now()
            }
        }
    }
}

/// Starts up to `count` workers; fewer when the system refuses.
#[cold]
fn hire(count: usize) -> Crew {
    unsafe fn nothing(_: *const (), _: usize) {}
    let shared = Arc::new(Shared {
        doors: (0..count).map(|_| Door::default()).collect(),
        job: UnsafeCell::new(Job {
            data: std::ptr::null(),
            call: nothing,
            parts: 0,
            step: 1,
        }),
        left: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        panicked: AtomicBool::new(false),
        panic: Mutex::new(None),
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
    Crew {
        shared,
        threads: handles.iter().map(|h| h.thread().clone()).collect(),
        handles,
    }
}

/// A worker's life.
fn work(shared: &Shared, worker: usize) {
    let door = &shared.doors[worker];
    let mut done = 0;
    loop {
        let mut turns = 0;
        while door.calls.load(Ordering::Acquire) == done {
            if shared.stop.load(Ordering::Relaxed) {
                return;
            }
            turns += 1;
            if turns < SPINS {
                std::hint::spin_loop();
                continue;
            }
            // The caller raises `calls` and then looks at `parked`, this thread the other way
            // round: one of them sees the other, so no call is slept through.
            door.parked.store(true, Ordering::SeqCst);
            while door.calls.load(Ordering::SeqCst) == done && !shared.stop.load(Ordering::SeqCst) {
                std::thread::park();
            }
            door.parked.store(false, Ordering::SeqCst);
        }
        done = done.wrapping_add(1);
        // SAFETY: the call was released after the job was written, and the job stays until `left`.
        let job = unsafe { *shared.job.get() };
        let result = catch_unwind(AssertUnwindSafe(|| {
            for part in (worker + 1..job.parts).step_by(job.step) {
                // SAFETY: the closure lives until `left` reaches 0.
                unsafe { (job.call)(job.data, part) };
            }
        }));
        if let Err(panic) = result {
            *shared.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
            shared.panicked.store(true, Ordering::Relaxed);
        }
        shared.left.fetch_sub(1, Ordering::Release);
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

    /// `cargo test --release -- --ignored --nocapture empty_region`
    #[test]
    #[ignore = "a measurement"]
    fn empty_region() {
        for size in [1, 2] {
            let pool = Pool::new(size);
            let mut times: Vec<u128> = (0..10_000)
                .map(|_| {
                    let start = std::time::Instant::now();
                    pool.run(2, |part| {
                        std::hint::black_box(part);
                    });
                    start.elapsed().as_nanos()
                })
                .collect();
            times.sort_unstable();
            println!(
                "{size} thread(s): median {} ns, 99th percentile {} ns",
                times[5_000], times[9_900]
            );
        }
    }
}
