//! `lodged demo`: the broker, an identity provider and an AWS of its own, all on this machine.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use lodge::ambient::{Clock, Random};
use lodge::demo::aws::SmallAws;
use lodge::demo::seed;
use lodge::playground::{LabAccount, Playground};
use lodge::store::Address;
use lodge::{http, private_file};

use super::{output, server};

/// What is logged unless somebody asks for something: enough to see each step of what one tries.
pub(crate) const DEFAULT_LOG: &str = "warn,lodge::app=info,lodge::demo=info";

/// The demo's addresses.
struct Addresses {
    broker: SocketAddr,
    idp: SocketAddr,
    aws: SocketAddr,
}

impl Addresses {
    fn new(port: u16) -> Self {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self { broker: local(port), idp: local(port + 1), aws: local(port + 2) }
    }
}

pub(crate) async fn run(port: u16, data: Option<&Path>) -> anyhow::Result<()> {
    let addresses = Addresses::new(port);
    let busy = || format!("one of the ports {port} to {} is taken; try another: lodged demo --port 9080", port + 2);
    let listeners = (
        server::listen(addresses.broker).await.with_context(busy)?,
        server::listen(addresses.idp).await.with_context(busy)?,
        server::listen(addresses.aws).await.with_context(busy)?,
    );
    let folder = Folder::open(data)?;
    let random = Random::System;

    let playground = Playground {
        public_url: format!("http://{}", addresses.broker),
        issuer: format!("http://{}", addresses.idp),
        sts_endpoint: format!("http://{}", addresses.aws),
        aws_endpoint: format!("http://{}", addresses.aws),
        database: Address::Sqlite(folder.path().join("lodge.db")),
        key_file: folder.path().join("key"),
        client_secret: hex::encode(random.bytes::<32>()).into(),
        identity: seed::broker_identity(&random),
        clock: Clock::System,
        downloads: None,
    };
    let broker = playground.broker().await?;
    let mut accounts = playground.labs(&broker).await?;
    let stacks = Stacks::of(folder.path());
    stacks.restore(&mut accounts)?;
    let idp = playground.idp()?;
    let aws = playground.aws(accounts, sealing_key(folder.path(), &random)?)?;
    let profiles = write_profiles(folder.path(), &addresses)?;
    welcome(&addresses, &folder, &profiles)?;

    let sweeper = tokio::spawn(broker.clone().keep_sweeping());
    let watch = tokio::spawn(broker.clone().keep_watching_accounts());
    let cut_offs = tokio::spawn(broker.clone().keep_cutting_off());
    server::run(vec![
        (listeners.0, http::router(broker.clone())),
        (listeners.1, idp.router()),
        (listeners.2, aws.router()),
    ])
    .await?;
    sweeper.abort();
    watch.abort();
    cut_offs.abort();
    broker.store.close().await;
    stacks.keep(&aws)
}

/// What people made in the small AWS's accounts, kept so that a lab that joined has still joined after a restart.
struct Stacks(PathBuf);

impl Stacks {
    fn of(folder: &Path) -> Self {
        Self(folder.join("small-aws-stacks.json"))
    }

    fn restore(&self, accounts: &mut [LabAccount]) -> anyhow::Result<()> {
        let text = match std::fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", self.0.display())),
        };
        let mut kept: BTreeMap<String, String> =
            serde_json::from_str(&text).with_context(|| format!("{} holds no stacks", self.0.display()))?;
        for lab in accounts {
            if let Some(stack) = kept.remove(&lab.account.id) {
                (lab.stack, lab.has_stack) = (stack, true);
            }
        }
        Ok(())
    }

    fn keep(&self, aws: &SmallAws) -> anyhow::Result<()> {
        let text = serde_json::to_string(&aws.stacks())?;
        std::fs::write(&self.0, text).with_context(|| format!("cannot write {}", self.0.display()))
    }
}

