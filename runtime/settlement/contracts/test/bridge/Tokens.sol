// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {raise} from "./Chains.sol";

/// @notice A token of which anyone makes as much as wanted.
contract PlainToken is ERC20("Plain Token", "PLAIN") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public view virtual override returns (uint8) {
        return 6;
    }
}

/// @notice Keeps one percent of what moves.
contract FeeToken is PlainToken {
    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), amount / 100);
    }
}

/// @notice Calls whoever asked for it before and after tokens move, as ERC-777 does.
contract CallingToken is PlainToken {
    mapping(address account => bytes) private _before;
    mapping(address account => bytes) private _after;

    /// @dev The calls are made once.
    function callMe(bytes calldata before, bytes calldata after_) external {
        (_before[msg.sender], _after[msg.sender]) = (before, after_);
    }

    function _update(address from, address to, uint256 amount) internal override {
        call(from, _before);
        super._update(from, to, amount);
        call(from, _after);
        call(to, _after);
    }

    function call(address account, mapping(address account => bytes) storage calls) private {
        bytes memory data = calls[account];
        if (data.length == 0) return;
        delete calls[account];
        (bool succeeded, bytes memory reason) = account.call(data);
        if (!succeeded) raise(reason);
    }
}

/// @notice Takes a share from everyone.
contract ShrinkingToken is PlainToken {
    uint256 public percent = 100;

    function shrink(uint256 percent_) external {
        percent = percent_;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) * percent / 100;
    }
}

/// @notice Says that it moved what it has not, and takes half of what the recipient had.
contract LyingToken is PlainToken {
    function transferFrom(address from, address to, uint256) public override returns (bool) {
        _transfer(to, from, balanceOf(to) / 2);
        return true;
    }
}

/// @notice Returns nothing, as USDT does; or false, if it refuses.
contract OddToken {
    mapping(address account => uint256) public balanceOf;
    bool private _refuses;

    constructor(bool refuses) {
        _refuses = refuses;
    }

    function refuse(bool refuses) external {
        _refuses = refuses;
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function transfer(address to, uint256 amount) external {
        move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        move(from, to, amount);
    }

    function move(address from, address to, uint256 amount) private {
        if (_refuses) {
            assembly ("memory-safe") {
                mstore(0, 0)
                return(0, 32)
            }
        }
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice Answers each question with the bytes that it was given, or worse.
contract RawToken {
    mapping(bytes4 selector => bytes) private _answers;
    mapping(bytes4 selector => uint256) private _bombs;
    mapping(bytes4 selector => bool) private _burns;

    function answer(bytes4 selector, bytes calldata with) external {
        _answers[selector] = with;
    }

    function bomb(bytes4 selector, uint256 size) external {
        _bombs[selector] = size;
    }

    function burn(bytes4 selector) external {
        _burns[selector] = true;
    }

    fallback() external {
        if (_burns[msg.sig]) while (true) {}
        uint256 size = _bombs[msg.sig];
        bytes memory with = _answers[msg.sig];
        assembly ("memory-safe") {
            if size { return(0, size) }
            return(add(with, 32), mload(with))
        }
    }
}
