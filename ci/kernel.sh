#!/usr/bin/env bash
# Downloads a kernel and a busybox for a virtual machine, if they are not there yet: DIR/vmlinuz-ARCH-KERNEL and DIR/busybox-ARCH,
# of Debian's archive. ci/vm.sh and ci/scale.sh use them.
#
#   ci/kernel.sh DIR ARCH KERNEL
#
# DIR     the folder with the root that ci/sid-root.sh makes, as DIR/sid
# ARCH    x86_64 or aarch64
# KERNEL  stable, of this machine's archive, or sid
#
# Root must run it, on Debian.
set -euo pipefail

if (($# != 3)); then
  echo 'usage: ci/kernel.sh DIR ARCH KERNEL' >&2
  exit 2
fi
folder=$1 arch=$2 kernel=$3
sid=$folder/sid
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# apt leaves root's rights behind when it downloads.
chmod 755 "$scratch"

# Downloads the package $2 of the architecture $3 from $1, stable or sid, and unpacks it to $scratch/unpacked.
unpack() {
  local package
  rm -rf "$scratch/unpacked" "$scratch/download"
  mkdir -m 777 "$scratch/download"
  if [[ $1 == sid ]]; then
    chroot "$sid" sh -c "cd /tmp && apt-get download -qq '$2:$3'" 2>/dev/null
    mv "$sid/tmp/$2"_*.deb "$scratch/download/"
  else
    (cd "$scratch/download" && apt-get download -qq "$2:$3" 2>/dev/null)
  fi
  package=("$scratch/download/"*.deb)
  dpkg-deb -x "${package[0]}" "$scratch/unpacked"
}

# Lets apt know the packages of the architecture $2, in stable or sid.
know() {
  local inside=()
  [[ $1 == sid ]] && inside=(chroot "$sid")
  if [[ $("${inside[@]}" dpkg --print-architecture) != "$2" ]]; then
    "${inside[@]}" dpkg --add-architecture "$2"
  fi
  "${inside[@]}" apt-get update -qq
}

# The dependencies of the package $2 of the architecture $3 whose names begin with $4.
dependency() {
  local inside=() name
  [[ $1 == sid ]] && inside=(chroot "$sid")
  name=$("${inside[@]}" apt-cache depends "$2:$3" | awk -v begin="$4" '$1 == "Depends:" && index($2, begin) == 1 { print $2; exit }')
  echo "${name%:*}"
}

case $arch in
  x86_64) deb=amd64 image=linux-image-cloud-amd64 ;;
  aarch64) deb=arm64 image=linux-image-arm64 ;;
esac
if [[ ! -e $folder/vmlinuz-$arch-$kernel ]]; then
  know "$kernel" "$deb"
  # The package of the newest image depends on the image; since Linux 7 the image depends on the kernel's own package.
  package=$(dependency "$kernel" "$image" "$deb" linux-image)
  binary=$(dependency "$kernel" "$package" "$deb" linux-binary)
  unpack "$kernel" "${binary:-$package}" "$deb"
  file=$(find "$scratch/unpacked" -name 'vmlinuz*' -type f)
  # aarch64's kernel is compressed as a whole, which qemu does not read.
  gunzip -c "$file" >"$scratch/vmlinuz" 2>/dev/null || cp "$file" "$scratch/vmlinuz"
  mv "$scratch/vmlinuz" "$folder/vmlinuz-$arch-$kernel"
fi
if [[ ! -e $folder/busybox-$arch ]]; then
  know stable "$deb"
  unpack stable busybox-static "$deb"
  file=$(find "$scratch/unpacked" -path '*/bin/busybox' -type f)
  mv "$file" "$folder/busybox-$arch"
fi
