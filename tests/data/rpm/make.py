#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the small rpm databases of this folder, from the formats' documents (see src/inventory/rpm_*.c).

Run in this folder; the files are in git, so that tests need no Python."""
import os
import sqlite3
import struct
import zlib

CHAR, INT16, INT32, STRING, BIN, STRINGS, I18N = 1, 3, 4, 6, 7, 8, 9


def header(tags):
    index, store = b"", b""
    for tag, kind, value in sorted(tags, key=lambda t: t[0]):
        if kind == INT32:
            store += b"\0" * (-len(store) % 4)
            count, data = len(value), struct.pack(">%dI" % len(value), *value)
        elif kind == INT16:
            store += b"\0" * (-len(store) % 2)
            count, data = len(value), struct.pack(">%dH" % len(value), *value)
        elif kind == CHAR:
            count, data = len(value), bytes(value)
        elif kind in (STRINGS, I18N):
            count, data = len(value), b"".join(v.encode() + b"\0" for v in value)
        else:
            count, data = 1, value.encode() + b"\0"
        index += struct.pack(">IIII", tag, kind, len(store), count)
        store += data
    return struct.pack(">II", len(index) // 16, len(store)) + index + store


def package(name, version, release, arch="x86_64", epoch=None, source=None, vendor="Example", licence="MIT",
            module=None, n_files=2, more=()):
    tags = [(1000, STRING, name), (1001, STRING, version), (1002, STRING, release), (1014, STRING, licence),
            (1004, I18N, ["summary of " + name])]
    if arch:
        tags.append((1022, STRING, arch))
    if epoch is not None:
        tags.append((1003, INT32, [epoch]))
    if vendor:
        tags.append((1011, STRING, vendor))
    if source:
        tags.append((1044, STRING, source))
    if module:
        tags.append((5096, STRING, module))
    if n_files:
        tags += [(1116, INT32, [i % 2 for i in range(n_files)]),
                 (1117, STRINGS, ["file%03d" % i for i in range(n_files)]),
                 (1118, STRINGS, ["/usr/bin/", "/usr/share/%s/" % name])]
    return header(tags + list(more))


def files(name, names, folders=("/usr/bin/",), states=None, modes=None, flags=None):
    more = [(1116, INT32, [i % len(folders) for i in range(len(names))]), (1117, STRINGS, names), (1118, STRINGS, folders)]
    more += [(tag, kind, values) for tag, kind, values in
             ((1029, CHAR, states), (1030, INT16, modes), (1037, INT32, flags)) if values]
    return package(name, "1", "1", n_files=0, more=more)


BASH = package("bash", "5.1.8", "9.el9", source="bash-5.1.8-9.el9.src.rpm")
OPENSSL = package("openssl-libs", "3.0.7", "27.el9", epoch=1, source="openssl-3.0.7-27.el9.src.rpm")
NODE = package("nodejs", "18.19.0", "1.module+el8", epoch=1, source="nodejs-18.19.0-1.module+el8.src.rpm",
               module="nodejs:18:8090020240101:a75119d5", n_files=150)
KEY = package("gpg-pubkey", "fd431d51", "4ae0493b", arch=None, source=None, n_files=0)
OTHER = package("tzdata-java", "2024a", "1.el9", arch="noarch", epoch=2, source="tzdata-2024b-3.el9.src.rpm", vendor=None)
BROKEN = BASH[:4] + b"\0\0\xff\xff" + BASH[8:]
FOLDERS = package("folders", "1", "1").replace(struct.pack(">II", 0, 1), struct.pack(">II", 0, 9))
FILES = [files("states", ["normal", "replaced", "left-out", "net", "colour", "missing"], states=[0, 1, 2, 3, 4, 255]),
         files("modes", ["file", "folder", "link", "setuid"], modes=[0o100644, 0o40755, 0o120777, 0o104755]),
         files("flags", ["plain", "config", "ghost", "ghost-config"], flags=[0, 1, 64, 65]),
         files("all", ["a", "b", "c", "d"], ["/usr/bin/", "/etc/"], [0, 0, 2, 0], [0o100755] * 4, [0, 64, 0, 1]),
         package("old", "1", "1", n_files=0, more=[(1027, STRINGS, ["/bin/old", "/etc/old.conf"]),
                                                   (1029, CHAR, [0, 2])]),
         files("short-states", ["a", "b"], states=[0]),
         package("no-numbers", "1", "1", n_files=0, more=[(1117, STRINGS, ["a"]), (1118, STRINGS, ["/usr/"])]),
         files("wrong-type", ["a"], modes=[0o100644]).replace(struct.pack(">II", 1030, INT16), struct.pack(">II", 1030, INT32)),
         package("far", "1", "1", n_files=0, more=[(1116, INT32, [0, 7]), (1117, STRINGS, ["a", "b"]),
                                                   (1118, STRINGS, ["/usr/"])]),
         files("last", ["x"])]
ALL = [(1, BASH), (2, OPENSSL), (3, KEY), (4, NODE), (5, OTHER)]


def bdb(headers, big=False, version=9, page=512, damage=None):
    e = ">" if big else "<"
    chains, entries = [], [(0, struct.pack(e + "I", 99))] + headers
    items, n_hash = [], (len(entries) * 40) // (page - 100) + 1
    next_page = 1 + n_hash

    def page_head(number, prev, nxt, n, used, kind):
        return struct.pack(e + "IIIIIHHBB", 0, 0, number, prev, nxt, n, used, 0, kind)

    for number, blob in entries:
        key = b"\x01" + struct.pack(e + "I", number)
        if len(blob) < 20:
            items.append((key, b"\x01" + blob))
            continue
        items.append((key, b"\x03\0\0\0" + struct.pack(e + "II", next_page, len(blob))))
        parts = [blob[i:i + page - 26] for i in range(0, len(blob), page - 26)]
        for i, part in enumerate(parts):
            last = i == len(parts) - 1
            chains.append(page_head(next_page, next_page - 1 if i else 0, 0 if last else next_page + 1, 1, len(part), 7)
                          + part.ljust(page - 26, b"\0"))
            next_page += 1
    hashes = []
    per = (len(items) + n_hash - 1) // n_hash
    for h in range(n_hash):
        body, at, inp = bytearray(page), page, []
        for pair in items[h * per:(h + 1) * per]:
            for it in pair:
                at -= len(it)
                body[at:at + len(it)] = it
                inp.append(at)
        body[:26] = page_head(1 + h, 0, 0, len(inp), at, 13 if h % 2 == 0 else 2)
        body[26:26 + 2 * len(inp)] = struct.pack(e + "%dH" % len(inp), *inp)
        hashes.append(bytes(body))
    meta = struct.pack(e + "IIIIIIBBBBIIIIII", 0, 1, 0, 0x061561, version, page, 0, 8, 0, 0, 0, next_page - 1, 0, 0, 0, 0)
    meta += b"uid".ljust(20, b"\0") + struct.pack(e + "IIIII", 1, 1, 0, 10, len(items))
    out = bytearray(meta.ljust(page, b"\0") + b"".join(hashes) + b"".join(chains))
    if damage == "cycle":
        at = len(out) - page  # the last overflow page leads to itself
        out[at + 16:at + 20] = struct.pack(e + "I", len(out) // page - 1)
    if damage == "cut":
        out = out[:-page]
    if damage == "checksum":
        out[26] = 1
    return bytes(out)


def ndb(headers, damage=None):
    slots, blobs, block = b"", b"", 4096 // 16
    for number, blob in headers:
        body = b"BlbS" + struct.pack("<III", number, 7, len(blob)) + blob
        body += b"\0" * (-(len(body) + 12) % 16)
        sum_ = zlib.adler32(body)
        if damage == "sum" and number == 2:
            sum_ ^= 1
        body += struct.pack("<II", sum_, len(blob)) + b"BlbE"
        slots += b"Slot" + struct.pack("<III", number, block, len(body) // 16)
        blobs += body
        block += len(body) // 16
    while len(slots) < 4096 - 32:
        slots += b"Slot" + struct.pack("<III", 0, 0, 0)
    if damage == "overlap":
        slots = slots[:16] + b"Slot" + struct.pack("<III", 2, 256, 1 << 24) + slots[32:]
    head = b"RpmP" + struct.pack("<III", 0 if damage != "version" else 1, 5, 1) + struct.pack("<I", 6).ljust(16, b"\0")
    return head + slots + blobs


def sqlite(path, headers, page=512, wal=None, table="Packages"):
    """With @wal, those headers are only in the -wal."""
    for p in (path, path + "-wal", path + "-shm"):
        if os.path.exists(p):
            os.remove(p)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA page_size=%d" % page)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("CREATE TABLE '%s' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)" % table)
    db.execute("CREATE TABLE 'Name' (key TEXT NOT NULL, hnum INTEGER NOT NULL)")
    for number, blob in headers:
        db.execute("INSERT INTO '%s' VALUES (?, ?)" % table, (number, blob))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for number, blob in wal or []:
        db.execute("INSERT OR REPLACE INTO '%s' VALUES (?, ?)" % table, (number, blob))
    files = {p: open(p, "rb").read() for p in (path, path + "-wal")}
    db.close()
    for p in (path, path + "-wal", path + "-shm"):
        if os.path.exists(p):
            os.remove(p)
    with open(path, "wb") as out:
        out.write(files[path])
    if wal:
        with open(path + "-wal", "wb") as out:
            out.write(files[path + "-wal"])


def write(name, data):
    with open(name, "wb") as out:
        out.write(data)


write("five.bdb", bdb(ALL))
write("five-big-endian-v7.bdb", bdb(ALL, big=True, version=7))
write("v10.bdb", bdb(ALL[:2], version=10))
write("v8.bdb", bdb(ALL[:2], version=8))
write("v11.bdb", bdb(ALL[:1], version=11))
write("empty.bdb", bdb([]))
write("cycle.bdb", bdb(ALL[:2], damage="cycle"))
write("cut.bdb", bdb(ALL[:2], damage="cut"))
write("checksum.bdb", bdb(ALL[:1], damage="checksum"))
write("broken-header.bdb", bdb([(1, BROKEN), (2, FOLDERS), (3, OTHER)]))
write("files.ndb", ndb(list(enumerate(FILES, 1))))
write("five.ndb", ndb(ALL))
write("two.ndb", ndb(ALL[:2]))
write("sum.ndb", ndb(ALL[:2], damage="sum")[:4096] + ndb(ALL[:2], damage="sum")[4096:])
write("overlap.ndb", ndb(ALL[:1], damage="overlap")[:4096])
write("version.ndb", ndb(ALL[:1], damage="version")[:64])
write("cut.ndb", ndb(ALL[:2])[:1000])
sqlite("five.sqlite", ALL)
sqlite("many.sqlite", [(i, package("p%03d" % i, "1", "1", n_files=0)) for i in range(1, 60)])
sqlite("other-table.sqlite", ALL[:1], table="Paquets")
sqlite("base.sqlite", ALL[:2], wal=[(2, OPENSSL.replace(b"3.0.7\0", b"3.0.8\0")), (4, NODE), (5, OTHER)])
with open("five.sqlite", "rb") as f:
    five = f.read()
write("cut.sqlite", five[:2048])
write("utf16.sqlite", five[:56] + struct.pack(">I", 2) + five[60:512])
with open("base.sqlite", "rb") as f, open("base.sqlite-wal", "rb") as g:
    base, wal = f.read(), g.read()
write("base.seed", struct.pack("<I", len(base)) + base + wal)
