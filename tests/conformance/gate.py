"""Hold the rules against the visible cases of other linters, and fail where a case that passed before fails.

`python -m tests.conformance.gate` compares with passed.txt; `--update` writes it anew.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CASES = HERE.parent.parent.parent / "shared" / "conformance"
PASSED = HERE / "passed.txt"


def states() -> dict[str, str]:
    """The state of every case: pass, fail, deviation, unclaimed or crash."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        command = [sys.executable, str(CASES / "run.py"), str(CASES), "--json", str(out)]
        subprocess.run([*command, "--deviations", str(HERE / "deviations.jsonl")], check=True)
        return {row["id"]: row["state"] for row in json.loads(out.read_text(encoding="utf-8"))}


def main() -> int:
    """1 where a case is lost, or a deviation has no reason or no case."""
    if not (CASES / "run.py").is_file():
        print("conformance: skipped, for the shared cases are not beside the checkout (../shared/conformance)")
        return 0
    found = states()
    passing = sorted(case for case, state in found.items() if state == "pass")
    if "--update" in sys.argv[1:]:
        PASSED.write_text("".join(f"{case}\n" for case in passing), encoding="utf-8")
        return 0
    before = set(PASSED.read_text(encoding="utf-8").split("\n")) - {""}
    lost = sorted(before & set(found) - set(passing))
    for case in lost:
        print(f"lost: {case} is now {found[case]}")
    rows = [json.loads(line) for line in (HERE / "deviations.jsonl").read_text(encoding="utf-8").splitlines()]
    wrong = [row["id"] for row in rows if row["id"] not in found or len(row["reason"]) < 20]
    for case in wrong:
        print(f"deviation without a case or a reason: {case}")
    print(f"{len(passing)} cases pass, {len(lost)} lost")
    return 1 if lost or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
