//! Where a webhook is sent: an address on the public internet, and nowhere else.
//!
//! Whoever may name an address that the shop calls could have it call itself, its neighbours, or
//! the cloud's metadata (SSRF). Two checks stand against that. The text is read here, strictly: no
//! user, no fragment, no number that only some readers take for an address. And what the name
//! stands for is looked up when it is called, each address is asked of [`is_public`], and the
//! connection is made to the very address that was checked.
//!
//! Sources: IANA's registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Characters of an address.
pub const URL_CHARS_MAX: usize = 500;
/// What stands for a value that is not shown.
const MASK: &str = "***";
/// The port of HTTPS.
const HTTPS: u16 = 443;
/// Ports below belong to other services; of them only HTTPS is called.
const FIRST_FREE_PORT: u16 = 1024;
/// Characters of a host's name (RFC 1035) and of one of its labels.
const HOST_CHARS_MAX: usize = 253;
const LABEL_CHARS_MAX: usize = 63;

/// What stands between `//` and the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name, to be looked up.
    Name(String),
    /// An address.
    Ip(IpAddr),
}

/// An address that webhooks may be sent to.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    text: String,
    is_encrypted: bool,
    host: Host,
    port: u16,
    /// Path and query.
    path: String,
}

impl Target {
    /// Reads `https://host[:port]/path?query`; `http://` only for this machine itself, which is
    /// refused later unless somebody works on it ([`Target::may_be_called`]).
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'#');
        if text.len() > URL_CHARS_MAX || !is_plain {
            return None;
        }
        let (is_encrypted, rest) = match text.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("http://")?),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = read_authority(authority)?;
        let port = match port {
            Some(port) => port.parse().ok().filter(|p: &u16| p.to_string() == port)?,
            None if is_encrypted => HTTPS,
            None => 80,
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let target = Self { text: text.to_owned(), is_encrypted, host, port, path };
        (is_encrypted || target.is_loopback()).then_some(target)
    }

    /// Whether this may be called, as far as its text tells: encrypted, a port for it, a name or a
    /// public address. On a developer's machine, this machine itself as well.
    pub fn may_be_called(&self, allows_loopback: bool) -> bool {
        if allows_loopback && self.is_loopback() {
            return true;
        }
        let is_public = match &self.host {
            Host::Name(name) => name != "localhost",
            Host::Ip(ip) => is_public(*ip),
        };
        self.is_encrypted && (self.port == HTTPS || self.port >= FIRST_FREE_PORT) && is_public
    }

    /// Whether an address that its name stands for may be connected to.
    pub fn may_connect(&self, ip: IpAddr, allows_loopback: bool) -> bool {
        is_public(ip) || (allows_loopback && self.is_loopback() && ip.is_loopback())
    }

    fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Name(name) => name == "localhost",
            Host::Ip(ip) => ip.is_loopback(),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As it was written, but for the values of its query: one of them may open something.
    pub fn masked(&self) -> String {
        let Some((head, query)) = self.text.split_once('?') else { return self.text.clone() };
        let hide = |pair: &str| match pair.split_once('=') {
            Some((name, _)) => format!("{name}={MASK}"),
            None => MASK.to_owned(),
        };
        let hidden: Vec<String> = query.split('&').map(hide).collect();
        format!("{head}?{}", hidden.join("&"))
    }

    /// Whether it is HTTPS.
    pub const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The host.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Path and query, as they stand in the request's first line.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What stands in the header `Host`.
    pub fn authority(&self) -> String {
        let host = self.host.to_string();
        let usual = if self.is_encrypted { HTTPS } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(ip)) => write!(f, "{ip}"),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

/// Its path may hold a token.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.host)
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("is no address for webhooks"))
    }
}

