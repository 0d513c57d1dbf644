"""The table of bad inputs: what is wrong, and what the message must say."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.command_line import GOOD_WORKLOAD

GOOD_FIELDS: Final = "model=model, data=data, loss=loss"
SMALL: Final = ("--steps", "20", "--seeds", "1", "--budget", "400steps")


@dataclass(frozen=True, kw_only=True)
class BadInput:
    """One row.

    Args:
        name: what is wrong.
        text: the workload's file.
        arguments: the command line; `w.py` holds the text.
        says: fragments that the message must have.
    """

    name: str
    text: str
    says: tuple[str, ...]
    arguments: tuple[str, ...] = ("sweep-lr", "w.py", *SMALL)


def _line(name: str, arguments: str, *says: str) -> BadInput:
    """Return a row for a command line that is wrong, on a good workload."""
    text = f"{GOOD_WORKLOAD}\nworkload = Workload({GOOD_FIELDS})\n"
    return BadInput(name=name, text=text, arguments=("sweep-lr", *arguments.split()), says=says)


def _file(name: str, text: str, *says: str) -> BadInput:
    """Return a row for a file of the given text."""
    return BadInput(name=name, text=text, says=says)


def _fields(name: str, changes: str, *says: str, code: str = "") -> BadInput:
    """Return a row for a workload with fields changed and code before it."""
    made = f"fields = dict({GOOD_FIELDS})\nfields.update({changes})\nworkload = Workload(**fields)\n"
    return BadInput(name=name, text=f"{GOOD_WORKLOAD}\n{code}\n{made}", says=says)


def _code(name: str, code: str, *says: str, fields: str = "") -> BadInput:
    """Return a row for a workload whose functions are overwritten by `code`."""
    return _fields(name, fields, *says, code=code)


TARGETS: Final = (
    _line("missing file", "ww.py", "There is no file ww.py", "Did you mean w.py?"),
    _line("missing module", "no_such_package.train", "There is no module 'no_such_package'"),
    _line("a folder", ".", ". is a folder", "w.py"),
    _line("not python", "notes.txt", "notes.txt is not a Python file"),
    _line("a name that is not there", "w.py:big", "no attribute 'big'", "w.py:workload"),
    _line("no name after the colon", "w.py:", "after the colon"),
)

FILES: Final = (
    _file("syntax error", "x = 1\nmodel = (\n", "Importing w.py raised SyntaxError", "line 2", "model = ("),
    _file("import error", "import no_such_thing\n", "No module named 'no_such_thing'", "line 1"),
    _file("raises when imported", "x = {}['k']\n", "Importing w.py raised KeyError", "x = {}['k']"),
    _file("exits when imported", "raise SystemExit(4)\n", "Importing w.py raised SystemExit: 4", "__main__"),
    _file("empty file", "", "no attribute 'workload'", "workload = Workload(...)"),
    _file("a dictionary", "workload = {'model': 1}\n", "w.py:workload is dict"),
    _file("the class", "from trainsense import Workload as workload\n", "w.py:workload is type"),
    _file("function with arguments", "def workload(size): ...\n", "w.py:workload is a function that needs arguments"),
    _file("function that returns nothing", "def workload(): ...\n", "w.py:workload() returned NoneType"),
    _file("function that raises", "def workload(): 1 / 0\n", "w.py:workload() raised ZeroDivisionError", "1 / 0"),
)

FIELDS: Final = (
    _fields("model instance", "model=model()", "Workload.model must be a function that builds the model"),
    _fields("data a list", "data=data()", "Workload.data must be a function, not list"),
    _fields("loss no function", "loss=0.5", "Workload.loss must be a function, not float (0.5)"),
    _fields("loss of one argument", "loss=lambda net: 0", "Workload.loss must accept 2 arguments"),
    _fields("optimizer a name", "optimizer='adam'", "Workload.optimizer must be a function, not str ('adam')"),
    _fields("optimizer without lr", "optimizer=lambda net: 0", "Workload.optimizer must accept 2 arguments"),
    _fields("lr zero", "lr=0", "Workload.lr must be finite and above 0, not 0"),
    _fields("lr negative", "lr=-0.1", "Workload.lr must be finite and above 0, not -0.1"),
    _fields("lr nan", "lr=float('nan')", "Workload.lr must be finite and above 0, not nan"),
    _fields("lr a string", "lr='1e-3'", "Workload.lr must be a number above 0 or None, not str"),
    _fields("schedule misspelt", "schedule='cosin'", "Workload.schedule 'cosin'", "Did you mean 'cosine'?"),
    _fields("clip_norm zero", "clip_norm=0", "Workload.clip_norm must be finite and above 0"),
    _fields("accumulate zero", "accumulate=0", "Workload.accumulate must be a whole number of at least 1"),
    _fields("autocast float64", "autocast=torch.float64", "Workload.autocast must be torch.float16"),
    _fields("metrics alone", "metrics=lambda net, batch: {}", "Workload.metrics needs eval_data"),
    _fields("eval_data a list", "eval_data=[1]", "Workload.eval_data must be a function, not list"),
    _file("unknown field", f"{GOOD_WORKLOAD}\nworkload = Workload({GOOD_FIELDS}, learning_rate=1)\n", "learning_rate"),
)

OPTIONS: Final = (
    _line("budget", "w.py --budget 3x", "--budget '3x'", "90s, 10m, 1h, 20000steps or none"),
    _line("seeds", "w.py --seeds 0", "--seeds 0 is too small"),
    _line("seeds a word", "w.py --seeds many", "--seeds"),
    _line(
        "format", "w.py --format pdf", "--format 'pdf' is unknown", "text, json, markdown, junit, sarif, github or html"
    ),
    _line("rule to ignore", "w.py --ignore dead-rel", "dead-rel", "dead-relu"),
    _line("baseline", "w.py --baseline missing.json", "missing.json", "a run directory, a report.json"),
    _line("device", "w.py --device nonsense", "--device 'nonsense' is unknown", "auto, cpu, cuda, mps or cuda:N"),
    _line("lr", "w.py --lr -1", "--lr -1"),
    _line("fail-on", "w.py --fail-on maybe", "--fail-on 'maybe' is unknown", "error, warning, note or never"),
    _line("engine", "w.py --engine warp", "--engine 'warp' is unknown", "auto, sequential"),
    _line("steps", "w.py --steps 3", "--steps 3 is too small: it must be at least 20"),
    _line("jobs", "w.py --jobs 0", "--jobs 0"),
    _line("output folder", "w.py --output json=/no/such/dir/x.json", "there is no folder /no/such/dir"),
    _line("output without a format", "w.py --output report.json", "is not FORMAT=PATH"),
    _line("unknown option", "w.py --learning-rate 1", "No such option"),
    _line("no workload", "", "Missing argument"),
)

DRY_RUN: Final = (
    _code("no batch", "def data(): return []", "Workload.data", "no batch"),
    _code("no eval batch", "def held(): return []", "Workload.eval_data", "no batch", fields="eval_data=held"),
    _code("data no iterable", "def data(): return 3", "Workload.data", "int"),
    _code("model no module", "def model(): return 'net'", "Workload.model", "str"),
    _code("model without parameters", "def model(): return nn.ReLU()", "Workload.model", "parameter"),
    _code("the same model twice", "net = nn.Linear(2, 1)\ndef model(): return net", "Workload.model", "same"),
    _code("loss a float", "def loss(net, batch): return 0.5", "Workload.loss", "float"),
    _code("loss no scalar", "def loss(net, batch): return net(batch[0])", "Workload.loss", "scalar"),
    _code("loss detached", "def loss(net, batch): return net(batch[0]).mean().detach()", "Workload.loss", "gradient"),
    _code("loss an integer", "def loss(net, batch): return torch.tensor(3)", "Workload.loss"),
    _code("loss raises", "def loss(net, batch): raise ValueError('no')", "Workload.loss", "ValueError: no", "w.py"),
    _code("wrong shapes", "def model(): return nn.Linear(3, 1)", "Workload.loss", "RuntimeError", "w.py"),
    _code("data raises", "def data(): raise OSError('gone')", "Workload.data", "OSError: gone", "w.py"),
    _code("model raises", "def model(): raise ValueError('no')", "Workload.model", "ValueError: no", "w.py"),
    _code("optimizer no optimizer", "opt = lambda net, lr: lr", "Workload.optimizer", "float", fields="optimizer=opt"),
    _code("optimizer raises", "opt = lambda net, lr: 1 / 0", "ZeroDivisionError", "w.py", fields="optimizer=opt"),
    _code("schedule a string", "how = lambda step: 'slow'", "Workload.schedule", "str", fields="schedule=how"),
    _line("no GPU", "w.py --device cuda --steps 20 --budget 400steps", "cuda"),
    _line("run directory is a file", "w.py --run-dir notes.txt --steps 20 --budget 400steps", "notes.txt"),
    _line("corrupt store", "w.py --run-dir corrupt --steps 20 --budget 400steps", "corrupt", "trials.sqlite"),
)

DURING_TRAINING: Final = (
    _code(
        "data raises at batch 3",
        "good = data\ndef data():\n    yield from good()[:3]\n    raise OSError('gone')",
        "OSError: gone",
    ),
    _code(
        "loss raises at batch 3",
        "good, calls = loss, []\n"
        "def loss(net, batch):\n"
        "    calls.append(1)\n"
        "    if len(calls) == 4: raise ValueError('no')\n"
        "    return good(net, batch)",
        "ValueError: no",
    ),
)

SICK: Final = (
    _code("NaN in the data", "def data(): return [(torch.full((8, 2), torch.nan), torch.ones(8, 1))]"),
    _code("infinite first loss", "good = loss\ndef loss(net, batch): return good(net, batch) * float('inf')"),
)


def write_surroundings(folder: Path, row: BadInput) -> None:
    """Write the workload of a row and the files that its command line names."""
    (folder / "w.py").write_text(row.text)
    (folder / "notes.txt").write_text("no run directory\n")
    (folder / "corrupt").mkdir()
    (folder / "corrupt" / "trials.sqlite").write_text("this is no database, " * 100)
