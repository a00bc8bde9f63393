# shellcheck shell=sh
# What a Debian machine lacks: packages, the Python environment, the browser's files.
# Each part is made beside its place and renamed, or stamped last: interrupted, it is made again.
# Reads $top (the checkout), $log and $yes; needs say.sh.

core_packages='ca-certificates catatonit containers-storage crun docker-registry e2fsprogs
  erofs-utils iproute2 lxcfs mmdebstrap nftables python3-venv qemu-system-x86 skopeo'
# libatomic1 is for the node that Playwright brings along.
dev_packages='caddy chromium docker.io git libatomic1 libnss3-tools nginx nodejs runc shellcheck
  ufw'
# Since Debian 13 docker's client is a package of its own.
grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || dev_packages="$dev_packages docker-cli"
moby=golang-github-docker-docker-dev
moby_file=usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json
python=/usr/bin/python3
etc=/etc

# set_up dev|'' WORD: brings this machine to what the checkout needs; a second time it only looks.
set_up() {
  find_missing "$@"
  [ -n "$packages$filter$venv$dev_venv$assets$dev_assets" ] || return 0
  announce "$2"
  ask 'Go on?' || fail 'Nothing was changed.'
  # One at a time; the server started later must not hold the lock, so it is opened in here only.
  (
    flock 9
    find_missing "$@"
    : >"$log"
    install_all
  ) 9>"$top/.slipway/lock"
}

# find_missing dev|'' WORD
find_missing() {
  wanted=$core_packages
  # A class that is played has people at real browsers in it.
  if [ "$2" = rehearse ]; then wanted="$wanted chromium"; fi
  if [ -n "$1" ]; then wanted="$wanted $dev_packages"; fi
  find_packages
  filter='' venv='' dev_venv='' assets='' dev_assets=''
  if ! [ -s "$top/.slipway/moby-seccomp.json" ] && ! [ -s "/$moby_file" ]; then filter=1; fi
  is_stamped venv requirements.txt || venv=1
  "$python" "$top/setup/assets.py" --check 2>/dev/null || assets=1
  [ -n "$1" ] || return 0
  if [ -n "$venv" ] || ! is_stamped dev requirements-dev.txt; then dev_venv=1; fi
  "$python" "$top/setup/assets.py" --dev --check 2>/dev/null || dev_assets=1
}

find_packages() {
  installed=$(dpkg-query --show --showformat='${db:Status-Status}:${Package}:\n')
  packages=''
  for package in $wanted; do
    case $installed in *"installed:$package:"*) ;; *) packages="$packages $package" ;; esac
  done
}

announce() {
  if [ -e "$top/.venv" ]; then say 'Slipway will bring this machine up to date:'; else say 'Slipway will set up this machine:'; fi
  if [ -n "$packages" ]; then say "  - install Debian packages and what they need:$packages"; fi
  if [ -n "$filter" ]; then say "  - take the system call filter out of Debian's package $moby"; fi
  if [ -n "$venv$dev_venv" ]; then say "  - install the Python packages of requirements.txt into $top/.venv"; fi
  if [ -n "$assets" ]; then say "  - fetch what the browser loads into $top/static/vendor"; fi
  if [ -n "$dev_assets" ]; then say "  - fetch what checks it into $top/node_modules"; fi
  [ "$1" = serve ] || return 0
  say "  - build the image that containers and machines start from, about 750 MB, in the data folder" \
    "While it serves it adds network links, one nftables table, cgroups and /run/slipway to the" \
    "machine, all under the server's own id; \`./slipway serve --end-labs\` takes them away again."
}

install_all() {
  if [ -n "$packages$filter" ]; then install_packages; fi
  if [ -n "$filter" ]; then take_file "$moby" "$moby_file" moby-seccomp.json; fi
  if [ -n "$venv" ]; then make_venv; fi
  if [ -n "$dev_venv" ]; then extend_venv; fi
  if [ -n "$assets" ]; then fetch_assets; fi
  if [ -n "$dev_assets" ]; then fetch_assets --dev; fi
}

