//! Where values come from, and which of them wins.

use std::{collections::BTreeMap, fs, path::PathBuf};

use super::keys::{self, KEYS, Key, Kind, PROVIDER_VARIABLES};

const PREFIX: &str = "CAUSERIE_";
/// Names that only the build and the tests read (`docs/development.md`); a program started by them sees them too.
const BUILD_NAMES: [&str; 3] = ["CAUSERIE_SKIP_MODELS", "CAUSERIE_TEST_MODELS_DIR", "CAUSERIE_REQUIRE_ALL_SUITES"];
const DEFAULT_FILE: &str = "causerie.toml";
/// A name further away than this is no misspelling of ours.
const MOST_SLIPS: usize = 4;
const MASK: &str = "********";

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A name that means nothing.
    #[error("{place} sets `{name}`, which does not exist{hint}")]
    UnknownKey {
        /// Where it stands.
        place: String,
        /// The name.
        name: String,
        /// The nearest name, as ` (did you mean …?)`.
        hint: String,
    },
    /// A value that is not allowed.
    #[error("{place} sets `{name}` to `{value}`; expected {allowed}")]
    BadValue {
        /// Where it stands.
        place: String,
        /// The key.
        name: String,
        /// What it is set to; masked for secrets.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A file that cannot be read.
    #[error("cannot read {path}: check the path and who may read it")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is not TOML.
    #[error("{path} is not valid TOML: {detail}")]
    NotToml {
        /// The file.
        path: String,
        /// What and where.
        detail: String,
    },
}

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nowhere.
    Default,
    /// In the configuration file.
    File(String),
    /// In the environment, under this name.
    Environment(String),
    /// On the command line.
    Flag,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => f.write_str(path),
            Self::Environment(name) => write!(f, "${name}"),
            Self::Flag => f.write_str("command line"),
        }
    }
}

/// What there is to load from; given explicitly so that tests need no process environment.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file that was asked for; without one, `causerie.toml` is read where it exists.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// `section.key` and value, from the command line.
    pub flags: Vec<(String, String)>,
}

/// Every value that is set, with where it was set.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    values: BTreeMap<String, (String, Source)>,
}

