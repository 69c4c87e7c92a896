//! The tests' own PostgreSQL: that databases are apart, that each login may do what it should and no more, that a cluster
//! can be stopped, killed and frozen, and that none survives the process that started it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use lodge::store::{Address, Store};
use secrecy::ExposeSecret as _;

use crate::support::databases::TestDatabase;
use crate::support::eventually;
use crate::support::postgres::{Cluster, Database, require};
use crate::support::process::Process;
use crate::support::serving::wait;

/// The process ids of a server and everything that it started.
fn family(server: u32) -> Vec<u32> {
    let mut all = vec![server];
    for entry in std::fs::read_dir("/proc").unwrap() {
        let Ok(stat) = std::fs::read_to_string(entry.unwrap().path().join("stat")) else { continue };
        // The name of the program is in parentheses, and may hold anything.
        let Some((id, parent)) = stat.split_once(' ').and_then(|(id, rest)| {
            let parent = rest.rsplit_once(") ")?.1.split(' ').nth(1)?;
            Some((id.parse().ok()?, parent.parse::<u32>().ok()?))
        }) else {
            continue;
        };
        if parent == server {
            all.push(id);
        }
    }
    all
}

/// Whether any of them still does anything. One that has ended and that nobody has asked about does not.
fn any_left(family: &[u32]) -> bool {
    family.iter().any(|id| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    })
}

fn tables(database: &Database) -> String {
    database.psql("select count(*) from information_schema.tables where table_schema = 'public';")
}

#[test]
fn a_fresh_database_is_empty_and_apart_from_the_others() {
    if !require("a_fresh_database_is_empty_and_apart_from_the_others") {
        return;
    }
    let one = Cluster::shared().database();
    let other = Cluster::shared().database();

    one.psql_as_owner("create table only_here (n integer); insert into only_here values (1), (2);");

    assert_eq!((one.port(), tables(&one).as_str(), tables(&other).as_str()), (other.port(), "1", "0"));
    assert_ne!(one.name(), other.name());
    assert_eq!(one.psql("select n, n * 2 from only_here order by n;"), "1|2\n2|4");
    let complaint = other.try_psql("select n from only_here;").unwrap_err();
    assert!(complaint.contains("relation \"only_here\" does not exist"), "{complaint}");
}

#[test]
fn a_database_goes_with_its_guard_even_while_somebody_uses_it() {
    if !require("a_database_goes_with_its_guard_even_while_somebody_uses_it") {
        return;
    }
    let database = Cluster::shared().database();
    let witness = Cluster::shared().database();
    let name = database.name().to_owned();
    let count = format!("select count(*) from pg_database where datname = '{name}';");
    let user = Process::start("psql", database.program("psql").args(["-X", "-A", "-t"]));

    assert_eq!(witness.psql(&count), "1");
    drop(database);

    assert_eq!(witness.psql(&count), "0");
    drop(user);
}

#[test]
fn every_login_is_what_it_is_called_and_no_more() {
    if !require("every_login_is_what_it_is_called_and_no_more") {
        return;
    }
    let database = Cluster::shared().database();
    let about = "select current_user, rolsuper, rolbypassrls, rolcreaterole, pg_has_role('lodge_owner', 'member'), \
                 (select pg_get_userbyid(datdba) = current_user from pg_database where datname = current_database()), \
                 (select pg_get_userbyid(nspowner) = current_user from pg_namespace where nspname = 'public') \
                 from pg_roles where rolname = current_user;";

    assert_eq!(database.psql(about), "postgres|t|t|t|t|f|f");
    assert_eq!(database.psql_as_owner(about), "lodge_owner|f|f|f|t|t|t");
    assert_eq!(database.psql_as_broker(about), "lodge|f|f|f|f|f|f");
    database.psql_as_owner("create table kept (n integer);");
    for forbidden in
        ["create table mine (n integer);", "select n from kept;", "drop table kept;", "set role lodge_owner;"]
    {
        let complaint = database.try_psql_as_broker(forbidden).unwrap_err();
        assert!(complaint.contains("permission denied") || complaint.contains("must be owner"), "{complaint}");
    }
    assert!(database.try_psql_as_owner("create role another;").unwrap_err().contains("permission denied"));
}

