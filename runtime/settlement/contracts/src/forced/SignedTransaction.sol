// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Reads a signed Ethereum transaction
/// @notice Legacy with a chain id (EIP-155), with an access list (EIP-2930), or with a priority fee (EIP-1559), as a block of
/// a chain with Cancun's rules holds it. What is read here is what any state executes, but for what the state itself says: the
/// sender's nonce, balance and code, and the base fee.
library SignedTransaction {
    using RLP for *;
    using Memory for *;

    /// @notice What a state is asked for, and what a block spends.
    struct Facts {
        /// Who signed it.
        address sender;
        /// Who is called; zero if it creates a contract.
        address to;
        uint64 nonce;
        uint64 gasLimit;
        /// Gas before it executes anything: with no more it executes nothing.
        uint64 intrinsicGas;
        /// Most wei for each gas: no block with a higher base fee executes it.
        uint256 maxFeePerGas;
        /// What the sender must own, in wei: all gas at that price, and what is sent.
        uint256 cost;
    }

    /// @dev Where a transaction's fields are in its list.
    struct Layout {
        /// Of the first field: those before it are the type's own.
        uint256 nonce;
        /// The fee cap; the gas limit, the recipient, the value and the data follow.
        uint256 maxFee;
        /// How many fields are signed; the signature's three follow.
        uint256 signed;
    }

    /// @dev EIP-2, EIP-2028, EIP-2930, EIP-3860.
    uint256 private constant BASE_GAS = 21_000;
    uint256 private constant CREATE_GAS = 32_000;
    uint256 private constant INITCODE_WORD_GAS = 2;
    uint256 private constant ADDRESS_GAS = 2_400;
    uint256 private constant SLOT_GAS = 1_900;
    uint256 private constant MAX_INITCODE = 49_152;

    /// @notice No block holds such a transaction; `field` says what is wrong with it.
    error MalformedTransaction(string field);
    /// @notice Its gas limit does not suffice to begin with it.
    error IntrinsicGas(uint256 gasLimit, uint256 needed);

    /// @notice What a transaction says, as EIP-2718 encodes it.
    function read(bytes memory transaction, uint256 chainId) internal pure returns (Facts memory facts) {
        if (transaction.length == 0) revert MalformedTransaction("type");
        uint8 kind = uint8(transaction[0]);
        bool legacy = kind >= 0xc0;
        if (!legacy && kind != 1 && kind != 2) revert MalformedTransaction("type");
        Memory.Slice body = transaction.asSlice();
        if (!legacy) body = body.slice(1);
        Memory.Slice[] memory fields = body.readList();
        Layout memory place = legacy ? Layout(0, 1, 6) : kind == 1 ? Layout(1, 2, 8) : Layout(1, 3, 9);
        if (fields.length != place.signed + 3) revert MalformedTransaction("fields");

        facts.nonce = uint64(_number(fields[place.nonce], type(uint64).max - 1, "nonce"));
        facts.maxFeePerGas = _number(fields[place.maxFee], type(uint128).max, "maxFeePerGas");
        if (kind == 2) _number(fields[place.maxFee - 1], facts.maxFeePerGas, "maxPriorityFeePerGas");
        facts.gasLimit = uint64(_number(fields[place.maxFee + 1], type(uint64).max, "gasLimit"));
        uint256 value = _number(fields[place.maxFee + 3], type(uint256).max, "value");
        uint256 fees = facts.maxFeePerGas * facts.gasLimit;
        if (fees > type(uint256).max - value) revert MalformedTransaction("value");
        facts.cost = fees + value;

        uint256 needed;
        (facts.to, needed) = _callGas(fields[place.maxFee + 2], fields[place.maxFee + 4]);
        if (!legacy) {
            needed += _accessGas(fields[place.signed - 1]);
            if (_number(fields[0], type(uint256).max, "chainId") != chainId) {
                revert MalformedTransaction("chainId");
            }
        }
        if (facts.gasLimit < needed) revert IntrinsicGas(facts.gasLimit, needed);
        facts.intrinsicGas = uint64(needed);
        facts.sender = _signer(fields, place.signed, legacy ? 0 : kind, chainId);
    }

    /// @dev Who is called, and the gas before a transaction does anything: for being one, for its data, for creating.
    function _callGas(Memory.Slice to, Memory.Slice input)
        private
        pure
        returns (address recipient, uint256 needed)
    {
        bytes memory data = input.readBytes();
        needed = BASE_GAS;
        for (uint256 i = 0; i < data.length; ++i) {
            needed += data[i] == 0 ? 4 : 16;
        }
        // Twenty bytes, or none.
        uint256 length = to.readBytes().length;
        if (length == 20) return (to.readAddress(), needed);
        if (length != 0) revert MalformedTransaction("to");
        if (data.length > MAX_INITCODE) revert MalformedTransaction("data");
        needed += CREATE_GAS + (data.length + 31) / 32 * INITCODE_WORD_GAS;
    }

    /// @dev For an access list: pairs of an address and a list of slots.
    function _accessGas(Memory.Slice list) private pure returns (uint256 needed) {
        Memory.Slice[] memory accesses = list.readList();
        for (uint256 i = 0; i < accesses.length; ++i) {
            Memory.Slice[] memory access = accesses[i].readList();
            if (access.length != 2 || access[0].readBytes().length != 20) {
                revert MalformedTransaction("accessList");
            }
            Memory.Slice[] memory slots = access[1].readList();
            for (uint256 j = 0; j < slots.length; ++j) {
                if (slots[j].readBytes().length != 32) revert MalformedTransaction("accessList");
            }
            needed += ADDRESS_GAS + slots.length * SLOT_GAS;
        }
    }

    /// @dev Who signed the first fields of a transaction of this type.
    function _signer(Memory.Slice[] memory fields, uint256 signed, uint8 kind, uint256 chainId)
        private
        pure
        returns (address)
    {
        uint256 v = _number(fields[signed], type(uint256).max, "v");
        bytes[] memory items = new bytes[](kind == 0 ? signed + 3 : signed);
        for (uint256 i = 0; i < signed; ++i) {
            items[i] = fields[i].toBytes();
        }
        if (kind == 0) {
            // EIP-155: the chain's id is signed, and counts in v. One without it may be any chain's.
            (items[signed], items[signed + 1], items[signed + 2]) = (chainId.encode(), hex"80", hex"80");
            if (v < 2 * chainId + 35) revert MalformedTransaction("v");
            v -= 2 * chainId + 35;
        }
        if (v > 1) revert MalformedTransaction("v");
        bytes memory payload = items.encode();
        bytes32 digest = keccak256(kind == 0 ? payload : bytes.concat(bytes1(kind), payload));
        bytes32 r = bytes32(_number(fields[signed + 1], type(uint256).max, "r"));
        bytes32 s = bytes32(_number(fields[signed + 2], type(uint256).max, "s"));
        // A signature with the higher s is refused (EIP-2).
        (address signer, ECDSA.RecoverError failed,) = ECDSA.tryRecover(digest, uint8(v) + 27, r, s);
        if (failed != ECDSA.RecoverError.NoError) revert MalformedTransaction("signature");
        return signer;
    }

    /// @dev A number without leading zeros, the only form that it has.
    function _number(Memory.Slice item, uint256 most, string memory field)
        private
        pure
        returns (uint256 value)
    {
        bytes memory digits = item.readBytes();
        if (digits.length > 32 || (digits.length > 0 && digits[0] == 0)) revert MalformedTransaction(field);
        value = item.readUint256();
        if (value > most) revert MalformedTransaction(field);
    }
}
