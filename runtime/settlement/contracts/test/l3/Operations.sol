// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message, Messages} from "src/bridge/Message.sol";
import {L3Token} from "src/l3/L3Token.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {L3Fixture} from "./L3Fixture.sol";

/// @notice What L2 sends and what people on L3 do, in any order. Keeps what must be so afterwards.
contract Operations is L3Fixture {
    struct Waiting {
        uint256 index;
        Message message;
    }

    /// @dev Refuses all calls; burns all gas; is nobody in particular.
    address private constant REFUSER = address(0xBAD1);
    address private constant BURNER = address(0xBAD2);
    uint256 private constant TOKENS = 2;

    Waiting[] private _waiting;
    /// @notice What the twins' supplies must be.
    uint256[TOKENS] public supplies;
    /// @notice How many deposits came back.
    uint256 public returned;
    /// @notice How many withdrawals people made.
    uint256 public withdrawn;

    constructor() {
        super.setUp();
        vm.etch(REFUSER, REFUSES);
        vm.etch(BURNER, BURNS_ALL_GAS);
    }

    /// @dev Among the calls that are drawn, and none of them.
    function setUp() public override {}

    /// @notice L2 sends some messages, and someone processes them.
    function processSome(uint256 seed, uint8 count, uint256 parked, uint256 keeper) external {
        Message[] memory messages = new Message[](bound(count, 1, 5));
        uint256 share = (Predeploys.L3_INBOX.balance - owed() - waitingValue()) / 20;
        for (uint256 i = 0; i < messages.length; ++i) {
            messages[i] = draw(uint256(keccak256(abi.encode(seed, i))), share);
        }
        announce(messages);
        uint256 first = sent - messages.length;
        vm.prank(person(keeper));
        INBOX.process(START, L2_BLOCK, messages, none(), bits(parked));
        for (uint256 i = 0; i < messages.length; ++i) {
            if (INBOX.isParked(Messages.hash(first + i, messages[i]))) {
                _waiting.push(Waiting(first + i, messages[i]));
            } else {
                arrive(messages[i]);
            }
        }
    }

    /// @notice Someone calls a message that waits.
    function callSome(uint256 pick, uint256 keeper) external {
        if (_waiting.length == 0) return;
        pick %= _waiting.length;
        Waiting memory chosen = _waiting[pick];
        vm.prank(person(keeper));
        INBOX.call(chosen.index, chosen.message);
        if (INBOX.isParked(Messages.hash(chosen.index, chosen.message))) return;
        forget(pick);
        arrive(chosen.message);
    }

    /// @notice Its refundee gives up a message that waits.
    function giveUpSome(uint256 pick) external {
        if (_waiting.length == 0) return;
        pick %= _waiting.length;
        Waiting memory chosen = _waiting[pick];
        vm.prank(chosen.message.refundee);
        INBOX.giveUp(chosen.index, chosen.message);
        forget(pick);
    }

    /// @notice Someone takes what is owed.
    function takeRefund(uint256 who, uint256 to_) external {
        address account = person(who);
        address recipient = person(to_);
        if (INBOX.refundOf(account) == 0) return;
        vm.prank(account);
        try INBOX.takeRefund(recipient) {
            vm.assertTrue(recipient.code.length == 0);
        } catch {
            vm.assertTrue(recipient.code.length != 0);
        }
    }

    /// @notice Someone sends ETH to L2.
    function withdrawEther(uint256 who, uint256 amount) external {
        address account = person(who);
        if (account.balance == 0) return;
        vm.prank(account);
        BRIDGE.withdrawEther{value: bound(amount, 1, account.balance)}(account);
        ++withdrawn;
    }

    /// @notice Someone sends a token to L2.
    function withdraw(uint256 who, uint256 which, uint256 amount) external {
        address account = person(who);
        which %= TOKENS;
        if (supplies[which] == 0 || twin(which).balanceOf(account) == 0) return;
        amount = twin(which).balanceOf(account) == type(uint256).max
            ? amount | 1
            : bound(amount, 1, twin(which).balanceOf(account));
        vm.prank(account);
        BRIDGE.withdraw(token(which), account, amount);
        supplies[which] -= amount;
        ++withdrawn;
    }

    /// @notice All ETH outside the inbox.
    function outside() external view returns (uint256 total) {
        for (uint256 i = 0; i < 5; ++i) {
            total += person(i).balance;
        }
    }

    /// @notice What the inbox owes to people.
    function owed() public view returns (uint256 total) {
        for (uint256 i = 0; i < 5; ++i) {
            total += INBOX.refundOf(person(i));
        }
    }

    /// @notice Value and fees of all messages that wait, each of which the inbox knows.
    function waitingValue() public view returns (uint256 total) {
        for (uint256 i = 0; i < _waiting.length; ++i) {
            Message memory message = _waiting[i].message;
            vm.assertTrue(INBOX.isParked(Messages.hash(_waiting[i].index, message)));
            total += message.value + message.fee;
        }
    }

    /// @notice The supply of a twin; none if there is no twin.
    function supplyOf(uint256 which) external view returns (uint256) {
        return address(twin(which)).code.length == 0 ? 0 : twin(which).totalSupply();
    }

    /// @notice The queue on L2.
    function head() external view returns (uint256, bytes27) {
        return (sent, queue);
    }

    /// @dev A payment, a deposit of the bridge (some too large, some to nobody, some with too little gas), or what a
    /// user sends to the bridge.
    function draw(uint256 seed, uint256 share) private pure returns (Message memory message) {
        uint256 kind = seed % 4;
        address who = person(seed >> 16);
        if (kind == 2) {
            uint256 amount = (seed >> 8) % 5 == 0 ? type(uint256).max - (seed >> 250) : seed >> 192;
            message = deposit(token((seed >> 24) % TOKENS), (seed >> 32) % 7 == 0 ? address(0) : who, amount);
            if ((seed >> 40) % 3 == 0) message.gasLimit = 60_000;
        } else {
            message = to(kind == 3 ? Predeploys.L3_BRIDGE : who, "");
            message.value = share == 0 ? 0 : (seed >> 48) % share;
        }
        message.fee = share == 0 ? 0 : (seed >> 100) % share;
        message.refundee = person(seed >> 60);
    }

    /// @dev A message was called: if it was a deposit, it was minted or came back.
    function arrive(Message memory message) private {
        if (message.sender != Messages.aliasOf(L2_BRIDGE)) return;
        bytes memory data = message.data;
        (address l2Token, address recipient, uint256 amount) = (address(0), address(0), 0);
        assembly ("memory-safe") {
            l2Token := mload(add(data, 0x24))
            recipient := mload(add(data, 0x64))
            amount := mload(add(data, 0x84))
        }
        uint256 which = l2Token == token(0) ? 0 : 1;
        if (recipient == address(0) || amount > type(uint256).max - supplies[which]) ++returned;
        else supplies[which] += amount;
    }

    function forget(uint256 pick) private {
        _waiting[pick] = _waiting[_waiting.length - 1];
        _waiting.pop();
    }

    function person(uint256 which) private pure returns (address) {
        return [ALICE, BOB, KEEPER, REFUSER, BURNER][which % 5];
    }

    function token(uint256 which) private pure returns (address) {
        return address(uint160(0x70CE0 + which));
    }

    function twin(uint256 which) private pure returns (L3Token) {
        return L3Token(Predeploys.twinOf(token(which)));
    }
}
