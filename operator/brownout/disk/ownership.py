"""Who may change what is run: whoever can write to the directory can run any program as this user.

A folder that anybody can write to is trusted only if it is sticky (nobody can replace another's file), and then
only files of the folder's owner, of root and of this user count.
"""

import os
import stat

__all__ = ["caution", "distrust"]

_ROOT = 0


def distrust(found: os.stat_result, owner: int) -> str:
    """Why a folder or file is not trusted, in words that follow its name; empty where it is.

    `owner` is the user to whom the watched directory belongs.
    """
    if found.st_uid not in (_ROOT, os.geteuid(), owner):
        return f"belongs to user {found.st_uid}, who would run programs as this user"
    shared = bool(found.st_mode & stat.S_ISVTX) and stat.S_ISDIR(found.st_mode)
    if found.st_mode & stat.S_IWOTH and not shared:
        return "can be written by anybody, who could run any program here: chmod o-w it"
    return ""


def caution(found: os.stat_result) -> str:
    """What to know about the watched directory though it is trusted; empty where there is nothing."""
    if found.st_mode & stat.S_IWGRP and found.st_gid != os.getegid():
        return "can be written by its group, whose members can run any program here"
    if found.st_uid not in (_ROOT, os.geteuid()):
        return f"belongs to user {found.st_uid}, who can run any program here"
    return ""
