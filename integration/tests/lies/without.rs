//! What the checks of the kernel are there for: each lie is believed by a kernel without the check that refuses it.
//!
//! A change names a piece of the kernel's source and what stands in its place: nothing, or what stood there before.

use tern_integration::lying::failure_with;

/// Asserts that a lie is believed without a check: that its test fails because the run halted, with a false outcome
/// if the transactions were not the lie, went to an address that only this machine has not, or did not end.
#[track_caller]
fn believed(changes: &[(&str, &str)], lie: fn()) {
    let failure = failure_with(changes, lie).expect("the lie is not believed without it, either");
    let signs = ["Forged", "Halted", "SegmentTooLarge", "Endless"];
    let believed = signs.iter().any(|sign| failure.contains(sign));
    assert!(believed, "{failure}");
}

macro_rules! believed_without {
    ($module:ident: $($lie:ident: $($piece:expr => $other:expr),+;)+) => {
        mod $module {
            $(
                #[test]
                fn $lie() {
                    super::believed(&[$(($piece, $other)),+], crate::lies::$module::$lie);
                }
            )+
        }
    };
}

/// Empty is what has the kind 0, wherever it lies.
const EMPTY: (&str, &str) = (
    "global encode_or_hash_node: DUP1 ISZERO %jumpi(encode_or_hash_empty) DUP4 DUP2 %assert_layout",
    "global encode_or_hash_node: DUP1 %mload_trie_data ISZERO %jumpi(encode_or_hash_empty)",
);
/// A root with a short encoding is an empty one.
const EMPTY_ROOT: (&str, &str) = (
    "DUP1 ISZERO %jumpi(mpt_hash_empty)
     %stack (node_ptr, rlp_start, encode_value, cur_len) -> (node_ptr, rlp_start, encode_value, cur_len, mpt_hash_of_node)
     %jump(encode_or_hash_node)
     mpt_hash_of_node: SWAP1 PUSH 32 SUB %jumpi(panic)
     %stack (result, new_len, retdest) -> (retdest, result, new_len) JUMP
     mpt_hash_empty: %pop3",
    "%stack (node_ptr, rlp_start, encode_value, cur_len) -> (node_ptr, rlp_start, encode_value, cur_len, mpt_hash_of_node)
     %jump(encode_or_hash_node)
     mpt_hash_of_node: SWAP1 PUSH 32 SUB %jumpi(mpt_hash_empty)
     %stack (result, new_len, retdest) -> (retdest, result, new_len) JUMP
     mpt_hash_empty: POP",
);

believed_without! { tries:
    an_empty_trie_is_not_a_node_of_the_provers:
        "%init_transient_storage_len PUSH @SEGMENT_TRIE_DATA PUSH 0 MSTORE_GENERAL"
            => "%init_transient_storage_len";
    the_topics_of_a_log_are_not_a_node_of_the_receipts:
        super::EMPTY.0 => super::EMPTY.1, super::EMPTY_ROOT.0 => super::EMPTY_ROOT.1;
}

/// Indices are places in memory, with a bound above and none below.
const ADDRESS: (&str, &str) = (
    "DUP1 PUSH @SEGMENT_ACCESSED_ADDRESSES %mload_global_metadata(@GLOBAL_METADATA_ACCESSED_ADDRESSES_LEN) SUB
     %div_const(2) %assert_gt",
    "",
);
const SLOT: (&str, &str) = (
    "DUP1 PUSH @SEGMENT_ACCESSED_STORAGE_KEYS %mload_global_metadata(@GLOBAL_METADATA_ACCESSED_STORAGE_KEYS_LEN) SUB
     %div_const(4) %assert_gt",
    "",
);

believed_without! { access:
    a_cold_address_is_not_warm_by_a_node_below_the_list: super::ADDRESS.0 => super::ADDRESS.1;
    a_slot_has_no_other_original_value_by_a_node_below_the_list: super::SLOT.0 => super::SLOT.1;
}

/// A transaction that is invalid has no effect, and a receipt.
const SKIPPED: (&str, &str) = (
    "contract_creation_fault_3: %revert_checkpoint
     %stack (leftover_gas, new_ctx, address, retdest, success) -> (leftover_gas, retdest, success)
     %pay_coinbase_and_refund_sender %delete_all_touched_addresses %delete_all_selfdestructed_addresses
     %stack (leftover_gas, retdest, success) -> (retdest, 0, leftover_gas) JUMP",
    "contract_creation_fault_3: PANIC
     skipped_3: %pop2
     skipped_1: POP
     skipped: POP %mload_txn_field(@TXN_FIELD_GAS_LIMIT) PUSH 0 %jump(txn_loop_after)",
);

