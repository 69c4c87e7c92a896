//! Answers that no broker gave, for the fuzz target `broker_answer`: read as those of a broker are.

use zeroize::Zeroizing;

use super::{Answer, Client};
use crate::cli::failure::Failure;
use crate::wire::{CredentialsResponse, Me, TokenResponse};

impl Client {
    pub(crate) fn read_metadata(&self, status: u16, body: &[u8]) -> Result<(), Failure> {
        self.described(&answer(status, body)).map(|_| ())
    }

    pub(crate) fn read_tokens(&self, status: u16, body: &[u8]) -> Result<TokenResponse, Failure> {
        self.exchanged(&answer(status, body))
    }

    pub(crate) fn read_me(&self, status: u16, body: &[u8]) -> Result<Me, Failure> {
        self.read(&answer(status, body))
    }

    pub(crate) fn read_credentials(&self, status: u16, body: &[u8]) -> Result<CredentialsResponse, Failure> {
        self.read(&answer(status, body))
    }
}

fn answer(status: u16, body: &[u8]) -> Answer {
    Answer { status, body: Zeroizing::new(body.to_vec()), date: None }
}
