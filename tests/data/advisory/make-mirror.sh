#!/bin/sh
# make-mirror.sh DIR - a small signed Debian archive with its own keyring, for test_debian_archive.c.
#   DIR/keyring.gpg, DIR/debian/…, DIR/debian-security/…
# Sources: quilt, native, diff (1.0), viadeb (its source files answer 404), bare (nothing but the index),
# mixed (newest entry names no CVE, the one before does).  Set DATE, UNTIL (Valid-Until) to bend it;
# SWAP=1 signs the main suite's Release as the security suite's.
set -eu
dir=$1
date=${DATE:-"Sat, 21 Nov 2026 00:00:00 UTC"}
GNUPGHOME=$dir/gpg
export GNUPGHOME LC_ALL=C
trap 'gpgconf --kill gpg-agent >/dev/null 2>&1 || true' EXIT
if [ ! -d "$GNUPGHOME" ]; then
    mkdir -p "$GNUPGHOME"
    chmod 700 "$GNUPGHOME"
    gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-gen-key 'Test <t@example.org>' ed25519 sign never
    gpg --batch --quiet --export > "$dir/keyring.gpg"
fi

entry() { # SOURCE VERSION DISTRIBUTION TEXT
    printf '%s (%s) %s; urgency=medium\n\n  * %s\n\n -- T <t@example.org>  Fri, 20 Nov 2026 10:00:00 +0000\n\n' "$@"
}
hash() { sha256sum "$1" | cut -d' ' -f1; }
stanza() { # ARCHIVE SUITE SOURCE VERSION FORMAT FILE…: one stanza of Sources
    archive=$1 suite=$2 source=$3 version=$4 format=$5
    shift 5
    printf 'Package: %s\nVersion: %s\nFormat: %s\nDirectory: pool/%s\nChecksums-Sha256:\n' "$source" "$version" "$format" "$source"
    printf ' %064d 10 %s_%s.dsc\n' 7 "$source" "$version"
    for file; do
        if [ -f "$dir/$archive/pool/$source/$file" ]; then
            printf ' %s %s %s\n' "$(hash "$dir/$archive/pool/$source/$file")" 10 "$file"
        else
            printf ' %064d 10 %s\n' 1 "$file"
        fi
    done
    printf '\n'
}

work=$dir/work
rm -rf "$work" "$dir/debian" "$dir/debian-security"
main=$dir/debian security=$dir/debian-security
mkdir -p "$main/pool/diff" "$security/pool/quilt" "$security/pool/native" "$security/pool/viadeb" "$security/pool/mixed"

mkdir -p "$work/quilt/debian" "$work/native/native-2.1/debian" "$work/mixed/debian"
{ entry quilt 1.0-1+deb12u2 bookworm-security 'Fix CVE-2026-0002.'
  entry quilt 1.0-1+deb12u1 bookworm 'Fix CVE-2026-0001 and CVE-2026-0003.'
  entry quilt 1.0-1 unstable 'First; CVE-2020-0001.'; } > "$work/quilt/debian/changelog"
tar -C "$work/quilt" -cJf "$security/pool/quilt/quilt_1.0-1+deb12u2.debian.tar.xz" debian
{ entry native 2.1 bookworm-security 'New translations.'
  entry native 2.0 unstable 'Fix CVE-2021-0001.'; } > "$work/native/native-2.1/debian/changelog"
tar -C "$work/native" -czf "$security/pool/native/native_2.1.tar.gz" native-2.1
{ entry mixed 1-1+deb12u3 bookworm-security 'Regression of the last update.'
  entry mixed 1-1+deb12u2 bookworm-security 'Fix CVE-2026-0020.'
  entry mixed 1-1+deb12u1 bookworm 'Documentation.'; } > "$work/mixed/debian/changelog"
tar -C "$work/mixed" -cJf "$security/pool/mixed/mixed_1-1+deb12u3.debian.tar.xz" debian

entry diff 5-2 bookworm 'Fix CVE-2026-0030.' > "$work/diff.changelog"
n=$(wc -l < "$work/diff.changelog")
{ printf -- '--- diff-5.orig/debian/rules\n+++ diff-5/debian/rules\n@@ -0,0 +1,1 @@\n+#!/usr/bin/make -f\n'
  printf -- '--- diff-5.orig/debian/changelog\n+++ diff-5/debian/changelog\n@@ -0,0 +1,%s @@\n' "$n"
  sed 's/^/+/' "$work/diff.changelog"; } | gzip -n > "$main/pool/diff/diff_5-2.diff.gz"

