//! `lodged lab archive` and `lodged lab restore`.

use anyhow::Context;

use super::Named;
use super::sheet::Summary;
use crate::{desk, output};

pub(super) async fn archive(Named { name, common }: &Named) -> anyhow::Result<()> {
    let lab =
        desk::sit_down(&common.settings, async |desk| desk.archive_lab(name).await.with_context(|| super::about(name)));
    let lab = lab.await?;
    if common.json {
        return output::json(&Summary::from(&lab));
    }
    let undo = common.settings.command(&format!("lab restore {name}"));
    output::answer(&format!(
        "The lab {name} is archived: it gives nothing any more. AWS credentials that were handed out already live until\n\
         they expire, an hour at most.\nTo bring it back: {undo}\n"
    ))
}

pub(super) async fn restore(Named { name, common }: &Named) -> anyhow::Result<()> {
    let lab =
        desk::sit_down(&common.settings, async |desk| desk.restore_lab(name).await.with_context(|| super::about(name)));
    let lab = lab.await?;
    if common.json {
        return output::json(&Summary::from(&lab));
    }
    output::answer(&format!("The lab {name} is back, as it was.\n"))
}
