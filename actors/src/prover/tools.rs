//! What proves.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::B256;
use tern_messages::{Job, JobProgress, Proof, TransactionBatch};
use tern_proving::{Profile, Progress, ProvingCircuits, ProvingError};

/// Told what step begins.
pub type OnStep<'a> = &'a (dyn Fn(JobProgress) + Sync);

/// Makes tools. Called on a blocking thread; may take minutes, and is asked again after a restart.
pub trait Workshop: Send + Sync + 'static {
    /// Name of the profile.
    fn profile(&self) -> &'static str;

    /// Makes the tools, or returns those that were made before.
    ///
    /// # Errors
    /// If they cannot be made, now or ever.
    fn tools(&self, step: OnStep<'_>) -> Result<Arc<dyn Tools>, ProvingError>;
}

/// Runs jobs. Called on a blocking thread.
pub trait Tools: Send + Sync + 'static {
    /// Version of the circuits.
    fn circuits_version(&self) -> B256;

    /// Runs a job; returns soon after `abort` is raised.
    ///
    /// # Errors
    /// See [`ProvingError`].
    fn prove(
        &self,
        job: &Job,
        input: Option<&TransactionBatch>,
        children: &[Proof],
        abort: Arc<AtomicBool>,
        step: OnStep<'_>,
    ) -> Result<Proof, ProvingError>;
}

/// The circuits of a profile, built once in a process, with the threads that use them.
pub struct Circuits {
    profile: Profile,
    threads: Option<usize>,
    built: Mutex<Option<Arc<dyn Tools>>>,
}

impl Circuits {
    /// Circuits that will be built when they are first wanted, and used on so many threads (without a number,
    /// one for each core).
    pub fn new(profile: Profile, threads: Option<usize>) -> Self {
        Self {
            profile,
            threads,
            built: Mutex::new(None),
        }
    }
}

impl Workshop for Circuits {
    fn profile(&self) -> &'static str {
        self.profile.name()
    }

    fn tools(&self, step: OnStep<'_>) -> Result<Arc<dyn Tools>, ProvingError> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tools) = &*built {
            return Ok(Arc::clone(tools));
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads.unwrap_or(0))
            .thread_name(|index| format!("prover-{index}"))
            .build()
            .expect("threads can be started");
        let circuits =
            pool.install(|| ProvingCircuits::build(self.profile, &|at| step(converted(at))))?;
        let tools: Arc<dyn Tools> = Arc::new(Bench { pool, circuits });
        *built = Some(Arc::clone(&tools));
        Ok(tools)
    }
}

struct Bench {
    pool: rayon::ThreadPool,
    circuits: ProvingCircuits,
}

impl Tools for Bench {
    fn circuits_version(&self) -> B256 {
        self.circuits.circuits_version()
    }

    fn prove(
        &self,
        job: &Job,
        input: Option<&TransactionBatch>,
        children: &[Proof],
        abort: Arc<AtomicBool>,
        step: OnStep<'_>,
    ) -> Result<Proof, ProvingError> {
        self.pool.install(|| {
            self.circuits
                .prove(job, input, children, abort, &|at| step(converted(at)))
        })
    }
}

fn converted(Progress { step, done, total }: Progress) -> JobProgress {
    JobProgress { step, done, total }
}
