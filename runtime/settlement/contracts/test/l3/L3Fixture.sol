// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message, Messages} from "src/bridge/Message.sol";
import {IL3Bridge} from "src/l3/IL3Bridge.sol";
import {IL3Inbox} from "src/l3/IL3Inbox.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {Test} from "test/Test.sol";

/// @notice A chain that has just begun, and the queue of its messages as L2 has it.
abstract contract L3Fixture is Test {
    IL3Inbox internal constant INBOX = IL3Inbox(Predeploys.L3_INBOX);
    IL3Bridge internal constant BRIDGE = IL3Bridge(Predeploys.L3_BRIDGE);
    /// @dev Who tells the chain of anchors (EIP-4788).
    address internal constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    bytes internal constant BEACON_ROOTS_CODE =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500";

    address internal constant L2_BRIDGE = address(0xB21D6E);
    address internal constant TOKEN = address(0x70CE);
    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);
    /// @dev Processes messages, and takes fees.
    address internal constant KEEPER = address(0x4EE9);

    uint256 internal constant POOL = 1_000_000 ether;
    uint64 internal constant START = 1_800_000_000;
    bytes32 internal constant L2_BLOCK = keccak256("a block of L2");

    // The targets that no Solidity is needed for.
    bytes internal constant REFUSES = hex"5f5ffd";
    bytes internal constant BURNS_ALL_GAS = hex"fe";
    /// @dev Stores the gas that it has, less 2, in its slot 0.
    bytes internal constant RECORDS_GAS = hex"5a5f5500";
    /// @dev Return or fail with a megabyte of zeros.
    bytes internal constant RETURNS_A_MEGABYTE = hex"621000005ff3";
    bytes internal constant FAILS_WITH_A_MEGABYTE = hex"621000005ffd";

    /// @dev The queue on L2.
    bytes27 internal queue;
    uint256 internal sent;

    function setUp() public virtual {
        vm.etch(Predeploys.BEACON_ROOTS, BEACON_ROOTS_CODE);
        vm.etch(Predeploys.L3_INBOX, vm.getDeployedCode("L3Inbox.sol:L3Inbox"));
        vm.etch(Predeploys.L3_BRIDGE, vm.getDeployedCode("L3Bridge.sol:L3Bridge"));
        vm.etch(Predeploys.L3_TOKEN, vm.getDeployedCode("L3Token.sol:L3Token"));
        vm.store(Predeploys.L3_BRIDGE, bytes32(uint256(2)), bytes32(uint256(uint160(L2_BRIDGE))));
        vm.deal(Predeploys.L3_INBOX, POOL);
        vm.warp(START);
    }

    /// @dev A call of Alice that carries nothing.
    function to(address target, bytes memory data) internal pure returns (Message memory) {
        return Message({
            sender: ALICE, target: target, value: 0, fee: 0, gasLimit: 100_000, refundee: ALICE, data: data
        });
    }

    function ether_(address target, uint256 value, uint256 fee) internal pure returns (Message memory out) {
        out = to(target, "");
        (out.value, out.fee) = (value, fee);
    }

    /// @dev What the bridge on L2 sends for a deposit of Alice.
    function deposit(address l2Token, address recipient, uint256 amount)
        internal
        pure
        returns (Message memory out)
    {
        bytes memory metadata = abi.encode("A token", "TOK", uint8(6));
        out = to(
            Predeploys.L3_BRIDGE,
            abi.encodeCall(IL3Bridge.finalizeDeposit, (l2Token, ALICE, recipient, amount, metadata))
        );
        out.sender = Messages.aliasOf(L2_BRIDGE);
        out.gasLimit = 400_000;
    }

    function one(Message memory message) internal pure returns (Message[] memory out) {
        out = new Message[](1);
        out[0] = message;
    }

    function two(Message memory first, Message memory second) internal pure returns (Message[] memory out) {
        out = new Message[](2);
        (out[0], out[1]) = (first, second);
    }

    /// @dev Bits of the messages that are parked.
    function bits(uint256 word) internal pure returns (uint256[] memory out) {
        out = new uint256[](1);
        out[0] = word;
    }

    /// @dev No messages after those that are processed.
    function none() internal pure returns (bytes32[] memory) {
        return new bytes32[](0);
    }

    /// @dev L2 has these messages, and the block of now names an anchor with them.
    function announce(Message[] memory messages) internal {
        for (uint256 i = 0; i < messages.length; ++i) {
            queue = Messages.append(queue, Messages.hash(sent++, messages[i]));
        }
        anchor(Messages.anchor(L2_BLOCK, sent, queue));
    }

    function anchor(bytes32 root) internal {
        vm.prank(SYSTEM);
        (bool stored,) = Predeploys.BEACON_ROOTS.call(abi.encode(root));
        vm.assertTrue(stored);
    }

    /// @dev All of them, as the keeper does.
    function process(Message[] memory messages, uint256 parked) internal {
        announce(messages);
        vm.prank(KEEPER);
        INBOX.process(block.timestamp, L2_BLOCK, messages, none(), bits(parked));
    }

    function process(Message memory message) internal {
        process(one(message), 0);
    }

    /// @dev Parks a message; it has this number.
    function park(Message memory message) internal returns (uint256 index) {
        index = sent;
        process(one(message), 1);
    }
}
