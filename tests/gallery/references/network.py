"""References for `intents/network`, by `ipaddress`, bytes and digit strings."""

from __future__ import annotations

import ipaddress
import struct

from references.helpers import digits, number


def _ones_complement_sum(words: list[int]) -> int:
    """The ones' complement sum of 16-bit words, with an end-around carry after each addition."""
    total = 0
    for word in words:
        total += word
        if total > 0xFFFF:
            total -= 0xFFFF
    return total


def internet_checksum_fold(total: int) -> int:
    return _ones_complement_sum([total % 65536, total // 65536])


def ipv4_header_checksum(header: list[int]) -> int:
    return 0xFFFF ^ _ones_complement_sum(header[:5] + header[6:])


def internet_checksum_update(checksum: int, before: int, after: int) -> int:
    return 0xFFFF ^ _ones_complement_sum([0xFFFF ^ checksum, 0xFFFF ^ before, after])


def _network(address: int, prefix: int) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network((address, prefix), strict=False)


def ipv4_prefix_mask(prefix: int) -> int:
    return int(_network(0, prefix).netmask)


def ipv4_mask_is_valid(mask: int) -> bool:
    return "01" not in digits(mask, 32)


def ipv4_in_subnet(address: int, network: int, prefix: int) -> bool:
    return ipaddress.IPv4Address(address) in _network(network, prefix)


def ipv4_broadcast_address(address: int, prefix: int) -> int:
    return int(_network(address, prefix).broadcast_address)


def ipv4_is_private(address: int) -> bool:
    return any(ipaddress.IPv4Address(address) in ipaddress.IPv4Network(block)
               for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def ipv4_is_multicast(address: int) -> bool:
    return ipaddress.IPv4Address(address).is_multicast


def ipv4_multicast_mac(group: int) -> int:
    return int("01005e" + format(number("0" + digits(group, 32)[9:]), "06x"), 16)


def ipv6_interface_identifier(mac: int) -> int:
    octets = bytearray((mac % 2 ** 48).to_bytes(6, "big"))
    octets[3:3] = b"\xff\xfe"
    octets[0] ^= 2
    return int.from_bytes(octets, "big")


def ethernet_is_multicast(address: list[int]) -> bool:
    return address[0] % 2 == 1


def vlan_tag_pack(priority: int, drop_eligible: bool, vlan: int) -> int:
    return number(digits(priority, 3) + digits(drop_eligible, 1) + digits(vlan, 12))


def mpls_entry_pack(label: int, traffic_class: int, bottom: bool, ttl: int) -> int:
    return number(digits(label, 20) + digits(traffic_class, 3) + digits(bottom, 1) + digits(ttl, 8))


def rtp_header_word(padding: bool, extension: bool, csrc_count: int, marker: bool, payload_type: int,
                    sequence: int) -> int:
    first = number("10" + digits(padding, 1) + digits(extension, 1) + digits(csrc_count, 4))
    second = number(digits(marker, 1) + digits(payload_type, 7))
    word, = struct.unpack(">I", struct.pack(">BBH", first, second, sequence))
    return int(word)


def _serial_less(a: int, b: int, width: int) -> bool:
    """RFC 1982, section 3.2, word for word."""
    half = 2 ** (width - 1)
    return (a < b and b - a < half) or (a > b and a - b > half)


def serial_less_u32(a: int, b: int) -> bool:
    return _serial_less(a, b, 32)


def serial_less_u8(a: int, b: int) -> bool:
    return _serial_less(a, b, 8)


def tcp_sequence_in_window(sequence: int, next_expected: int, window: int) -> bool:
    end = next_expected + window
    return next_expected <= sequence < end or next_expected <= sequence + 2 ** 32 < end


def tcp_scaled_window(window: int, shift: int) -> int:
    return window * int(2 ** (14 if shift > 14 else shift))


def ip_dscp(traffic_class: int) -> int:
    return number(digits(traffic_class, 8)[:6])


def ip_mark_congestion(traffic_class: int) -> int:
    text = digits(traffic_class, 8)
    return number(text[:6] + {"00": "00", "01": "11", "10": "11", "11": "11"}[text[6:]])


def j1939_parameter_group(identifier: int) -> int:
    text = digits(identifier % 2 ** 29, 29)
    pages, pdu_format, specific = text[3:5], text[5:13], text[13:21]
    return number(pages + pdu_format + (specific if number(pdu_format) >= 240 else "0" * 8))


def j1939_identifier(priority: int, group: int, destination: int, source: int) -> int:
    high, pdu_format, low = group >> 16, group // 256 % 256, group % 256
    specific = destination if pdu_format < 240 else low
    return number(digits(priority, 3) + digits(high, 2) + digits(pdu_format, 8) + digits(specific, 8)
                  + digits(source, 8))


def quic_varint_length(x: int) -> int:
    return next(size for size in (1, 2, 4, 8) if x < 2 ** (8 * size - 2))


def quic_packet_number(largest: int, truncated: int, width: int) -> int:
    """RFC 9000, appendix A.3, line by line."""
    expected_pn = largest + 1
    pn_win = 1 << width
    pn_hwin = pn_win // 2
    pn_mask = pn_win - 1
    candidate_pn = (expected_pn & ~pn_mask) | truncated
    if candidate_pn <= expected_pn - pn_hwin and candidate_pn < (1 << 62) - pn_win:
        return candidate_pn + pn_win
    if candidate_pn > expected_pn + pn_hwin and candidate_pn >= pn_win:
        return candidate_pn - pn_win
    return candidate_pn


def is_dynamic_port(port: int) -> bool:
    return digits(port, 16).startswith("11")


def internet_checksum(words: list[int], n: int) -> int:
    return 0xFFFF - _ones_complement_sum(words)


def internet_checksum_bytes(data: list[int], n: int) -> int:
    padded = bytes(data) + b"\0" * (n % 2)
    return 0xFFFF - _ones_complement_sum(list(struct.unpack(f">{len(padded) // 2}H", padded)))


def ipv4_header_is_valid(header: list[int], n: int) -> bool:
    # A sum of 0 is possible for all zeros only, and is no header.
    return any(header) and sum(header) % 0xFFFF == 0


def nmea_checksum(sentence: list[int], n: int) -> int:
    columns = zip(*(digits(c, 8) for c in sentence), strict=True)
    return number("".join(str(column.count("1") % 2) for column in columns) or "0")
