"""Where a project may lie: on a disk of this computer. Refuses network file systems.

SQLite's log of what is not yet in the database is shared memory between processes, and its locks are the file system's: over a
network neither holds, and two computers would spoil the database.
"""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from studio.core.errors import ProjectError

NETWORKED = frozenset(
    "nfs nfs3 nfs4 cifs smb smb2 smb3 smbfs smbnetfs afpfs afs ncpfs ncp webdav davfs davfs2 sshfs s3fs rclone gcsfuse ceph"
    " glusterfs lustre beegfs beegfs_nodev gpfs pvfs2 orangefs coda".split()
)
"""Types of file systems, as mount tables name them, FUSE's without `fuse.`."""


def refuse_network(folder: Path) -> None:
    """Raises ProjectError where `folder`, an absolute path, lies on a network file system."""
    found = network_file_system(folder)
    if found is not None:
        raise ProjectError(
            f"{folder} lies on a network file system ({found}), where a project's database can be damaged.",
            "Choose a folder on a disk of this computer; `--home` and STUDIO_HOME say where new projects go.",
        )


def network_file_system(folder: Path) -> str | None:
    """The type of the network file system that `folder` lies on; None for a disk of this computer, or where it cannot be told."""
    if str(folder).startswith("\\\\"):
        return "a share"
    mounts = [m for m in psutil.disk_partitions(all=True) if folder.is_relative_to(m.mountpoint)]
    if not mounts:
        return None
    # of two mounts at one place the later one is seen
    _, mount = max(enumerate(mounts), key=lambda pair: (len(Path(pair[1].mountpoint).parts), pair[0]))
    kind = mount.fstype.lower().removeprefix("fuse.")
    remote = os.name == "nt" and "remote" in mount.opts.split(",")
    return mount.fstype if kind in NETWORKED else "a share" if remote else None
