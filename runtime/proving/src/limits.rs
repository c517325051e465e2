//! What fits into one transaction batch, proof and value. Measured; see each constant.

/// Most transactions in one transaction batch: the witness builder cuts a block after so many.
pub const MAX_BATCH_TRANSACTIONS: usize = 64;

/// Most gas in one transaction batch, beyond which the witness builder cuts. A single transaction may need
/// more: it is then alone in its batch.
pub const MAX_BATCH_GAS: u64 = 4_000_000;

/// Most bytes of transactions (EIP-2718) executed by one transaction batch, beyond which the builder cuts.
pub const MAX_BATCH_TRANSACTION_BYTES: usize = 256 << 10;

/// Most trie nodes in the expansion of one transaction batch's witness.
pub const MAX_WITNESS_NODES: usize = 1 << 18;

/// Most segments of one transaction batch. More means that the batch must be cut into smaller ones.
pub const MAX_SEGMENTS: usize = 256;

/// Longest accepted encoding of a proof of any job, in bytes.
pub const MAX_PROOF_BYTES: usize = 1 << 20;

/// Most blocks in one batch.
pub const MAX_BATCH_BLOCKS: usize = 4096;