#[test]
fn an_address_and_its_password_open_the_database_and_nothing_less_does() {
    if !require("an_address_and_its_password_open_the_database_and_nothing_less_does") {
        return;
    }
    let database = Cluster::shared().database();
    let addresses =
        [(database.superuser(), "postgres"), (database.owner(), "lodge_owner"), (database.broker(), "lodge")];

    for (address, login) in addresses {
        let Address::Postgres(postgres) = address else { panic!("{address:?}") };
        let password = postgres.password.as_ref().unwrap().expose_secret();
        let ask = |password: &str| {
            let mut psql = database.program("psql");
            psql.env_remove("PGUSER").env_remove("PGDATABASE").env("PGPASSWORD", password);
            psql.args(["-X", "-A", "-t", "-c", "select current_user, current_database()", postgres.url.as_str()]);
            Process::run("psql", &mut psql, "")
        };

        assert_eq!(ask(password).stdout, format!("{login}|{}\n", database.name()));
        let refused = ask("a guess");
        assert!(refused.stderr.contains("password authentication failed"), "{}", refused.stderr);
        assert!(!postgres.url.as_str().contains(password) && postgres.url.password().is_none(), "{}", postgres.url);
    }
}

#[test]
fn a_database_can_be_written_out() {
    if !require("a_database_can_be_written_out") {
        return;
    }
    let database = Cluster::shared().database();
    database.psql_as_owner("create table kept (n integer);");

    let ended = Process::run("pg_dump", database.program("pg_dump").arg("--schema-only"), "");

    assert!(ended.stdout.contains("CREATE TABLE public.kept"), "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn a_cluster_that_was_stopped_or_killed_comes_back_with_its_port_and_its_data() {
    if !require("a_cluster_that_was_stopped_or_killed_comes_back_with_its_port_and_its_data") {
        return;
    }
    let cluster = Cluster::own();
    let database = cluster.database();
    database.psql_as_owner("create table kept (n integer); insert into kept values (1);");

    for (end, rows) in [(false, "1\n2"), (true, "1\n2\n3")] {
        let before = family(cluster.server());
        if end {
            cluster.kill();
        } else {
            cluster.stop();
        }
        assert!(!any_left(&before), "{before:?}");
        let complaint = database.try_psql("select 1;").unwrap_err();
        assert!(complaint.contains("Connection refused"), "{complaint}");

        cluster.start();
        database.psql_as_owner("insert into kept select max(n) + 1 from kept;");
        assert_eq!(database.psql("select n from kept order by n;"), rows);
    }
    assert!(cluster.log().contains("received fast shutdown request"), "{}", cluster.log());
    assert!(cluster.log().contains("was not properly shut down; automatic recovery"), "{}", cluster.log());

    let (folder, all) = (cluster.folder().to_owned(), family(cluster.server()));
    assert!(folder.exists() && all.len() > 1);
    drop((database, cluster));
    assert!(!folder.exists() && !any_left(&all));
}

#[test]
fn a_frozen_cluster_answers_nobody_until_it_is_thawed() {
    if !require("a_frozen_cluster_answers_nobody_until_it_is_thawed") {
        return;
    }
    let cluster = Cluster::own();
    let database = cluster.database();
    let psql = |sql: &[&str]| {
        let mut command = database.program("psql");
        command.args(["-X", "-A", "-t"]);
        for statement in sql {
            command.args(["-c", statement]);
        }
        Process::start("psql", &mut command)
    };
    let in_session = psql(&["select 'before'", "select pg_sleep(3)", "select 'after'"]);
    in_session.wait_for_line("before");

    cluster.freeze();
    let newcomer = psql(&["select 'welcome'"]);
    std::thread::sleep(Duration::from_secs(4));

    assert_eq!((in_session.stdout().as_str(), newcomer.stdout().as_str()), ("before\n", ""));
    cluster.thaw();
    in_session.wait_for_line("after");
    newcomer.wait_for_line("welcome");
    cluster.freeze();
    let all = family(cluster.server());
    cluster.stop();
    assert!(!any_left(&all), "a frozen cluster can be ended too");
}

/// A test that is about something else does not fail because the machine did much else for a while.
#[test]
fn a_broker_of_a_test_waits_for_a_server_that_stands_still() {
    if !require("a_broker_of_a_test_waits_for_a_server_that_stands_still") {
        return;
    }
    let cluster = Cluster::own();
    wait(async {
        let database = TestDatabase::over(cluster.database()).await;
        let (patient, in_use) = (database.serve().await, Store::serve(&database.broker).await.unwrap());
        drop((patient.read().await.unwrap(), in_use.read().await.unwrap()));

        cluster.freeze();
        let thawing = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            cluster.thaw();
        };
        let (patient, in_use, ()) = tokio::join!(patient.read(), in_use.read(), thawing);

        assert!(patient.is_ok(), "{:?}", patient.err());
        assert!(in_use.unwrap_err().is_away());
    });
}

