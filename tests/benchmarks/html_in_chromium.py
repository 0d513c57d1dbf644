"""Pages of reports as Chromium shows them: pictures to look at, and what is wrong with them.

Run: python -m tests.benchmarks.html_in_chromium FOLDER [RUN …]

Writes `report --format html` of every run (by default those of sample_runs/) into the folder, with a screenshot of each at
phone and laptop width, light and dark, and the page as it is printed. Complains of messages on the console, requests,
pages that are wider than the window, and what axe-core finds.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.reporters.html.chromium import EXECUTABLE, Tab, browser, new_tab

WIDTHS = (360, 1280)
SCHEMES = ("light", "dark")


def show(tab: Tab, page: Path) -> Iterator[str]:
    """Take the pictures of one page and yield what is wrong with it."""
    for width in WIDTHS:
        for scheme in SCHEMES:
            tab.open(page, width=width, scheme=scheme)
            tab.screenshot(page.with_name(f"{page.stem}-{width}-{scheme}.png"))
            if (wide := tab.value("document.documentElement.scrollWidth")) > width:
                yield f"{wide} pixels wide in a window of {width}"
            yield from tab.complaints()
            yield from tab.requests()[1:]
            yield from tab.axe()
    tab.open(page, width=WIDTHS[-1], scheme="light")
    tab.printed(page.with_suffix(".pdf"))


def main(arguments: Sequence[str]) -> int:
    """Show the pages; return how many faults there are, at most 1."""
    if EXECUTABLE is None:
        print("There is no Chromium here.")
        return 0
    folder, *runs = arguments
    Path(folder).mkdir(parents=True, exist_ok=True)
    faults = 0
    for run in runs or sorted(map(str, Path("sample_runs").iterdir())):
        page = Path(folder) / f"{Path(run).name}.html"
        with page.open("w", encoding="utf-8") as stream:
            command = [sys.executable, "-m", "trainsense", "report", run, "--format", "html"]
            subprocess.run(command, stdout=stream, check=False)
        with (
            TemporaryDirectory(ignore_cleanup_errors=True) as profile,
            browser(Path(profile)) as running,
            new_tab(running) as tab,
        ):
            found = list(show(tab, page))
        faults += len(found)
        print(f"{page}: {page.stat().st_size:,} bytes, faults: {'; '.join(found) or 'none'}")
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
