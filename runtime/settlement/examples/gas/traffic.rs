//! Signed transactions as wallets send them: of ten, four pay ether, four pay a token, one approves, one swaps.

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::Encodable2718;
use alloy::primitives::{Address, Bytes, TxKind, U256, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol;
use alloy::sol_types::SolCall;

use crate::chain::CHAIN_ID;

sol! {
    function transfer(address to, uint256 amount);
    function approve(address spender, uint256 amount);
    function swapExactTokensForTokens(
        uint256 amountIn,
        uint256 amountOutMin,
        address[] path,
        address to,
        uint256 deadline
    );
}

/// Senders, who take turns.
const SENDERS: usize = 200;
/// Tokens that are paid with.
const TOKENS: u64 = 8;
const GWEI: u128 = 1_000_000_000;

/// The first `count` transactions, always the same.
pub(crate) fn traffic(count: usize) -> Vec<Bytes> {
    let key = |index| PrivateKeySigner::from_bytes(&keccak256(format!("sender {index}"))).unwrap();
    let senders: Vec<_> = (0..SENDERS.min(count)).map(key).collect();
    (0..count)
        .map(|index| {
            let sender = &senders[index % senders.len()];
            let nonce = draw("nonce", index % senders.len()) % 300 + (index / SENDERS) as u64;
            signed(sender, nonce, index)
        })
        .collect()
}

fn signed(sender: &PrivateKeySigner, nonce: u64, index: usize) -> Bytes {
    let (to, value, input, gas_limit) = action(sender.address(), index);
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID.0,
        nonce,
        gas_limit,
        max_fee_per_gas: 2 * GWEI + u128::from(draw("fee", index) % 1_000_000_000),
        max_priority_fee_per_gas: GWEI / 10,
        to: TxKind::Call(to),
        value,
        input,
        ..TxEip1559::default()
    };
    let signature = sender
        .sign_hash_sync(&transaction.signature_hash())
        .unwrap();
    let envelope = TxEnvelope::from(transaction.into_signed(signature));
    envelope.encoded_2718().into()
}

/// To, value, input, gas limit.
fn action(sender: Address, index: usize) -> (Address, U256, Bytes, u64) {
    let somebody = address("account", draw("account", index));
    let token = |name| address("token", draw(name, index) % TOKENS);
    // Amounts of 0.001 to 10 units of 18 decimals, as people write them.
    let amount = U256::from(draw("amount", index) % 10_000 + 1) * U256::from(10_u64.pow(15));
    let router = address("router", 0);
    let call = |to, input: Vec<u8>, gas| (to, U256::ZERO, Bytes::from(input), gas);
    match index % 10 {
        0..4 => (somebody, amount, Bytes::new(), 21_000),
        4..8 => {
            let pay = transferCall {
                to: somebody,
                amount,
            };
            call(token("token"), pay.abi_encode(), 65_000)
        }
        8 => {
            let approve = approveCall {
                spender: router,
                amount: U256::MAX,
            };
            call(token("token"), approve.abi_encode(), 50_000)
        }
        _ => {
            let swap = swapExactTokensForTokensCall {
                amountIn: amount,
                amountOutMin: amount * U256::from(draw("price", index) % 1_000_000) / U256::from(7),
                path: vec![token("from"), token("to")],
                to: sender,
                deadline: U256::from(1_800_000_000 + index),
            };
            call(router, swap.abi_encode(), 180_000)
        }
    }
}

fn draw(what: &str, index: usize) -> u64 {
    let hash = keccak256(format!("{what} {index}"));
    u64::from_be_bytes(hash[..8].try_into().unwrap())
}

fn address(what: &str, index: u64) -> Address {
    Address::from_word(keccak256(format!("{what} {index}")))
}
