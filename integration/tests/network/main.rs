//! Nodes as users start them, an L2, and what befalls both. In one program, as what all of it needs (clients of L3 and L2,
//! their transport) takes longer to compile than the tests themselves.

mod adversary;
mod bad_input;
mod bridge;
mod crash;
mod differential;
mod disputes;
mod end_to_end;
mod rebuild;
mod takeover;
mod way_out;
