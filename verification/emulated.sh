#!/usr/bin/env bash
# Python on an emulated processor, on Debian 12 or later for x86-64, without root:
#
#     ARCH=arm64 verification/emulated.sh -m some.module args...      # or riscv64, s390x
#
# The first call installs into .emulated/ and nowhere else: for arm64 what the stages import, but for
# MLflow; for riscv64 and s390x, which is big-endian, Debian's NumPy, as there are no wheels. For arm64
# QEMU_CPU names the processor, and so the kernels that OpenBLAS chooses: neoverse-n1, a64fx,
# cortex-a72, max and others.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
architecture=${ARCH:-arm64}
machine=${architecture/arm64/aarch64}
here=$root/.emulated/$architecture

# An apt of our own, in which nothing is installed: it names every package that Python needs.
apt() {
    apt-get --quiet=2 --yes --config-file "$here/apt/apt.conf" "$@"
}

prepare_apt() {
    mkdir -p "$here"/apt/{lists,archives}/partial
    touch "$here/apt/status"
    # Debian 12 has no RISC-V, so it comes from Debian 13 on the mirror of this machine.
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
APT::Sandbox::User "";  // where root calls, a sandboxed user could not write here
#clear APT::Update;     // what other programs do after an update
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
    # The static binary is in the first package in Debian 12, in the second in Debian 13.
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
    # Debian 13's packages have no /lib, where binaries look for their loader.
    [[ -e $here/root/lib ]] || ln -s usr/lib "$here/root/lib"
}

# As requirements.txt pins them, but for torch: this is the last whose Arm64 wheel comes without
# CUDA, which takes gigabytes.
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
    echo "$architecture: asking for Debian's packages" >&2
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

# Only a finished install has the file; if the pins have changed since, it is installed again.
if [[ ! $here/installed -nt $root/requirements.txt ]]; then
    install
fi

# Debian's NumPy lies apart, and so does its BLAS.
libraries=$here/root/usr/lib
export PYTHONHOME=$here/root/usr PYTHONNOUSERSITE=1
export PYTHONPATH=$here/site:$root:$libraries/python3/dist-packages
if [[ $architecture == arm64 ]]; then
    # A processor that exists, Amazon's Graviton 2; emulating it is faster than QEMU's default.
    export QEMU_CPU=${QEMU_CPU:-neoverse-n1}
fi
libraries+=/$machine-linux-gnu
# Argument 0 becomes sys.executable: this script, so that Python can start another Python.
exec "$here/qemu" -L "$here/root" -E "LD_LIBRARY_PATH=$libraries/blas:$libraries/lapack" \
    -0 "$root/verification/emulated.sh" "$here/root/usr/bin/python3" "$@"
