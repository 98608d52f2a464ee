//! `config check` and `config print`.

use crate::cli::{Common, ConfigCommand};
use crate::config::{default_file, effective_file, reference_page};
use crate::screen::Screen;

pub(super) fn config(
    command: &ConfigCommand,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Check => {
            let loaded = common.load()?;
            for warning in &loaded.warnings {
                screen.notice(&format!("{}: {}", warning.place, warning.what));
            }
            let file =
                loaded.file.map_or_else(|| "no file".to_owned(), |it| it.display().to_string());
            Ok(screen.say(&format!("the configuration is good ({file})"))?)
        }
        ConfigCommand::Print { default: true, .. } => Ok(screen.raw(default_file().as_bytes())?),
        ConfigCommand::Print { reference: true, .. } => {
            Ok(screen.raw(reference_page().as_bytes())?)
        }
        ConfigCommand::Print { .. } => {
            let settings = common.load()?.settings;
            Ok(screen.raw(effective_file(&settings).as_bytes())?)
        }
    }
}
