//! No virtual target of a circuit is free.
//!
//! A virtual target is a place in the witness without a wire of its own: what holds of it is what the gates say of the
//! wires that are connected with it. It is free if no wire is; or if all that they say is what comes of it, and nobody
//! asks what comes of it. Constraints of this kind are taken away, as long as there are any:
//!
//! ```text
//! x (virtual) ──► x² = y ──► y + 1 = z     nothing else depends on z: taken away
//!                                          now nothing else depends on y: taken away, and x is free
//! ```
//!
//! A free target is none that is chosen freely, as a proof's elements are, of which the constraints ask something.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Debug};

use evm_arithmetization::all_stark::{AllStark, Table};
use plonky2::field::extension::Extendable;
use plonky2::field::types::{Field, PrimeField64, Sample};
use plonky2::gates::gate::GateRef;
use plonky2::hash::hash_types::HashOut;
use plonky2::iop::target::Target;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::config::GenericConfig;
use plonky2::plonk::vars::EvaluationVars;

use super::circuits;
use crate::circuits::tables::TableCircuits;
use crate::circuits::{Builder, C, D, F};
use crate::profile::{self, Profile};

type Extension = <F as Extendable<D>>::Extension;

/// What a constraint of a gate depends on: columns, each with whether always in the same proportion.
type Support = Vec<(usize, bool)>;

/// The constraints of a circuit, all rows together.
struct Constraints<'a> {
    /// By kind of row, each constraint.
    kinds: Vec<Vec<Support>>,
    /// The kind of each row.
    rows: Vec<usize>,
    /// For each wire, and after them for each virtual target, one of those that are connected.
    classes: &'a [usize],
    wires: usize,
}

/// A row and one of its constraints.
type Place = (usize, usize);

/// How many constraints depend on connected wires; of one, which it is.
#[derive(Clone, Copy, Default)]
struct Uses {
    count: usize,
    /// Combined by exclusive or.
    places: [usize; 2],
}

impl Uses {
    fn add(&mut self, (row, constraint): Place) {
        self.count += 1;
        self.toggle(row, constraint);
    }

    fn remove(&mut self, (row, constraint): Place) {
        self.count -= 1;
        self.toggle(row, constraint);
    }

    fn toggle(&mut self, row: usize, constraint: usize) {
        self.places[0] ^= row;
        self.places[1] ^= constraint;
    }
}

impl<'a> Constraints<'a> {
    fn of<Config: GenericConfig<D, F = F>>(circuit: &'a CircuitData<F, Config, D>) -> Self {
        let (common, prover) = (&circuit.common, &circuit.prover_only);
        assert!(common.luts.is_empty(), "no circuit has lookups");
        let polynomials = &prover.constants_sigmas_commitment.polynomials[..common.num_constants];
        let columns: Vec<Vec<F>> = (polynomials.iter())
            .map(|polynomial| polynomial.clone().fft().values)
            .collect();
        let (selectors, constants) = columns.split_at(common.selectors_info.num_selectors());
        let mut kinds = Vec::new();
        let mut known = HashMap::new();
        let rows = (0..common.degree()).map(|row| {
            let gate = selectors
                .iter()
                .map(|column| column[row].to_canonical_u64());
            let gate = gate
                .map(|gate| gate as usize)
                .find(|&gate| gate < common.gates.len());
            let gate = gate.expect("each row has a gate");
            let constants: Vec<F> = constants.iter().map(|column| column[row]).collect();
            let zeros: Vec<bool> = constants.iter().map(F::is_zero).collect();
            *known.entry((gate, zeros)).or_insert_with(|| {
                let gate = &common.gates[gate];
                kinds.push(supports(gate, &constants, common.config.num_wires));
                kinds.len() - 1
            })
        });
        let rows = rows.collect();
        Self {
            kinds,
            rows,
            classes: &prover.representative_map,
            wires: common.config.num_wires,
        }
    }

