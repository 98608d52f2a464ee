//! Which addresses may be dialled.
//!
//! A receiver's address is named by whoever makes a subscription; without this rule they could make
//! the server talk to the operator's own network. Pure: names are resolved elsewhere, and every
//! address they resolve to is asked about here, at every dial.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::WebhookConfig;

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `http`.
    Plain,
    /// `https`.
    Encrypted,
}

/// Decides about addresses.
#[derive(Debug, Clone)]
pub struct Guard {
    allowed: Vec<(IpAddr, u8)>,
    allow_http: bool,
}

/// Why an address is not dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not an address of the public internet, and the operator did not allow it.
    #[error(
        "{address} is {range} and is not dialled; an operator may allow it with webhook.allow_private"
    )]
    NotPublic {
        /// The address.
        address: IpAddr,
        /// What it is.
        range: Range,
    },
    /// Plain http is for allowed private addresses only, or where the operator allows it.
    #[error("{0} is dialled over https only; an operator may allow http with webhook.allow_http")]
    HttpsRequired(IpAddr),
}

/// A range of addresses that lie in no public network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range {
    /// `0.0.0.0/8`, `::`.
    Unspecified,
    /// `127.0.0.0/8`, `::1`.
    Loopback,
    /// RFC 1918.
    Private,
    /// `100.64.0.0/10`, RFC 6598.
    CarrierNat,
    /// `169.254.0.0/16`, `fe80::/10`: cloud metadata lives here.
    LinkLocal,
    /// `fc00::/7`, and the deprecated `fec0::/10`.
    UniqueLocal,
    /// `224.0.0.0/4`, `ff00::/8`.
    Multicast,
    /// `255.255.255.255`.
    Broadcast,
    /// Ranges for documents and measurements, IETF protocol assignments.
    Documentation,
    /// `240.0.0.0/4`, and every IPv6 range that is not global unicast.
    Reserved,
    /// IPv6 forms that carry an IPv4 address: mapped, compatible, NAT64, 6to4, Teredo.
    Embedded,
}

impl Guard {
    /// Makes the guard of a configuration.
    #[must_use]
    pub fn new(config: &WebhookConfig) -> Self {
        Self { allowed: config.allow_private.clone(), allow_http: config.allow_http }
    }

    /// Decides whether `address` may be dialled.
    ///
    /// # Errors
    /// [`Refused`] with a sentence for the operator.
    pub fn admit(&self, address: IpAddr, scheme: Scheme) -> Result<(), Refused> {
        if self.allowed.iter().any(|network| is_in(address, *network)) {
            return Ok(());
        }
        if scheme == Scheme::Plain && !self.allow_http {
            return Err(Refused::HttpsRequired(address));
        }
        match range_of(address) {
            Some(range) => Err(Refused::NotPublic { address, range }),
            None => Ok(()),
        }
    }

    /// Tells whether plain http can be admitted at all.
    #[must_use]
    pub fn may_admit_http(&self) -> bool {
        self.allow_http || !self.allowed.is_empty()
    }

    /// Tells whether plain http needs no allowed address.
    #[must_use]
    pub const fn admits_http_anywhere(&self) -> bool {
        self.allow_http
    }
}

/// Returns in which non-public range an address lies; `None` for a public one.
#[must_use]
pub const fn range_of(address: IpAddr) -> Option<Range> {
    match address {
        IpAddr::V4(v4) => range_of_v4(v4),
        IpAddr::V6(v6) => range_of_v6(v6),
    }
}

const fn range_of_v4(address: Ipv4Addr) -> Option<Range> {
    Some(match address.octets() {
        [0, ..] => Range::Unspecified,
        [127, ..] => Range::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Range::Private,
        [100, 64..=127, ..] => Range::CarrierNat,
        [169, 254, ..] => Range::LinkLocal,
        [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Range::Documentation
        }
        [192, 88, 99, _] => Range::Embedded, // the 6to4 relay, RFC 7526
        [224..=239, ..] => Range::Multicast,
        [255, 255, 255, 255] => Range::Broadcast,
        [240..=255, ..] => Range::Reserved,
        _ => return None,
    })
}

