//! From the command line to settings.

use crate::cli::Common;
use crate::config::{ConfigError, Loaded, Sources};

impl Common {
    /// Reads the configuration that this command line, the environment and the file make.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub(crate) fn load(&self) -> Result<Loaded, ConfigError> {
        self.load_with(&[])
    }

    /// Reads the configuration with flags that are short for `--set`.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub(crate) fn load_with(
        &self,
        short: &[(&str, &str, Option<String>)],
    ) -> Result<Loaded, ConfigError> {
        let long =
            self.set.iter().map(|(key, value)| ("--set".to_owned(), key.clone(), value.clone()));
        let mut flags: Vec<_> = long.collect();
        for (flag, key, value) in short {
            if let Some(value) = value {
                flags.push(((*flag).to_owned(), (*key).to_owned(), value.clone()));
            }
        }
        if let Some(data) = &self.data {
            let data = data.to_string_lossy().into_owned();
            flags.push(("--data".to_owned(), "data".to_owned(), data));
        }
        Sources::of_process(self.config.clone(), flags).load()
    }
}
