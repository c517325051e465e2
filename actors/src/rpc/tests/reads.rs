//! Blocks, fees, proofs and finality.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::rpc::types::{Block, EIP1186AccountProofResponse};
use serde_json::{Value, json};
use tern_cluster_config::{LogLimits, RpcConfig, SealingPolicy, development_key};
use tern_messages::L2Anchor;

use super::Served;
use crate::main_node::MainNodeMessage;
use crate::main_node::testing::{hasty, patient, transfer};

async fn with_blocks(count: u64) -> Served {
    let single = SealingPolicy {
        max_transactions: 1,
        ..patient()
    };
    let config = RpcConfig {
        logs: LogLimits {
            max_blocks: 2,
            max_logs: 10,
        },
        ..RpcConfig::default()
    };
    let served = Served::with(single, config).await;
    for nonce in 0..count {
        served
            .result("eth_sendRawTransaction", json!([transfer(0, nonce)]))
            .await;
    }
    served.node.sealed(count).await;
    served
}

#[tokio::test]
async fn a_call_at_pending_is_executed_at_the_present_time_also_while_no_block_is_open() {
    let served = Served::start(patient()).await;
    // mstore(0, timestamp); mstore(32, number); return(0, 64)
    let call = json!({ "data": "0x425f524360205260405ff3" });
    let told = async |tag: &str| {
        let answer = served.result("eth_call", json!([call, tag])).await;
        let words: Bytes = serde_json::from_value(answer).unwrap();
        [0, 32].map(|at| U256::from_be_slice(&words[at..at + 32]).to::<u64>())
    };
    let genesis = served.node.handle.head().borrow().sealed.header.timestamp;
    assert_eq!(told("latest").await, [genesis, 0]);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    // A chain goes on in time as far as L2 does.
    served.node.tell(MainNodeMessage::ReportAnchor(L2Anchor {
        number: 5,
        hash: B256::repeat_byte(5),
        timestamp: now,
    }));
    served.node.until(|head| head.anchor.is_some()).await;
    let [time, number] = told("pending").await;
    assert!((now..now + 20).contains(&time), "{time}, now is {now}");
    assert_eq!(number, 1);
    served
        .result("eth_sendRawTransactionSync", json!([transfer(0, 0)]))
        .await;
    let [time, number] = told("pending").await;
    assert!(
        time >= now && number == 1,
        "the open block: {number} at {time}"
    );
}

#[tokio::test]
async fn a_block_has_every_field_that_clients_read_and_its_hash_is_that_of_its_header() {
    let served = with_blocks(1).await;
    let answer = served
        .result("eth_getBlockByNumber", json!(["latest", true]))
        .await;
    for field in [
        "hash",
        "parentHash",
        "sha3Uncles",
        "miner",
        "stateRoot",
        "transactionsRoot",
        "receiptsRoot",
        "logsBloom",
        "difficulty",
        "number",
        "gasLimit",
        "gasUsed",
        "timestamp",
        "extraData",
        "mixHash",
        "nonce",
        "baseFeePerGas",
        "withdrawalsRoot",
        "blobGasUsed",
        "excessBlobGas",
        "parentBeaconBlockRoot",
        "totalDifficulty",
        "size",
        "transactions",
        "uncles",
        "withdrawals",
    ] {
        assert!(!answer[field].is_null(), "{field} is missing in {answer}");
    }
    let transaction = &answer["transactions"][0];
    for field in [
        "hash",
        "nonce",
        "blockHash",
        "blockNumber",
        "transactionIndex",
        "from",
        "to",
        "value",
        "gas",
        "gasPrice",
        "maxFeePerGas",
        "maxPriorityFeePerGas",
        "input",
        "r",
        "s",
        "v",
        "yParity",
        "type",
        "chainId",
        "accessList",
    ] {
        assert!(
            !transaction[field].is_null(),
            "{field} is missing in {transaction}"
        );
    }
    let block: Block = serde_json::from_value(answer).unwrap();
    assert_eq!(block.header.inner.hash_slow(), block.header.hash);
    assert_eq!(block.header.mix_hash, keccak256(block.header.parent_hash));
}

#[tokio::test]
async fn tags_name_sealed_open_and_final_blocks() {
    let served = with_blocks(2).await;
    let number = async |tag| {
        served
            .result("eth_getBlockByNumber", json!([tag, false]))
            .await["number"]
            .clone()
    };
    assert_eq!(number("latest").await, "0x2");
    assert_eq!(number("pending").await, "0x2");
    assert_eq!(number("safe").await, "0x0");
    assert_eq!(number("finalized").await, "0x0");
    assert_eq!(number("earliest").await, "0x0");
    let none = served
        .result("eth_getBlockByNumber", json!(["0x9", false]))
        .await;
    assert_eq!(none, Value::Null);
    let none = served
        .result("eth_getBlockByHash", json!([B256::repeat_byte(1), false]))
        .await;
    assert_eq!(none, Value::Null);
    let (code, text) = served
        .error("eth_getBalance", json!([Address::ZERO, "0x9"]))
        .await;
    assert_eq!((code, text.trim()), (-32000, "header not found"));
}

