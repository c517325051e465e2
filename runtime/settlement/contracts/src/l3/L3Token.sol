// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IL3Token} from "./IL3Token.sol";
import {Predeploys} from "./Predeploys.sol";
import {TokenPermit} from "./TokenPermit.sol";

/// @title The twin of a token of L2
/// @notice See `IL3Token`. Each twin is a clone of this predeploy (EIP-1167), and no constructor was run for either.
contract L3Token is IL3Token, TokenPermit {
    string private _name;
    string private _symbol;
    uint8 private _decimals;
    /// @inheritdoc IL3Token
    address public l2Token;

    modifier onlyL3Bridge() {
        if (msg.sender != Predeploys.L3_BRIDGE) revert NotL3Bridge(msg.sender);
        _;
    }

    constructor() ERC20("", "") {}

    /// @inheritdoc IL3Token
    function initialize(address l2Token_, string calldata name_, string calldata symbol_, uint8 decimals_)
        external
        onlyL3Bridge
    {
        if (l2Token != address(0)) revert AlreadyInitialized();
        (_name, _symbol, _decimals, l2Token) = (name_, symbol_, decimals_, l2Token_);
    }

    /// @inheritdoc IL3Token
    function mint(address to, uint256 amount) external onlyL3Bridge {
        _mint(to, amount);
    }

    /// @inheritdoc IL3Token
    function burn(address from, uint256 amount) external onlyL3Bridge {
        _burn(from, amount);
    }

    /// @inheritdoc ERC20
    function name() public view override returns (string memory) {
        return _name;
    }

    /// @inheritdoc ERC20
    function symbol() public view override returns (string memory) {
        return _symbol;
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
