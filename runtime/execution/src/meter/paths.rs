//! How far the kernel walks to prove that a jump destination is one.
//!
//! The prover names a place from which the kernel walks from instruction to instruction up to the destination:
//! the last instruction before it that no PUSH in the 32 bytes before could swallow, or the code's beginning.

/// Cycles of each instruction on the way.
const STEP: u32 = 24;
/// Cycles of a JUMPDEST on the way beyond that: its bit is set.
const BIT: u32 = 5;
/// Cycles of the rest.
const PROOF: u64 = 170;

const JUMPDEST: u8 = 0x5b;

/// The way to every place of a code.
#[derive(Debug)]
pub(super) struct Paths {
    /// Cycles of the instructions between the place to start from and each byte's instruction.
    cycles: Vec<u32>,
}

impl Paths {
    pub(super) fn of(code: &[u8]) -> Self {
        let mut cycles = vec![0; code.len()];
        let mut position = 0;
        let mut walked: u32 = 0;
        while let Some(opcode) = code.get(position) {
            if starts_anew(code, position) {
                walked = 0;
            }
            let next = position + 1 + usize::from(pushed(*opcode));
            for place in cycles.iter_mut().take(next).skip(position) {
                *place = walked;
            }
            walked = walked.saturating_add(STEP);
            if *opcode == JUMPDEST {
                walked = walked.saturating_add(BIT);
            }
            position = next;
        }
        Self { cycles }
    }

    /// Cycles to prove that `destination` is, or is not, a jump destination.
    pub(super) fn cost(&self, destination: usize) -> u64 {
        let walked = self.cycles.get(destination).copied();
        PROOF + u64::from(walked.unwrap_or_default())
    }

    pub(super) fn len(&self) -> usize {
        self.cycles.len()
    }
}

/// Bytes that an instruction pushes from the code.
fn pushed(opcode: u8) -> u8 {
    match opcode {
        0x60..=0x7f => opcode - 0x5f,
        _ => 0,
    }
}

fn starts_anew(code: &[u8], position: usize) -> bool {
    position.checked_sub(32).is_some_and(|start| {
        let before = code[start..position].iter().rev();
        // A PUSH1 one byte before reaches the position, a PUSH2 two bytes before, and so on.
        before
            .zip(0u8..)
            .all(|(byte, distance)| *byte > 0x7f || *byte < 0x60 + distance)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_code_is_walked_from_close_by() {
        let paths = Paths::of(&[0x5b; 1000]);
        assert_eq!(paths.cost(10), PROOF + 10 * u64::from(STEP + BIT));
        assert_eq!(paths.cost(999), PROOF);
    }

    #[test]
    fn code_that_looks_like_pushes_is_walked_from_the_beginning() {
        let code = [0x60, 0x7f].repeat(500);
        let paths = Paths::of(&code);
        assert_eq!(paths.cost(998), PROOF + 499 * u64::from(STEP));
        assert_eq!(
            paths.cost(999),
            PROOF + 499 * u64::from(STEP),
            "inside the last push"
        );
        assert_eq!(paths.cost(5000), PROOF, "beyond the code");
    }
}
