//! A hook for tests: the process ends at a named step, without any of the work that follows, as after `kill -9`.
//!
//! The steps are compiled in always, so that what is tested is what runs. They do nothing unless the variable
//! [`VARIABLE`] names one of them: `TERN_CRASH_AT=main-node/executed`, or `TERN_CRASH_AT=main-node/executed:3` for the
//! third time that it is reached. A name is `role/what-has-just-happened`.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable that names the step.
const VARIABLE: &str = "TERN_CRASH_AT";

/// The step at which to end.
#[derive(Debug)]
struct Chosen {
    step: String,
    /// How often it must still be reached.
    rest: AtomicU32,
}

impl Chosen {
    fn parse(text: &str) -> Option<Self> {
        let (step, count) = match text.rsplit_once(':') {
            None => (text, 1),
            Some((step, count)) => (step, count.parse().ok()?),
        };
        (!step.is_empty() && count > 0).then(|| Self {
            step: step.to_owned(),
            rest: AtomicU32::new(count),
        })
    }

    fn is_reached(&self, step: &str) -> bool {
        self.step == step && self.rest.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// Ends the process if this step is the one that the environment names. No destructor, handler or buffer is run
/// or written; what the operating system has not been given is lost.
pub fn crash_point(step: &str) {
    static CHOSEN: OnceLock<Option<Chosen>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| Chosen::parse(&std::env::var(VARIABLE).ok()?));
    if chosen
        .as_ref()
        .is_some_and(|chosen| chosen.is_reached(step))
    {
        let _ = writeln!(std::io::stderr(), "{VARIABLE}: the process ends at {step}");
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_reached_at_its_first_or_named_time() {
        let first = Chosen::parse("role/step").unwrap();
        assert!(!first.is_reached("role/other"));
        assert!(first.is_reached("role/step"));
        let third = Chosen::parse("role/step:3").unwrap();
        assert_eq!(
            [(); 4].map(|()| third.is_reached("role/step")),
            [false, false, true, false]
        );
    }

    #[test]
    fn what_names_no_step_is_none() {
        for text in ["", ":1", "role/step:0", "role/step:often"] {
            assert!(Chosen::parse(text).is_none(), "{text}");
        }
    }
}
