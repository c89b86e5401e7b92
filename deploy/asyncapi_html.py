"""`make asyncapi-html`: schemas/asyncapi.json as one HTML page that needs no other file and no network.

TARBALL OUTPUT. The page is drawn by AsyncAPI's own component for the browser (@asyncapi/react-component, Apache-2.0),
of which the tarball is one pinned release; its parser checks the document again when the page is opened.
"""

import hashlib
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parents[1] / "schemas"
SHA256 = "c7b5fa24dd8395383fcde3fe53d1bc9a66f02e39c86999845e486084504d512c"
"""Of the tarball of release 3.2.1."""
PARTS = ("package/browser/standalone/index.js", "package/styles/default.min.css")
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Greenlane: what stands on each topic (AsyncAPI)</title>
<style>{style}</style>
</head>
<body>
<div id="asyncapi"><p>This page needs JavaScript. The same document is schemas/asyncapi.json.</p></div>
<script>{script}</script>
<script>
AsyncApiStandalone.render({{
  schema: {document},
  config: {{show: {{sidebar: true, errors: true}}, expand: {{messageExamples: false}}}},
}}, document.getElementById("asyncapi"));
</script>
</body>
</html>
"""


def bundled(folder: Path = SCHEMAS) -> dict[str, Any]:
    """The AsyncAPI document with the JSON Schemas that it refers to inside it."""
    document: dict[str, Any] = json.loads((folder / "asyncapi.json").read_text(encoding="utf-8"))
    document["components"]["schemas"] = {
        path.stem: _without_name(_own(json.loads(path.read_text(encoding="utf-8")), path.stem))
        for path in sorted((folder / "json-schema").glob("*.json"))
    }
    found: dict[str, Any] = _own(document, "")
    return found


def _without_name(schema: dict[str, Any]) -> dict[str, Any]:
    """Inside another document a schema has no address of its own."""
    return {key: value for key, value in schema.items() if key not in {"$id", "$schema"}}


def _own(node: Any, name: str) -> Any:
    """The same with every reference leading into the bundle; `name` is the schema that `#/$defs` means."""
    if isinstance(node, dict):
        return {key: _moved(value, name) if key == "$ref" else _own(value, name) for key, value in node.items()}
    return [_own(value, name) for value in node] if isinstance(node, list) else node


def _moved(reference: str, name: str) -> str:
    if reference.startswith("./json-schema/"):
        file, _, pointer = reference.removeprefix("./json-schema/").partition("#")
        return f"#/components/schemas/{file.removesuffix('.json')}{pointer}"
    if reference.startswith("#/$defs/"):
        return f"#/components/schemas/{name}{reference.removeprefix('#')}"
    return reference


def page(tarball: Path) -> str:
    """The whole page. Raises ValueError for a tarball that is not the pinned one."""
    found = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if found != SHA256:
        raise ValueError(f"{tarball} has the SHA-256 {found}, not that of the pinned release; fetch it again")
    texts = []
    with tarfile.open(tarball) as archive:
        for part in PARTS:
            file = archive.extractfile(part)
            if file is None:
                raise ValueError(f"{tarball} lacks {part}; fetch it again")
            texts.append(file.read().decode())
    script, style = texts
    document = json.dumps(bundled(), ensure_ascii=False).replace("</", "<\\/")
    return PAGE.format(style=style, script=script.replace("</script", "<\\/script"), document=document)


if __name__ == "__main__":
    tarball, output = map(Path, sys.argv[1:])
    output.write_text(page(tarball), encoding="utf-8")
    print(f"{output}: {output.stat().st_size:,} bytes")  # noqa: T201 - what this program is for