impl Loaded {
    /// Merges the sources and checks every name and value.
    ///
    /// # Errors
    /// The first name that does not exist or value that is not allowed, with what is.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut loaded = Self::default();
        for key in KEYS {
            if let Some(default) = key.default {
                loaded.values.insert(key.name.to_owned(), (default.to_owned(), Source::Default));
            }
        }
        loaded.read_file(sources.file.as_ref())?;
        loaded.read_environment(&sources.environment)?;
        for (name, value) in &sources.flags {
            loaded.set(name, value.clone(), Source::Flag)?;
        }
        Ok(loaded)
    }

    /// The value of a key, where it is set.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|(value, _)| value.as_str())
    }

    /// The chosen names of a family such as `providers.NAME.api_key`.
    pub(crate) fn names_under(&self, section: &str) -> Vec<String> {
        let prefix = format!("{section}.");
        let chosen = self.values.keys().filter_map(|key| key.strip_prefix(&prefix)?.split('.').next());
        let mut names: Vec<String> = chosen.map(str::to_owned).collect();
        names.dedup();
        names
    }

    /// Every key with its value (secrets masked) and where it was set; unset keys without a value.
    #[must_use]
    pub fn show(&self) -> Vec<(String, Option<String>, Source)> {
        let unset = KEYS
            .iter()
            .filter(|key| !key.name.contains("NAME") && !self.values.contains_key(key.name))
            .map(|key| (key.name.to_owned(), None, Source::Default));
        let set = self.values.iter().map(|(name, (value, source))| {
            let secret = keys::find(name).is_some_and(|key| key.kind == Kind::Secret);
            let shown = if secret { MASK.to_owned() } else { value.clone() };
            (name.clone(), Some(shown), source.clone())
        });
        let mut all: Vec<_> = unset.chain(set).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    fn read_file(&mut self, asked: Option<&PathBuf>) -> Result<(), ConfigError> {
        let path = asked.cloned().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        let name = path.display().to_string();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if asked.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(ConfigError::Unreadable { path: name, source }),
        };
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| ConfigError::NotToml { path: name.clone(), detail: error.to_string() })?;
        let mut flat = Vec::new();
        flatten("", &toml::Value::Table(table), &mut flat);
        for (key, value) in flat {
            self.set(&key, value, Source::File(name.clone()))?;
        }
        Ok(())
    }

    /// The project's own names win over those of other systems.
    fn read_environment(&mut self, environment: &[(String, String)]) -> Result<(), ConfigError> {
        let set = || environment.iter().filter(|(_, value)| !value.is_empty());
        for key in KEYS {
            // The first of the other names that is set counts.
            for also in key.also {
                if let Some((name, value)) = find_variable(set(), also, key)? {
                    self.set(key.name, value, Source::Environment(name))?;
                    break;
                }
            }
        }
        for (variable, key_name) in PROVIDER_VARIABLES {
            let Some(key) = keys::find(key_name) else { continue };
            if let Some((name, value)) = find_variable(set(), variable, key)? {
                self.set(key_name, value, Source::Environment(name))?;
            }
        }
        for (variable, value) in set() {
            let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
            let other = KEYS.iter().any(|key| key.also.contains(&variable.as_str()));
            if other || BUILD_NAMES.contains(&variable.as_str()) {
                continue;
            }
            let name = rest.replace("__", ".").to_lowercase();
            let source = Source::Environment(variable.clone());
            match name.strip_suffix("_file") {
                Some(secret) if keys::find(secret).is_some_and(|key| key.kind == Kind::Secret) => {
                    self.set(secret, read_secret(value)?, source)?;
                }
                _ => self.set(&name, value.clone(), source)?,
            }
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: String, source: Source) -> Result<(), ConfigError> {
        let Some(key) = keys::find(name) else {
            let (place, name) = match &source {
                Source::Environment(variable) => ("the environment".to_owned(), variable.clone()),
                other => (other.to_string(), name.to_owned()),
            };
            return Err(ConfigError::UnknownKey { hint: hint(&name, &source), place, name });
        };
        if !key.kind.allows(&value) {
            return Err(ConfigError::BadValue {
                place: source.to_string(),
                name: name.to_owned(),
                value: if key.kind == Kind::Secret { MASK.to_owned() } else { value },
                allowed: key.kind.allowed(),
            });
        }
        self.values.insert(name.to_owned(), (value, source));
        Ok(())
    }
}

/// The value of `variable`, or for a secret the content of the file that `variable_FILE` names.
fn find_variable<'a>(
    mut set: impl Iterator<Item = &'a (String, String)>,
    variable: &str,
    key: &Key,
) -> Result<Option<(String, String)>, ConfigError> {
    let file = format!("{variable}_FILE");
    match set.find(|(name, _)| name == variable || (key.kind == Kind::Secret && *name == file)) {
        Some((name, value)) if name == variable => Ok(Some((name.clone(), value.clone()))),
        Some((name, path)) => Ok(Some((name.clone(), read_secret(path)?))),
        None => Ok(None),
    }
}

