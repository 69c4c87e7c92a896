//! `lodged serve` as an operator starts it: a folder with settings, a key, a client secret and a database.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lodge::ambient::{Clock, Random};
use lodge::app::{AccountSettings, Broker, Downloads, KeyFile, Lifetimes, Parts};
use lodge::aws;
use lodge::domain::access::OperatorRoll;
use lodge::domain::ledger::Entry;
use lodge::domain::policy::PolicyLibrary;

use super::broker::{CLIENT_ID, CLIENT_SECRET, ledger, seed, sqlite};
use super::process::Process;
use super::serving::wait;
use super::{free_port, programs};

/// A folder with everything but the settings, and an address.
pub(crate) struct Premises {
    folder: tempfile::TempDir,
    /// Without a final slash.
    pub(crate) url: String,
    address: String,
}

impl Premises {
    /// Makes the key and the secret, and a database with the lab `vision` in it.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        std::fs::write(folder.path().join("client-secret"), format!("{CLIENT_SECRET}\n")).unwrap();
        KeyFile::read_or_create(&folder.path().join("key"), &Random::System).unwrap();
        let premises = Self { folder, url: format!("http://{address}"), address };
        let broker = premises.open();
        seed(&broker);
        wait(broker.store.close());
        premises
    }

    /// A broker of the same database that serves nobody: what an operator's own tools are.
    pub(crate) fn open(&self) -> Broker {
        wait(async {
            let nowhere = aws::Settings {
                clock: Clock::System,
                region: "us-east-1".to_owned(),
                sts_endpoint: None,
                iam_endpoint: None,
                probe_endpoint: None,
                identity: None,
            };
            Broker::new(Parts {
                public_url: self.url.parse().unwrap(),
                store: sqlite(&self.folder.path().join("lodge.db")).await,
                aws: aws::Aws::new(&nowhere).await,
                providers: BTreeMap::new(),
                policies: PolicyLibrary::shipped().unwrap(),
                keys: KeyFile::read(&self.folder.path().join("key")).unwrap(),
                clock: Clock::System,
                random: Random::System,
                lifetimes: Lifetimes::default(),
                trusted_proxies: Vec::new(),
                operators: OperatorRoll::default(),
                accounts: AccountSettings::default(),
                downloads: Downloads::default(),
            })
        })
    }

    /// The settings of the broker that was started last.
    pub(crate) fn settings(&self) -> PathBuf {
        self.folder.path().join("lodge.toml")
    }

    /// Every entry of the ledger.
    pub(crate) fn ledger(&self) -> Vec<Entry> {
        ledger(&self.open())
    }

    /// Our callback at the connection `campus`.
    pub(crate) fn callback(&self) -> String {
        format!("{}/auth/campus/callback", self.url)
    }

    /// Starts the program with one connection, `campus`, and with these variables in its environment.
    pub(crate) fn serve(&self, issuer: &str, algorithm: &str, sts: &str, environment: &[(&str, &str)]) -> Process {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let settings = format!(
            "[server]\nlisten = \"{}\"\npublic_url = \"{}\"\n\
             [database]\nfile = '{}'\n\
             [secrets]\nkey_file = '{}'\n\
             [aws]\nsts_endpoint = \"{sts}\"\niam_endpoint = \"{sts}\"\nprobe_endpoint = \"{sts}\"\n\
             [[connection]]\nname = \"campus\"\ntitle = \"Example University\"\nissuer = \"{issuer}\"\n\
             insecure_origins = [\"{issuer}\"]\n\
             client_id = \"{CLIENT_ID}\"\nclient_secret_file = '{}'\nscopes = [\"profile\", \"groups\"]\n\
             algorithms = [\"{algorithm}\"]\n",
            self.address,
            self.url,
            file("lodge.db"),
            file("key"),
            file("client-secret"),
        );
        std::fs::write(self.folder.path().join("lodge.toml"), settings).unwrap();
        let mut command = programs::lodged();
        command.args(["serve", "--config", &file("lodge.toml")]).envs(environment.iter().copied());
        let process = Process::start("lodged", &mut command);
        process.wait_for_line("the broker is ready");
        process
    }
}
