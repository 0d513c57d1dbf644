"""Reading a page back as a browser does, and refusing what a browser would mend."""

from io import StringIO
from xml.etree.ElementTree import Element

import html5lib

from trainsense.reporters.document import Document
from trainsense.reporters.html import write_html


def written(document: Document) -> str:
    """Return the page's source."""
    stream = StringIO()
    write_html(document, stream)
    return stream.getvalue()


def parsed(page: str) -> Element:
    """Return the page's tree; any error of HTML 5's grammar raises."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False, strict=True)
    root = parser.parse(page)
    assert isinstance(root, Element)
    return root


def read(document: Document) -> Element:
    """Return the tree of the document's page."""
    return parsed(written(document))


def text_in(element: Element | None) -> str:
    """Return all text within the element."""
    assert element is not None
    return "".join(element.itertext())


def one(root: Element, path: str) -> Element:
    """Return the only element at the path."""
    (found,) = root.iterfind(path)
    return found


def with_class(root: Element, name: str) -> list[Element]:
    """Return the elements that have the class."""
    return [element for element in root.iter() if name in element.get("class", "").split()]