    /// What a constraint depends on: connected wires, each with whether there is one of them alone, always in the same
    /// proportion.
    fn depends(&self, (row, constraint): Place) -> BTreeMap<usize, bool> {
        let mut classes = BTreeMap::new();
        for &(column, proportional) in &self.kinds[self.rows[row]][constraint] {
            let class = self.classes[row * self.wires + column];
            let alone = classes.insert(class, proportional).is_none();
            if !alone {
                classes.insert(class, false);
            }
        }
        classes
    }

    /// For each wire and target that stands for those that are connected, the constraints that are not taken away.
    fn uses(&self) -> Vec<Uses> {
        let mut uses = vec![Uses::default(); self.classes.len()];
        for (row, &kind) in self.rows.iter().enumerate() {
            for constraint in 0..self.kinds[kind].len() {
                for class in self.depends((row, constraint)).into_keys() {
                    uses[class].add((row, constraint));
                }
            }
        }
        let mut once: Vec<usize> = (0..uses.len())
            .filter(|&class| uses[class].count == 1)
            .collect();
        while let Some(result) = once.pop() {
            let Uses {
                count: 1,
                places: [row, constraint],
            } = uses[result]
            else {
                continue;
            };
            let depends = self.depends((row, constraint));
            // What depends on nothing else is given.
            if depends.len() > 1 && depends[&result] {
                for class in depends.into_keys() {
                    uses[class].remove((row, constraint));
                    if uses[class].count == 1 {
                        once.push(class);
                    }
                }
            }
        }
        uses
    }
}

/// What the constraints of a gate depend on. They are polynomials: random values show it.
fn supports(gate: &GateRef<F, D>, constants: &[F], wires: usize) -> Vec<Support> {
    let constants: Vec<Extension> = constants.iter().map(|&constant| constant.into()).collect();
    let public_inputs_hash = HashOut::rand();
    let evaluate = |wires: &[Extension]| {
        gate.0.eval_unfiltered(EvaluationVars {
            local_constants: &constants,
            local_wires: wires,
            public_inputs_hash: &public_inputs_hash,
        })
    };
    let places = [(); 2].map(|()| Extension::rand_vec(wires));
    let values = places.each_ref().map(|place| evaluate(place));
    let mut supports = vec![Support::new(); values[0].len()];
    for column in 0..wires {
        let moved = places.each_ref().map(|place| {
            let mut place = place.clone();
            place[column] += Extension::ONE;
            evaluate(&place)
        });
        for (constraint, support) in supports.iter_mut().enumerate() {
            let [here, there] = [0, 1].map(|i| moved[i][constraint] - values[i][constraint]);
            if here.is_nonzero() || there.is_nonzero() {
                support.push((column, here == there));
            }
        }
    }
    supports
}

/// The virtual targets that are free, by their numbers.
fn free<Config: GenericConfig<D, F = F>>(circuit: &CircuitData<F, Config, D>) -> Vec<usize> {
    let constraints = Constraints::of(circuit);
    let uses = constraints.uses();
    let (_, targets) = constraints
        .classes
        .split_at(constraints.rows.len() * constraints.wires);
    (0..targets.len())
        .filter(|&target| uses[targets[target]].count == 0)
        .collect()
}

/// Free targets, as ranges of numbers.
fn ranges(free: &[usize]) -> Vec<(usize, usize)> {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &target in free {
        match ranges.last_mut() {
            Some((_, end)) if *end + 1 == target => *end = target,
            _ => ranges.push((target, target)),
        }
    }
    ranges
}

/// Targets of a small circuit, and which of them are free.
fn free_among(build: impl Fn(&mut Builder) -> Vec<Target>) -> Vec<bool> {
    let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
    let targets = build(&mut builder);
    let free = free(&builder.build::<C>());
    let is_free = |target: &Target| match target {
        Target::VirtualTarget { index } => free.contains(index),
        Target::Wire(_) => false,
    };
    targets.iter().map(is_free).collect()
}

