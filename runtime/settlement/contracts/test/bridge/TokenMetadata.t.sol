// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {TokenMetadata} from "src/bridge/TokenMetadata.sol";
import {Test} from "../Test.sol";
import {OddToken, PlainToken, RawToken} from "./Tokens.sol";

contract MetadataCaller {
    function read(address token) external view returns (bytes memory) {
        return TokenMetadata.read(token);
    }
}

contract TokenMetadataTest is Test {
    bytes4 private constant NAME = IERC20Metadata.name.selector;
    bytes4 private constant SYMBOL = IERC20Metadata.symbol.selector;
    bytes4 private constant DECIMALS = IERC20Metadata.decimals.selector;
    uint256 private constant NEEDED = uint256(100_000) * 64 / 63 + 5000;

    MetadataCaller private immutable caller = new MetadataCaller();
    RawToken private token = new RawToken();

    function test_a_token_says_what_it_is() external {
        expect(address(new PlainToken()), "Plain Token", "PLAIN", 6);
    }

    function test_a_token_that_does_not_say_has_no_name_and_18_decimals() external {
        expect(address(new OddToken(false)), "", "", 18);
        expect(address(token), "", "", 18);
        expect(address(0xdead), "", "", 18);
    }

    function test_names_of_32_bytes_end_with_the_first_zero() external {
        token.answer(NAME, abi.encode(bytes32("Maker")));
        token.answer(SYMBOL, abi.encode(bytes32("12345678901234567890123456789012")));
        expect(address(token), "Maker", "12345678901234567890123456789012", 18);
    }

    function testFuzz_names_are_cut_at_64_bytes(string calldata name, string calldata symbol, uint8 decimals)
        external
    {
        token.answer(NAME, abi.encode(name));
        token.answer(SYMBOL, abi.encode(symbol));
        token.answer(DECIMALS, abi.encode(decimals));
        expect(address(token), cut(name), cut(symbol), decimals);
    }

    function test_a_long_name_is_cut_at_64_bytes() external {
        token.answer(NAME, abi.encode(string(new bytes(65))));
        token.answer(SYMBOL, abi.encode(string(new bytes(5000))));
        expect(address(token), string(new bytes(64)), string(new bytes(64)), 18);
    }

    function test_decimals_that_are_no_byte_are_18() external {
        token.answer(DECIMALS, abi.encode(uint256(256)));
        expect(address(token), "", "", 18);
        token.answer(DECIMALS, abi.encode(type(uint256).max));
        expect(address(token), "", "", 18);
        token.answer(DECIMALS, hex"06");
        expect(address(token), "", "", 18);
        token.answer(DECIMALS, abi.encode(uint256(6), uint256(0)));
        expect(address(token), "", "", 18);
        token.answer(DECIMALS, abi.encode(uint256(0)));
        expect(address(token), "", "", 0);
    }

    function testFuzz_garbage_is_taken_for_something_short(bytes calldata name, bytes calldata decimals)
        external
    {
        token.answer(NAME, name);
        token.answer(SYMBOL, name);
        token.answer(DECIMALS, decimals);
        (string memory read, string memory symbol,) =
            abi.decode(caller.read(address(token)), (string, string, uint8));
        vm.assertTrue(bytes(read).length <= 64);
        vm.assertEq(bytes(symbol), bytes(read));
    }

    function testFuzz_a_string_that_lies_of_its_place_is_taken_for_something_short(
        uint256 offset,
        uint256 length
    ) external {
        token.answer(NAME, abi.encode(offset, length, bytes32("text")));
        (string memory read,,) = abi.decode(caller.read(address(token)), (string, string, uint8));
        vm.assertTrue(bytes(read).length <= 64);
    }

    function test_a_token_that_burns_gas_costs_no_more_than_three_shares() external {
        token.burn(NAME);
        token.burn(SYMBOL);
        token.burn(DECIMALS);
        uint256 before = gasleft();
        expect(address(token), "", "", 18);
        vm.assertTrue(before - gasleft() < 330_000);
        vm.assertTrue(before - gasleft() > 300_000);
    }

    function test_a_token_that_returns_much_costs_no_more_than_three_shares() external {
        token.bomb(NAME, 300_000);
        token.bomb(SYMBOL, 100_000);
        token.bomb(DECIMALS, 100_000);
        uint256 before = gasleft();
        caller.read(address(token));
        vm.assertTrue(before - gasleft() < 330_000);
    }

    /// @notice Whoever gives too little gas for the token to answer is refused, at each of the three questions.
    function testFuzz_no_gas_limit_changes_what_a_token_says(uint256 gas) external {
        token.answer(NAME, abi.encode("name"));
        token.answer(SYMBOL, abi.encode("symbol"));
        token.answer(DECIMALS, abi.encode(uint256(6)));
        bytes memory expected = abi.encode("name", "symbol", uint8(6));
        try caller.read{gas: bound(gas, 1000, 200_000)}(address(token)) returns (bytes memory read) {
            vm.assertEq(read, expected);
        } catch (bytes memory reason) {
            bool named = bytes4(reason) == TokenMetadata.TooLittleGas.selector;
            vm.assertTrue(named || (reason.length == 0 && bound(gas, 1000, 200_000) < 10_000));
        }
    }

    function test_too_little_gas_is_refused_by_name() external view {
        try caller.read{gas: NEEDED}(address(token)) {
            revert("it was enough");
        } catch (bytes memory reason) {
            vm.assertEq(bytes32(bytes4(reason)), bytes32(TokenMetadata.TooLittleGas.selector));
            (uint256 left, uint256 needed) = this.decodeGas(reason);
            vm.assertEq(needed, NEEDED);
            vm.assertTrue(left < NEEDED && left > NEEDED - 1000);
        }
    }

    function decodeGas(bytes calldata reason) external pure returns (uint256, uint256) {
        return abi.decode(reason[4:], (uint256, uint256));
    }

    function expect(address asked, string memory name, string memory symbol, uint8 decimals) private view {
        vm.assertEq(caller.read(asked), abi.encode(name, symbol, decimals));
    }

    function cut(string memory text) private pure returns (string memory) {
        if (bytes(text).length > 64) {
            assembly ("memory-safe") {
                mstore(text, 64)
            }
        }
        return text;
    }
}
