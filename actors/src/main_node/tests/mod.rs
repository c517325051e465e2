//! The main node as its users and neighbours see it.

mod finality;
mod recovery;
mod rewind;
mod sealing;
mod submission;
