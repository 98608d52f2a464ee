//! What the commands do.

mod access;
mod audit;
mod configuration;
mod directory;
mod listen;
mod presence;
mod simulate;
mod store;
mod subscriptions;
mod tail;
mod transfer;

use clap::CommandFactory;

pub(crate) use store::code_of_open;

use crate::cli::{Cli, Command};
use crate::screen::Screen;
use crate::telemetry::{self, LogFormat, LogLevel};
use crate::{demo, serve};

/// Carries a command out.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<()> {
    let Cli { common, command } = cli;
    let mut screen = Screen::standard(common.json);
    let screen = &mut screen;
    if !matches!(command, Command::Serve(_) | Command::Demo(_)) {
        telemetry::start(LogFormat::Human, LogLevel::Warn);
    }
    match command {
        Command::Demo(args) => Box::pin(demo::demo(args, &common, screen)).await,
        Command::Serve(args) => Box::pin(serve::serve(args, &common, screen)).await,
        Command::Init(args) => Box::pin(store::init(args, &common, screen)).await,
        Command::Account(command) => Box::pin(directory::account(command, &common, screen)).await,
        Command::Extension(command) => {
            Box::pin(directory::extension(command, &common, screen)).await
        }
        Command::App(command) => Box::pin(access::app(command, &common, screen)).await,
        Command::Credential(command) => {
            Box::pin(access::credential(command, &common, screen)).await
        }
        Command::Key(command) => Box::pin(access::key(command, &common, screen)).await,
        Command::Audit(args) => Box::pin(audit::audit(args, &common, screen)).await,
        Command::Subscriptions(command) => {
            Box::pin(subscriptions::subscriptions(command, &common, screen)).await
        }
        Command::Tail(args) => Box::pin(tail::tail(args, &common, screen)).await,
        Command::SetPresence(args) => Box::pin(presence::set(args, &common, screen)).await,
        Command::Why(args) => Box::pin(presence::why(args, &common, screen)).await,
        Command::Simulate(args) => Box::pin(simulate::simulate(args, &common, screen)).await,
        Command::Listen(args) => Box::pin(listen::listen(args, screen)).await,
        Command::Backup { file } => store::backup(&file, &common, screen).await,
        Command::Restore { file } => store::restore(&file, &common, screen).await,
        Command::Verify => store::verify(&common, screen).await,
        Command::Config(command) => configuration::config(&command, &common, screen),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "lampfield", &mut text);
            Ok(screen.raw(&text)?)
        }
    }
}