#[tokio::test]
async fn an_account_proof_verifies_against_the_state_root() {
    let served = with_blocks(1).await;
    let block: Block = serde_json::from_value(
        served
            .result("eth_getBlockByNumber", json!(["latest", false]))
            .await,
    )
    .unwrap();
    let account = development_key(0).address();
    let answer = served
        .result("eth_getProof", json!([account, ["0x0"], "latest"]))
        .await;
    let proof: EIP1186AccountProofResponse = serde_json::from_value(answer).unwrap();
    assert_eq!(proof.nonce, 1);
    let key = alloy_trie::Nibbles::unpack(keccak256(account));
    let value = alloy::rlp::encode(alloy_trie::TrieAccount {
        nonce: proof.nonce,
        balance: proof.balance,
        storage_root: proof.storage_hash,
        code_hash: proof.code_hash,
    });
    let verify = |root, value: Vec<u8>| {
        alloy_trie::proof::verify_proof(root, key, Some(value), &proof.account_proof)
    };
    verify(block.header.state_root, value.clone()).unwrap();
    verify(B256::repeat_byte(1), value.clone()).unwrap_err();
    let mut other = value;
    *other.last_mut().unwrap() ^= 1;
    verify(block.header.state_root, other).unwrap_err();
}

#[tokio::test]
async fn the_open_block_has_no_proofs_and_proofs_have_a_limit() {
    let served = Served::start(patient()).await;
    served
        .result("eth_sendRawTransaction", json!([transfer(0, 0)]))
        .await;
    let (code, text) = served
        .error("eth_getProof", json!([Address::ZERO, [], "pending"]))
        .await;
    assert_eq!(code, -32602);
    assert!(text.contains("not sealed"), "{text}");
    let slots = vec!["0x0"; 1025];
    let (code, text) = served
        .error("eth_getProof", json!([Address::ZERO, slots, "latest"]))
        .await;
    assert_eq!(code, -32005);
    assert!(text.contains("at most 1024"), "{text}");
}

#[tokio::test]
async fn log_searches_are_limited_with_a_sentence_that_helps() {
    let served = with_blocks(3).await;
    let (code, text) = served
        .error(
            "eth_getLogs",
            json!([{ "fromBlock": "0x0", "toBlock": "0x3" }]),
        )
        .await;
    assert_eq!(code, -32005);
    assert!(
        text.contains("4 blocks") && text.contains("at most 2"),
        "{text}"
    );
    // What lies beyond the head is not counted.
    let beyond = json!([{ "fromBlock": "0x2", "toBlock": "0xffffffffffffffff" }]);
    assert_eq!(served.result("eth_getLogs", beyond).await, json!([]));
}

#[tokio::test]
async fn fees_are_told_for_history_present_and_next_block() {
    let served = with_blocks(2).await;
    let history = served
        .result("eth_feeHistory", json!(["0x10", "latest", [0, 50, 100]]))
        .await;
    assert_eq!(history["oldestBlock"], "0x0");
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 4);
    assert_eq!(history["baseFeePerGas"][0], "0x3b9aca00");
    assert_eq!(history["gasUsedRatio"][1], json!(0.0021));
    assert_eq!(history["reward"][1], json!(["0x1", "0x1", "0x1"]));
    let price: U256 =
        serde_json::from_value(served.result("eth_gasPrice", json!([])).await).unwrap();
    let next: U256 = serde_json::from_value(history["baseFeePerGas"][3].clone()).unwrap();
    assert!(price > next && price < next * U256::from(2));
    assert_eq!(
        served.result("eth_maxPriorityFeePerGas", json!([])).await,
        "0x0"
    );
}

#[tokio::test]
async fn historical_state_is_served() {
    let served = with_blocks(3).await;
    let to = Address::repeat_byte(0xaa);
    for number in 0..=3u64 {
        let balance = served
            .result("eth_getBalance", json!([to, format!("{number:#x}")]))
            .await;
        assert_eq!(balance, format!("{number:#x}"));
    }
    let hash = served
        .result("eth_getBlockByNumber", json!(["0x1", false]))
        .await["hash"]
        .clone();
    let balance = served
        .result("eth_getBalance", json!([to, { "blockHash": hash }]))
        .await;
    assert_eq!(balance, "0x1");
}

#[tokio::test]
async fn small_methods_answer() {
    let served = Served::start(hasty()).await;
    let client = served.result("web3_clientVersion", json!([])).await;
    assert!(client.as_str().unwrap().starts_with("tern/v"), "{client}");
    assert_eq!(served.result("eth_syncing", json!([])).await, json!(false));
    assert_eq!(served.result("eth_accounts", json!([])).await, json!([]));
    assert_eq!(served.result("net_listening", json!([])).await, json!(true));
    let hash = served
        .result("web3_sha3", json!([Bytes::from_static(b"tern")]))
        .await;
    assert_eq!(hash, json!(keccak256("tern")));
    assert_eq!(
        served.result("tern_getBatch", json!([1])).await,
        Value::Null
    );
    assert_eq!(
        served.result("tern_batchOfBlock", json!(["0x0"])).await,
        Value::Null
    );
    let finality = served.result("tern_finality", json!([])).await;
    assert_eq!(finality["confirmed"], "0x0");
    let storage = served
        .result("eth_getStorageAt", json!([Address::ZERO, "0x0", "latest"]))
        .await;
    assert_eq!(storage, json!(B256::ZERO));
    assert_eq!(
        served
            .result("eth_getCode", json!([Address::ZERO, "latest"]))
            .await,
        "0x"
    );
}
