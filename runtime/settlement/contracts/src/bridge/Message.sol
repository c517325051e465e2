// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A call from L2 to L3.
struct Message {
    /// The account on L2 that sent it; a contract is aliased, see `Messages.senderOf`.
    address sender;
    /// The account on L3 that is called.
    address target;
    /// What the call carries, in wei.
    uint256 value;
    /// What whoever has the call made is paid, in wei.
    uint256 fee;
    /// Gas that the call has at least.
    uint64 gasLimit;
    /// The account on L3 that the value belongs to if the call fails or is given up.
    address refundee;
    bytes data;
}

/// @title What L2 and L3 both know of messages
/// @notice A queue of messages is known by the hash of its last one and of all before it: of message `i`,
/// `chain_i+1 = keccak256(chain_i ‖ hash(i, message))`, cut to its first 216 bits so that it shares a word with a number of
/// 40 bits. Two queues with one hash take 2^108 tries.
library Messages {
    /// @notice Most bytes that a message calls with: with what is around them they fit one L3 transaction.
    uint256 internal constant MAX_DATA = 16 << 10;
    /// @notice Most gas that a message may want: half of what one L3 transaction may have.
    uint64 internal constant MAX_GAS = 5_000_000;
    /// @notice What is added to the address of a contract that sends: on L3 the same address may be another's. Not the number
    /// of other rollups: where L2 is one of them, contracts of L1 sign transactions of L2 by addresses with that added.
    uint160 internal constant ALIAS_OFFSET = uint160(0x7e72000000000000000000000000000000007E72);

    /// @notice The caller, as L3 knows it. Whoever signs a transaction of L2 can sign one of L3 for the same address.
    function senderOf(address caller) internal view returns (address) {
        // The caller of a transaction is the account that signed it, even where that has delegated to code.
        // solhint-disable-next-line avoid-tx-origin
        return caller == tx.origin ? caller : aliasOf(caller);
    }

    /// @notice The address on L3 of a contract on L2.
    function aliasOf(address account) internal pure returns (address) {
        unchecked {
            return address(uint160(account) + ALIAS_OFFSET);
        }
    }

    /// @notice The address on an L3 chain of an account of another one, whose rollup is given. So many bytes are hashed for
    /// no other address: those of keys have 64, those of contracts 85 or less than 32.
    function aliasOf(address rollup, address account) internal pure returns (address) {
        return address(
            uint160(uint256(keccak256(abi.encode(bytes32("account of another chain"), rollup, account))))
        );
    }

    /// @notice What identifies a message: its place in the queue and all that it says.
    function hash(uint256 index, Message memory message) internal pure returns (bytes32) {
        return keccak256(abi.encode(index, message));
    }

    /// @notice The hash of a queue with one more message.
    function append(bytes27 chain, bytes32 messageHash) internal pure returns (bytes27) {
        return bytes27(keccak256(abi.encodePacked(chain, messageHash)));
    }

    /// @notice What an L3 block names in parentBeaconBlockRoot: a block of L2, and how much of the queue the L3 block may
    /// process.
    /// @param blockHash Hash of the L2 block.
    /// @param count Number of messages.
    /// @param chain Hash of the queue of so many.
    function anchor(bytes32 blockHash, uint256 count, bytes27 chain) internal pure returns (bytes32) {
        return keccak256(abi.encode(blockHash, count, chain));
    }
}