deb() { # PACKAGE, with its tree in work/PACKAGE
    mkdir -p "$work/$1/DEBIAN"
    printf 'Package: %s\nSource: viadeb\nVersion: 7-1+deb12u1\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: x\n' "$1" > "$work/$1/DEBIAN/control"
    dpkg-deb --root-owner-group -Zxz --build "$work/$1" "$security/pool/viadeb/$1.deb" > /dev/null
}
mkdir -p "$work/viadeb-link/usr/share/doc" "$work/viadeb-bin/usr/share/doc/viadeb-bin"
ln -s viadeb-bin "$work/viadeb-link/usr/share/doc/viadeb-link"
{ entry viadeb 7-1+deb12u1 bookworm-security 'Fix CVE-2026-0040.'
  printf '# Older entries have been removed from this changelog.\n'; } | gzip -n > "$work/viadeb-bin/usr/share/doc/viadeb-bin/changelog.Debian.gz"
head -c 4096 /dev/urandom > "$work/viadeb-bin/usr/share/doc/viadeb-bin/padding"
deb viadeb-link
deb viadeb-bin

packages() {
    for package in viadeb-link viadeb-bin; do
        file=$security/pool/viadeb/$package.deb
        printf 'Package: %s\nSource: viadeb\nVersion: 7-1+deb12u1\nSize: %s\nFilename: pool/viadeb/%s.deb\nSHA256: %s\n\n' \
            "$package" "$(wc -c < "$file")" "$package" "$(hash "$file")"
    done
}
release() { # ARCHIVE SUITE CODENAME LABEL
    folder=$dir/$1/dists/$2
    { printf 'Origin: Debian\nLabel: %s\nCodename: %s\nDate: %s\n' "$4" "$3" "$date"
      [ -z "${UNTIL:-}" ] || printf 'Valid-Until: %s\n' "$UNTIL"
      printf 'Architectures: amd64\nSHA256:\n'
      (cd "$folder" && find main -type f | sort | while read -r file; do
          printf ' %s %s %s\n' "$(hash "$file")" "$(wc -c < "$file")" "$file"
      done); } > "$work/Release"
    rm -f "$folder/InRelease"
    gpg --batch --quiet --pinentry-mode loopback --passphrase '' --clearsign --output "$folder/InRelease" "$work/Release"
}

mkdir -p "$main/dists/bookworm/main/source" "$security/dists/bookworm-security/main/source" \
         "$security/dists/bookworm-security/main/binary-amd64"
{ stanza debian bookworm quilt 1.0-1 '3.0 (quilt)'
  stanza debian bookworm native 2.0 '3.0 (native)'
  stanza debian bookworm viadeb 7-1 '3.0 (quilt)'
  stanza debian bookworm bare 3-1 '3.0 (quilt)'
  stanza debian bookworm mixed 1-1+deb12u1 '3.0 (quilt)'
  stanza debian bookworm plain 9-1 '3.0 (quilt)'
  stanza debian bookworm diff 5-2 1.0 diff_5-2.diff.gz; } | xz > "$main/dists/bookworm/main/source/Sources.xz"
{ stanza debian-security bookworm-security quilt 1.0-1+deb12u1 '3.0 (quilt)'
  stanza debian-security bookworm-security quilt 1.0-1+deb12u2 '3.0 (quilt)' quilt_1.0.orig.tar.xz quilt_1.0-1+deb12u2.debian.tar.xz
  stanza debian-security bookworm-security native 2.1 '3.0 (native)' native_2.1.tar.gz
  stanza debian-security bookworm-security viadeb 7-1+deb12u1 '3.0 (quilt)' viadeb_7-1+deb12u1.debian.tar.xz
  stanza debian-security bookworm-security bare 3-1+deb12u1 '3.0 (quilt)' bare_3-1+deb12u1.debian.tar.xz
  stanza debian-security bookworm-security mixed 1-1+deb12u3 '3.0 (quilt)' mixed_1-1+deb12u3.debian.tar.xz
} > "$security/dists/bookworm-security/main/source/Sources"
packages > "$security/dists/bookworm-security/main/binary-amd64/Packages"
release debian bookworm bookworm Debian
if [ -n "${SWAP:-}" ]; then
    release debian-security bookworm-security bookworm Debian
else
    release debian-security bookworm-security bookworm-security Debian-Security
fi
