// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Governance} from "src/Governance.sol";
import {IRollup} from "src/IRollup.sol";
import {Rollup} from "src/Rollup.sol";
import {Inbox} from "src/bridge/Inbox.sol";
import {Message, Messages} from "src/bridge/Message.sol";
import {IDisputes} from "src/dispute/IDisputes.sol";
import {ForcedQueue} from "src/forced/ForcedQueue.sol";
import {BlockHeader} from "src/rollup/BlockHeader.sol";
import {ConflictCheck} from "src/rollup/ConflictCheck.sol";
import {Statement} from "src/rollup/Statement.sol";
import {IProofVerifier} from "src/verifier/IProofVerifier.sol";
import {LibZip} from "solady/utils/LibZip.sol";
import {Test} from "../Test.sol";
import {PlainStatement} from "./PlainStatement.sol";
import {PlainTrie} from "./PlainTrie.sol";
import {VerifierMock} from "./VerifierMock.sol";

/// @notice A deployed Rollup, and an operator that makes batches by the plain twins of what the contract does.
abstract contract RollupFixture is Test {
    /// @notice A batch in all its forms.
    struct Batch {
        uint64 number;
        IRollup.PreviousBatch previous;
        IRollup.PostedBlock[] posted;
        /// All transactions, each after its length; posted compressed.
        bytes transactions;
        PlainStatement.Block[] blocks;
        /// The tip after the batch.
        IRollup.BlockTip tip;
        /// What the tip names.
        IRollup.Anchor anchor;
        /// Places of forced transactions.
        uint32[] forced;
        /// The first entry of the forced queue after it.
        uint64 nextForced;
    }

    /// @dev The arguments of `proveBatches` beside the range.
    struct Claim {
        IRollup.Extent[] extents;
        IRollup.BatchProof batches;
        bytes proof;
        IRollup.InboxProof messages;
    }

    address internal constant OWNER = address(0x0123);
    address internal constant OPERATOR = address(0x4567);
    address internal constant GUARDIAN = address(0x89ab);
    uint64 internal constant DELAY = 8 days;
    uint64 internal constant INCLUSION = 1 days;
    uint64 internal constant LIVENESS = 5 days;
    uint64 internal constant EMERGENCY = 10 days;
    /// @dev When the contracts are deployed, and the L2 block before is recorded.
    uint64 internal constant START = 1_800_000_000;
    uint64 internal constant GAS_LIMIT = 30_000_000;
    uint256 internal constant L2_BLOCK = 1000;
    /// @dev Of a chain on which proofs alone make batches final.
    IDisputes internal constant NO_DISPUTES = IDisputes(address(0));

    VerifierMock internal verifier;
    Governance internal governance;
    /// @dev Only its address counts here: it sends messages.
    address internal bridge;
    Inbox internal inbox;
    Rollup internal rollup;
    IRollup.Genesis internal genesis;
    /// @dev The time before which no block is made.
    uint64 internal earliest = START;
    /// @dev The L2 block that blocks name.
    uint256 internal named = L2_BLOCK - 1;
    /// @dev The first transaction of each batch, if it is not drawn.
    bytes internal firstTransaction;
    /// @dev The state after each block, if it is not drawn.
    bytes32 internal stateAfter;

    function setUp() public virtual {
        vm.roll(L2_BLOCK);
        for (uint256 i = 0; i < 20; ++i) {
            vm.setBlockhash(L2_BLOCK - 1 - i, l2Hash(L2_BLOCK - 1 - i));
        }
        genesis = IRollup.Genesis({
            chainId: 4242,
            gasLimit: GAS_LIMIT,
            beneficiary: address(0xfee),
            stateRoot: keccak256("genesis state"),
            blockHash: keccak256("genesis block"),
            timestamp: 1_799_999_000,
            baseFee: 1_000_000_000,
            gasUsed: 0,
            hashWindow: [uint64(1), 2, 3, 4]
        });
        verifier = new VerifierMock();
        deploy(verifier);
    }

    /// @dev A chain that relies on this verifier.
    function deploy(IProofVerifier proofVerifier) internal {
        vm.warp(START);
        bytes memory arguments = abi.encode(chainOf(genesis), OWNER, GUARDIAN, proofVerifier, DELAY);
        governance = Governance(create("Governance.sol:Governance", arguments));
        bridge = address(verifier);
        IDisputes disputes_ = disputesOfNext();
        ForcedQueue queue = queueOfNext(genesis.chainId, INCLUSION);
        arguments = abi.encode(genesis, OPERATOR, governance, bridge, queue, disputes_, deadlines());
        rollup = Rollup(create("Rollup.sol:Rollup", arguments));
        inbox = Inbox(rollup.inbox());
        // Room for blocks after the recorded one.
        vm.warp(START + 1000);
    }

    /// @dev The queue of the rollup that this contract creates next.
    function queueOfNext(uint64 chainId, uint64 deadline) internal returns (ForcedQueue) {
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        return ForcedQueue(create("ForcedQueue.sol:ForcedQueue", abi.encode(next, chainId, deadline)));
    }

    /// @dev The disputes of the rollup that this contract creates after the queue.
    function disputesOfNext() internal virtual returns (IDisputes) {
        return NO_DISPUTES;
    }

    function deadlines() internal pure returns (IRollup.Deadlines memory) {
        return IRollup.Deadlines(INCLUSION, LIVENESS, EMERGENCY);
    }

    function chainOf(IRollup.Genesis memory from) internal pure returns (Statement.Chain memory) {
        return Statement.Chain(from.chainId, from.gasLimit, from.beneficiary);
    }

    function l2Hash(uint256 number) internal pure returns (bytes32) {
        return keccak256(abi.encode("L2", number));
    }

    /// @dev What the first batch follows.
    function genesisBatch() internal view returns (Batch memory batch) {
        batch.tip.blockHash = genesis.blockHash;
        batch.tip.stateRoot = genesis.stateRoot;
        batch.tip.timestamp = genesis.timestamp;
        batch.tip.baseFee = genesis.baseFee;
        batch.tip.gasUsed = genesis.gasUsed;
    }

    /// @dev A batch of `count` blocks after `parent`, with 1 to 3 transactions each.
    function make(Batch memory parent, uint256 count, string memory seed)
        internal
        view
        returns (Batch memory)
    {
        uint256[] memory transactions = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            transactions[i] = i % 3 + 1;
        }
        return make(parent, transactions, seed);
    }

    /// @dev A batch of blocks with these numbers of transactions; `seed` makes it differ from others.
    function make(Batch memory parent, uint256[] memory counts, string memory seed)
        internal
        view
        returns (Batch memory batch)
    {
        batch.number = parent.number + 1;
        batch.previous = opening(parent);
        batch.tip = copy(parent.tip);
        batch.posted = new IRollup.PostedBlock[](counts.length);
        batch.blocks = new PlainStatement.Block[](counts.length);
        fill(batch, 0, counts, seed);
    }

    /// @dev Makes a batch's blocks from `i` on. It calls itself, so that the compiler does not make it a part of its callers, whose
    /// variables would not fit.
    function fill(Batch memory batch, uint256 i, uint256[] memory counts, string memory seed) private view {
        if (i == counts.length) return;
        bytes[] memory transactions = made(counts[i], i, seed);
        batch.posted[i] = posting(batch.tip, i, transactions.length, seed);
        batch.transactions = abi.encodePacked(batch.transactions, frame(transactions));
        batch.blocks[i] = append(batch.tip, batch.posted[i], PlainTrie.root(transactions));
        batch.anchor = batch.posted[i].anchor;
        fill(batch, i + 1, counts, seed);
    }

    /// @dev The transactions of a batch's block `i`.
    function made(uint256 count, uint256 i, string memory seed)
        private
        view
        returns (bytes[] memory transactions)
    {
        transactions = new bytes[](count);
        for (uint256 j = 0; j < count; ++j) {
            transactions[j] = abi.encodePacked(hex"02f8", keccak256(abi.encode(seed, i, j)), seed);
        }
        if (i == 0 && firstTransaction.length != 0) transactions[0] = firstTransaction;
    }

    /// @dev What is posted of a batch's block `i`, which follows `tip`.
    function posting(IRollup.BlockTip memory tip, uint256 i, uint256 transactions, string memory seed)
        private
        view
        returns (IRollup.PostedBlock memory)
    {
        return IRollup.PostedBlock({
            stateRoot: stateAfter != 0 ? stateAfter : keccak256(abi.encode("state", seed, i)),
            receiptsRoot: keccak256(abi.encode("receipts", seed, i)),
            anchor: IRollup.Anchor(l2Hash(named), inbox.count()),
            timestamp: (tip.timestamp < earliest ? earliest : tip.timestamp) + 1 + uint64(i % 5),
            gasUsed: uint64(21_000 + uint256(keccak256(abi.encode(seed, i))) % (GAS_LIMIT - 21_000)),
            transactions: uint64(transactions)
        });
    }

    /// @dev Moves `tip` to the posted block.
    function append(IRollup.BlockTip memory tip, IRollup.PostedBlock memory posted, bytes32 transactionsRoot)
        internal
        view
        returns (PlainStatement.Block memory)
    {
        BlockHeader.Fields memory header;
        header.parentHash = tip.blockHash;
        header.beneficiary = genesis.beneficiary;
        header.stateRoot = posted.stateRoot;
        header.transactionsRoot = transactionsRoot;
        header.receiptsRoot = posted.receiptsRoot;
        header.number = tip.number + 1;
        header.gasLimit = GAS_LIMIT;
        header.gasUsed = posted.gasUsed;
        header.timestamp = posted.timestamp;
        header.baseFee = BlockHeader.nextBaseFee(tip.baseFee, tip.gasUsed, GAS_LIMIT);
        header.beaconRoot = rootOf(posted.anchor);
        tip.blockHash = BlockHeader.hash(header);
        tip.stateRoot = posted.stateRoot;
        tip.beaconRoot = header.beaconRoot;
        tip.number = header.number;
        tip.timestamp = header.timestamp;
        tip.baseFee = header.baseFee;
        tip.gasUsed = header.gasUsed;
        return PlainStatement.Block({
            stateRoot: posted.stateRoot,
            transactionsRoot: transactionsRoot,
            receiptsRoot: posted.receiptsRoot,
            beaconRoot: header.beaconRoot,
            blockHash: tip.blockHash,
            gasUsed: header.gasUsed,
            timestamp: header.timestamp,
            baseFee: header.baseFee
        });
    }

    /// @dev What a block that names this says in its header.
    function rootOf(IRollup.Anchor memory anchor) internal view returns (bytes32) {
        if (anchor.blockHash == 0 && anchor.messages == 0) return 0;
        (bytes27 chain,) = inbox.entry(anchor.messages);
        return Messages.anchor(anchor.blockHash, anchor.messages, chain);
    }

    /// @dev Sends a message that carries nothing.
    function send(string memory text) internal {
        vm.prank(bridge);
        inbox.send(Message(address(1), address(2), 0, 1 ether, 100_000, address(1), bytes(text)));
    }

    function opening(Batch memory batch) internal pure returns (IRollup.PreviousBatch memory previous) {
        previous.tip = copy(batch.tip);
        (previous.anchor, previous.forced) = (batch.anchor, batch.nextForced);
        if (batch.number == 0) return previous;
        previous.parentBatchHash = hashOf(batch.previous);
        previous.blocksDigest = keccak256(PlainStatement.pack(batch.blocks));
    }

    function hashOf(IRollup.PreviousBatch memory batch) internal pure returns (bytes32) {
        bytes32 tip = keccak256(abi.encode(batch.tip));
        return keccak256(abi.encode(batch.parentBatchHash, batch.blocksDigest, tip, batch.forced));
    }

    function commit(Batch memory batch) internal {
        bytes memory posted = LibZip.flzCompress(batch.transactions);
        vm.prank(OPERATOR, OPERATOR);
        rollup.commitBatch(
            batch.number, batch.previous, batch.posted, posted, batch.forced, batch.tip.blockHash
        );
    }

    function expectCommitRefused(Batch memory batch, bytes memory reason) internal {
        bytes memory posted = LibZip.flzCompress(batch.transactions);
        vm.prank(OPERATOR, OPERATOR);
        vm.expectRevert(reason);
        rollup.commitBatch(
            batch.number, batch.previous, batch.posted, posted, batch.forced, batch.tip.blockHash
        );
    }

    /// @dev All checks but the last one pass.
    function expectCommitRefusedForHash(Batch memory batch) internal {
        bytes memory reason = refusal(batch, LibZip.flzCompress(batch.transactions));
        vm.assertTrue(bytes4(reason) == IRollup.BlockHashMismatch.selector);
    }

    function refusal(Batch memory batch, bytes memory posted) internal returns (bytes memory) {
        vm.prank(OPERATOR, OPERATOR);
        try rollup.commitBatch(
            batch.number, batch.previous, batch.posted, posted, batch.forced, batch.tip.blockHash
        ) {
            revert("committed");
        } catch (bytes memory reason) {
            return reason;
        }
    }

    /// @dev The window digest after a batch; any canonical digest will do for the mock.
    function windowAfter(Batch memory batch) internal pure returns (uint64[4] memory) {
        uint64 number = batch.number;
        return number == 0 ? [uint64(1), 2, 3, 4] : [number, number * 7, number * 77, number * 777];
    }

    /// @dev What an honest prover posts for `batch` after `parent`, and the digest of its statement.
    function prove(Batch memory parent, Batch memory batch)
        internal
        view
        returns (IRollup.BatchProof memory proof, uint64[4] memory digest)
    {
        return proveBlocks(parent, batch, batch.blocks);
    }

    /// @dev The same for all blocks up to the end of `batch`.
    function proveBlocks(Batch memory parent, Batch memory batch, PlainStatement.Block[] memory blocks)
        internal
        view
        returns (IRollup.BatchProof memory proof, uint64[4] memory digest)
    {
        proof.blocks = PlainStatement.pack(blocks);
        proof.endWindow = windowAfter(batch);
        proof.commitment = [uint64(11), 22, 33, batch.number];
        Statement.Point memory start = Statement.Point(
            parent.tip.stateRoot, parent.tip.blockHash, parent.tip.number, windowAfter(parent)
        );
        digest = complete(proof, start, blocks);
    }

    /// @dev Evaluates the stream of what an honest prover states of blocks after `start`; returns the digest of that, which the
    /// chain's own contract computes: Poseidon need not be compiled into each test.
    function complete(
        IRollup.BatchProof memory proof,
        Statement.Point memory start,
        PlainStatement.Block[] memory blocks
    ) internal view returns (uint64[4] memory) {
        uint256[] memory s = PlainStatement.stream(chainOf(genesis), start, proof.endWindow, blocks);
        (uint256 r0, uint256 r1) = Statement.point(proof.commitment, PlainStatement.serialize(s));
        (uint256 y0, uint256 y1) = PlainStatement.evaluate(s, r0, r1);
        proof.evaluation = [uint64(y0), uint64(y1)];
        ConflictCheck check = ConflictCheck(governance.conflictCheck());
        try check.digest(1, start, proof) returns (uint64[4] memory digest) {
            return digest;
        } catch {
            // A statement that the chain knows of no batch of its own.
            return [uint64(uint256(keccak256(abi.encode(s)))) >> 1, 2, 3, 4];
        }
    }

    /// @dev What an honest prover posts for consecutive batches after `parent`, and the proof.
    function proveAll(Batch memory parent, Batch[] memory batches)
        internal
        view
        returns (Claim memory claim)
    {
        claim.extents = new IRollup.Extent[](batches.length);
        uint256 count;
        for (uint256 i = 0; i < batches.length; ++i) {
            claim.extents[i] = IRollup.Extent(uint16(batches[i].blocks.length), batches[i].nextForced);
            count += batches[i].blocks.length;
        }
        PlainStatement.Block[] memory blocks = new PlainStatement.Block[](count);
        count = 0;
        for (uint256 i = 0; i < batches.length; ++i) {
            for (uint256 j = 0; j < batches[i].blocks.length; ++j) {
                blocks[count++] = batches[i].blocks[j];
            }
        }
        uint64[4] memory digest;
        (claim.batches, digest) = proveBlocks(parent, batches[batches.length - 1], blocks);
        claim.proof = verifier.proofOf(digest);
    }

    /// @dev Proves the batches from `from` to `to` with what was made for them.
    function submit(uint64 from, uint64 to, Claim memory claim) internal {
        rollup.proveBatches(from, to, claim.extents, claim.batches, claim.proof, claim.messages);
    }

    /// @dev Commits and proves one batch after `parent`.
    function finalize(Batch memory parent, Batch memory batch) internal {
        commit(batch);
        Batch[] memory batches = new Batch[](1);
        batches[0] = batch;
        submit(batch.number, batch.number, proveAll(parent, batches));
    }

    function frame(bytes[] memory transactions) internal pure returns (bytes memory framed) {
        for (uint256 i = 0; i < transactions.length; ++i) {
            framed = abi.encodePacked(framed, uint24(transactions[i].length), transactions[i]);
        }
    }

    function copy(IRollup.BlockTip memory tip) internal pure returns (IRollup.BlockTip memory) {
        return abi.decode(abi.encode(tip), (IRollup.BlockTip));
    }
}
