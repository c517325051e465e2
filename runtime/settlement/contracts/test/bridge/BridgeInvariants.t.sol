// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Withdrawal, Withdrawals} from "src/bridge/Withdrawal.sol";
import {BridgeFixture} from "./BridgeFixture.sol";
import {ProofBuilder} from "./ProofBuilder.sol";

/// @notice People who deposit and claim in any order, on two honest chains and one that lies.
/// @dev An honest chain sends no more than it holds by the messages that it was sent and its own withdrawals: that is counted
/// here, apart from the bridge. The lying one sends whatever is drawn.
contract People is BridgeFixture {
    address[3] public chains;
    address[2] public assets;
    /// @dev What each chain holds on L3, and may still send.
    mapping(address chain => mapping(address asset => uint256)) public held;
    /// @notice What was ever deposited to a chain or handed over to it, and what left it.
    mapping(address chain => mapping(address asset => uint256)) public entered;
    mapping(address chain => mapping(address asset => uint256)) public left;
    /// @notice What came from L2, and what was paid there.
    mapping(address asset => uint256) public broughtIn;
    mapping(address asset => uint256) public paidOut;

    Withdrawal[] private _pending;
    address[] private _from;
    Withdrawal[] private _final;
    address[] private _finalFrom;
    uint256 private _count;

    constructor() {
        chains = [address(first), address(second), address(lying)];
        assets = [ETHER, address(token)];
        cheats.deal(address(this), type(uint128).max);
    }

    function depositedOf(address chain, address asset) external view returns (uint256) {
        return bridge.deposited(chain, asset);
    }

    /// @dev Slot 1 of the bridge, which is no part of its interface.
    function totalOf(address asset) external view returns (uint256) {
        return uint256(cheats.load(address(bridge), keccak256(abi.encode(asset, uint256(1)))));
    }

    function balanceOf(address asset) external view returns (uint256) {
        return asset == ETHER ? address(bridge).balance : token.balanceOf(address(bridge));
    }

    function depositEther(uint256 chain, uint256 amount, uint256 fee) external {
        (amount, fee) = (bound(amount, 1, 1 ether), bound(fee, 0, 1 ether));
        bridge.depositEther{value: amount + fee}(chains[chain % 3], ALICE, fee, 0);
        enter(chains[chain % 3], ETHER, amount + fee);
        broughtIn[ETHER] += amount + fee;
    }

    function sendMessage(uint256 chain, uint256 amount, uint256 fee) external {
        (amount, fee) = (bound(amount, 0, 1 ether), bound(fee, 0, 1 ether));
        bridge.sendMessage{value: amount + fee}(chains[chain % 3], ALICE, amount, fee, 0, ALICE, "call");
        enter(chains[chain % 3], ETHER, amount + fee);
        broughtIn[ETHER] += amount + fee;
    }

    function fund(uint256 chain, uint256 amount) external {
        amount = bound(amount, 1, 1 ether);
        give(chains[chain % 3], amount);
        enter(chains[chain % 3], ETHER, amount);
        broughtIn[ETHER] += amount;
    }

    function depositToken(uint256 chain, uint256 amount) external {
        amount = bound(amount, 1, 1 ether);
        giveToken(chains[chain % 3], token, amount);
        enter(chains[chain % 3], address(token), amount);
        broughtIn[address(token)] += amount;
    }

    /// @notice A token or ETH that nobody deposited.
    function giveAway(uint256 amount) external {
        token.mint(address(bridge), bound(amount, 0, 1 ether));
    }

    /// @notice An honest chain sends something that it holds, to L2 or to another chain.
    function withdraw(uint256 chain, uint256 asset, uint256 amount, uint256 to, uint256 fee) external {
        address rollup = chains[chain % 2];
        uint256 most = held[rollup][assets[asset % 2]];
        // Of a token nothing is no withdrawal.
        uint256 least = assets[asset % 2] == ETHER ? 0 : 1;
        if (most < least) return;
        Withdrawal memory withdrawal = draw(asset, bound(amount, least, most), to);
        held[rollup][withdrawal.token] -= withdrawal.amount;
        if (withdrawal.destination != address(0)) {
            withdrawal.fee = bound(fee, 0, held[rollup][ETHER]);
            held[rollup][ETHER] -= withdrawal.fee;
        }
        _pending.push(withdrawal);
        _from.push(rollup);
    }

    /// @notice The lying chain sends anything.
    function lie(uint256 asset, uint256 amount, uint256 to, uint256 fee) external {
        uint256 most = bridge.deposited(address(lying), assets[asset % 2]);
        Withdrawal memory withdrawal = draw(asset, bound(amount, 0, 2 * most + 1), to);
        if (withdrawal.destination != address(0)) withdrawal.fee = bound(fee, 0, 1 ether);
        _pending.push(withdrawal);
        _from.push(address(lying));
    }

    /// @notice Something that was sent is claimed. What an honest chain sent is always paid.
    function claimAny(uint256 place) external {
        if (_pending.length == 0) return;
        place = place % _pending.length;
        (Withdrawal memory withdrawal, address rollup) = (_pending[place], _from[place]);
        if (!tryClaim(rollup, withdrawal)) {
            require(rollup == address(lying), "an honest chain's withdrawal was not paid");
            return;
        }
        _pending[place] = _pending[_pending.length - 1];
        _from[place] = _from[_from.length - 1];
        _pending.pop();
        _from.pop();
        _final.push(withdrawal);
        _finalFrom.push(rollup);
        settle(rollup, withdrawal);
    }

    /// @notice Something that was paid is claimed again.
    function claimAgain(uint256 place) external {
        if (_final.length == 0) return;
        place = place % _final.length;
        require(!tryClaim(_finalFrom[place], _final[place]), "a withdrawal was paid twice");
    }

    /// @notice What one chain sent is claimed from another, which has not sent it.
    function claimElsewhere(uint256 place, uint256 chain) external {
        if (_pending.length == 0) return;
        place = place % _pending.length;
        address rollup = chains[chain % 2];
        if (rollup == _from[place]) return;
        ProofBuilder.Proof memory proof = proofOf(_pending[place]);
        if (first.isProven(proof.stateRoot) && rollup == address(first)) return;
        if (second.isProven(proof.stateRoot) && rollup == address(second)) return;
        (bool claimed,) = address(bridge).call(claimCall(rollup, _pending[place]));
        require(!claimed, "a chain paid what another one sent");
    }

    function draw(uint256 asset, uint256 amount, uint256 to) private returns (Withdrawal memory withdrawal) {
        withdrawal = tokenTo(assets[asset % 2], BOB, amount);
        withdrawal.id = _count++;
        withdrawal.destination = to % 4 == 3 ? address(0) : chains[to % 4];
        if (withdrawal.token == ETHER && to & 4 == 0) withdrawal.data = "call";
    }

    function tryClaim(address rollup, Withdrawal memory withdrawal) private returns (bool claimed) {
        ProofBuilder.Proof memory proof = proofOf(withdrawal);
        if (rollup == address(first)) first.prove(proof.stateRoot);
        if (rollup == address(second)) second.prove(proof.stateRoot);
        uint256 before = BOB.balance + token.balanceOf(BOB);
        (claimed,) = address(bridge).call(claimCall(rollup, withdrawal));
        uint256 paid = BOB.balance + token.balanceOf(BOB) - before;
        bool pays = claimed && withdrawal.destination == address(0);
        require(paid == (pays ? withdrawal.amount : 0), "the recipient got another amount");
        require(!claimed || bridge.finalized(rollup, Withdrawals.hash(withdrawal)), "it is not final");
    }

    function settle(address rollup, Withdrawal memory withdrawal) private {
        left[rollup][withdrawal.token] += withdrawal.amount;
        left[rollup][ETHER] += withdrawal.fee;
        if (withdrawal.destination == address(0)) {
            paidOut[withdrawal.token] += withdrawal.amount;
        } else {
            enter(withdrawal.destination, withdrawal.token, withdrawal.amount);
            enter(withdrawal.destination, ETHER, withdrawal.fee);
        }
    }

    function enter(address chain, address asset, uint256 amount) private {
        held[chain][asset] += amount;
        entered[chain][asset] += amount;
    }
}

