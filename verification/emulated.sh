#!/usr/bin/env bash
# Run Python on an emulated processor. This script needs Debian 12 or later on x86-64, but not root:
#
#     ARCH=arm64 verification/emulated.sh -m some.module args...      # or riscv64, s390x
#
# The first call installs into .emulated/ and nowhere else. For arm64 it installs all imports of the
# stages except MLflow. For riscv64 and the big-endian s390x, which have no wheels, it installs
# Debian's NumPy. For arm64, QEMU_CPU names the processor (neoverse-n1, a64fx, cortex-a72, max, ...),
# by which OpenBLAS chooses its kernels.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
architecture=${ARCH:-arm64}
machine=${architecture/arm64/aarch64}
here=$root/.emulated/$architecture

# This apt assumes that nothing is installed, so it downloads every package that Python needs.
apt() {
    apt-get --quiet=2 --yes --config-file "$here/apt/apt.conf" "$@"
}

prepare_apt() {
    mkdir -p "$here"/apt/{lists,archives}/partial
    touch "$here/apt/status"
    # Debian 12 does not support RISC-V, so use Debian 13 from the mirror of this machine.
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | awk '/\/debian\/$/ && !found++')
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" \
        >"$here/apt/trixie.list"
    cat >"$here/apt/apt.conf" <<EOT
Dir::State "$here/apt";
Dir::State::status "$here/apt/status";
Dir::Cache "$here/apt";
Debug::NoLocking "true";
APT::Architecture "$architecture";
#clear APT::Architectures;
APT::Architectures { "$architecture"; "amd64"; };
APT::Sandbox::User "";  // if root calls apt, its sandbox user could not write here
#clear APT::Update;     // run no hooks of other programs after an update
EOT
    if [[ $architecture == riscv64 ]]; then
        cat >>"$here/apt/apt.conf" <<EOT
Dir::Etc::sourcelist "$here/apt/trixie.list";
Dir::Etc::sourceparts "/dev/null";
EOT
    fi
    apt update
}

install_qemu() {
    local found package
    if found=$(type -P qemu-$machine-static || type -P qemu-$machine); then
        ln -s "$found" "$here/qemu"
        return
    fi
    # Debian 12 packages the static binary as qemu-user-static, and Debian 13 as qemu-user.
    (cd "$here/apt" && apt download qemu-user-static:amd64 qemu-user:amd64)
    for package in "$here"/apt/qemu-*.deb; do
        dpkg-deb --fsys-tarfile "$package" |
            tar --extract --directory "$here/root" --wildcards "./usr/bin/qemu-$machine*"
    done
    ln -s root/usr/bin/qemu-$machine-static "$here/qemu"
}

install_python() {
    local package
    apt install --download-only --no-install-recommends python3 libstdc++6 "$@" >/dev/null
    for package in "$here"/apt/archives/*.deb; do
        dpkg-deb --extract "$package" "$here/root"
    done
    # Binaries look for their loader in /lib, which Debian 13's packages do not contain.
    [[ -e $here/root/lib ]] || ln -s usr/lib "$here/root/lib"
}

# Install the versions of requirements.txt, except for torch: 2.10.0 is the last version whose Arm64
# wheel does not depend on gigabytes of CUDA.
install_wheels() {
    local python
    python=$(readlink "$here/root/usr/bin/python3")
    PATH=$root/.venv/bin:$PATH uv pip install --quiet --cache-dir "$here/uv" --target "$here/site" \
        --python-platform aarch64-manylinux_2_28 --python-version "${python#python}" \
        --only-binary :all: --constraint <(sed '/^torch==/,/^    #/d' "$root/requirements.txt") \
        array-api-compat filelock numba numpy pandas pydantic pyyaml requests ruamel.yaml safetensors \
        threadpoolctl torch==2.10.0 tqdm
}

install() {
    rm -rf "$here"
    mkdir -p "$here/root"
    echo "$architecture: reading Debian's package lists" >&2
    prepare_apt
    echo "$architecture: installing QEMU" >&2
    install_qemu
    echo "$architecture: installing Python" >&2
    if [[ $architecture == arm64 ]]; then
        install_python
        echo "$architecture: installing wheels" >&2
        install_wheels
    else
        install_python python3-numpy
    fi
    rm -rf "$here/apt" "$here/uv"
    touch "$here/installed"
}

# The file `installed` marks a complete installation. If requirements.txt is newer, install again.
if [[ ! $here/installed -nt $root/requirements.txt ]]; then
    install
fi

# Debian keeps NumPy and BLAS outside the default paths.
libraries=$here/root/usr/lib
export PYTHONHOME=$here/root/usr PYTHONNOUSERSITE=1
export PYTHONPATH=$here/site:$root:$libraries/python3/dist-packages
if [[ $architecture == arm64 ]]; then
    # neoverse-n1 is a real processor (Amazon's Graviton 2), and faster to emulate than the default.
    export QEMU_CPU=${QEMU_CPU:-neoverse-n1}
fi
libraries+=/$machine-linux-gnu
# Argument 0 becomes sys.executable. With this script as argument 0, Python can start another Python.
exec "$here/qemu" -L "$here/root" -E "LD_LIBRARY_PATH=$libraries/blas:$libraries/lapack" \
    -0 "$root/verification/emulated.sh" "$here/root/usr/bin/python3" "$@"
