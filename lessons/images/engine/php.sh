#!/bin/sh
# Makes the images `old-php` and `new-php` out of two Debian (or Ubuntu) releases, as archives
# old-php.tar and new-php.tar in the folder $1; busybox is $2. Each PHP brings the libraries of its
# own release, which no single release has together. Packages are unpacked and no line of them runs.
set -eu
out=$1 busybox=$2
here=$(. /etc/os-release && echo "$VERSION_CODENAME")

# Which releases may be the older one, the best first, and which the newer one where none is to be
# had: mirrors drop a release some years after its day.
case $here in
bookworm) older=bullseye newer=trixie ;;
trixie) older='bullseye bookworm' newer=forky ;;
jammy) older=focal newer=noble ;;
*) older='focal jammy' newer='' ;;
esac

# The archive that this machine is set up with, under another release's name.
source_of() {
  # shellcheck disable=SC2016  # apt's own words
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v here="$here" -v suite="$1" '$3 == here && $4 == "main" { print $1, $2, suite, $4; exit }'
}

# archive_of SUITE: its PHP and what that needs, as $out/SUITE.tar.
archive_of() {
  root=$out/$1
  from=$(source_of "$1") # where nothing is said, mmdebstrap knows
  # `/bin` and the like lead into /usr, as everywhere since 2023, whatever the packages say.
  # shellcheck disable=SC2016  # for the hook's own shell
  mmdebstrap --quiet --format=directory --variant=extract --include=base-files,php-cli \
    --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
    --setup-hook='for name in bin sbin lib lib64; do
      mkdir -p "$1/usr/$name" && ln -s "usr/$name" "$1/$name"; done' \
    "$1" "$root" ${from:+"$from"} || return 1
  # What only an administrator's shell or other languages would read, 100 MB of it.
  for path in dev proc sys var usr/share/doc usr/share/info usr/share/lintian usr/share/locale \
    usr/share/man usr/share/perl usr/share/perl5; do
    rm -rf "${root:?}/$path" || return 1
  done
  find "$root/usr/bin" "$root/usr/lib" -maxdepth 2 \
    \( -name 'perl*' -o -name 'libperl*' -o -name gconv \) -exec rm -rf {} + || return 1
  mkdir -p "$root/dev" "$root/proc" "$root/sys" "$root/root" && mkdir -m 1777 "$root/tmp.new" &&
    rm -rf "$root/tmp" && mv "$root/tmp.new" "$root/tmp" || return 1
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  echo 'root:x:0:' >"$root/etc/group"
  # No package was set up, so the command's short name isn't there, nor is a shell.
  program=$(cd "$root/usr/bin" && echo php[0-9]*)
  ln -sf "$program" "$root/usr/bin/php"
  cp "$busybox" "$root/usr/bin/busybox"
  for name in $("$busybox" --list); do
    [ -e "$root/usr/bin/$name" ] || ln -sf busybox "$root/usr/bin/$name"
  done
  tar --create --numeric-owner --owner=0 --group=0 --sort=name --mtime="@$SOURCE_DATE_EPOCH" \
    --directory="$root" --file="$out/$1.tar" . && rm -rf "$root"
}

archive_of "$here" &
own=$!
old='' new=''
for suite in $older; do
  if archive_of "$suite"; then old=$suite new=$here && break; fi
done
wait "$own"
for suite in $newer; do
  if [ -z "$old" ] && archive_of "$suite"; then old=$here new=$suite; fi
done
[ -n "$old" ] || { echo 'E: no second release of PHP could be had' >&2; exit 1; }
mv "$out/$old.tar" "$out/old-php.tar"
mv "$out/$new.tar" "$out/new-php.tar"
