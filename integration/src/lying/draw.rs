//! Draws lies.

use std::collections::BTreeMap;

use ethereum_types::U256;
use evm_arithmetization::generation::stand_in::Area;
use rand::Rng;
use rand::seq::SliceRandom;

use super::liar::{Lie, Moment, Twist};
use super::scene::{AREAS, Asked, Scene};
use super::tries::{Edit, Side};
use super::{lists, nodes};

const SIDES: [Side; 3] = [Side::Lists, Side::State, Side::Both];

/// Twists that mean something nearly everywhere: nothing, one off, far off, and the same in the low or high bits.
fn twists() -> Vec<Twist> {
    let bit = |bit: usize| U256::one() << bit;
    let minus = |value: u64| U256::MAX - U256::from(value - 1);
    let added = [
        1.into(),
        2.into(),
        3.into(),
        4.into(),
        5.into(),
        8.into(),
        31.into(),
        32.into(),
        minus(1),
        minus(2),
        minus(4),
        minus(5),
        minus(32),
        bit(32),
        bit(64),
        bit(128),
        bit(255),
    ];
    let set = [U256::zero(), U256::one(), 2.into(), 4.into(), U256::MAX];
    let set = set.into_iter().map(Twist::Set);
    set.chain(added.into_iter().map(Twist::Add)).collect()
}

