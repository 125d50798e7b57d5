//! The profiles of AWS: `~/.aws/credentials` and `~/.aws/config`. Taking them apart is pure.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the files say of a profile: `access_key_id`, `secret_access_key`, `session_token`, `region`, `endpoint`.
pub fn read(name: &str, env: &dyn Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let home = env("HOME").or_else(|| env("USERPROFILE")).map(PathBuf::from);
    let text = |variable: &str, usual: &str| {
        let path = env(variable).map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".aws").join(usual)))?;
        std::fs::read_to_string(path).ok()
    };
    let mut found = BTreeMap::new();
    // what both say is taken from the credentials, as the tools of AWS do
    for (variable, usual) in [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")] {
        found.extend(text(variable, usual).map(|text| section(&text, name)).unwrap_or_default());
    }
    found
}

/// What a file says of a profile, by our names.
fn section(text: &str, profile: &str) -> BTreeMap<String, String> {
    let (mut inside, mut found) = (false, BTreeMap::new());
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(title) = trimmed.strip_prefix('[').and_then(|t| t.split(']').next()) {
            let title = title.trim();
            inside = title.strip_prefix("profile").map_or(title, str::trim) == profile;
            continue;
        }
        // a line that is set in belongs to the setting above it
        let nested = line.starts_with([' ', '\t']);
        let Some((name, value)) = trimmed.split_once('=').filter(|_| inside && !nested) else { continue };
        let own = match name.trim() {
            "aws_access_key_id" => "access_key_id",
            "aws_secret_access_key" => "secret_access_key",
            "aws_session_token" => "session_token",
            "region" => "region",
            "endpoint_url" => "endpoint",
            _ => continue,
        };
        found.insert(own.to_string(), value.trim().to_string());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_found_in_both_files() {
        let folder = tempfile::tempdir().unwrap();
        let (credentials, config) = (folder.path().join("credentials"), folder.path().join("config"));
        std::fs::write(
            &credentials,
            "[default]\naws_access_key_id = a\n# no\n[work]\naws_access_key_id=w\naws_secret_access_key=s==\n",
        )
        .unwrap();
        std::fs::write(
            &config,
            "[profile work]\nregion = eu-west-1\ns3 =\n  endpoint_url = http://no\n[profile other]\nregion=x",
        )
        .unwrap();
        let env = |name: &str| match name {
            "AWS_SHARED_CREDENTIALS_FILE" => Some(credentials.display().to_string()),
            "AWS_CONFIG_FILE" => Some(config.display().to_string()),
            _ => None,
        };
        let work: Vec<_> = read("work", &env).into_iter().collect();
        let pairs = [("access_key_id", "w"), ("region", "eu-west-1"), ("secret_access_key", "s==")];
        assert_eq!(work, pairs.map(|(n, v)| (n.to_string(), v.to_string())));
        assert_eq!(read("default", &env).len(), 1);
        assert!(read("none", &env).is_empty());
    }
}
