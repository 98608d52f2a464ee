//! `favorite`: the extensions that a user keeps at hand (contract 2.6).

use lampfield_core::{AccountId, ExtensionId, ExtensionKey};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::presence::extension_uri;
use crate::update::{given, id_of, parse_records};

/// Returns the list of favorites of `owner`, in its order; `id` is the place, from 1.
#[must_use]
pub fn favorite_list(base_uri: &str, owner: ExtensionKey, favorites: &[ExtensionId]) -> Value {
    let records: Vec<_> = (1..)
        .zip(favorites)
        .map(|(place, favorite): (u32, _)| {
            json!({
                "id": place,
                "extensionId": favorite.to_string(),
                "accountId": owner.account.to_string(),
            })
        })
        .collect();
    json!({ "uri": format!("{}/favorite", extension_uri(base_uri, owner)), "records": records })
}

/// Reads a new list of favorites: `{"records": [{"extensionId"}]}` or a bare array. Returns them in
/// the order of the body, each once; `id` is not read.
///
/// # Errors
/// 400 CMN-103 for what is no JSON; 400 CMN-101 for a favorite that is no extension (`contactId`:
/// there are no contacts here), and `accountId` for one of another account.
pub fn parse_favorites(body: &[u8], account: AccountId) -> Result<Vec<ExtensionId>, ApiError> {
    let mut favorites = Vec::new();
    for record in parse_records(body)? {
        let Some(id) = given(&record, "extensionId") else {
            let is_contact = given(&record, "contactId").is_some();
            let name = if is_contact { "contactId" } else { "extensionId" };
            return Err(ApiError::invalid_parameter(name));
        };
        let extension = id_of(id).ok_or_else(|| ApiError::invalid_parameter("extensionId"))?;
        let other = given(&record, "accountId").is_some_and(|named| !is_account(named, account));
        if other {
            return Err(ApiError::invalid_parameter("accountId"));
        }
        if !favorites.contains(&extension) {
            favorites.push(extension);
        }
    }
    Ok(favorites)
}

fn is_account(named: &Value, account: AccountId) -> bool {
    match named {
        Value::String(text) => text == "~" || text.parse() == Ok(account),
        Value::Number(number) => number.as_u64() == Some(account.get()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountId {
        AccountId::new(1).expect("an id")
    }

    #[test]
    fn favorites_are_read_as_they_are_written() {
        let [seven, eight] = [7, 8].map(|id| ExtensionId::new(id).expect("an id"));
        let owner = ExtensionKey { account: account(), extension: seven };
        let written = favorite_list("http://lamp.example", owner, &[eight, seven]);

        assert_eq!(
            written.to_string(),
            concat!(
                r#"{"uri":"http://lamp.example/restapi/v1.0/account/1/extension/7/favorite","#,
                r#""records":[{"id":1,"extensionId":"8","accountId":"1"},"#,
                r#"{"id":2,"extensionId":"7","accountId":"1"}]}"#
            )
        );
        let read = parse_favorites(written.to_string().as_bytes(), account());
        assert_eq!(read, Ok(vec![eight, seven]));
        let read = parse_favorites(br#"[{"extensionId":8},{"extensionId":"8"}]"#, account());
        assert_eq!(read, Ok(vec![eight]));
    }

    #[test]
    fn what_is_no_extension_of_the_account_is_refused_by_name() {
        for (body, parameter) in [
            ("{}", "records"),
            ("[{}]", "extensionId"),
            (r#"[{"id":1,"extensionId":null}]"#, "extensionId"),
            (r#"[{"extensionId":"x"}]"#, "extensionId"),
            (r#"[{"contactId":"9"}]"#, "contactId"),
            (r#"[{"extensionId":"8","accountId":"2"}]"#, "accountId"),
            (r#"[{"extensionId":"8","accountId":{}}]"#, "accountId"),
        ] {
            let error = parse_favorites(body.as_bytes(), account()).expect_err(body);
            assert_eq!(error, ApiError::invalid_parameter(parameter), "{body}");
        }
    }
}