/// Where the demo keeps what is done in it.
enum Folder {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn open(data: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = data else {
            return Ok(Self::Temporary(tempfile::Builder::new().prefix("lodge-demo-").tempdir()?));
        };
        std::fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        let path = path.canonicalize().with_context(|| format!("cannot use the folder {}", path.display()))?;
        Ok(Self::Kept(path))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// The key that seals the small AWS's session tokens, kept so that live sessions outlive a restart.
fn sealing_key(folder: &Path, random: &Random) -> anyhow::Result<[u8; 32]> {
    let path = folder.join("small-aws-key");
    match std::fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|_| anyhow::anyhow!("{} must hold 32 bytes", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = random.bytes::<32>();
            private_file::create_new(&path)
                .and_then(|mut file| file.write_all(&key))
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// A file for `AWS_CONFIG_FILE`, with a profile for each role, so that nobody's own settings are touched.
fn write_profiles(folder: &Path, addresses: &Addresses) -> anyhow::Result<PathBuf> {
    let helper = helper_path();
    let roles = seed::LABS.into_iter().flat_map(|lab| lab.mappings.iter().map(move |(role, _)| (lab.name, *role)));
    let profiles = roles.map(|(lab, role)| {
        format!(
            "\n[profile {lab}-{role}]\ncredential_process = {helper} credential-process {lab}/{role}\n\
             region = us-east-1\nservices = lodge-demo\n"
        )
    });
    let text = format!(
        "# Made by `lodged demo`. Use it with AWS_CONFIG_FILE.\n{1}\n[services lodge-demo]\n\
         mturk =\n  endpoint_url = http://{0}\ns3 =\n  endpoint_url = http://{0}\nsts =\n  endpoint_url = http://{0}\n",
        addresses.aws,
        profiles.collect::<String>(),
    );
    let path = folder.join("aws-config");
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The helper beside this program, or the one on the path.
fn helper_path() -> String {
    let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name("lodge"));
    match beside.as_deref().and_then(Path::to_str) {
        Some(path) if path.contains([' ', '"', '\'', '\\']) => format!("\"{}\"", path.replace(['"', '\\'], "")),
        Some(path) => path.to_owned(),
        None => "lodge".to_owned(),
    }
}

fn welcome(addresses: &Addresses, folder: &Folder, profiles: &Path) -> anyhow::Result<()> {
    let Addresses { broker, idp, aws } = addresses;
    #[expect(clippy::disallowed_methods, reason = "cargo says so to what it runs")]
    let under_cargo = std::env::var("CARGO").is_ok();
    let lodge = if under_cargo { "cargo run -q --bin lodge --" } else { "lodge" };
    let kept = match folder {
        Folder::Kept(path) => format!("kept in {}", path.display()),
        Folder::Temporary(_) => "gone when this ends (keep it with --data DIR)".to_owned(),
    };
    let profiles = output::shell_word(profiles);
    let in_s3 = |lab: &seed::Lab| lab.data.map(|data| format!("s3://{}/{}", data.bucket, data.prefix));
    let results = seed::LABS.iter().find_map(in_s3).unwrap_or_default();
    let text = format!(
        "
Lodge is ready. Everything runs on this machine, and nothing leaves it.

  broker              http://{broker}
  identity provider   http://{idp}   signs in anyone, for the demo only
  small AWS           http://{aws}   STS, IAM, Mechanical Turk and S3, in memory
  its accounts        http://{aws}/console   in place of the AWS console, for the demo only
  what is done here   {kept}

  professor   PI of the lab `vision`: says which group gets which role there
  postdoc     may use vision/publish and vision/pay
  student     may use vision/read-results
  guest       signs in, is in no group, may use nothing
  lecturer    PI of the lab `language`, which has not joined yet: its AWS account is empty
  phonetician PI of the lab `speech`, whose results are in S3
  operator    runs the broker from a browser, at http://{broker}/operator

Try, in another terminal (and choose `student` in the browser):

  {lodge} login http://{broker}
  {lodge} status
  AWS_CONFIG_FILE={profiles} aws mturk list-hits --profile vision-read-results

and as `phonetician`, in place of the last line:

  AWS_CONFIG_FILE={profiles} aws s3 ls {results} --profile speech-read-results

Ctrl-C ends it.
"
    );
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}
