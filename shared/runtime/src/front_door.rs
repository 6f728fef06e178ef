//! The front door: the one distribution that stands before all APIs of a deployment.
//!
//! It says a key with every request, and from where the request came to it. Whoever comes past it
//! does not know the key and is sent away, so that its firewall and its limits are nobody's choice;
//! and only its word on addresses counts. Functions know the key's hash alone.

use std::net::IpAddr;

use api::seal::token_hash;
use api::{Problem, Request};
use http::StatusCode;

/// What the door says with every request.
const KEY: &str = "x-front-door";
/// From where a request came to the door; whatever a caller says there, the door says anew.
const VIEWER: &str = "x-viewer-address";
/// The length of a hash in hex.
const HASH_CHARS: usize = 64;

/// Whether there is a front door, and by what it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrontDoor {
    /// SHA-256 in hex of each key that is good: two while one replaces the other.
    hashes: Vec<String>,
}

impl FrontDoor {
    /// Hashes with commas between them; none where there is no front door. Fails with what is
    /// wrong.
    pub fn parse(list: &str) -> Result<Self, String> {
        let hashes: Vec<String> = list
            .split(',')
            .map(str::trim)
            .filter(|hash| !hash.is_empty())
            .map(str::to_owned)
            .collect();
        let is_hash = |hash: &String| {
            hash.len() == HASH_CHARS
                && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if hashes.iter().all(is_hash) {
            Ok(Self { hashes })
        } else {
            Err("a hash is 64 small hexadecimal digits".to_owned())
        }
    }

    /// Lets a request in that came through the door, and notes from where it came to it. The key is
    /// taken off: nothing behind the door has a use for it.
    pub fn enter(&self, request: &mut Request) -> Result<(), Problem> {
        if self.hashes.is_empty() {
            return Ok(());
        }
        let said = request.header(KEY).map(token_hash);
        request.headers.remove(KEY);
        // Hashes of what has 256 random bits: how long the comparison takes tells nothing of them.
        if !said.is_some_and(|said| self.hashes.contains(&said)) {
            let detail = "Requests come in through the shop's own address.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "not_the_front_door", detail));
        }
        let viewer = request.header(VIEWER).and_then(|said| said.parse::<IpAddr>().ok());
        if let Some(address) = viewer {
            request.source_ip = address.to_string();
        } else {
            tracing::error!(request_id = request.id, "the front door says no address");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};
    use jiff::Timestamp;

    use super::*;

    fn request(headers: &[(&'static str, &'static str)]) -> Request {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect();
        Request {
            method: Method::GET,
            path: "/v1/store/products".to_owned(),
            path_parameters: Vec::new(),
            raw_query: String::new(),
            headers,
            cookies: Vec::new(),
            body: Bytes::new(),
            source_ip: "130.176.0.1".to_owned(),
            id: "r".to_owned(),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    fn entered(door: &FrontDoor, headers: &[(&'static str, &'static str)]) -> Result<String, u16> {
        let mut request = request(headers);
        let entered = door.enter(&mut request);
        assert!(request.header(KEY).is_none() || door.hashes.is_empty());
        entered.map(|()| request.source_ip).map_err(|problem| problem.status.as_u16())
    }

    fn door(keys: &[&str]) -> FrontDoor {
        let hashes: Vec<String> = keys.iter().map(|key| token_hash(key)).collect();
        FrontDoor::parse(&hashes.join(", ")).unwrap()
    }

    #[test]
    fn nobody_comes_in_past_the_door() {
        let door = door(&["the key"]);
        assert_eq!(entered(&door, &[]), Err(403));
        assert_eq!(entered(&door, &[(KEY, "a guess"), (VIEWER, "192.0.2.7")]), Err(403));
        let twice = [(KEY, "the key"), (KEY, "the key"), (VIEWER, "192.0.2.7")];
        assert_eq!(entered(&door, &twice), Err(403));
    }

    #[test]
    fn the_door_says_from_where_a_request_came() {
        let door = door(&["the key"]);
        for (said, known) in [
            ("198.51.100.10", "198.51.100.10"),
            ("2001:db8:0::7", "2001:db8::7"),
            // Better the door's own address than a word.
            ("nowhere", "130.176.0.1"),
            ("198.51.100.10, 198.51.100.11", "130.176.0.1"),
        ] {
            assert_eq!(entered(&door, &[(KEY, "the key"), (VIEWER, said)]).as_deref(), Ok(known));
        }
    }

    #[test]
    fn two_keys_are_good_while_one_replaces_the_other() {
        let door = door(&["the old key", "the new key"]);
        for key in ["the old key", "the new key"] {
            assert!(entered(&door, &[(KEY, key), (VIEWER, "192.0.2.7")]).is_ok());
        }
    }

    #[test]
    fn without_a_front_door_its_headers_are_a_strangers_words() {
        let door = FrontDoor::parse("").unwrap();
        let said = [(KEY, "the key"), (VIEWER, "192.0.2.7")];
        assert_eq!(entered(&door, &said).as_deref(), Ok("130.176.0.1"));
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for list in ["the key", "ABCDEF", &"g".repeat(64), &format!("{},x", "a".repeat(64))] {
            assert!(FrontDoor::parse(list).is_err(), "{list}");
        }
    }
}
