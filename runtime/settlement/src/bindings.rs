//! The contracts' interfaces.

alloy::sol! {
    #![sol(all_derives)]
    "contracts/src/IRollup.sol"
}

alloy::sol! {
    #![sol(all_derives)]
    "contracts/src/IGovernance.sol"
}

alloy::sol! {
    #![sol(all_derives)]

    /// A call from L2 to L3, as `contracts/src/bridge/Message.sol` has it.
    struct Message {
        /// The account on L2 that sent it; a contract is aliased.
        address sender;
        /// The account on L3 that is called.
        address target;
        /// What the call carries, in wei.
        uint256 value;
        /// What whoever has the call made is paid, in wei.
        uint256 fee;
        /// Gas that the call has at least.
        uint64 gasLimit;
        /// The account on L3 that the value belongs to if the call fails or is given up.
        address refundee;
        /// What it is called with.
        bytes data;
    }

    /// What a state is asked for of a forced transaction, as `contracts/src/forced/SignedTransaction.sol` has it.
    struct Facts {
        /// Who signed it.
        address sender;
        /// Who is called.
        address to;
        /// Its nonce.
        uint64 nonce;
        /// Its gas limit.
        uint64 gasLimit;
        /// Gas before it executes anything.
        uint64 intrinsicGas;
        /// Most wei for each gas.
        uint256 maxFeePerGas;
        /// What the sender must own, in wei.
        uint256 cost;
    }

    /// The queue of messages: what a node asks of `contracts/src/bridge/IInbox.sol`.
    interface IInbox {
        /// A message was sent; `index` is its place, from 0.
        event MessageSent(uint256 indexed index, address indexed sender, Message message);
        /// The message's fee is less than its processing costs.
        error FeeTooLow(uint256 fee, uint256 needed);
        /// More bytes than one L3 transaction could bring.
        error MessageTooLong(uint256 length, uint256 most);
        /// More gas than one L3 transaction could give.
        error MessageTooDear(uint64 gasLimit, uint64 most);
        /// The least fee of a message with this gas limit and so many bytes of data, in wei.
        function feeNow(uint64 gasLimit, uint256 length) external view returns (uint256);
        /// How many messages were sent.
        function count() external view returns (uint64);
        /// The contract that sends messages.
        function bridge() external view returns (address);
        /// The chain's `Rollup`.
        function rollup() external view returns (address);
        /// The hash of the queue of the first `count` messages, and when the last of them was sent.
        function entry(uint64 count) external view returns (bytes27 chain, uint40 timestamp);
    }

    /// The queue of forced transactions: what a node asks of `contracts/src/forced/IForcedQueue.sol`.
    interface IForcedQueue {
        /// What the contract keeps of an entry.
        struct Entry {
            /// Who gets the deposit back.
            address poster;
            /// When it was posted, in seconds since 1970.
            uint40 posted;
            /// It is off the queue.
            bool discharged;
            /// In wei; zero once it is paid.
            uint128 deposit;
            /// No block with a higher base fee executes it, in wei.
            uint128 maxFeePerGas;
            /// Hash of the transaction.
            bytes32 transactionHash;
            /// Hash of its facts.
            bytes32 factsHash;
        }

        /// A transaction waits.
        event TransactionPosted(
            uint64 indexed index,
            address indexed sender,
            bytes32 indexed transactionHash,
            Facts facts,
            bytes transaction
        );
        /// More bytes than a commit has room for.
        error TransactionTooLong(uint256 length, uint256 most);
        /// It creates a contract, which might not be provable.
        error CreatesContract();
        /// The sender's entry with this nonce waits already.
        error NonceQueued(uint64 index);
        /// No block is ever so cheap.
        error FeeTooLow(uint256 maxFeePerGas, uint256 least);
        /// More gas than is sure to be provable.
        error TransactionTooDear(uint64 gasLimit, uint64 most);
        /// The deposit is `needed` now.
        error DepositTooSmall(uint256 sent, uint256 needed);
        /// The entry is not on the queue.
        error NotQueued(uint64 index);
        /// The state executes the transaction.
        error StillExecutable(uint64 index);
        /// It may still become executable.
        error TooEarly(uint64 index, uint64 notBefore);
        /// An entry is due that the commit does not show.
        error EntryDue(uint64 index);
        /// The commit shows another transaction than this entry.
        error OtherTransaction(uint64 index);
        /// No block holds such a transaction.
        error MalformedTransaction(string field);
        /// Its gas limit does not suffice to begin with it.
        error IntrinsicGas(uint256 gasLimit, uint256 needed);
        /// Posts a transaction of the chain, with `depositNow()` at least.
        function post(bytes calldata transaction) external payable returns (uint64 index);
        /// The deposit that the next entry takes, in wei.
        function depositNow() external view returns (uint256);
        /// How many were posted.
        function count() external view returns (uint64);
        /// What is kept of an entry.
        function entry(uint64 index) external view returns (Entry memory);
        /// From when it was posted to its deadline, in seconds.
        function deadline() external view returns (uint64);
        /// Takes an entry off the queue that the verified state does not execute.
        function discharge(uint64 index, Facts calldata facts, bytes[] calldata accountProof) external;
    }

    /// What leaves an L3 chain, as `contracts/src/bridge/Withdrawal.sol` has it.
    struct Withdrawal {
        /// Its number on the chain that it leaves, from 0.
        uint256 id;
        /// The account on L3 that sent it.
        address sender;
        /// The `Rollup` of the chain that it goes to; zero for L2.
        address destination;
        /// The account there that is paid and called.
        address recipient;
        /// The token on L2; zero for ETH.
        address token;
        /// In wei, or in the token's smallest unit.
        uint256 amount;
        /// For whoever has it processed on another chain, in wei.
        uint256 fee;
        /// Gas that a call has at least.
        uint64 gasLimit;
        /// What the recipient is called with.
        bytes data;
    }

    /// The bridge on L2: what users ask of `contracts/src/bridge/IBridge.sol`.
    interface IBridge {
        /// ETH or a token went to a chain, with message `index` of it.
        event Deposited(
            address indexed rollup,
            address indexed token,
            address indexed from,
            address to,
            uint256 amount,
            uint64 index
        );
        /// No chain of this bridge.
        error NotARollup(address rollup);
        /// What was sent is not what the message carries.
        error WrongValue(uint256 sent, uint256 expected);
        /// Nothing would be deposited.
        error EmptyDeposit();
        /// Nobody would get it.
        error NoRecipient();
        /// There is no token at this address.
        error NotAToken(address token);
        /// The bridge holds less of the token than was deposited.
        error TokenShrank(address token, uint256 held, uint256 deposited);
        /// On L3 the token is elsewhere.
        error OtherTwin(address l3Token, address expected);
        /// The rollup has not proven this state.
        error StateNotProven(bytes32 stateRoot);
        /// The proof does not show that the chain sent this withdrawal.
        error NotSent(bytes32 withdrawalHash);
        /// It was paid before.
        error AlreadyFinalized(bytes32 withdrawalHash);
        /// More than the chain has left of this token.
        error AboveDeposits(address rollup, address token, uint256 amount, uint256 left);
        /// The chain ended.
        error ChainEnded(address rollup);
        /// The call would have less gas than its gas limit.
        error NotEnoughGas(uint256 left, uint256 needed);
        /// The recipient refused.
        error RecipientFailed(address recipient, bytes reason);
        /// Deposits a token.
        function deposit(
            address rollup,
            address l2Token,
            address l3Token,
            address to,
            uint256 amount,
            uint32 gasLimit
        ) external payable returns (uint64 index);
        /// Deposits the ETH that is sent, less `fee`.
        function depositEther(address rollup, address to, uint256 fee, uint32 gasLimit)
            external
            payable
            returns (uint64 index);
        /// Has a call made on L3.
        function sendMessage(
            address rollup,
            address target,
            uint256 value,
            uint256 fee,
            uint64 gasLimit,
            address refundee,
            bytes calldata data
        ) external payable returns (uint64 index);
        /// Adds ETH to what a chain may pay out.
        function fund(address rollup) external payable;
        /// Pays a withdrawal, calls its recipient, or hands it over to another chain.
        function finalizeWithdrawal(
            address rollup,
            bytes32 stateRoot,
            Withdrawal calldata withdrawal,
            bytes[] calldata accountProof,
            bytes[] calldata storageProof
        ) external payable;
        /// Where a token's twin is on every L3 chain.
        function twinOf(address l2Token) external view returns (address);
        /// What was deposited to a chain and has not left it.
        function deposited(address rollup, address token) external view returns (uint256);
        /// Whether a withdrawal of a chain was paid.
        function finalized(address rollup, bytes32 withdrawalHash) external view returns (bool);
    }

    /// The same contract where the chain ended: what users ask of `contracts/src/bridge/IExits.sol`.
    interface IExits {
        /// The chain goes on.
        error NotFrozen(address rollup);
        /// The account has code in the last state.
        error HasCode(address account);
        /// It owned nothing there.
        error NothingOwned(address account);
        /// It was taken before.
        error AlreadyTaken(address rollup, bytes32 what);
        /// The chain has processed the message.
        error MessageProcessed(uint64 index);
        /// No such message was sent to the chain.
        error UnknownMessage(uint64 index);
        /// Takes the ETH of an account.
        function exitEther(address rollup, address account, bytes[] calldata accountProof) external;
        /// Takes a token of an account.
        function exitToken(
            address rollup,
            address token,
            address account,
            bytes[] calldata accountProof,
            bytes[] calldata twinProof,
            bytes[] calldata balanceProof
        ) external;
        /// Takes what `L3Inbox` owed an account for messages that failed.
        function exitRefund(
            address rollup,
            address account,
            bytes[] calldata accountProof,
            bytes[] calldata inboxProof,
            bytes[] calldata refundProof
        ) external;
        /// Takes back what a message carried that the chain has not processed.
        function exitMessage(
            address rollup,
            uint64 index,
            Message calldata message,
            bytes[] calldata accountProof,
            bytes[] calldata inboxProof,
            bytes[] calldata slotProof
        ) external;
        /// The same for a message that the chain has parked.
        function exitParked(
            address rollup,
            uint64 index,
            Message calldata message,
            bytes[] calldata accountProof,
            bytes[] calldata inboxProof,
            bytes[] calldata slotProof
        ) external;
        /// Whether something was taken.
        function taken(address rollup, bytes32 what) external view returns (bool);
    }

    /// The bridge on L3: what users ask of `contracts/src/l3/IL3Bridge.sol`.
    interface IL3Bridge {
        /// A withdrawal was sent.
        event WithdrawalSent(
            uint256 indexed id, address indexed sender, bytes32 indexed withdrawalHash, Withdrawal withdrawal
        );
        /// On L3 there is no twin of the token.
        error NotATwin(address twin);
        /// Nobody would get it.
        error NoRecipient();
        /// Nothing would leave.
        error EmptyWithdrawal();
        /// Sends ETH to an account of L2.
        function withdrawEther(address recipient) external payable returns (uint256 id);
        /// Sends tokens to an account of L2.
        function withdraw(address l2Token, address recipient, uint256 amount) external returns (uint256 id);
        /// Sends ETH, a token or a call to another chain.
        function sendToChain(
            address destination,
            address recipient,
            address token,
            uint256 amount,
            uint256 fee,
            uint64 gasLimit,
            bytes calldata data
        ) external payable returns (uint256 id);
    }

    /// Batches that are final unless somebody challenges them, as `contracts/src/dispute/IDisputes.sol` has it.
    interface IDisputes {
        /// The last block of a batch, see `IRollup`.
        struct BlockTip {
            bytes32 blockHash;
            bytes32 stateRoot;
            bytes32 beaconRoot;
            uint64 number;
            uint64 timestamp;
            uint64 baseFee;
            uint64 gasUsed;
        }

        /// Opens a batch hash.
        struct Opening {
            bytes32 parentBatchHash;
            bytes32 blocksDigest;
            BlockTip tip;
            uint64 forced;
        }

        /// Shows how many messages a state has processed.
        struct InboxProof {
            bytes[] account;
            bytes[] slot;
        }

        /// What is decided at deployment; times in seconds, amounts in wei.
        struct Terms {
            uint64 challengeWindow;
            uint64 proofTime;
            uint256 stake;
            uint256 bond;
        }

        /// What is kept of a proposal.
        struct Proposal {
            bytes32 batchHash;
            bytes32 windowsHash;
            bytes32 startWindow;
            bytes32 endWindow;
            address proposer;
            uint40 since;
            uint16 blocks;
            uint16 open;
            uint64 epoch;
            uint64 slashes;
            uint64 lastBlock;
            uint64 processed;
            uint64 id;
        }

        /// What is kept of a challenge.
        struct Challenge {
            address challenger;
            uint40 since;
            bool decided;
        }

        /// A challenge that waits.
        struct Waiting {
            uint64 number;
            uint16 index;
            bool left;
        }

        /// How things stand for whoever proposes.
        struct Standing {
            uint64 proposed;
            uint256 staked;
            Waiting[] waiting;
        }

        /// The proof of a block by itself.
        struct Answer {
            Opening previous;
            Opening batch;
            bytes blocks;
            bytes windows;
            uint64[4] commitment;
            uint64[2] evaluation;
            bytes proof;
        }

        /// A batch is final after its window, if nobody challenges it.
        event BatchProposed(uint64 indexed number, bytes32 indexed batchHash, uint64 id, bytes windows);
        /// The block was not defended.
        event ChallengeWon(uint64 indexed number, uint16 indexed index, uint64 indexed id, uint256 reward);
        /// A term is zero or too long, or the stake is less than two bonds.
        error InvalidTerms(string name);
        /// Only the operator proposes.
        error NotOperator(address caller);
        /// Less is staked than proposals need.
        error StakeTooSmall(uint256 staked, uint256 needed);
        /// What is live needs the stake.
        error StakeNeeded(uint256 staked, uint256 needed);
        /// The batch is final.
        error BatchIsFinal(uint64 number);
        /// The batch is not proposed, or was dropped since.
        error NotProposed(uint64 number);
        /// What is given does not open the batch that is committed.
        error OtherBatch(uint64 number);
        /// A proposal says a window after each block.
        error WindowsMismatch(uint64 number, uint256 windows, uint256 blocks);
        /// The batch before it is final with another window.
        error OtherStart(uint64 number);
        /// Challenges of the batch wait for their decision.
        error ChallengesWait(uint64 number, uint16 open);
        /// It can be challenged no longer.
        error WindowIsOver(uint64 number, uint64 end);
        /// It can still be challenged.
        error WindowIsOpen(uint64 number, uint64 end);
        /// A challenge takes exactly this bond.
        error OtherBond(uint256 sent, uint256 needed);
        /// The batch has fewer blocks.
        error NoSuchBlock(uint64 number, uint16 index);
        /// The block was challenged before.
        error AlreadyChallenged(uint64 number, uint16 index);
        /// The batch was proposed anew since.
        error OtherProposal(uint64 number, uint64 id);
        /// The receiver refuses.
        error ReceiverFailed(address receiver);
        /// There is no such challenge, or it is decided.
        error NoChallenge(uint64 number, uint16 index);
        /// It can be proven until then.
        error ProofTimeRuns(uint64 number, uint16 index, uint64 until);
        /// Nobody owes the caller anything.
        error NothingOwed(address account);
        /// Adds to the caller's stake.
        function addStake() external payable;
        /// Takes from the caller's stake what nothing needs.
        function withdrawStake(uint256 amount) external;
        /// Pays the caller what it is owed.
        function collect() external;
        /// Proposes a committed batch.
        function propose(
            uint64 number,
            Opening calldata batch,
            bytes calldata windows,
            InboxProof calldata messages
        ) external;
        /// Says that a block came out differently.
        function challenge(uint64 number, uint16 index, uint64 id) external payable;
        /// Proves the block.
        function answer(uint64 number, uint16 index, Answer calldata given) external;
        /// Decides a challenge that was not answered in time, or of which nothing is left to decide.
        function settle(uint64 number, uint16 index) external;
        /// Makes a batch final that was not challenged with success.
        function finalize(uint64 number, Opening calldata batch) external;
        /// What is decided at deployment.
        function terms() external view returns (Terms memory);
        /// What an account that proposes asks at each step.
        function standing(address account) external view returns (Standing memory);
        /// The last proposal of a batch.
        function proposal(uint64 number) external view returns (Proposal memory);
        /// Whether the batch that is committed under this number is proposed.
        function isProposed(uint64 number) external view returns (bool);
        /// The challenge of a block of a proposal.
        function challengeOf(uint64 id, uint16 index) external view returns (Challenge memory);
        /// How many messages the state after a proposed batch is known to have processed.
        function knownMessages(uint64 number) external view returns (uint64);
        /// What an account can collect.
        function owed(address account) external view returns (uint256);
    }

    /// What users ask of any token.
    interface IToken {
        /// Digits behind the point of an amount that people read.
        function decimals() external view returns (uint8);
        /// Its short name.
        function symbol() external view returns (string memory);
        /// What an account has.
        function balanceOf(address account) external view returns (uint256);
        /// What `spender` may take of the owner's.
        function allowance(address owner, address spender) external view returns (uint256);
        /// Gives some to another account.
        function transfer(address to, uint256 amount) external returns (bool);
        /// Lets `spender` take so much.
        function approve(address spender, uint256 amount) external returns (bool);
    }

    /// What processes messages on L3: what a node asks of `contracts/src/l3/IL3Inbox.sol`.
    interface IL3Inbox {
        /// A message was called.
        event MessageCalled(uint256 indexed index, bytes32 indexed messageHash, bool succeeded, uint256 refunded);
        /// A message waits for someone to call it.
        event MessageParked(uint256 indexed index, bytes32 indexed messageHash);
        /// How many messages were processed.
        function nextIndex() external view returns (uint64);
        /// Processes the next messages of the queue that a block of this time named.
        function process(
            uint256 timestamp,
            bytes32 l2BlockHash,
            Message[] calldata messages,
            bytes32[] calldata later,
            uint256[] calldata parked
        ) external;
    }
}