contract BridgeInvariantsTest {
    People private people;

    function setUp() external {
        people = new People();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(people);
    }

    /// @notice Nothing is made, nothing is lost, and all of it is there.
    function invariant_the_accounts_are_what_came_less_what_was_paid_and_the_bridge_has_it() external view {
        for (uint256 i = 0; i < 2; ++i) {
            address asset = people.assets(i);
            uint256 sum;
            for (uint256 j = 0; j < 3; ++j) {
                sum += people.depositedOf(people.chains(j), asset);
            }
            require(sum == people.broughtIn(asset) - people.paidOut(asset), "sum");
            require(sum <= people.balanceOf(asset), "balance");
        }
    }

    /// @notice No chain pays more than came to it.
    function invariant_an_account_is_what_entered_less_what_left() external view {
        for (uint256 i = 0; i < 2; ++i) {
            for (uint256 j = 0; j < 3; ++j) {
                (address asset, address chain) = (people.assets(i), people.chains(j));
                uint256 entered = people.entered(chain, asset);
                require(people.left(chain, asset) <= entered, "left");
                require(people.depositedOf(chain, asset) == entered - people.left(chain, asset), "account");
            }
        }
    }

    /// @notice The sum that guards against tokens that shrink is that of the accounts.
    function invariant_the_sum_of_a_token_is_that_of_the_accounts() external view {
        address asset = people.assets(1);
        uint256 sum;
        for (uint256 j = 0; j < 3; ++j) {
            sum += people.depositedOf(people.chains(j), asset);
        }
        require(people.totalOf(asset) == sum, "total");
    }
}
