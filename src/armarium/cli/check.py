"""`armarium check`."""

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from armarium.cli.connect import Config, Data, Json, settings_from, with_core
from armarium.cli.output import print_json, show

if TYPE_CHECKING:
    from armarium.core import Core
    from armarium.core.check import CheckReport, Problem

_FOUND_PROBLEMS = 1


def check(
    *,
    read_data: Annotated[bool, Parameter(negative="", help="Read every byte and compare its hash.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Compare the store with its records: every blob that is needed must be there, with the right size.

    Changes nothing. Ends with 1 when something is wrong.
    """

    async def work(core: "Core") -> "CheckReport":
        return await core.check.run(read_data=read_data)

    report = with_core(settings_from(config, data=data), work)
    if as_json:
        print_json(report)
    else:
        _print(report)
    if not report.is_good:
        sys.exit(_FOUND_PROBLEMS)


def _print(report: "CheckReport") -> None:
    left = report.leftovers
    print(f"{report.blobs} blobs, {report.size_bytes} bytes, {report.hashed} of them read and compared")
    print(
        f"left over and old enough to be swept: {left.unreferenced} unreferenced, {left.unknown} unknown, "
        f"{left.interrupted} interrupted, {left.expired_uploads} expired uploads, {left.freed_bytes} bytes"
    )
    if report.problems:
        show([_row(problem) for problem in report.problems], ("blob", "wrong", "needed_by"), as_json=False)
    print("all is well" if report.is_good else f"{len(report.problems)} blobs are damaged")


def _row(problem: "Problem") -> dict[str, object]:
    uses = [f"{use.workspace}/{use.alias} {use.version} {use.path}" for use in problem.uses]
    return {"blob": problem.blob_id, "wrong": problem.reason, "needed_by": uses}