fn twist(rng: &mut impl Rng, pool: &[U256]) -> Twist {
    match rng.gen_range(0..10) {
        0..5 => *twists().choose(rng).expect("there are some"),
        5..8 => match pool.choose(rng) {
            Some(other) => Twist::Set(*other),
            None => Twist::Set(U256::zero()),
        },
        8 => Twist::Add(U256::from(rng.gen_range(0..200_u64)) << rng.gen_range(0..256)),
        _ => Twist::Set(U256(rng.r#gen())),
    }
}

/// Lies about a scene: one, or up to four together.
pub fn draw(scene: &Scene, rng: &mut impl Rng) -> Vec<Lie> {
    let number = match rng.gen_range(0..10) {
        0..7 => 1,
        _ => rng.gen_range(2..5),
    };
    (0..number).flat_map(|_| one(scene, rng)).collect()
}

/// One lie, which may take several cells.
fn one(scene: &Scene, rng: &mut impl Rng) -> Vec<Lie> {
    let form = match rng.gen_range(0..24) {
        0..9 => None,
        9..14 => return vec![cell(scene, rng)],
        14 => code(scene, rng).map(|lie| vec![lie]),
        15..20 => {
            let side = *SIDES.choose(rng).expect("three");
            let edit = edit(scene, rng);
            return vec![Lie::Tries { side, edit }];
        }
        20..22 => {
            let area = *[Area::Accounts, Area::Storage].choose(rng).expect("two");
            lists::lies(scene, area).choose(rng).cloned()
        }
        _ => nodes::lies(scene).choose(rng).cloned(),
    };
    form.unwrap_or_else(|| vec![answer(scene, rng)])
}

/// Where each function is asked for: those that are asked for rarely are not drowned by the others.
fn by_site(questions: &[Asked]) -> BTreeMap<(&str, usize), Vec<usize>> {
    let mut sites: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, asked) in questions.iter().enumerate() {
        let site = (asked.function.as_str(), asked.pc);
        sites.entry(site).or_default().push(index);
    }
    sites
}

fn answer(scene: &Scene, rng: &mut impl Rng) -> Lie {
    let questions = &scene.record.questions;
    let sites: Vec<_> = by_site(questions).into_values().collect();
    let site = sites.choose(rng).expect("something is asked");
    let pool: Vec<U256> = site.iter().map(|index| questions[*index].honest).collect();
    Lie::Answer {
        question: *site.choose(rng).expect("a site has questions"),
        twist: twist(rng, &pool),
    }
}

fn cell(scene: &Scene, rng: &mut impl Rng) -> Lie {
    let record = &scene.record;
    let (moment, area, values) = match &record.state {
        Some((question, values)) if rng.gen_bool(0.5) => {
            (Moment::Question(*question), Area::TrieData, values)
        }
        _ => {
            let which = rng.gen_range(0..AREAS.len());
            (Moment::Before, AREAS[which], &record.before[which])
        }
    };
    let base = area.base();
    let places = (0..values.len()).step_by(area.node_len());
    let mut pool = values.clone();
    pool.extend(places.map(|index| U256::from(base + index)));
    Lie::Cell {
        moment,
        area,
        // Cells behind the last are free as well.
        index: rng.gen_range(0..values.len() + 8),
        twist: twist(rng, &pool),
    }
}

fn code(scene: &Scene, rng: &mut impl Rng) -> Option<Lie> {
    let (question, len) = *scene.record.codes.choose(rng)?;
    Some(Lie::Code {
        question,
        index: rng.gen_range(0..len + 40),
        byte: rng.r#gen(),
    })
}

/// Keys that the kernel asks for.
fn keys(scene: &Scene) -> (Vec<U256>, Vec<[U256; 2]>) {
    let asked = scene.record.questions.iter();
    let asked = asked.filter(|asked| asked.function.starts_with("linked_list"));
    let (mut accounts, mut slots) = (Vec::new(), Vec::new());
    for asked in asked {
        accounts.push(asked.top[0]);
        if asked.function.contains("slot") {
            slots.push(asked.top);
        }
    }
    (accounts, slots)
}

fn edit(scene: &Scene, rng: &mut impl Rng) -> Edit {
    let (accounts, slots) = keys(scene);
    let key = accounts.choose(rng).copied().unwrap_or_default();
    let value = *[
        U256::zero(),
        U256::one(),
        7.into(),
        U256::one() << 100,
        U256::one() << 255,
    ]
    .choose(rng)
    .expect("five");
    let [account, slot] = match slots.choose(rng) {
        Some(slot) if rng.gen_bool(0.5) => *slot,
        _ => {
            return match rng.gen_range(0..4) {
                0 => Edit::HideAccount {
                    key,
                    depth: rng.gen_range(0..4),
                },
                1 => Edit::DropAccount { key },
                2 => Edit::Balance {
                    key,
                    balance: value,
                },
                _ => Edit::Nonce { key, nonce: value },
            };
        }
    };
    match rng.gen_range(0..3) {
        0 => Edit::HideSlot {
            account,
            slot,
            depth: rng.gen_range(0..3),
        },
        1 => Edit::DropSlot { account, slot },
        _ => Edit::Slot {
            account,
            slot,
            value,
        },
    }
}

/// Each answer and each pre-initialised cell with `each` twists, every byte of the codes, every entry of the lists and
/// every node of the tries with all that can be wrong with it, and all edits of the tries of which they are made; in the
/// order of their questions.
pub fn everything(scene: &Scene, each: usize) -> Vec<Vec<Lie>> {
    let record = &scene.record;
    // All twists have their turn from place to place; those that change nothing are left out.
    let mut turn = twists().into_iter().cycle();
    let mut twists = |value: U256, lie: &dyn Fn(Twist) -> Lie| -> Vec<Vec<Lie>> {
        let twists = turn.by_ref().filter(|twist| twist.of(value) != value);
        twists.take(each).map(|twist| vec![lie(twist)]).collect()
    };
    let mut lies = Vec::new();
    for (question, asked) in record.questions.iter().enumerate() {
        lies.extend(twists(asked.honest, &|twist| Lie::Answer {
            question,
            twist,
        }));
    }
    let before = AREAS.into_iter().zip(&record.before);
    let before = before.map(|(area, values)| (Moment::Before, area, values));
    let state = record.state.iter();
    let state = state.map(|(at, values)| (Moment::Question(*at), Area::TrieData, values));
    for (moment, area, values) in before.chain(state) {
        let behind = [U256::zero(); 8];
        for (index, &value) in values.iter().chain(&behind).enumerate() {
            lies.extend(twists(value, &|twist| Lie::Cell {
                moment,
                area,
                index,
                twist,
            }));
        }
    }
    for &(question, len) in &record.codes {
        // The last word is filled up with zeros, and one more follows.
        for index in 0..len + 33 {
            let byte = if index % 2 == 0 { 0x5b } else { 0xff };
            lies.push(vec![Lie::Code {
                question,
                index,
                byte,
            }]);
        }
    }
    lies.extend(
        [Area::Accounts, Area::Storage]
            .iter()
            .flat_map(|area| lists::lies(scene, *area)),
    );
    lies.extend(nodes::lies(scene));
    for side in SIDES {
        let edits = edits(scene).into_iter();
        lies.extend(edits.map(|edit| vec![Lie::Tries { side, edit }]));
    }
    lies.sort_by_key(|lies| lies.iter().map(Lie::question).min());
    lies
}

/// All edits of what the kernel asks for, and of keys beside it.
fn edits(scene: &Scene) -> Vec<Edit> {
    let (mut accounts, mut slots) = keys(scene);
    accounts.sort();
    accounts.dedup();
    slots.sort();
    slots.dedup();
    let beside = |key: U256| key.overflowing_add(U256::one()).0;
    let value = U256::one() << 100;
    let mut edits = Vec::new();
    for key in accounts {
        edits.extend((0..4).map(|depth| Edit::HideAccount { key, depth }));
        edits.push(Edit::DropAccount { key });
        for key in [key, beside(key)] {
            edits.push(Edit::Balance {
                key,
                balance: value,
            });
            edits.push(Edit::Nonce { key, nonce: value });
        }
    }
    for [account, slot] in slots {
        edits.extend((0..3).map(|depth| Edit::HideSlot {
            account,
            slot,
            depth,
        }));
        edits.push(Edit::DropSlot { account, slot });
        for slot in [slot, beside(slot)] {
            edits.push(Edit::Slot {
                account,
                slot,
                value,
            });
        }
    }
    edits
}
