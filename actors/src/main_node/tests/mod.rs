//! The main node as its users and neighbours see it.

mod finality;
mod messages;
mod recovery;
mod rewind;
mod sealing;
mod submission;
