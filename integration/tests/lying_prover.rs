//! The machine's kernel believes no prover: answers and pre-initialised memory are changed, alone and together, and
//! every run stops or ends as the honest one does.
//!
//! In the environment: `LIES` is the number of lies to draw, or `all` for one at every answer, cell and byte of code, and
//! every kind for lists and tries; `LIES_SEED` is where to begin.

use std::sync::{Mutex, OnceLock};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use tern_integration::lying::{self, Lie, Scene, Tally, Verdict, draw, everything};
use tern_integration::vectors::say;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As many as two cores try in some minutes.
const LIES: u64 = 500;
/// Honest runs that are longer are left out.
const LONGEST: usize = 300_000;
/// Twists of each answer and of each cell in `LIES=all`.
const EACH: usize = 1;
/// So many lies in a row share the beginning of an honest run.
const SHARED: usize = 64;

fn scenes() -> &'static [Scene] {
    static SCENES: OnceLock<Vec<Scene>> = OnceLock::new();
    SCENES.get_or_init(|| lying::scenes(LONGEST).unwrap())
}

/// What became of the lies.
#[derive(Default)]
struct Outcomes {
    tally: Mutex<Tally>,
    forged: Mutex<Vec<String>>,
}

impl Outcomes {
    fn add(&self, scene: &Scene, lies: &[Lie], verdict: &Verdict, seed: Option<u64>) {
        self.tally.lock().unwrap().add(verdict);
        if let Verdict::Forged(claims) = verdict {
            let seed = seed
                .map(|seed| format!("seed {seed}, "))
                .unwrap_or_default();
            let text = format!("{seed}{}: {lies:?}\n  claims {claims:?}", scene.name);
            say(&format!("FORGED, {text}"));
            self.forged.lock().unwrap().push(text);
        }
    }
}

#[test]
fn no_lie_changes_the_outcome() {
    let scenes = scenes();
    say(&format!("lying prover: {} scenes", scenes.len()));
    let outcomes = Outcomes::default();
    if std::env::var("LIES").is_ok_and(|lies| lies == "all") {
        for scene in scenes {
            everything(scene, EACH).par_chunks(SHARED).for_each(|lies| {
                scene.lie_each(lies, |lies, verdict| {
                    outcomes.add(scene, lies, &verdict, None);
                });
            });
            say(&format!(
                "{}: {}",
                scene.name,
                outcomes.tally.lock().unwrap()
            ));
        }
    } else {
        let number =
            |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
        let first = number("LIES_SEED", 0);
        (first..first + number("LIES", LIES))
            .into_par_iter()
            .for_each(|seed| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                let scene = scenes.choose(&mut rng).unwrap();
                let lies = draw(scene, &mut rng);
                outcomes.add(scene, &lies, &scene.lie(&lies), Some(seed));
            });
    }
    let tally = outcomes.tally.into_inner().unwrap();
    say(&format!("lying prover: {tally}"));
    let forged = outcomes.forged.into_inner().unwrap();
    assert!(forged.is_empty(), "{}", forged.join("\n"));
}

/// Lies that share a beginning end as they do alone.
#[test]
fn what_comes_before_a_lie_is_the_same_for_all() {
    let scenes = scenes();
    let shortest = scenes.iter().min_by_key(|scene| scene.cycles).unwrap();
    let all = everything(shortest, EACH);
    let some: Vec<_> = all.into_iter().step_by(SHARED).collect();
    let mut told_later = 0;
    shortest.lie_each(&some, |lies, verdict| {
        told_later += usize::from(lies.iter().all(|lie| lie.question() > Some(0)));
        assert_eq!(verdict, shortest.lie(lies), "{lies:?}");
    });
    assert!(told_later > 10, "{told_later} of {}", some.len());
}