alloy::sol! {
    /// Errors of the contracts that the Rollup is built on.
    #[derive(Debug, PartialEq, Eq)]
    interface Foundations {
        /// The proof has not the length or the elements of any proof.
        error MalformedProof();
        /// The statement is not one of field elements.
        error MalformedStatement();
        /// A number is not below the Goldilocks prime.
        error NonCanonicalElement(uint256 element);
        /// Verification was not given enough gas.
        error OutOfGas();
        /// The contract called an account without code.
        error AddressEmptyCode(address target);
        /// The contract would have sent more than it has.
        error InsufficientBalance(uint256 balance, uint256 needed);
        /// A call within the contract failed and said nothing.
        error FailedCall();
        /// The caller is not the owner.
        error OwnableUnauthorizedAccount(address account);
        /// The owner may not be this account.
        error OwnableInvalidOwner(address owner);
        /// A `VerifierSet` needs members with code, each once, none of them a set.
        error InvalidVerifiers();
        /// An `AttestationVerifier` needs watchers in ascending order, and a threshold that they can reach.
        error InvalidWatchers();
        /// A text is too long for what it is stored in.
        error InvalidShortString();
        /// A text is too long.
        error StringTooLong(string str);
    }
}

alloy::sol! {
    /// What verifiers say of themselves.
    interface Verifiers {
        /// `plonky2`, `attestation`, or `all` of a set.
        function proofType() external view returns (string memory);
        /// The circuit of a plonky2 verifier.
        function circuitDigest() external view returns (bytes32);
        /// The members of a set, none of which is a set.
        function verifiers() external view returns (address[] memory);
        /// The accounts of an attestation verifier.
        function watchers() external view returns (address[] memory);
        /// The signatures that it asks for.
        function threshold() external view returns (uint256);
    }

    /// What a watcher signs.
    struct Attestation {
        uint64[4] statement;
    }
}
