//! The machine's kernel believes no prover: answers and pre-initialised memory are changed, alone and together, and
//! every run stops or ends as the honest one does.
//!
//! In the environment: `LIES` is the number of lies to draw, or `all` for every place and every kind;
//! `LIES_SEED` is where to begin.

use std::sync::Mutex;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use tern_integration::lying::{Lie, Scene, Tally, Verdict, draw, everything, scenes};
use tern_integration::vectors::say;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As many as two cores try in some minutes.
const LIES: u64 = 500;
/// Honest runs that are longer are left out.
const LONGEST: usize = 300_000;
/// Twists of each answer and of each cell in `LIES=all`.
const EACH: usize = 1;

#[test]
fn no_lie_changes_the_outcome() {
    let scenes = scenes(LONGEST).unwrap();
    say(&format!("lying prover: {} scenes", scenes.len()));
    let tally = Mutex::new(Tally::default());
    let forged = Mutex::new(Vec::new());
    let tell = |scene: &Scene, lies: &[Lie], seed: Option<u64>| {
        let verdict = scene.lie(lies);
        tally.lock().unwrap().add(&verdict);
        if let Verdict::Forged(claims) = verdict {
            let seed = seed
                .map(|seed| format!("seed {seed}, "))
                .unwrap_or_default();
            let text = format!("{seed}{}: {lies:?}\n  claims {claims:?}", scene.name);
            say(&format!("FORGED, {text}"));
            forged.lock().unwrap().push(text);
        }
    };
    if std::env::var("LIES").is_ok_and(|lies| lies == "all") {
        for scene in &scenes {
            let lies = everything(scene, EACH);
            lies.into_par_iter()
                .for_each(|lies| tell(scene, &lies, None));
            say(&format!("{}: {}", scene.name, tally.lock().unwrap()));
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
                tell(scene, &draw(scene, &mut rng), Some(seed));
            });
    }
    say(&format!("lying prover: {}", tally.into_inner().unwrap()));
    let forged = forged.into_inner().unwrap();
    assert!(forged.is_empty(), "{}", forged.join("\n"));
}