const fn range_of_v6(address: Ipv6Addr) -> Option<Range> {
    Some(match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Range::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Range::Loopback,
        // Compatible and mapped (RFC 4291), translated (RFC 2765), NAT64 (RFC 6052 and RFC 8215),
        // Teredo (RFC 4380), 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0..=1, ..]
        | [0x2001, 0, ..]
        | [0x2002, ..] => Range::Embedded,
        [0x2001, 0x0001..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Range::Documentation,
        [0xfe80..=0xfebf, ..] => Range::LinkLocal,
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Range::UniqueLocal,
        [0xff00..=0xffff, ..] => Range::Multicast,
        [0x2000..=0x3fff, ..] => return None,
        _ => Range::Reserved,
    })
}

/// Tells whether an address lies in a network of the same family. A mapped IPv4 address is never
/// taken for the IPv4 address it carries.
fn is_in(address: IpAddr, (network, prefix): (IpAddr, u8)) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            (address.to_bits() ^ network.to_bits()) & mask == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            (address.to_bits() ^ network.to_bits()) & mask == 0
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::CarrierNat => "an address behind a carrier's NAT",
            Self::LinkLocal => "a link-local address",
            Self::UniqueLocal => "a unique local address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Documentation => "an address for documents, tests or protocols",
            Self::Reserved => "a reserved address",
            Self::Embedded => "an IPv6 form of an IPv4 address",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[(&str, Option<Range>)] = &[
        ("0.0.0.0", Some(Range::Unspecified)),
        ("0.1.2.3", Some(Range::Unspecified)),
        ("9.255.255.255", None),
        ("10.0.0.1", Some(Range::Private)),
        ("11.0.0.0", None),
        ("100.63.255.255", None),
        ("100.64.0.1", Some(Range::CarrierNat)),
        ("100.127.255.255", Some(Range::CarrierNat)),
        ("100.128.0.0", None),
        ("127.0.0.1", Some(Range::Loopback)),
        ("127.255.255.254", Some(Range::Loopback)),
        ("128.0.0.1", None),
        ("169.254.169.254", Some(Range::LinkLocal)),
        ("169.253.0.1", None),
        ("172.15.0.1", None),
        ("172.16.0.1", Some(Range::Private)),
        ("172.31.255.255", Some(Range::Private)),
        ("172.32.0.1", None),
        ("192.0.0.8", Some(Range::Documentation)),
        ("192.0.1.1", None),
        ("192.0.2.1", Some(Range::Documentation)),
        ("192.88.99.1", Some(Range::Embedded)),
        ("192.168.1.1", Some(Range::Private)),
        ("192.169.1.1", None),
        ("198.17.0.1", None),
        ("198.18.0.1", Some(Range::Documentation)),
        ("198.19.255.255", Some(Range::Documentation)),
        ("198.51.100.7", Some(Range::Documentation)),
        ("203.0.113.9", Some(Range::Documentation)),
        ("223.255.255.255", None),
        ("224.0.0.1", Some(Range::Multicast)),
        ("239.1.1.1", Some(Range::Multicast)),
        ("240.0.0.1", Some(Range::Reserved)),
        ("255.255.255.255", Some(Range::Broadcast)),
        ("8.8.8.8", None),
        ("::", Some(Range::Unspecified)),
        ("::1", Some(Range::Loopback)),
        ("::2", Some(Range::Embedded)),
        ("::7f00:1", Some(Range::Embedded)),
        ("::ffff:127.0.0.1", Some(Range::Embedded)),
        ("::ffff:8.8.8.8", Some(Range::Embedded)),
        ("::ffff:0:127.0.0.1", Some(Range::Embedded)),
        ("64:ff9b::7f00:1", Some(Range::Embedded)),
        ("64:ff9b:1::a00:1", Some(Range::Embedded)),
        ("100::1", Some(Range::Reserved)),
        ("2001::1", Some(Range::Embedded)),
        ("2001:20::1", Some(Range::Documentation)),
        ("2001:db8::1", Some(Range::Documentation)),
        ("2001:4860:4860::8888", None),
        ("2002:7f00:1::", Some(Range::Embedded)),
        ("2606:4700::1111", None),
        ("3fff:0:1::", Some(Range::Documentation)),
        ("3fff:1000::", None),
        ("4000::1", Some(Range::Reserved)),
        ("fc00::1", Some(Range::UniqueLocal)),
        ("fdff::1", Some(Range::UniqueLocal)),
        ("fe80::1", Some(Range::LinkLocal)),
        ("febf::1", Some(Range::LinkLocal)),
        ("fec0::1", Some(Range::UniqueLocal)),
        ("ff02::1", Some(Range::Multicast)),
    ];

    #[test]
    fn every_range_is_known() {
        for (address, range) in TABLE {
            assert_eq!(range_of(address.parse().unwrap()), *range, "{address}");
        }
    }

    #[test]
    fn only_public_addresses_are_dialled_by_default() {
        let guard = Guard::new(&WebhookConfig::default());
        for (address, range) in TABLE {
            let admitted = guard.admit(address.parse().unwrap(), Scheme::Encrypted);
            assert_eq!(admitted.is_ok(), range.is_none(), "{address}");
        }
    }

    #[test]
    fn an_allowed_network_is_dialled_and_its_neighbours_are_not() {
        let guard = guard(&[("10.1.0.0", 16), ("127.0.0.1", 32), ("fd00::", 8)]);

        for address in ["10.1.0.1", "10.1.255.255", "127.0.0.1", "fd12::1"] {
            assert_eq!(guard.admit(address.parse().unwrap(), Scheme::Encrypted), Ok(()));
            assert_eq!(guard.admit(address.parse().unwrap(), Scheme::Plain), Ok(()));
        }
        for address in ["10.2.0.1", "127.0.0.2", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.1.0.1"] {
            assert!(guard.admit(address.parse().unwrap(), Scheme::Encrypted).is_err(), "{address}");
        }
    }

    #[test]
    fn a_prefix_of_nothing_allows_all_of_its_family_only() {
        let guard = guard(&[("0.0.0.0", 0)]);

        assert_eq!(guard.admit("10.0.0.1".parse().unwrap(), Scheme::Plain), Ok(()));
        assert!(guard.admit("fe80::1".parse().unwrap(), Scheme::Encrypted).is_err());
    }

    #[test]
    fn plain_http_to_a_public_address_needs_permission() {
        let address: IpAddr = "8.8.8.8".parse().unwrap();
        let strict = Guard::new(&WebhookConfig::default());
        let lax = Guard::new(&WebhookConfig { allow_http: true, ..WebhookConfig::default() });

        assert_eq!(strict.admit(address, Scheme::Plain), Err(Refused::HttpsRequired(address)));
        assert_eq!(lax.admit(address, Scheme::Plain), Ok(()));
        assert!(lax.admit("10.0.0.1".parse().unwrap(), Scheme::Plain).is_err());
    }

    #[test]
    fn a_refusal_says_what_and_what_to_do() {
        let guard = Guard::new(&WebhookConfig::default());

        let refused = guard.admit("169.254.169.254".parse().unwrap(), Scheme::Encrypted);

        assert_eq!(
            refused.unwrap_err().to_string(),
            "169.254.169.254 is a link-local address and is not dialled; an operator may allow it \
             with webhook.allow_private"
        );
    }

    fn guard(networks: &[(&str, u8)]) -> Guard {
        let allow_private =
            networks.iter().map(|(address, prefix)| (address.parse().unwrap(), *prefix)).collect();
        Guard::new(&WebhookConfig { allow_private, ..WebhookConfig::default() })
    }
}