/// What parsing comes to is not held to be the end.
const END: (&str, &str) = (
    "%decode_and_store_s %mload_txn_field(@TXN_FIELD_RLP_END) %assert_eq type_2_compute_signed_data:",
    "%decode_and_store_s POP type_2_compute_signed_data:",
);

/// Nor is the end of the list.
const LIST_END: (&str, &str) = (
    "SWAP1 DUP2 ADD %mload_txn_field(@TXN_FIELD_RLP_END) %assert_eq",
    "SWAP1 POP",
);

believed_without! { forged_transactions:
    a_fee_that_overflows_does_not_mint:
        "DUP1 %shr_const(128) %jumpi(panic) %mload_txn_field(@TXN_FIELD_GAS_LIMIT)"
            => "%mload_txn_field(@TXN_FIELD_GAS_LIMIT)";
    a_transaction_with_a_wrong_nonce_has_no_receipt:
        super::SKIPPED.0 => super::SKIPPED.1, "%assert_eq(invalid_txn_1)" => "%assert_eq(skipped_1)";
    a_transaction_of_another_chain_has_no_receipt:
        super::SKIPPED.0 => super::SKIPPED.1,
        "%mload_global_metadata(@GLOBAL_METADATA_BLOCK_CHAIN_ID) MUL %assert_eq(invalid_txn)"
            => "%mload_global_metadata(@GLOBAL_METADATA_BLOCK_CHAIN_ID) MUL %assert_eq(skipped)";
    a_transaction_without_the_money_has_no_receipt:
        super::SKIPPED.0 => super::SKIPPED.1, "%assert_le(invalid_txn)" => "%assert_le(skipped)";
    a_transaction_below_the_base_fee_has_no_receipt:
        super::SKIPPED.0 => super::SKIPPED.1,
        "DUP3 DUP2 %assert_ge(invalid_txn_3)" => "DUP3 DUP2 %assert_ge(skipped_3)";
    a_transaction_with_more_gas_than_the_block_has_no_receipt:
        super::SKIPPED.0 => super::SKIPPED.1,
        "%assert_ge(invalid_txn) %mload_global_metadata(@GLOBAL_METADATA_BLOCK_GAS_LIMIT)"
            => "%assert_ge(skipped) %mload_global_metadata(@GLOBAL_METADATA_BLOCK_GAS_LIMIT)";
    a_transaction_has_no_more_gas_than_the_block_has_left:
        "DUP3 %mload_txn_field(@TXN_FIELD_GAS_LIMIT) ADD %assert_le" => "POP";
    a_sender_can_pay_the_highest_fee_that_he_allows:
        "%mload_txn_field(@TXN_FIELD_MAX_FEE_PER_GAS) DUP1 %shr_const(128)"
            => "%mload_txn_field(@TXN_FIELD_COMPUTED_FEE_PER_GAS) DUP1 %shr_const(128)";
    two_transactions_do_not_use_a_nonce_twice:
        "%assert_eq(invalid_txn_1)" => "%pop2";
    nothing_is_hidden_behind_the_signature: super::END.0 => super::END.1;
    nothing_is_hidden_behind_the_transaction:
        super::END.0 => super::END.1, super::LIST_END.0 => super::LIST_END.1;
}

believed_without! { programs:
    a_valid_jump_does_not_fail:
        // A proof lies before the address, and its walk need not begin there.
        "DUP2 DUP2 %assert_le DUP2 DUP2 ISZERO ISZERO %mul_const(32) DUP3 ADD %assert_le"
            => "DUP2 DUP2 %assert_le";
    a_jump_into_data_does_not_succeed:
        "%assert_walk_begins_before %write_table_if_jumpdest %jump(jumpdest_analysis)"
            => "%write_table_if_jumpdest %jump(jumpdest_analysis)";
    behind_empty_init_code_nothing_runs:
        "%mload_txn_field(@TXN_FIELD_DATA_LEN) DUP2 %pad_code" => "";
    behind_the_init_code_of_a_contract_nothing_runs:
        "run_constructor: %pad_code" => "run_constructor: %pop2";
    a_call_that_is_out_of_gas_does_not_end_well:
        "global sys_stop: %check_gas" => "global sys_stop:";
    the_top_of_the_stack_does_not_change_between_segments:
        "EQ ISZERO MUL %assert_zero GET_CONTEXT" => "SUB MUL %assert_zero GET_CONTEXT",
        "EQ ISZERO MUL %assert_zero PUSH 0x100000000" => "SUB MUL %assert_zero PUSH 0x100000000";
}

