# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Archives for tests, well-formed and hostile ones, as bytes."""
import base64
import hashlib
import io
import tarfile
import warnings
import zipfile


def zip_of(members, method=zipfile.ZIP_DEFLATED):
    """members: {name: bytes}, or [(name or ZipInfo, bytes)] where a name may come twice."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items() if isinstance(members, dict) else members:
            with warnings.catch_warnings(action="ignore"):
                archive.writestr(name, data)
    return out.getvalue()


def tgz_of(members):
    """members: {name: bytes or TarInfo}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in members.items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def tar_link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def tar_pax(name, **headers):
    """An empty member whose extended header says otherwise."""
    info = tarfile.TarInfo(name)
    info.pax_headers = headers
    return info


def zip_link(name, target):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return zip_of([(info, target.encode())])


def encrypted(data):
    """Sets the flag of encryption in every header of a zip."""
    out = bytearray(data)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        where = out.find(mark)
        while where >= 0:
            out[where + at] |= 1
            where = out.find(mark, where + 4)
    return bytes(out)


def wheel(name, version, files, licence="Apache-2.0"):
    """(file name, bytes) of a wheel."""
    module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    if licence:
        metadata += f"License: {licence}\n"
    members = {f"{module}/__init__.py": b"raise SystemExit('a package must not run')\n",
               **{f"{module}/{path}": data for path, data in files.items()},
               f"{info}/METADATA": metadata.encode(),
               f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = "".join(f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},"
                     f"{len(data)}\n" for path, data in members.items())
    members[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    return f"{module}-{version}-py3-none-any.whl", zip_of(members)