fn read_secret(path: &str) -> Result<String, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn flatten(prefix: &str, value: &toml::Value, flat: &mut Vec<(String, String)>) {
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                let dotted = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&dotted, value, flat);
            }
        }
        toml::Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(plain).collect();
            flat.push((prefix.to_owned(), texts.join(",")));
        }
        other => flat.push((prefix.to_owned(), plain(other))),
    }
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The known name that is fewest slips of the keyboard away from the wrong one, where it is near enough to be meant.
fn hint(name: &str, source: &Source) -> String {
    let wrong = name.strip_prefix(PREFIX).unwrap_or(name).replace("__", ".").to_lowercase();
    let slips = |key: &&Key| strsim::damerau_levenshtein(key.name, &wrong);
    let Some(best) = KEYS.iter().min_by_key(slips).filter(|key| slips(key) <= MOST_SLIPS) else {
        return String::new();
    };
    match source {
        Source::Environment(_) => {
            format!(" (did you mean {PREFIX}{}?)", best.name.replace('.', "__").to_uppercase())
        }
        _ => format!(" (did you mean {}?)", best.name),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Sources {
        let environment = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Sources { file: None, environment, flags: Vec::new() }
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        let file = file("[server]\nport = 1001\nhost = \"0.0.0.0\"\n[memory]\nk_min = 3");
        let mut sources = environment(&[("CAUSERIE_SERVER__PORT", "1002"), ("CAUSERIE_MEMORY__K_MIN", "4")]);
        sources.file = Some(file.path().to_owned());
        sources.flags = vec![("server.port".into(), "1003".into())];
        let loaded = Loaded::load(&sources).unwrap();
        assert_eq!(loaded.get("server.port"), Some("1003"));
        assert_eq!(loaded.get("memory.k_min"), Some("4"));
        assert_eq!(loaded.get("server.host"), Some("0.0.0.0"));
        assert_eq!(loaded.get("memory.k_max"), Some("50"));
    }

    #[test]
    fn own_name_wins_over_the_name_of_another_system() {
        let loaded = Loaded::load(&environment(&[("PORT", "1"), ("CAUSERIE_SERVER__PORT", "2")])).unwrap();
        assert_eq!(loaded.get("server.port"), Some("2"));
        assert_eq!(Loaded::load(&environment(&[("PORT", "1")])).unwrap().get("server.port"), Some("1"));
    }

    #[test]
    fn unknown_own_name_stops_the_start_and_names_the_nearest() {
        let error = Loaded::load(&environment(&[("CAUSERIE_SERVER__PROT", "1")])).unwrap_err().to_string();
        assert!(error.contains("CAUSERIE_SERVER__PROT") && error.contains("CAUSERIE_SERVER__PORT"), "{error}");
        let file = file("[servr]\nport = 1");
        let error = Loaded::load(&Sources { file: Some(file.path().into()), ..Sources::default() }).unwrap_err();
        assert!(error.to_string().contains("`servr.port`"), "{error}");
    }

    #[test]
    fn value_out_of_range_names_the_key_and_what_is_allowed() {
        let error = Loaded::load(&environment(&[("SMOOTHING_FACTOR", "1.5")])).unwrap_err().to_string();
        assert_eq!(
            error,
            "$SMOOTHING_FACTOR sets `memory.smoothing_factor` to `1.5`; expected a number above 0, up to 1"
        );
    }

    #[test]
    fn secrets_may_come_from_files_and_are_never_shown() {
        let secret = file("a-secret-of-the-operator\n");
        let path = secret.path().display().to_string();
        for name in ["CAUSERIE_AUTH__JWT_SECRET_FILE", "JWT_SECRET_KEY_FILE"] {
            let loaded = Loaded::load(&environment(&[(name, &path)])).unwrap();
            assert_eq!(loaded.get("auth.jwt_secret"), Some("a-secret-of-the-operator"));
            assert!(!format!("{:?}", loaded.show()).contains("a-secret-of-the-operator"));
        }
    }

    #[test]
    fn empty_variables_count_as_unset() {
        assert_eq!(Loaded::load(&environment(&[("PORT", "")])).unwrap().get("server.port"), Some("8080"));
    }

    #[test]
    fn missing_file_is_an_error_only_where_it_was_asked_for() {
        let sources = Sources { file: Some("/nonexistent/causerie.toml".into()), ..Sources::default() };
        assert!(matches!(Loaded::load(&sources), Err(ConfigError::Unreadable { .. })));
        assert!(Loaded::load(&Sources::default()).is_ok());
    }

    #[test]
    fn chosen_names_of_a_family_are_listed_once() {
        let loaded = Loaded::load(&environment(&[
            ("CAUSERIE_PROVIDERS__MINE__BASE_URL", "http://localhost:1/v1"),
            ("CAUSERIE_PROVIDERS__MINE__API_KEY", "k"),
            ("OPENAI_API_KEY", "sk"),
        ]))
        .unwrap();
        assert_eq!(loaded.names_under("providers"), ["mine", "openai", "timeouts"]);
    }
}
