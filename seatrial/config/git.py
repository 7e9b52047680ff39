"""Which commit a folder was checked out at, by reading git's files; no process is started."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_ID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def commit_of(folder: Path) -> str:
    """Return the commit id of the checkout that a folder is in; empty when there is none.

    Whether files were changed since is not told: that needs git itself.
    """
    for place in (folder, *folder.parents):
        git = place / ".git"
        if git.exists():
            try:
                return _head(_git_folder(git))
            except (OSError, UnicodeDecodeError):
                return ""
    return ""


def _git_folder(git: Path) -> Path:
    """Follow the pointer that stands in place of a folder in worktrees and submodules."""
    if git.is_dir():
        return git
    return git.parent / git.read_text().removeprefix("gitdir:").strip()


def _head(git: Path) -> str:
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref:"):
        return head if _ID.fullmatch(head) else ""
    name = head.removeprefix("ref:").strip()
    pointer = git / "commondir"
    shared = git / pointer.read_text().strip() if pointer.is_file() else git
    for loose in (git / name, shared / name):
        if loose.is_file():
            found = loose.read_text().strip()
            return found if _ID.fullmatch(found) else ""
    packed = shared / "packed-refs"
    if packed.is_file():
        for line in packed.read_text().splitlines():
            commit, _, ref = line.partition(" ")
            if ref == name and _ID.fullmatch(commit):
                return commit
    return ""
