// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "src/bridge/IBridge.sol";
import {IExits} from "src/bridge/IExits.sol";
import {Message, Messages} from "src/bridge/Message.sol";
import {TrieWalk} from "src/bridge/TrieWalk.sol";
import {IL3Bridge} from "src/l3/IL3Bridge.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {BridgeFixture} from "./BridgeFixture.sol";
import {FrozenChain} from "./FrozenChain.sol";
import {PlainStateTrie} from "./PlainStateTrie.sol";

/// @notice Who owned what in the last state of a chain takes it out, once.
contract ExitsTest is BridgeFixture {
    bytes32 private constant NO_CODE = keccak256("");
    bytes32 private constant CODE = keccak256("code");

    /// @dev What the chain's last state has.
    bytes32[] private accounts;
    bytes[] private values;
    FrozenChain private chain;
    IExits private exits;

    function setUp() external {
        exits = IExits(address(bridge));
        chain = FrozenChain(create("FrozenChain.sol:FrozenChain", abi.encode(bridge)));
        giveToken(address(chain), token, 1000);
        give(address(chain), 10 ether);
        hold(BOB, 0, 3 ether, 0, NO_CODE);
    }

    function test_ether_is_taken_once() external {
        bytes[] memory proof = end(BOB);
        vm.expectEmit();
        emit IExits.Exited(address(chain), BOB, ETHER, 3 ether);
        exits.exitEther(address(chain), BOB, proof);
        vm.assertEq(BOB.balance, 3 ether);
        vm.assertEq(bridge.deposited(address(chain), ETHER), 7 ether);
        bytes32 what = keccak256(abi.encode("ether", BOB));
        expectRefused(BOB, abi.encodeWithSelector(IExits.AlreadyTaken.selector, address(chain), what));
        vm.assertTrue(exits.taken(address(chain), what));
    }

    function test_nothing_is_taken_of_a_chain_that_goes_on() external {
        bytes[] memory proof = end(BOB);
        chain.end(false);
        vm.expectRevert(abi.encodeWithSelector(IExits.NotFrozen.selector, address(chain)));
        exits.exitEther(address(chain), BOB, proof);
    }

    function test_nothing_is_deposited_to_a_chain_that_ended() external {
        end(BOB);
        vm.expectRevert(abi.encodeWithSelector(IBridge.ChainEnded.selector, address(chain)));
        bridge.depositEther{value: 1 ether}(address(chain), BOB, 0, 0);
    }

    function test_what_a_contract_owned_is_not_taken() external {
        hold(EVE, 1, 1 ether, 0, CODE);
        expectRefused(EVE, abi.encodeWithSelector(IExits.HasCode.selector, EVE));
    }

    function test_who_owned_nothing_takes_nothing() external {
        hold(EVE, 1, 0, 0, NO_CODE);
        expectRefused(EVE, abi.encodeWithSelector(IExits.NothingOwned.selector, EVE));
        expectRefused(ALICE, abi.encodeWithSelector(IExits.NothingOwned.selector, ALICE));
    }

    function test_the_proof_of_another_account_takes_nothing() external {
        hold(EVE, 1, 1 ether, 0, NO_CODE);
        bytes[] memory proof = end(BOB);
        vm.expectRevert(abi.encodeWithSelector(TrieWalk.InvalidNode.selector, 1));
        exits.exitEther(address(chain), EVE, proof);
        vm.assertEq(EVE.balance, 0);
    }

    function test_exits_never_exceed_what_was_deposited() external {
        hold(EVE, 1, 11 ether, 0, NO_CODE);
        expectRefused(EVE, aboveDeposits(address(chain), ETHER, 11 ether, 10 ether));
        give(address(chain), 1 ether);
        exits.exitEther(address(chain), EVE, end(EVE));
        vm.assertEq(EVE.balance, 11 ether);
    }

    function test_a_token_is_taken_once() external {
        bytes32 slot = keccak256(abi.encode(ALICE, uint256(0)));
        (bytes32 root, bytes[] memory balance) = storageOf(slot, 40);
        hold(Predeploys.twinOf(address(token)), 1, 0, root, CODE);
        (bytes[] memory nobody, bytes[] memory twin) = (end(ALICE), end(Predeploys.twinOf(address(token))));
        exits.exitToken(address(chain), address(token), ALICE, nobody, twin, balance);
        vm.assertEq(token.balanceOf(ALICE), 40);
        vm.assertEq(bridge.deposited(address(chain), address(token)), 960);
        bytes32 what = keccak256(abi.encode("token", address(token), ALICE));
        vm.expectRevert(abi.encodeWithSelector(IExits.AlreadyTaken.selector, address(chain), what));
        exits.exitToken(address(chain), address(token), ALICE, nobody, twin, balance);
    }

    function test_a_token_of_a_contract_or_of_nobody_is_not_taken() external {
        bytes32 slot = keccak256(abi.encode(EVE, uint256(0)));
        (bytes32 root, bytes[] memory balance) = storageOf(slot, 40);
        hold(Predeploys.twinOf(address(token)), 1, 0, root, CODE);
        hold(EVE, 1, 0, 0, CODE);
        (bytes[] memory owner, bytes[] memory twin) = (end(EVE), end(Predeploys.twinOf(address(token))));
        vm.expectRevert(abi.encodeWithSelector(IExits.HasCode.selector, EVE));
        exits.exitToken(address(chain), address(token), EVE, owner, twin, balance);
        // Another token, whose twin the state does not have.
        bytes[] memory absent = end(Predeploys.twinOf(BOB));
        owner = end(BOB);
        vm.expectRevert(abi.encodeWithSelector(IExits.NothingOwned.selector, BOB));
        exits.exitToken(address(chain), BOB, BOB, owner, absent, new bytes[](0));
    }

    function test_a_refund_is_taken_once() external {
        bytes32 slot = keccak256(abi.encode(BOB, uint256(2)));
        (bytes32 root, bytes[] memory refund) = storageOf(slot, 2 ether);
        hold(Predeploys.L3_INBOX, 1, 0, root, CODE);
        (bytes[] memory owner, bytes[] memory inbox) = (end(BOB), end(Predeploys.L3_INBOX));
        exits.exitRefund(address(chain), BOB, owner, inbox, refund);
        vm.assertEq(BOB.balance, 2 ether);
        bytes32 what = keccak256(abi.encode("refund", BOB));
        vm.expectRevert(abi.encodeWithSelector(IExits.AlreadyTaken.selector, address(chain), what));
        exits.exitRefund(address(chain), BOB, owner, inbox, refund);
        // What the account had besides is another thing.
        exits.exitEther(address(chain), BOB, owner);
        vm.assertEq(BOB.balance, 5 ether);
    }

    function test_the_value_of_a_message_that_was_not_processed_comes_back_to_its_refundee_once() external {
        signedBy(ALICE);
        uint64 index = bridge.depositEther{value: 1 ether}(address(chain), EVE, 0.1 ether, 0);
        Message memory message = chain.messageAt(index);
        hold(Predeploys.L3_INBOX, 1, 0, 0, CODE);
        (bytes[] memory owner, bytes[] memory inbox) = (end(ALICE), end(Predeploys.L3_INBOX));
        uint256 before = ALICE.balance;
        exits.exitMessage(address(chain), index, message, owner, inbox, new bytes[](0));
        vm.assertEq(ALICE.balance - before, 1 ether);
        bytes32 what = keccak256(abi.encode("message", Messages.hash(index, message)));
        vm.expectRevert(abi.encodeWithSelector(IExits.AlreadyTaken.selector, address(chain), what));
        exits.exitMessage(address(chain), index, message, owner, inbox, new bytes[](0));
    }

    function test_a_message_that_was_processed_does_not_come_back() external {
        signedBy(ALICE);
        uint64 index = bridge.depositEther{value: 1 ether}(address(chain), EVE, 0, 0);
        Message memory message = chain.messageAt(index);
        bytes[] memory slot = processed(index + 1);
        (bytes[] memory owner, bytes[] memory inbox) = (end(ALICE), end(Predeploys.L3_INBOX));
        vm.expectRevert(abi.encodeWithSelector(IExits.MessageProcessed.selector, index));
        exits.exitMessage(address(chain), index, message, owner, inbox, slot);
    }

    function test_a_message_that_was_not_sent_does_not_come_back() external {
        signedBy(ALICE);
        uint64 index = bridge.depositEther{value: 1 ether}(address(chain), EVE, 0, 0);
        Message memory message = chain.messageAt(index);
        bytes[] memory slot = processed(index);
        (bytes[] memory owner, bytes[] memory inbox) = (end(BOB), end(Predeploys.L3_INBOX));
        message.refundee = BOB;
        vm.expectRevert(abi.encodeWithSelector(IExits.UnknownMessage.selector, index));
        exits.exitMessage(address(chain), index, message, owner, inbox, slot);
        message.refundee = ALICE;
        vm.expectRevert(abi.encodeWithSelector(IExits.UnknownMessage.selector, index + 1));
        exits.exitMessage(address(chain), index + 1, message, owner, inbox, slot);
    }

    function test_a_token_that_was_not_minted_comes_back_to_whose_it_was_with_the_fee() external {
        token.mint(EVE, 5);
        vm.prank(EVE);
        token.approve(address(bridge), 5);
        cheats.deal(EVE, 1);
        address twin = bridge.twinOf(address(token));
        signedBy(EVE);
        uint64 index = bridge.deposit{value: 1}(address(chain), address(token), twin, BOB, 5, 0);
        Message memory message = chain.messageAt(index);
        bytes[] memory slot = processed(index);
        bytes[] memory inbox = end(Predeploys.L3_INBOX);
        exits.exitMessage(address(chain), index, message, new bytes[](0), inbox, slot);
        vm.assertEq(token.balanceOf(EVE), 5);
        vm.assertEq(EVE.balance, 1);
    }

    function test_a_parked_message_comes_back_once() external {
        signedBy(ALICE);
        uint64 index = bridge.depositEther{value: 1 ether}(address(chain), EVE, 0, 0);
        Message memory message = chain.messageAt(index);
        bytes32 messageHash = Messages.hash(index, message);
        (bytes32 root, bytes[] memory parked) = storageOf(keccak256(abi.encode(messageHash, uint256(1))), 1);
        hold(Predeploys.L3_INBOX, 1, 0, root, CODE);
        (bytes[] memory owner, bytes[] memory inbox) = (end(ALICE), end(Predeploys.L3_INBOX));
        uint256 before = ALICE.balance;
        exits.exitParked(address(chain), index, message, owner, inbox, parked);
        vm.assertEq(ALICE.balance - before, 1 ether);
        bytes32 what = keccak256(abi.encode("message", messageHash));
        vm.expectRevert(abi.encodeWithSelector(IExits.AlreadyTaken.selector, address(chain), what));
        exits.exitParked(address(chain), index, message, owner, inbox, parked);
        // Another message is not that one.
        message.value += 1;
        vm.expectRevert(abi.encodeWithSelector(TrieWalk.InvalidNode.selector, 1));
        exits.exitParked(address(chain), index, message, owner, inbox, parked);
    }

    function expectRefused(address account, bytes memory reason) private {
        bytes[] memory proof = end(account);
        vm.expectRevert(reason);
        exits.exitEther(address(chain), account, proof);
    }

    function hold(address account, uint256 nonce, uint256 balance, bytes32 root, bytes32 codeHash) private {
        accounts.push(keccak256(abi.encodePacked(account)));
        bytes32 empty = keccak256(hex"80");
        values.push(PlainStateTrie.account(nonce, balance, root == 0 ? empty : root, codeHash));
    }

    /// @dev The chain ends with what was told; the proof of an account.
    function end(address account) private returns (bytes[] memory proof) {
        bytes32 root;
        (root, proof) = PlainStateTrie.prove(accounts, values, keccak256(abi.encodePacked(account)));
        chain.set(root);
        chain.end(true);
    }

    /// @dev `L3Inbox` has processed so many; the proof of its slot.
    function processed(uint64 count) private returns (bytes[] memory proof) {
        bytes32 root;
        uint256 queue = uint256(keccak256("queue")) << 40 | count;
        (root, proof) = storageOf(bytes32(0), queue);
        hold(Predeploys.L3_INBOX, 1, 0, root, CODE);
    }

    function storageOf(bytes32 slot, uint256 value)
        private
        pure
        returns (bytes32 root, bytes[] memory proof)
    {
        bytes memory digits;
        for (uint256 rest = value; rest != 0; rest >>= 8) {
            digits = bytes.concat(bytes1(uint8(rest)), digits);
        }
        bool plain = digits.length == 1 && uint8(digits[0]) < 0x80;
        bytes memory encoded = plain ? digits : bytes.concat(bytes1(uint8(0x80 + digits.length)), digits);
        return PlainStateTrie.proveDeep(keccak256(abi.encode(slot)), encoded, 2, "slots");
    }
}
