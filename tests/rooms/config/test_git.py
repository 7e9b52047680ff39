"""The commit of a checkout, read from git's own files."""

from pathlib import Path

import pytest

from seatrial.config.git import commit_of

ONE, TWO = "1" * 40, "2" * 40


def lay(folder: Path, files: dict[str, str]) -> None:
    """Write files."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".git/HEAD": f"{ONE}\n"}, ONE),
        ({".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": f"{ONE}\n"}, ONE),
        (
            {
                ".git/HEAD": "ref: refs/heads/main\n",
                ".git/packed-refs": f"# pack-refs\n{TWO} refs/heads/other\n{ONE} refs/heads/main\n",
            },
            ONE,
        ),
        ({".git/HEAD": "ref: refs/heads/main\n"}, ""),
        ({".git/HEAD": "nonsense\n"}, ""),
        ({".git/config": ""}, ""),
        (
            {
                ".git": "gitdir: main/.git/worktrees/here\n",
                "main/.git/worktrees/here/HEAD": "ref: refs/heads/topic\n",
                "main/.git/worktrees/here/commondir": "../..\n",
                "main/.git/refs/heads/topic": f"{TWO}\n",
            },
            TWO,
        ),
    ],
    ids=["detached", "branch", "packed", "unborn", "broken", "empty", "worktree"],
)
def test_commit_is_read(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    """Branches, packed branches, detached heads and worktrees are followed."""
    lay(tmp_path, files)
    (tmp_path / "deep/inside").mkdir(parents=True)

    assert expected == commit_of(tmp_path / "deep/inside")


def test_outside_of_git_there_is_no_commit(tmp_path: Path) -> None:
    """No checkout, no commit, no error."""
    assert "" == commit_of(tmp_path)
