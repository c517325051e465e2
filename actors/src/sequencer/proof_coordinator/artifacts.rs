//! Job inputs and proofs in pieces small enough for any connection.

use tern_messages::prover::MAX_CHUNK;
use tern_messages::{Artifact, Chunk, ChunkQuery, ChunkRefusal, encode};
use tern_storage::Store;
use tern_storage::tables::sequencer::{BLOBS, PROOFS};

/// Reads a piece. Blocks on the disk.
pub(crate) fn read_chunk(store: &Store, query: ChunkQuery) -> Result<Chunk, ChunkRefusal> {
    let ChunkQuery {
        artifact,
        offset,
        max_len,
    } = query;
    let whole = match artifact {
        Artifact::Input(id) => store.get(&BLOBS, &id),
        Artifact::Proof(id) => store
            .get(&PROOFS, &id)
            .map(|proof| proof.map(|proof| encode(&proof).into())),
    };
    let whole = whole
        .map_err(|error| ChunkRefusal::Unavailable {
            artifact,
            reason: error.to_string(),
        })?
        .ok_or(ChunkRefusal::Unknown { artifact })?;
    let total = whole.len() as u64;
    let start = usize::try_from(offset)
        .ok()
        .filter(|start| *start < whole.len())
        .ok_or(ChunkRefusal::OutOfRange {
            artifact,
            total,
            offset,
        })?;
    let len = max_len.clamp(1, MAX_CHUNK) as usize;
    let end = start.saturating_add(len).min(whole.len());
    Ok(Chunk {
        total,
        bytes: whole.slice(start..end),
    })
}