install_packages() {
  # A list that can't be had is no reason to stop yet: what is needed may be known already.
  shown "Reading Debian's package lists" 0 apt_get update -o APT::Update::Error-Mode=any || :
  [ -n "$packages" ] || return 0
  # What was there before isn't ours to remove; an attempt that was cut off began from the first.
  if ! [ -s "$top/.slipway/packages.before" ]; then
    accounts >"$top/.slipway/accounts.before"
    wanted_units >"$top/.slipway/units.before"
    installed_packages >"$top/.slipway/packages.before"
  fi
  tries=60
  until without_services shown 'Installing Debian packages' 0 apt_install; do
    # A machine that has just started often updates itself; then there is only to wait.
    if [ "$tries" = 0 ] || ! tail -n 5 "$log" | grep -q 'Could not get lock'; then
      stop "Debian's packages could not be installed" '^E: '
    fi
    say 'Another program is installing packages; waiting for it …'
    tries=$((tries - 1))
    sleep 5
  done
  # Its service would be a registry for everybody from the next start on; labs have one of ours.
  case " $packages " in *' docker-registry '*)
    update-rc.d docker-registry disable >>"$log" 2>&1 || : ;;
  esac
  installed_packages | grep -vxFf "$top/.slipway/packages.before" >>"$top/.slipway/packages" || :
  accounts | grep -vxFf "$top/.slipway/accounts.before" >>"$top/.slipway/accounts" || :
  # lxcfs and others would start with the machine: labs have ones of ours, and nobody else asked.
  for unit in $(wanted_units | grep -vxFf "$top/.slipway/units.before"); do
    systemctl disable --quiet "$unit" >>"$log" 2>&1 || :
  done
  rm -f "$top/.slipway/packages.before" "$top/.slipway/accounts.before" "$top/.slipway/units.before"
}

# wanted_units: what systemd starts with the machine.
wanted_units() {
  find "$etc/systemd/system" -type l -path '*.wants/*' 2>/dev/null | sed 's|.*/||' | sort -u
}

# accounts: the users and groups of services, as this machine has them.
accounts() {
  for kind in passwd group; do
    sed -n "s/^\([^:]*\):[^:]*:[0-9]\{1,3\}:.*/$kind \1/p" "$etc/$kind"
  done
}

installed_packages() {
  dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p'
}

# remove_packages: what setup brought goes again, unless something else has come to need it.
remove_packages() {
  ours=$(installed_packages | grep -xFf "$top/.slipway/packages" 2>/dev/null) || return 0
  # What Debian itself protects (e2fsprogs) is left, with all that it needs: apt breaks neither.
  # shellcheck disable=SC2086 # the packages are words
  protected=$(dpkg-query --show --showformat='${Essential}${Protected}${Important} ${Package}\n' \
    $ours | sed -n 's/^.*yes.* //p')
  # shellcheck disable=SC2086
  needed=$(apt-cache depends --recurse --important --installed $protected 2>/dev/null |
    sed -n 's/^\([a-z0-9][^ :]*\).*/\1/p')
  brought=$(echo "$ours" | grep -vxF "$needed") || return 0
  # shellcheck disable=SC2086 # the packages are words
  others=$(apt-get --simulate purge $brought | sed -n 's/^Purg \([^ ]*\).*/\1/p' |
    grep -vxFf "$top/.slipway/packages") || :
  if [ -n "$others" ]; then
    say "Debian's packages stay, since something else needs them by now:" "$others"
    return 0
  fi
  : >"$log"
  shown 'Removing Debian packages' 0 apt_purge || stop "Debian's packages could not be removed" '^E: '
  remove_accounts
  rm -f "$top/.slipway/packages"
}

