//! What only a file can do: be locked, fill up, be deleted under a broker.

use sqlx::Connection;

use super::super::sqlite::READERS;
use super::*;

#[tokio::test]
async fn what_was_not_committed_never_happened() {
    let (_folder, store) = open().await;
    let id = crate::domain::id::PersonId::from_entropy([1; 10]);
    let key = crate::domain::person::PersonKey {
        connection: "campus".parse().unwrap(),
        issuer: "https://sso.example.edu".parse().unwrap(),
        subject: "s".parse().unwrap(),
    };

    let mut tx = store.write().await.unwrap();
    tx.upsert_person(&id, &key, None, DateTime::UNIX_EPOCH).await.unwrap();
    drop(tx);

    let other = crate::domain::id::PersonId::from_entropy([2; 10]);
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.upsert_person(&other, &key, None, DateTime::UNIX_EPOCH).await.unwrap(), (other, false));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_database() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, store) = open().await;
    store.write().await.unwrap().commit().await.unwrap();

    for file in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()) {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
}

#[tokio::test]
async fn what_is_committed_to_a_file_without_a_name_is_not_committed() {
    for suffix in ["", "-wal", "-shm"] {
        let (folder, store) = open().await;
        let tx = store.write().await.unwrap();

        std::fs::remove_file(folder.path().join(format!("lodge.db{suffix}"))).unwrap();

        assert!(matches!(tx.commit().await, Err(Error::Moved(_))), "{suffix}");
        assert!(matches!(store.write().await, Err(Error::Moved(_))), "{suffix}");
        assert!(matches!(store.read().await, Err(Error::Moved(_))), "{suffix}");
    }
}

/// As it does when the disk is full.
#[tokio::test]
async fn a_transaction_that_the_database_ended_itself_leaves_nothing_behind() {
    let (_folder, store) = open().await;
    let mut tx = store.write().await.unwrap();
    let Inner::Sqlite(inner) = &mut tx.inner else { panic!("not SQLite") };
    sqlx::query("rollback").execute(&mut **inner).await.unwrap();
    assert!(tx.commit().await.is_err());

    for _ in 0..=READERS {
        store.read().await.unwrap();
        store.write().await.expect("a connection that can begin").commit().await.unwrap();
    }
}

/// What the database in this folder answers to who wants to serve it.
async fn served(folder: &TempDir) -> Result<Store> {
    Store::serve(&Address::Sqlite(folder.path().join("lodge.db"))).await
}

async fn change(folder: &TempDir, statement: &'static str) {
    let mut connection = super::super::sqlite::connect(&folder.path().join("lodge.db")).await.unwrap();
    sqlx::query(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_schema_that_is_not_this_program_s_is_refused() {
    for (statement, says) in [
        ("update _sqlx_migrations set version = 9999 where version = 9", "of a later version"),
        ("delete from _sqlx_migrations where version = 9", "run `lodged migrate`"),
        ("drop table _sqlx_migrations", "run `lodged migrate`"),
        ("update _sqlx_migrations set checksum = x'00' where version = 4", "migration 4"),
        ("update _sqlx_migrations set success = 0 where version = 9", "migration 9"),
    ] {
        let (folder, store) = open().await;
        store.close().await;
        drop(store);
        change(&folder, statement).await;

        let error = served(&folder).await.expect_err(statement);
        assert!(error.to_string().contains(says), "{statement}: {error}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_not_made_by_serving_it() {
    let folder = tempfile::tempdir().unwrap();

    assert!(matches!(served(&folder).await, Err(Error::NoDatabase)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_belongs_to_one_broker_and_others_may_look() {
    let (folder, store) = open().await;
    let address = Address::Sqlite(folder.path().join("lodge.db"));

    assert!(matches!(served(&folder).await, Err(Error::InUse)));
    assert!(matches!(migrate(&address, &address).await, Err(Error::InUse)));
    let beside = Store::open(&address).await.unwrap();
    beside.write().await.unwrap().commit().await.unwrap();
    beside.close().await;
    store.write().await.unwrap().commit().await.unwrap();
    #[cfg(unix)]
    {
        let other = folder.path().join("another-name.db");
        std::os::unix::fs::symlink(folder.path().join("lodge.db"), &other).unwrap();
        assert!(matches!(Store::serve(&Address::Sqlite(other)).await, Err(Error::InUse)), "by another name");
    }

    store.close().await;
    drop(store);
    served(&folder).await.expect("a broker, now that the other has ended");
}