#[test]
fn a_target_of_which_no_constraint_speaks_is_free() {
    let found = free_among(|builder| {
        let [hint, other, answer] = [(); 3].map(|()| builder.add_virtual_target());
        builder.connect(hint, other);
        // A generator may use it all the same.
        builder.generate_copy(hint, answer);
        builder.register_public_input(answer);
        vec![hint, other, answer]
    });
    assert_eq!(found, [true, true, false]);
}

#[test]
fn a_target_is_free_if_nobody_asks_what_comes_of_it() {
    let found = free_among(|builder| {
        let [x, y, z] = [(); 3].map(|()| builder.add_virtual_target());
        let square = builder.square(x);
        let sum = builder.add(square, y);
        builder.add_const(sum, F::TWO);
        // A number that has so many bits, of which nothing else is asked.
        builder.range_check(z, 10);
        vec![x, y, z]
    });
    assert_eq!(found, [true; 3]);
}

#[test]
fn a_target_is_not_free_if_something_is_asked_of_what_comes_of_it() {
    let found = free_among(|builder| {
        let [x, y, root, constant] = [(); 4].map(|()| builder.add_virtual_target());
        let product = builder.mul(x, y);
        builder.register_public_input(product);
        let square = builder.square(root);
        builder.assert_one(square);
        let seven = builder.constant(F::from_canonical_u64(7));
        builder.connect(constant, seven);
        vec![x, y, root, constant]
    });
    assert_eq!(found, [false; 4]);
}

/// A circuit's name, how many of its targets are free, and the ranges of their numbers.
type Finding = (String, usize, Vec<(usize, usize)>);

/// Free targets of the circuits.
#[derive(Default, PartialEq, Eq)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add<Config: GenericConfig<D, F = F>>(
        &mut self,
        name: &str,
        circuit: &CircuitData<F, Config, D>,
    ) {
        let free = free(circuit);
        if !free.is_empty() {
            self.0.push((name.to_owned(), free.len(), ranges(&free)));
        }
    }
}

impl Debug for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count, ranges) in &self.0 {
            writeln!(f, "{name}: {count} free, {ranges:?}")?;
        }
        Ok(())
    }
}

/// Which circuit of a table was used is for the prover to say, and nobody asks it where there is one alone.
#[test]
fn no_target_of_the_circuits_above_the_tables_is_free_but_choices_of_one() {
    let circuits = circuits();
    let mut findings = Findings::default();
    findings.add("leaf", &circuits.spans.base.circuit);
    findings.add("span merge", &circuits.spans.merge.circuit);
    findings.add("block", &circuits.runs.base.circuit);
    findings.add("block merge", &circuits.runs.merge.circuit);
    findings.add("batch", &circuits.batch.circuit);
    for (layer, circuit) in circuits.wrap.layers().enumerate() {
        findings.add(&format!("wrap {layer}"), circuit);
    }
    findings.add("final", circuits.wrap.last().unwrap().circuit());
    assert_eq!(findings, Findings::default());

    let segment = &circuits.segment;
    let sizes = Profile::InsecureTest.table_sizes();
    let single = profile::Table::ALL.into_iter().zip(sizes);
    let single = single.filter(|(_, sizes)| sizes.len() == 1);
    let choices = single.map(|(table, _)| segment.index_target(table));
    let free = free(segment.circuit()).into_iter();
    let free = free.map(|index| Target::VirtualTarget { index });
    assert_eq!(free.collect::<Vec<_>>(), choices.collect::<Vec<_>>());
}

/// At the least length of each table: the circuits of other lengths differ in the layers of FRI alone.
#[test]
fn no_target_of_the_circuits_over_a_table_is_free() {
    let profile = Profile::InsecureTest;
    let (stark, config) = (AllStark::default(), profile.recursion_config());
    let mut findings = Findings::default();
    for (table, sizes) in Table::all().into_iter().zip(profile.table_sizes()) {
        let circuits = TableCircuits::of_table(table, &stark, sizes[0], &config);
        for (layer, circuit) in circuits.circuits().enumerate() {
            findings.add(&format!("{table:?} {layer}"), circuit);
        }
    }
    assert_eq!(findings, Findings::default());
}
