//! `POST /v1/admin/queues/{name}/redrive`: what a queue gave up is tried again. Whoever works on it
//! knows by its id what was done already, so that doing it twice changes nothing.

use api::view::queue::RedrivenView;
use api::{Path, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use super::note;
use crate::App;
use crate::queues::WhichQueue;

/// Messages that are brought back by one call; ask again for more.
const MOVED_MAX: usize = 100;

/// Brings dead letters back.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::QueuesManage>, Path<WhichQueue>>,
) -> Reply<RedrivenView> {
    let Path(WhichQueue { name }) = call.input;
    // Said first: what is brought back is done, whether or not this call lives to tell of it.
    let said = [note(app, &call, "queue.redrive", name.word(), Vec::new())?];
    app.store.say_alone(&said).await?;
    let moved = app.queues.redrive(name, MOVED_MAX).await?;
    Ok(RedrivenView { name: name.word(), moved })
}
