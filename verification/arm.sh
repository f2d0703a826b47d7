#!/usr/bin/env bash
# Python on an emulated Arm64 processor, on Debian 12 or later for x86-64, without root:
#
#     verification/arm.sh -m some.module args...
#
# The first call installs, into .arm/ and nowhere else, what the stages import; they do without
# MLflow. QEMU_CPU names the processor, and so the kernels that OpenBLAS chooses: neoverse-n1,
# a64fx, cortex-a72, max and others.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
arm=$root/.arm

# An apt of our own, in which nothing is installed: it names every package that Python needs.
apt() {
    apt-get --quiet=2 --yes --config-file "$arm/apt/apt.conf" "$@"
}

prepare_apt() {
    mkdir -p "$arm"/apt/{lists,archives}/partial
    touch "$arm/apt/status"
    cat >"$arm/apt/apt.conf" <<EOT
Dir::State "$arm/apt";
Dir::State::status "$arm/apt/status";
Dir::Cache "$arm/apt";
Debug::NoLocking "true";
APT::Architecture "arm64";
#clear APT::Architectures;
APT::Architectures { "arm64"; "amd64"; };
APT::Sandbox::User "";  // where root calls, a sandboxed user could not write here
#clear APT::Update;     // what other programs do after an update
EOT
    apt update
}

install_qemu() {
    local found package
    if found=$(type -P qemu-aarch64-static || type -P qemu-aarch64); then
        ln -s "$found" "$arm/qemu"
        return
    fi
    # The static binary is in the first package in Debian 12, in the second in Debian 13.
    (cd "$arm/apt" && apt download qemu-user-static:amd64 qemu-user:amd64)
    for package in "$arm"/apt/qemu-*.deb; do
        dpkg-deb --fsys-tarfile "$package" |
            tar --extract --directory "$arm/root" --wildcards './usr/bin/qemu-aarch64*'
    done
    ln -s root/usr/bin/qemu-aarch64-static "$arm/qemu"
}

install_python() {
    local package
    apt install --download-only --no-install-recommends python3 libstdc++6 >/dev/null
    for package in "$arm"/apt/archives/*.deb; do
        dpkg-deb --extract "$package" "$arm/root"
    done
    # Debian 13's packages have no /lib, where binaries look for their loader.
    [[ -e $arm/root/lib ]] || ln -s usr/lib "$arm/root/lib"
}

# As requirements.txt pins them, but for torch: this is the last whose Arm64 wheel comes without
# CUDA, which takes gigabytes.
install_wheels() {
    local python
    python=$(readlink "$arm/root/usr/bin/python3")
    PATH=$root/.venv/bin:$PATH uv pip install --quiet --cache-dir "$arm/uv" --target "$arm/site" \
        --python-platform aarch64-manylinux_2_28 --python-version "${python#python}" \
        --only-binary :all: --constraint <(sed '/^torch==/,/^    #/d' "$root/requirements.txt") \
        array-api-compat filelock numba numpy pandas pydantic pyyaml requests ruamel.yaml safetensors \
        threadpoolctl torch==2.10.0 tqdm
}

install() {
    rm -rf "$arm"
    mkdir -p "$arm/root"
    echo "arm: asking for Debian's packages" >&2
    prepare_apt
    echo "arm: installing QEMU" >&2
    install_qemu
    echo "arm: installing Python" >&2
    install_python
    echo "arm: installing wheels" >&2
    install_wheels
    rm -rf "$arm/apt" "$arm/uv"
    touch "$arm/installed"
}

# Only a finished install has the file; when the pins have changed since, it is made anew.
if [[ ! $arm/installed -nt $root/requirements.txt ]]; then
    install
fi

# A processor that exists, Amazon's Graviton 2; emulating it is faster than QEMU's default.
export QEMU_CPU=${QEMU_CPU:-neoverse-n1}
export PYTHONHOME=$arm/root/usr PYTHONNOUSERSITE=1 PYTHONPATH=$arm/site:$root
# Argument 0 becomes sys.executable: this script, so that Python can start another Python.
exec "$arm/qemu" -L "$arm/root" -0 "$root/verification/arm.sh" "$arm/root/usr/bin/python3" "$@"
