"""Tests of the pictures beside a file of markdown."""

import io
import os
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.reporters.markdown.parsed import parsed
from trainsense.reporters.document import Card, Document, Figure, Folded
from trainsense.reporters.markdown import write_markdown

PNG = b"\x89PNG\r\n\x1a\n"


def figure(file: Path | None, name: str = "lr-axis") -> Figure:
    """Return a figure of this file."""
    return Figure(name=name, alternative="Best [lr] 0.1 | x.", caption="The axis", file=file, numbers=None)


def written(target: Path, *figures: Figure) -> str:
    """Return what is written to `target`, the figures in a card and folded."""
    card = Card(tone="neutral", label="", name="", title="", blocks=(Folded(summary="", blocks=figures),))
    document = Document(title="net", tone="healthy", verdict="healthy", subtitle="", summary="", blocks=(card,))
    stream = io.StringIO()
    write_markdown(document, stream, target)
    return stream.getvalue()


def images(text: str) -> list[tuple[str, str]]:
    """Return the link of every picture, decoded, and its alternative."""
    inline = [child for token in parsed(text) for child in token.children or () if child.type == "image"]
    return [
        (unquote(str(image.attrs["src"])), "".join(child.content for child in image.children or ())) for image in inline
    ]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Return a picture."""
    (tmp_path / "run").mkdir()
    file = tmp_path / "run" / "a b.png"
    file.write_bytes(PNG + b"1")
    return file


@pytest.mark.parametrize("name", ["report.md", "re port (1)#é%.md", "re[port].v2.md", "report"])
def test_pictures_lie_beside_the_file(tmp_path: Path, picture: Path, name: str) -> None:
    """And are linked from it with their alternative, whatever the file is called."""
    target = tmp_path / name
    ((link, alternative),) = images(written(target, figure(picture)))
    assert link == f"{target.stem}-plots/lr-axis.png"
    assert (tmp_path / link).read_bytes() == PNG + b"1"
    assert alternative == "Best [lr] 0.1 | x."


def test_each_picture_has_its_own_name(tmp_path: Path, picture: Path) -> None:
    """Two figures of one name are two files, one picture is copied once, and a name leads nowhere else."""
    other = picture.with_name("b.png")
    other.write_bytes(PNG + b"2")
    last = picture.with_name("c.png")
    last.write_bytes(PNG + b"3")
    text = written(
        tmp_path / "r.md", figure(picture), figure(other, "LR-axis"), figure(picture), figure(last, "../../\n<x>")
    )
    links = [link for link, _ in images(text)]
    assert links == ["r-plots/lr-axis.png", "r-plots/LR-axis-2.png", "r-plots/lr-axis.png", "r-plots/x.png"]
    assert [(tmp_path / link).read_bytes()[-1:] for link in links] == [b"1", b"2", b"1", b"3"]


@pytest.mark.parametrize("content", [None, b"<svg onload=alert(1)>", b""])
def test_a_picture_that_cannot_be_read_is_said(tmp_path: Path, content: bytes | None) -> None:
    """No link to nothing, no folder for nothing."""
    file = tmp_path / "x.png"
    if content is not None:
        file.write_bytes(content)
    text = written(tmp_path / "report.md", figure(file))
    assert not images(text)
    assert "The picture of this figure cannot be read." in text
    assert not (tmp_path / "report-plots").exists()


def test_a_figure_without_a_picture_is_words(tmp_path: Path) -> None:
    """Nothing is missing then."""
    text = written(tmp_path / "report.md", figure(None))
    assert "cannot be read" not in text
    assert r"Best \[lr\] 0.1" in text


def test_writing_again_onto_itself_changes_nothing(tmp_path: Path, picture: Path) -> None:
    """The pictures may lie there already."""
    folder = tmp_path / "report-plots"
    folder.mkdir()
    there = picture.rename(folder / "lr-axis.png")
    assert images(written(tmp_path / "report.md", figure(there)))[0][0] == "report-plots/lr-axis.png"
    assert there.read_bytes() == PNG + b"1"


def test_a_report_in_its_run_directory_links_the_plots_there(tmp_path: Path, picture: Path) -> None:
    """They are not copied once more."""
    (tmp_path / "plots").mkdir()
    there = picture.rename(tmp_path / "plots" / "lr-axis.png")
    assert images(written(tmp_path / "report.md", figure(there)))[0][0] == "plots/lr-axis.png"
    assert not (tmp_path / "report-plots").exists()


def test_what_cannot_be_written_is_an_error(tmp_path: Path, picture: Path) -> None:
    """Who asked for a file is told that it is not whole."""
    (tmp_path / "report-plots").write_text("a file, no folder")
    with pytest.raises(OSError, match="report-plots"):
        written(tmp_path / "report.md", figure(picture))


def test_beside_a_device_nothing_is_put(tmp_path: Path, picture: Path) -> None:
    """`--output markdown=/dev/stdout` is standard output, a pipe no file in a folder."""
    pipe = tmp_path / "pipe.md"
    os.mkfifo(pipe)
    for target in (Path("/dev/stdout"), Path("/dev/fd/1"), pipe):
        assert not images(written(target, figure(picture)))
        assert not target.with_name(f"{target.stem}-plots").exists()
