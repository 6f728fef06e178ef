//! `GET /v1/admin/queues`: how full each queue is, and how many of its messages were given up.

use api::cursor::List;
use api::view::queue::QueueView;
use api::{Reply, Staff};
use domain::permission::grant;
use queue::Name;
use runtime::Call;

use crate::App;

/// Dead letters that are looked at for the oldest of a queue.
const LOOKED_AT: usize = 10;

/// Lists the queues.
pub async fn handle(app: &App, _: Call<Staff<grant::SettingsRead>>) -> Reply<List<QueueView>> {
    let mut data = Vec::new();
    for name in Name::ALL {
        let depths = app.queues.depths(name).await?;
        let oldest_dead_at = if depths.dead == 0 {
            None
        } else {
            app.queues.dead(name, LOOKED_AT).await?.iter().filter_map(|letter| letter.at).min()
        };
        data.push(QueueView {
            name: name.word(),
            waiting: depths.waiting,
            in_work: depths.in_work,
            dead: depths.dead,
            oldest_dead_at,
        });
    }
    Ok(List { data, next_cursor: None })
}
