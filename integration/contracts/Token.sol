// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// An ERC-20 token for tests, in the code that most tokens have. `Token.hex` is its creation code; README.md
/// says how it is made.
contract Token is ERC20 {
    constructor(uint256 supply) ERC20("Test token", "TEST") {
        _mint(msg.sender, supply);
    }
}
