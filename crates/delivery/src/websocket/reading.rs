//! Pages for sockets that the ring has left behind: read beside the shards, one page for a socket,
//! few at a time. A page that its socket cannot take is thrown away and read again later.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use lampfield_core::{Position, SubscriptionId};
use lampfield_journal::ReadError;

use crate::feed::{Caught, Lane, catch_up};
use crate::metrics::{Source, Transport};
use crate::outgoing::Outgoing;
use crate::websocket::context::Context;
use crate::websocket::roster::SocketKey;
use crate::websocket::shard::Command;
use crate::websocket::subscriber::Behind;

/// Events of a page.
pub(super) const PAGE: usize = 256;

/// A page of what a socket has missed.
#[derive(Debug)]
pub(crate) struct ReadPage {
    /// The events, in order.
    pub(super) events: Vec<Arc<Outgoing>>,
    /// Where the socket stands after them.
    pub(super) next: u64,
    /// Events up to here stand for earlier ones that were left out.
    pub(super) whole_until: u64,
}

/// Reads the next page for a socket and leaves it to its shard.
pub(super) fn read_for(
    context: &Arc<Context>,
    socket: SocketKey,
    subscription: SubscriptionId,
    lane: Arc<Lane>,
    behind: Behind,
) {
    let context = Arc::clone(context);
    let runtime = context.runtime.clone();
    runtime.spawn(async move {
        let page = match context.reads.acquire().await {
            Ok(_permit) => {
                let account = lane.account();
                match AssertUnwindSafe(read(&context, &lane, behind)).catch_unwind().await {
                    Ok(Ok(page)) => page,
                    Ok(Err(error)) => {
                        tracing::error!(%error, account.id = %account, "a socket cannot catch up");
                        None
                    }
                    Err(_panic) => None,
                }
            }
            Err(_closed) => None,
        };
        context.command(socket, Command::Page { socket, subscription, page });
    });
}

/// Reads the next page; `None` when what was missed is not there any more.
async fn read(
    context: &Context,
    lane: &Lane,
    behind: Behind,
) -> Result<Option<ReadPage>, ReadError> {
    let house = &context.house;
    let after = Position { epoch: context.epoch(), offset: behind.cursor };
    let coalesce_after = (!behind.is_exact()).then_some(house.config.coalesce_after);
    let caught = catch_up(house.journal.as_ref(), lane, after, PAGE, coalesce_after).await?;
    let (source, page) = match caught {
        Caught::Events(events) => {
            let page = every(events, behind);
            (Source::Journal, Some(page))
        }
        Caught::Newest { events, head } => (Source::Newest, Some(newest(events, head, behind))),
        Caught::Unrecoverable => (Source::Failed, None),
    };
    context.metrics.caught_up(Transport::Websocket, source);
    Ok(page)
}

fn every(mut events: Vec<Arc<Outgoing>>, behind: Behind) -> ReadPage {
    // Events that were to stand for earlier ones still do, also when they are read one by one.
    for event in events.iter_mut().take_while(|event| event.offset() <= behind.whole_until) {
        *event = Arc::new(Outgoing::newest(Arc::clone(event.record())));
    }
    let next = events.last().map_or(behind.cursor, |event| event.offset());
    ReadPage { events, next, whole_until: behind.whole_until }
}

fn newest(mut events: Vec<Arc<Outgoing>>, head: u64, behind: Behind) -> ReadPage {
    let is_all = events.len() <= PAGE;
    events.truncate(PAGE);
    let last = events.last().map_or(behind.cursor, |event| event.offset());
    let next = if is_all { head } else { last };
    ReadPage { events, next, whole_until: head.max(behind.whole_until) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DeliveryConfig;
    use crate::stage::Stage;

    async fn events(count: usize) -> Vec<Arc<Outgoing>> {
        let stage = Stage::new(DeliveryConfig::default()).await;
        let mut events = Vec::new();
        for _ in 0..count {
            events.push(Arc::new(Outgoing::repeated(stage.toggle(2).await)));
        }
        events
    }

    #[tokio::test]
    async fn a_page_of_newest_that_is_cut_goes_on_after_its_last_event() {
        let page = newest(events(300).await, 300, Behind::at(0));

        assert_eq!((page.events.len(), page.next, page.whole_until), (PAGE, 256, 300));
    }

    #[tokio::test]
    async fn a_whole_page_of_newest_ends_at_the_head() {
        let page = newest(events(2).await, 20, Behind::at(0));

        assert_eq!((page.events.len(), page.next, page.whole_until), (2, 20, 20));
    }

    #[tokio::test]
    async fn events_that_stand_for_earlier_ones_are_told_whatever_differs() {
        let stage = Stage::new(DeliveryConfig::default()).await;
        let quiet = stage.configure(2, crate::stage::says("back soon")).await;
        let viewer = lampfield_core::Viewer::Operator;
        let detail = lampfield_core::visibility::Detail::Plain;
        let event = Arc::new(Outgoing::repeated(quiet));
        assert_eq!(event.sight(viewer, detail), None);

        let behind = Behind { whole_until: 1, ..Behind::at(0) };
        let page = every(vec![event], behind);

        assert!(page.events[0].sight(viewer, detail).is_some());
    }

    #[test]
    fn an_empty_page_moves_nobody() {
        let page = every(Vec::new(), Behind::at(7));

        assert_eq!((page.next, page.whole_until), (7, 0));
    }
}
