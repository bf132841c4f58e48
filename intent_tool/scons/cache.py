"""`cache=DIR`: SCons' CacheDir for records, shared by checkouts and machines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import SCons.CacheDir
import SCons.Errors
import SCons.Util

from intent_tool.language.diagnostics import IntentError, error
from intent_tool.scons.record import RECORD_SUFFIX, read_record
from intent_tool.scons.session import session


class RecordCache(SCons.CacheDir.CacheDir):  # type: ignore[misc]
    """Keeps records only, as all else is taken out of them, and retrieves them without a line for each."""

    def retrieve(self, node: Any) -> bool:
        if not (self.is_enabled() and node.name.endswith(RECORD_SUFFIX)):
            return False
        kept = Path(self.cachepath(node)[1])
        try:
            read_record(kept)
        except OSError:
            return False
        except ValueError:
            # Damaged. In its place it would also keep the new record out.
            kept.unlink(missing_ok=True)
            return False
        return bool(SCons.CacheDir.CacheRetrieveSilent(node, [], node.get_build_env(), execute=1) == 0)

    def push(self, node: Any) -> Any:
        return super().push(node) if node.name.endswith(RECORD_SUFFIX) else None


def cache_folder(name: str) -> Path | None:
    """The folder of `cache=name`, made where it is missing; None where there is none and nothing may be made.
    Raises `IntentError` when it cannot hold a cache."""
    folder = session().root / name
    try:
        if not name:
            raise NotADirectoryError(0, "no folder is named")
        if (session().dry or session().clean) and not (folder / "config").exists():
            return None
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(0, "it cannot be read and written")
        SCons.CacheDir.CacheDir(str(folder))
    except OSError as failure:
        raise _no_cache(name, failure.strerror or str(failure)) from None
    except (SCons.Errors.SConsEnvironmentError, SCons.Util.SConsLockFailure) as failure:
        raise _no_cache(name, str(failure)) from None
    return folder


def _no_cache(name: str, why: str) -> IntentError:
    return error("E913", f"`cache={name}` cannot be the cache: {why}",
                 help="it is a folder, relative to the project or absolute, that is made where it is missing")