/// Host and port of `host`, `host:port`, `[v6]` and `[v6]:port`.
fn read_authority(authority: &str) -> Option<(Host, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (ip, after) = rest.split_once(']')?;
        let port = if after.is_empty() { None } else { Some(after.strip_prefix(':')?) };
        let ip: Ipv6Addr = ip.parse().ok()?;
        return Some((Host::Ip(IpAddr::V6(ip)), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Some((Host::Ip(IpAddr::V4(ip)), port));
    }
    is_name(host).then(|| (Host::Name(host.to_owned()), port))
}

/// A name of the DNS in lower case. One whose last label begins with a digit is none: some readers
/// take `0x7f.1` or `2130706433` for an address.
fn is_name(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_CHARS_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= HOST_CHARS_MAX
        && (host.contains('.') || host == "localhost")
        && host.split('.').all(is_label)
        && !last.starts_with(|first: char| first.is_ascii_digit())
}

/// Whether an address belongs to the public internet. What is not listed as public is not.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    // Network, bits, and whose it is.
    const SPECIAL: [(u32, u32); 16] = [
        (0x0000_0000, 8),  // this network
        (0x0A00_0000, 8),  // private
        (0x6440_0000, 10), // shared by carriers (CGNAT)
        (0x7F00_0000, 8),  // loopback
        (0xA9FE_0000, 16), // link-local, with the cloud's metadata
        (0xAC10_0000, 12), // private
        (0xC000_0000, 24), // assignments of the IETF
        (0xC000_0200, 24), // documentation
        (0xC01F_C400, 24), // AS112
        (0xC034_C100, 24), // AMT
        (0xC058_6300, 24), // relays of 6to4
        (0xC0A8_0000, 16), // private
        (0xC612_0000, 15), // benchmarks
        (0xC633_6400, 24), // documentation
        (0xCB00_7100, 24), // documentation
        (0xE000_0000, 3),  // multicast, reserved, broadcast
    ];
    let bits = ip.to_bits();
    !SPECIAL.iter().any(|(network, length)| bits >> (32 - length) == network >> (32 - length))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    // Of 2000::/3, which is all that is global unicast; outside lie loopback, mapped and translated
    // IPv4, unique local (with the cloud's metadata), link-local and multicast.
    const SPECIAL: [(u128, u32); 5] = [
        (0x2001_0000 << 96, 23), // assignments of the IETF: Teredo, ORCHID, benchmarks
        (0x2001_0db8 << 96, 32), // documentation
        (0x2002_0000 << 96, 16), // 6to4: holds an IPv4 address
        (0x2620_004f_8000 << 80, 48), // AS112
        (0x3fff_0000 << 96, 20), // documentation
    ];
    let bits = ip.to_bits();
    bits >> 125 == 1
        && !SPECIAL.iter().any(|(net, length)| bits >> (128 - length) == net >> (128 - length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_of_the_internet_are_read_as_they_are_called() {
        for (text, authority, path) in [
            ("https://erp.example", "erp.example", "/"),
            ("https://erp.example/hooks?shop=1", "erp.example", "/hooks?shop=1"),
            ("https://erp.example?x", "erp.example", "/?x"),
            ("https://erp.example:8443/", "erp.example:8443", "/"),
            ("https://erp.example:443/", "erp.example", "/"),
            ("https://93.184.216.34/a", "93.184.216.34", "/a"),
            ("https://[2606:2800:220:1::1]:4443/a", "[2606:2800:220:1::1]:4443", "/a"),
        ] {
            let target = Target::parse(text).unwrap();
            assert!(target.may_be_called(false), "{text}");
            assert_eq!((target.authority().as_str(), target.path()), (authority, path), "{text}");
            let json = serde_json::to_string(&target).unwrap();
            assert_eq!(serde_json::from_str::<Target>(&json).unwrap(), target);
        }
    }

    #[test]
    fn the_values_of_a_query_are_masked_and_nothing_else_is() {
        for (text, masked) in [
            ("https://erp.example/hooks", "https://erp.example/hooks"),
            ("https://erp.example/a?token=s3cret&v=1", "https://erp.example/a?token=***&v=***"),
            ("https://erp.example?s3cret", "https://erp.example?***"),
            ("https://erp.example/a?t=s3=cret?x", "https://erp.example/a?t=***"),
        ] {
            assert_eq!(Target::parse(text).unwrap().masked(), masked);
        }
    }

    #[test]
    fn what_only_some_readers_understand_is_not_read() {
        for text in [
            "",
            "erp.example",
            "https://",
            "https:///a",
            "http://erp.example/",
            "ftp://erp.example/",
            "HTTPS://erp.example/",
            "https://ERP.example/",
            "https://erp",
            "https://erp.example:0443/",
            "https://erp.example:/",
            "https://erp.example:70000/",
            "https://jane@erp.example/",
            "https://jane:secret@erp.example/",
            "https://erp.example\\@evil.example/",
            "https://erp.example/#fragment",
            "https://erp.example/a b",
            "https://erp.example/a\r\nHost: evil",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://127.1/",
            "https://0177.0.0.1/",
            "https://1.2.3/",
            "https://-erp.example/",
            "https://erp..example/",
            "https://[::1",
            "https://[fe80::1%25eth0]/",
            "https://gr\u{fc}n.example/",
        ] {
            assert!(Target::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_not_public_is_not_called() {
        for text in [
            "https://localhost/",
            "https://127.0.0.1/",
            "https://10.0.0.1/",
            "https://100.64.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://172.16.0.1/",
            "https://192.168.1.1/",
            "https://0.0.0.0/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[::ffff:93.184.216.34]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001:0:7f00:1::]/",
            "https://erp.example:22/",
            "https://erp.example:80/",
            "http://127.0.0.1:8000/",
        ] {
            let target = Target::parse(text).unwrap();
            assert!(!target.may_be_called(false), "{text}");
        }
    }

    #[test]
    fn this_machine_is_called_where_somebody_works_on_it_and_nothing_else_is() {
        for text in ["http://127.0.0.1:8000/", "http://localhost:8000/", "https://[::1]:8443/"] {
            let target = Target::parse(text).unwrap();
            assert!(target.may_be_called(true), "{text}");
            assert!(target.may_connect("127.0.0.1".parse().unwrap(), true));
            assert!(!target.may_connect("10.0.0.1".parse().unwrap(), true));
            assert!(!target.may_connect("127.0.0.1".parse().unwrap(), false));
        }
        // A name that leads to this machine is no name of this machine.
        let rebound = Target::parse("https://erp.example/").unwrap();
        assert!(!rebound.may_connect("127.0.0.1".parse().unwrap(), true));
        assert!(!Target::parse("https://10.0.0.1/").unwrap().may_be_called(true));
    }

    proptest! {
        #[test]
        fn no_address_that_the_standard_library_calls_special_is_public(bits in any::<u32>()) {
            let ip = Ipv4Addr::from_bits(bits);
            let is_special = ip.is_private() || ip.is_loopback() || ip.is_link_local()
                || ip.is_multicast() || ip.is_broadcast() || ip.is_unspecified()
                || ip.is_documentation();
            prop_assert!(!(is_special && is_public(ip.into())));
            // And none of them, however it is wrapped.
            let wrapped = [
                ip.to_ipv6_mapped(),
                ip.to_ipv6_compatible(),
                Ipv6Addr::from_bits((0x0064_ff9b_u128 << 96) | u128::from(bits)),
                Ipv6Addr::from_bits((0x2002_u128 << 112) | (u128::from(bits) << 80)),
            ];
            for ip in wrapped {
                prop_assert!(!is_public(ip.into()), "{ip}");
            }
        }

        #[test]
        fn no_special_ipv6_is_public(bits in any::<u128>()) {
            let ip = Ipv6Addr::from_bits(bits);
            let is_special = ip.is_loopback() || ip.is_multicast() || ip.is_unspecified()
                || ip.is_unique_local() || ip.is_unicast_link_local();
            prop_assert!(!(is_special && is_public(ip.into())));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,80}") {
            if let Some(target) = Target::parse(&text) {
                prop_assert_eq!(target.as_str(), text);
            }
        }
    }
}