believed_without! { encoding:
    a_number_does_not_begin_with_zero:
        "DUP1 MLOAD_GENERAL %assert_nonzero DUP2 %gt_const(32)" => "DUP2 %gt_const(32)";
    a_small_byte_has_no_header:
        "DUP2 MLOAD_GENERAL %lt_const(0x80) DUP2 %eq_const(1) MUL %jumpi(panic)" => "";
    a_short_string_has_a_short_header: "DUP1 %lt_const(56) %jumpi(panic)" => "";
    a_length_does_not_begin_with_zero:
        "DUP2 MLOAD_GENERAL %assert_nonzero DUP1 DUP3 MLOAD_32BYTES" => "DUP1 DUP3 MLOAD_32BYTES";
    an_accounts_entry_of_an_access_list_ends_with_its_slots:
        "DUP1 SWAP4 %assert_eq" => "DUP1 SWAP4 %pop2";
    a_list_is_no_string:
        "DUP1 %lt_const(0xc0) %jumpi(panic)" => "", super::LIST_END.0 => super::LIST_END.1;
    a_list_header_that_is_too_short_does_not_write_before_the_transaction:
        super::LIST_END.0 => super::LIST_END.1;
    a_list_header_says_how_long_the_list_is: super::LIST_END.0 => super::LIST_END.1;
    an_access_list_names_whole_addresses:
        "%decode_rlp_address %stack (rlp_addr, addr, internal_end) -> (rlp_addr, addr, internal_end)"
            => "%decode_rlp_scalar %stack (rlp_addr, addr, internal_end) -> (rlp_addr, addr, internal_end)";
    an_access_list_names_whole_slots:
        "%decode_rlp_word %stack (rlp_addr, key, sk_end_rlp_addr, addr, end_rlp_addr) ->
            (addr, key, sk_loop_contd, rlp_addr, sk_end_rlp_addr, addr, end_rlp_addr)"
            => "%decode_rlp_scalar %stack (rlp_addr, key, sk_end_rlp_addr, addr, end_rlp_addr) ->
            (addr, key, sk_loop_contd, rlp_addr, sk_end_rlp_addr, addr, end_rlp_addr)";
    there_are_no_blob_transactions:
        // The kernel has no code for them: here they are read as those of type 2.
        "%eq_const(2) %jumpi(process_type_2_txn)" => "%gt_const(1) %jumpi(process_type_2_txn)";
}

/// An empty node is encoded as a byte before the transaction, which is kept as its difference from what is right.
/// That takes the room of another check: where nodes lie.
const EMPTY_NODE: (&str, &str) = (
    "DUP4 DUP2 %assert_layout DUP1 %mload_trie_data DUP1 PUSH @MPT_NODE_HASH SUB
     %jumpi(encode_or_hash_concrete_node) POP %increment %mload_trie_data SWAP3 %add_const(2)
     %stack (cur_len, rlp_start, encode_value, hash, retdest) -> (retdest, hash, 32, cur_len) JUMP
     encode_or_hash_empty: %pop3 %stack (cur_len, retdest) -> (retdest, 0x80, 1, cur_len) JUMP",
    "DUP1 %mload_trie_data DUP1 PUSH @MPT_NODE_HASH SUB
     %jumpi(encode_or_hash_concrete_node) POP %increment %mload_trie_data SWAP3 %add_const(2)
     %stack (cur_len, rlp_start, encode_value, hash, retdest) -> (retdest, hash, 32, cur_len) JUMP
     encode_or_hash_empty: %pop3 PUSH @SEGMENT_RLP_RAW MLOAD_GENERAL PUSH 0x80 XOR
     %stack (byte, cur_len, retdest) -> (retdest, byte, 1, cur_len) JUMP",
);

believed_without! { empty_node:
    a_header_changes_no_empty_node:
        super::LIST_END.0 => super::LIST_END.1, super::EMPTY_NODE.0 => super::EMPTY_NODE.1;
}

#[test]
fn a_header_that_is_believed_changes_no_empty_node() {
    let lie = crate::lies::empty_node::a_header_changes_no_empty_node;
    assert_eq!(failure_with(&[LIST_END], lie), None);
}

believed_without! { lists:
    what_was_removed_from_a_list_precedes_nothing:
        // What marks a node as removed is the address of a cell that nobody uses.
        "SWAP1 %mstore_u256_max MSTORE_GENERAL POP JUMP"
            => "SWAP1 PUSH @SEGMENT_ACCESSED_ADDRESSES %add_const(10000) MSTORE_GENERAL MSTORE_GENERAL POP JUMP";
}

believed_without! { precompiles:
    modexp_costs_what_wraps_the_counter:
        "DUP1 %shr_const(32) %jumpi(fault_exception)
         %stack (g_r, l: 4, kexit_info) -> (g_r, kexit_info, l)"
            => "%stack (g_r, l: 4, kexit_info) -> (g_r, kexit_info, l)";
}
