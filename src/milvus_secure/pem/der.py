"""DER (X.690), as far as an extension that no library reads has to be taken apart."""

from __future__ import annotations

from collections.abc import Iterator

SEQUENCE, OBJECT_IDENTIFIER, BOOLEAN, INTEGER = 0x30, 0x06, 0x01, 0x02
BIT_STRING, OCTET_STRING, UTC_TIME = 0x03, 0x04, 0x17


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The tag and the content of every element in `data`, in order.

    Raises:
        ValueError: If an element is cut off, or its length is not in DER's form.
    """
    place = 0
    while place < len(data):
        tag, start, size = data[place], place + 2, data[place + 1] if place + 1 < len(data) else 256
        if size > 127:
            octets = size & 127
            size, start = int.from_bytes(data[start : start + octets], "big"), start + octets
            if not 0 < octets < 5:
                raise ValueError("a length that is not in DER")
        if start + size > len(data) or tag & 0x1F == 0x1F:
            raise ValueError("an element that is cut off")
        yield tag, data[start : start + size]
        place = start + size


def content(data: bytes, tag: int) -> bytes:
    """The content of the only element in `data`.

    Raises:
        ValueError: If there is another number of elements, or the element has another tag.
    """
    [(first, body)] = elements(data)
    if first != tag:
        raise ValueError("an element of another type")
    return body


def element(tag: int, *parts: bytes) -> bytes:
    """One element with its length in the shortest form."""
    body = b"".join(parts)
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((tag, 128 | len(length))) + length + body


def dotted(identifier: bytes) -> str:
    """The usual form of an object identifier's content, such as ``2.5.29.17``."""
    numbers = [0]
    for octet in identifier:
        numbers[-1] = numbers[-1] * 128 + (octet & 127)
        if octet < 128:
            numbers.append(0)
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:-1])))
