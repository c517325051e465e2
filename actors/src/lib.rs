//! The roles of a Tern node as supervised actors.

pub mod main_node;