/// What the test below starts, in a process of its own.
#[test]
#[ignore = "started by no_cluster_survives_the_process_that_started_it"]
fn a_process_that_holds_a_cluster() {
    let Some(how) = std::env::var_os("LODGE_TEST_HOLDER_ENDS") else { return };
    let cluster = Cluster::own();
    let database = cluster.database();
    let session = Process::start("psql", database.program("psql").args(["-c", "select pg_sleep(600)"]));
    eventually("a session", || {
        (database.psql("select count(*) from pg_stat_activity where query like '%pg_sleep(600)';") == "1").then_some(())
    });
    if how == "frozen, then killed" {
        cluster.freeze();
    }
    println!("holds {} {}", cluster.server(), cluster.folder().display());
    // Until its input ends, or it is killed.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
    // As the one that all tests share: nothing drops that.
    std::mem::forget((session, database, cluster));
    assert_ne!(how, "panicking");
    std::process::exit(0);
}

#[test]
fn no_cluster_survives_the_process_that_started_it() {
    if !require("no_cluster_survives_the_process_that_started_it") {
        return;
    }
    let holders = ["killed", "frozen, then killed", "terminated", "panicking", "by itself"].map(|how| {
        let mut holder = Command::new(std::env::current_exe().unwrap());
        holder.args(["--ignored", "--nocapture", "--exact", "postgres_cluster::a_process_that_holds_a_cluster"]);
        (how, Process::start(how, holder.env("LODGE_TEST_HOLDER_ENDS", how)))
    });

    for (how, holder) in holders {
        let said = holder.wait_for_line("holds ");
        let (server, folder) = said.split_once("holds ").unwrap().1.split_once(' ').unwrap();
        let folder = PathBuf::from(folder);
        let all = family(server.parse().unwrap());
        // Otherwise what follows would prove nothing: the session of psql is one of them.
        assert!(all.len() > 5 && any_left(&all) && folder.exists(), "{all:?}");

        match how {
            "killed" | "frozen, then killed" => holder.killer().kill(),
            "terminated" => holder.signal("TERM"),
            _ => {}
        }
        let status = holder.wait().status.code();
        let expected = [("panicking", 101), ("by itself", 0)].into_iter().find(|(ending, _)| *ending == how);
        assert_eq!(status, expected.map(|(_, code)| code), "{how}");

        eventually(&format!("the end of the cluster of a process that ended {how}"), || {
            (!any_left(&all) && !folder.exists()).then_some(())
        });
    }
}
