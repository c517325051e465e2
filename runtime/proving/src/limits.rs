//! What fits into one transaction batch, proof and value. Measured; see each constant.

/// Most transactions in one transaction batch: the witness builder cuts a block after so many.
pub const MAX_BATCH_TRANSACTIONS: usize = 64;

/// Most gas in one transaction batch, beyond which the witness builder cuts. A single transaction may need
/// more: it is then alone in its batch.
pub const MAX_BATCH_GAS: u64 = 4_000_000;

/// Most machine cycles that the transactions of one batch may take together, beyond which the builder cuts: 64
/// segments of 2^18. A single transaction may take as much as the chain's limits allow.
pub const MAX_BATCH_CYCLES: u64 = 1 << 24;

/// Most bytes of transactions (EIP-2718) executed by one transaction batch, beyond which the builder cuts.
pub const MAX_BATCH_TRANSACTION_BYTES: usize = 256 << 10;

/// Most trie nodes in the expansion of one transaction batch's witness, those that lie inside others included: several
/// times what fits in the machine's memory.
pub const MAX_WITNESS_NODES: usize = 1 << 16;

/// Most segments of one transaction batch. The longest batch has 64 segments of 2^18 cycles and the overhead of each;
/// where tables fill faster than cycles pass, segments are shorter, down to 2^12 cycles.
pub const MAX_SEGMENTS: usize = 8192;

/// Longest accepted encoding of a proof of any job, in bytes.
pub const MAX_PROOF_BYTES: usize = 1 << 20;

/// Most blocks in one batch.
pub const MAX_BATCH_BLOCKS: usize = 4096;
