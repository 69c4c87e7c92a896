//! Which addresses on the network the broker connects to.
//!
//! A provider's name, or the name of an endpoint of its, is a stranger's word for an address. The address that counts is
//! the one that is connected to, so it is looked at after the name was looked up, by the very lookup that the connection
//! uses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// What kind of place an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On the public internet.
    Public,
    /// In somebody's own network: only where the operator says so.
    Internal(&'static str),
    /// Nowhere that a provider could be.
    Never(&'static str),
}

/// Refuses an address that is not on the public internet, unless it is in one of these networks of the campus.
pub(super) fn check(address: IpAddr, internal: &[IpNet]) -> Result<(), &'static str> {
    let address = address.to_canonical();
    match place(address) {
        Place::Public => Ok(()),
        Place::Internal(_) if internal.iter().any(|network| network.contains(&address)) => Ok(()),
        Place::Internal(what) | Place::Never(what) => Err(what),
    }
}

/// Whether a network can be one of a campus: it has to lie within a range that nobody on the public internet has.
#[must_use]
pub fn is_internal(network: &IpNet) -> bool {
    let ends = [network.network(), network.broadcast()];
    ends.map(|end| place(end.to_canonical())).iter().all(|place| matches!(place, Place::Internal(_)))
        && match network {
            IpNet::V4(network) => network.prefix_len() >= 8,
            IpNet::V6(network) => network.prefix_len() >= 7,
        }
}

const fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => place_v6(address),
    }
}

/// The IANA registry of special-purpose addresses, IPv4.
const fn place_v4(address: Ipv4Addr) -> Place {
    match address.octets() {
        [0, ..] => Place::Never("an unspecified address"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Place::Internal("a private address"),
        [100, 64..=127, ..] => Place::Internal("an address shared behind a carrier"),
        [127, ..] => Place::Never("a loopback address"),
        [169, 254, ..] => Place::Never("a link-local address"),
        [192, 0, 0, _] => Place::Never("a protocol's own address"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Place::Never("a documentation address"),
        [192, 88, 99, _] => Place::Never("a 6to4 relay"),
        [198, 18..=19, ..] => Place::Never("a benchmarking address"),
        [224..=239, ..] => Place::Never("a multicast address"),
        [255, 255, 255, 255] => Place::Never("the broadcast address"),
        [240..=255, ..] => Place::Never("a reserved address"),
        _ => Place::Public,
    }
}

/// The same for IPv6, where only `2000::/3` is public, and not all of it. An IPv4 address inside of an IPv6 one is
/// reached by ways that are not looked into, so none of those forms is public.
const fn place_v6(address: Ipv6Addr) -> Place {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Place::Never("a loopback address"),
        [0, 0, 0, 0, 0, 0, ..] => Place::Never("an unspecified address"),
        [0x64, 0xff9b, ..] => Place::Never("a NAT64 address"),
        [0x2001, 0, ..] => Place::Never("a Teredo address"),
        [0x2001, 0..=0x1ff, ..] => Place::Never("a protocol's own address"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Place::Never("a documentation address"),
        [0x2002, ..] => Place::Never("a 6to4 address"),
        [0x2000..=0x3fff, ..] => Place::Public,
        [0xfc00..=0xfdff, ..] => Place::Internal("a private address"),
        [0xfe80..=0xfebf, ..] => Place::Never("a link-local address"),
        [0xff00..=0xffff, ..] => Place::Never("a multicast address"),
        _ => Place::Never("a reserved address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, internal: &[&str]) -> Option<&'static str> {
        let internal: Vec<IpNet> = internal.iter().map(|network| network.parse().unwrap()).collect();
        check(text.parse().unwrap(), &internal).err()
    }

    #[test]
    fn the_public_internet_is_open() {
        for good in
            ["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:4700::1111", "2001:4860::8888"]
        {
            assert_eq!(refused(good, &[]), None, "{good}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for bad in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(refused(bad, &[]).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_network_of_the_campus_opens_itself_only() {
        let campus = ["10.20.0.0/16", "fd12:3456::/32"];

        for good in ["10.20.0.1", "::ffff:10.20.0.1", "fd12:3456::1"] {
            assert_eq!(refused(good, &campus), None, "{good}");
        }
        for bad in ["10.21.0.1", "192.168.0.1", "fd12:3457::1"] {
            assert!(refused(bad, &campus).is_some(), "{bad}");
        }
        for never in ["127.0.0.1", "169.254.169.254", "::1", "0.0.0.0", "224.0.0.1", "fe80::1"] {
            assert!(refused(never, &["0.0.0.0/0", "::/0"]).is_some(), "{never}");
        }
    }

    #[test]
    fn a_network_of_the_campus_is_a_private_one() {
        for good in ["10.0.0.0/8", "10.20.0.0/16", "172.16.0.0/12", "192.168.1.7/32", "100.64.0.0/10", "fd00::/8"] {
            assert!(is_internal(&good.parse().unwrap()), "{good}");
        }
        for bad in [
            "0.0.0.0/0",
            "8.0.0.0/8",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "10.0.0.0/7",
            "172.0.0.0/8",
            "::/0",
            "fe80::/10",
        ] {
            assert!(!is_internal(&bad.parse().unwrap()), "{bad}");
        }
    }
}