# remove_accounts: Debian's packages leave theirs behind, for files that there might be.
remove_accounts() {
  [ -e "$top/.slipway/accounts" ] || return 0
  while read -r kind name; do
    accounts | grep -qxF "$kind $name" || continue # its group may have gone with a user
    case $kind in
      passwd) userdel "$name" ;;
      group) groupdel "$name" ;;
    esac >>"$log" 2>&1 || say "The account $name stays: see $log."
  done <"$top/.slipway/accounts"
  rm -f "$top/.slipway/accounts"
}

apt_purge() {
  # shellcheck disable=SC2086 # the packages are words
  DEBIAN_FRONTEND=noninteractive apt_get purge --yes -o APT::Status-Fd=1 $brought
}

apt_install() {
  # shellcheck disable=SC2086 # the packages are words
  DEBIAN_FRONTEND=noninteractive apt_get install --yes --no-install-recommends \
    -o APT::Status-Fd=1 $packages
}

apt_get() {
  # A mirror that answers the second time is no reason to stop.
  apt-get -o Acquire::Retries=3 "$@"
}

# Packages bring programs; none of their services shall start.
without_services() {
  policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then
    "$@"
    return
  fi
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  outcome=0
  "$@" || outcome=1
  rm -f "$policy"
  trap - EXIT INT TERM
  return "$outcome"
}

# take_file PACKAGE FILE NAME: one file out of a package that would bring many others with it.
take_file() {
  folder=$(mktemp -d "$top/.slipway/deb.XXXXXX")
  chmod 755 "$folder"
  (
    cd "$folder"
    shown "Fetching a file of $1" 0 apt_get download "$1" || exit 1
    dpkg-deb --fsys-tarfile ./*.deb | tar -xO "./$2" >taken && [ -s taken ]
  ) || {
    rm -rf "$folder"
    stop "Debian's package $1 could not be fetched" '^E: '
  }
  mv "$folder/taken" "$top/.slipway/$3"
  rm -rf "$folder"
}

make_venv() {
  new=$top/.venv.new
  rm -rf "$new" "$top/.venv.old"
  "$python" -m venv "$new" >>"$log" 2>&1 || stop 'The Python environment could not be made' Error
  install_python "$new" requirements.txt
  # Its scripts name the folder they were installed into.
  grep -rlIF "$new" "$new/bin" "$new/pyvenv.cfg" | xargs sed -i "s|$new|$top/.venv|g"
  stamp requirements.txt >"$new/stamp-venv"
  if [ -e "$top/.venv" ]; then mv "$top/.venv" "$top/.venv.old"; fi
  mv "$new" "$top/.venv"
  rm -rf "$top/.venv.old"
}

extend_venv() {
  rm -f "$top/.venv/stamp-dev"
  install_python "$top/.venv" requirements-dev.txt
  stamp requirements-dev.txt >"$top/.venv/stamp-dev"
}

install_python() {
  count=$(grep -c '==' "$top/$2")
  shown "Installing the Python packages of $2" "$count" "$1/bin/python" -m pip install \
    --disable-pip-version-check --no-input --progress-bar off --only-binary :all: \
    --requirement "$top/$2" || stop 'The Python packages could not be installed' '^ERROR: '
}

stamp() { echo "$(readlink -f "$python") $(cat "$top/requirements.txt" "$top/$1" | cksum)"; }

# is_stamped NAME FILE: whether .venv was made, to its end, from this FILE with this Python.
is_stamped() {
  [ -x "$top/.venv/bin/python" ] && [ "$(cat "$top/.venv/stamp-$1" 2>/dev/null)" = "$(stamp "$2")" ]
}

fetch_assets() {
  [ -t 2 ] || say "Fetching what the browser loads …"
  "$python" "$top/setup/assets.py" "$@" || exit 1
}

# stop SENTENCE PATTERN: ends with the log's last line that says why.
stop() {
  why=$(grep -e "$2" "$log" | tail -n 1 | sed "s/$2//" || :)
  fail "$1: ${why:-see $log}" \
    "Look at the network. What was fetched stays; the same command goes on from there."
}
