#!/bin/sh
# Run in the finished root, which is $1: ids for containers, and the images that are there from the
# start, in a store that every lab sees and none can write.
set -eu
root=$1

# As setuid programs, as Debian ships them, they need the right to administer the whole system once
# they run in a lab; with these two capabilities they need nothing else.
for kind in uid gid; do
  chmod 0755 "$root/usr/bin/new${kind}map"
  chroot "$root" setcap "cap_set$kind=ep" "/usr/bin/new${kind}map"
done

# All ids of the lab but root's and the learner's own: the ranges fit its 65,536 and map nobody, too.
for file in subuid subgid; do
  printf 'learner:1:999\nlearner:1001:64535\n' >"$root/etc/$file"
done

# Where the lab's own disk is mounted for what its engine stores.
install -d -m 0700 -o 1000 -g 1000 "$root/var/lib/engine"
# Where networks are made, podman covers this folder, or else /var/lib with all that is in it.
install -d "$root/var/lib/cni"

chown -R 1000:1000 "$root/home/learner/.config"

# The image `busybox`, from Debian's static one.
new=$root/tmp/busybox
mkdir -p "$new/bin" "$new/etc" "$new/root" "$new/home" "$new/var/www" "$new/usr/bin" "$new/proc" \
  "$new/sys" "$new/dev"
mkdir -m 1777 "$new/tmp"
cp "$root/bin/busybox" "$new/bin/busybox"
for name in $("$new/bin/busybox" --list); do
  [ "$name" = busybox ] || ln -s busybox "$new/bin/$name"
done
echo 'root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/home:/bin/false' >"$new/etc/passwd"
echo 'root:x:0:
nogroup:x:65534:' >"$new/etc/group"
tar --create --numeric-owner --owner=0 --group=0 --sort=name --mtime="@$SOURCE_DATE_EPOCH" \
  --directory="$new" --file="$root/tmp/busybox.tar" .

cp -R "$(dirname "$0")/web" "$root/tmp/web"
# podman wants / to be a mount, and leaves mounts of its own: both end with this namespace.
in_store() {
  unshare --mount --propagation private sh -eu -c '
    mount --rbind "$1" "$1"
    cd "$1"
    shift
    exec chroot . podman --runroot /tmp/run --storage-driver overlay --root "$@"
  ' sh "$root" "$@"
}
store=/var/lib/shared-images
mkdir "$root$store"
in_store "$store" import --change 'CMD ["sh"]' --message 'from busybox-static' \
  /tmp/busybox.tar localhost/busybox:latest
sh "$(dirname "$0")/php.sh" "$root/tmp" "$root/bin/busybox"
for name in old-php new-php; do
  in_store "$store" import --change 'CMD ["php", "--version"]' --change 'EXPOSE 8000' \
    --message "from Debian's packages" "/tmp/$name.tar" "localhost/$name:latest"
done
in_store "$store" build --isolation chroot --layers --timestamp "$SOURCE_DATE_EPOCH" \
  --tag localhost/web:latest /tmp/web

# An empty store, which the server's own begins as: what else it has is seen in its place.
mkdir "$root/var/lib/server-images"
in_store /var/lib/server-images images --quiet

rm -rf "$root/tmp/busybox" "$root/tmp/busybox.tar" "$root/tmp/old-php.tar" \
  "$root/tmp/new-php.tar" "$root/tmp/web" "$root/tmp/run" \
  "$root/root/.local" "$root/root/.config"
